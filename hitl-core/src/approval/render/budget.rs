//! The size limits of surfaces: arguments that do not fit are left out, and the text says so.

use hitl_base::display::{clip, fingerprint};

use super::TextStyle;
use super::view::{Line, ReviewCard, Section, SectionName, Truncation};

/// The most characters of a chat message.
pub(super) const MAX_CHAT: usize = 3_500;
/// The most characters of a Markdown text: a comment on the large forges holds 65,536.
pub(super) const MAX_MARKDOWN: usize = 60_000;
/// The most characters of an HTML fragment: mail programs cut longer messages.
pub(super) const MAX_HTML: usize = 100_000;

/// The most characters of each text, tried in this order, once no more lines can be left out.
const TEXTS: [usize; 3] = [300, 80, 20];

fn characters(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.value.chars().count()).sum()
}

/// Returns the line that replaces arguments that do not fit.
pub(super) fn rest(total: usize, sha256: String) -> Line {
    Line {
        value: format!(
            "[… {total} characters in all do not fit here, sha256 {sha256}: see them in the console]"
        ),
        tone: TextStyle::Warning,
        withheld: Some(Truncation { total, sha256 }),
        ..Line::default()
    }
}

impl ReviewCard {
    /// Returns what `write` makes of the view, with as many lines as fit into `max` characters.
    pub(super) fn fitted(&self, max: usize, write: impl Fn(&Self) -> String) -> String {
        let whole = write(self);
        if whole.chars().count() <= max {
            return whole;
        }
        let lines = self.sections.iter().map(|section| section.lines.len()).max().unwrap_or(0);
        // Finds the most lines of each section with which it fits: more lines never make it
        // shorter.
        let (mut fits, mut too_many) = (0, lines);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            if write(&self.shortened(middle)).chars().count() <= max {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        // If not even one line of each fits, long texts are cut.
        let fitting = self.shortened(fits);
        let cut = TEXTS.iter().map(|room| write(&fitting.clipped(*room)));
        let whole = std::iter::once(write(&fitting));
        let mut written = String::new();
        for next in whole.chain(cut) {
            written = next;
            if written.chars().count() <= max {
                break;
            }
        }
        written
    }

    /// Returns the view with at most `room` characters of each text.
    fn clipped(&self, room: usize) -> Self {
        let mut view = self.clone();
        view.title.text = clip(&view.title.text, room).into_owned();
        for warning in &mut view.warnings {
            *warning = clip(warning, room).into_owned();
        }
        for section in &mut view.sections {
            section.clip(room);
        }
        view
    }

    /// Returns the view with at most `lines` lines of each section.
    fn shortened(&self, lines: usize) -> Self {
        let mut view = self.clone();
        let warning = "this does not fit here: see the whole request in the console";
        view.warnings.truncate(lines);
        view.warnings.insert(0, warning.to_owned());
        for section in &mut view.sections {
            section.shorten(lines);
        }
        view
    }
}

impl Section {
    fn clip(&mut self, room: usize) {
        let is_long = |line: &Line| line.value.chars().count() > room;
        let is_ours = |line: &Line| line.withheld.is_some() && line.label.is_none();
        if self.name == SectionName::Arguments
            && self.lines.iter().any(|l| is_long(l) && !is_ours(l))
        {
            let (total, text) = (characters(&self.lines), format!("{:?}", self.lines));
            self.lines = vec![rest(total, fingerprint(&text))];
            return;
        }
        for line in self.lines.iter_mut().filter(|line| !is_ours(line)) {
            line.value = clip(&line.value, room).into_owned();
            line.reads = line.reads.as_ref().map(|reads| clip(reads, room).into_owned());
            line.label = line.label.as_ref().map(|label| clip(label, room).into_owned());
        }
    }

    fn shorten(&mut self, lines: usize) {
        if self.lines.len() <= lines || self.lines.len() == 1 {
            return;
        }
        let dropped = self.lines.split_off(lines);
        if self.name == SectionName::Arguments {
            let text = format!("{dropped:?}");
            let total = characters(&self.lines) + characters(&dropped);
            self.lines.push(rest(total, fingerprint(&text)));
        } else {
            let value = format!("and {} more", dropped.len());
            self.lines.push(Line { value, ..Line::default() });
        }
    }
}
