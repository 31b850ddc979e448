//! The things that the arguments point at: the contents that were read, and the references that
//! nobody inspected.

use std::borrow::Cow;
use std::fmt::Write as _;

use hitl_base::Json;
use hitl_base::display::{clip, quoted, text_hazards, visible};

use super::alike;
use super::view::{DetailLevel, Line};
use super::{TextStyle, masks};
use crate::approval::{
    ApprovalRequest, Content, ContentState, ReferenceKind, References, argument,
};

/// The number of references that are named one by one.
const MAX_NAMED: usize = 4;
/// The most characters of an argument's name.
const NAME: usize = 60;
/// The most characters of a link's target.
const PATH: usize = 200;

/// The limits on the contents that are shown.
#[derive(Clone, Copy)]
struct Room {
    /// Lines of one content.
    lines: usize,
    /// Characters of one content.
    characters: usize,
    /// Characters of one line.
    line: usize,
    /// Contents that are shown one by one.
    contents: usize,
}

impl From<DetailLevel> for Room {
    fn from(extent: DetailLevel) -> Self {
        match extent {
            DetailLevel::Brief => Self { lines: 20, characters: 2_000, line: 200, contents: 4 },
            DetailLevel::Full => {
                Self { lines: 5_000, characters: 300_000, line: 4_000, contents: usize::MAX }
            }
        }
    }
}

/// Returns the line about the references that nobody inspected. `None` if there are none.
pub(super) fn not_inspected(references: &References) -> Option<String> {
    if references.listed.is_empty() && references.more == 0 {
        return None;
    }
    let named = references.listed.iter().take(MAX_NAMED).map(|one| {
        let name = name(&one.at);
        match one.kind {
            ReferenceKind::Path => format!("the file that {name} names"),
            ReferenceKind::Url => format!("what {name} links to"),
            ReferenceKind::FileId => format!("the file with the id in {name}"),
        }
    });
    let mut says = format!("not inspected: {}", named.collect::<Vec<_>>().join(", "));
    let more = references.listed.len().saturating_sub(MAX_NAMED) + references.more;
    if references.listed.is_empty() {
        let _ = write!(says, "what {more} arguments lead to");
        return Some(says);
    }
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(says, " and {more} more");
    }
    Some(says)
}

/// Returns warnings about what the arguments point at.
pub(super) fn warnings(request: &ApprovalRequest, extent: DetailLevel) -> Vec<String> {
    let mut warnings = left_out(&request.contents, Room::from(extent));
    for content in &request.contents {
        let name = name(&content.at);
        if let Some(to) = &content.leads_to {
            warnings.push(link(&name, to));
        }
        match &content.found {
            // The warnings already cover it.
            ContentState::Unread { .. } if content.is_rest() => {}
            ContentState::Unread { why, .. } => {
                warnings.push(format!("what {name} names was not read: {why}"));
            }
            ContentState::Binary { .. } | ContentState::Large { .. } => {
                warnings.push(format!("what {name} names is not shown here"));
            }
            ContentState::Text { .. } => {}
        }
        let Some(text) = &content.text else { continue };
        let listed = content.masks.len() + content.more_masks;
        if masks::masks_in(text) > listed {
            warnings.push(format!(
                "the content of {name} has a mask that is not listed: it may be the text itself"
            ));
        }
        // Line breaks and tabs are normal in a text.
        let plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
        let odd = text_hazards(&plain).into_iter();
        warnings.extend(odd.map(|oddity| format!("the content of {name} has {}", oddity.says())));
        let lines = text.lines().map(|line| Json::String(line.to_owned())).collect();
        let read = alike::readings(&Json::Array(lines)).into_iter();
        warnings.extend(read.map(|warning| format!("in the content of {name}, {warning}")));
    }
    let read = |at: &str| request.contents.iter().any(|content| content.at == at);
    let links = request.links.iter().filter(|link| !read(&link.at));
    warnings.extend(links.map(|found| link(&name(&found.at), &found.to)));
    warnings
}

/// Returns warnings about contents that are not shown here: few warnings, however many contents
/// there are, so that no warning is left out.
fn left_out(contents: &[Content], room: Room) -> Vec<String> {
    let mut warnings = Vec::new();
    for content in contents.iter().filter(|content| content.is_rest()) {
        if let ContentState::Unread { why, said } = &content.found {
            let more = said.as_deref().map(visible).unwrap_or_default();
            warnings.push(format!("and {more} contents were not read: {why}"));
        }
    }
    let is_text = |content: &&Content| matches!(content.found, ContentState::Text { .. });
    let too_long = contents.iter().filter(is_text).filter(|content| !content.is_shown());
    warnings.extend(
        named(too_long)
            .map(|names| format!("the content of {names} is too long to be shown in whole")),
    );
    let cut = contents.iter().enumerate().filter(|(index, content)| {
        let text = content.text.as_deref().filter(|_| content.is_shown());
        text.is_some_and(|text| *index >= room.contents || !is_whole(text, room))
    });
    warnings.extend(named(cut.map(|(_, content)| content)).map(|names| {
        format!("this card does not show the whole content of {names}: see the whole request")
    }));
    warnings
}

/// Returns the names of the first of these, and how many more there are. `None` if there are none.
fn named<'c>(mut contents: impl Iterator<Item = &'c Content>) -> Option<String> {
    let names: Vec<_> =
        contents.by_ref().take(MAX_NAMED).map(|content| name(&content.at)).collect();
    let more = contents.count();
    (!names.is_empty()).then(|| match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    })
}

fn link(name: &str, to: &str) -> String {
    format!("{name} goes through a symbolic link and leads to {}", quoted(&clip(to, PATH)))
}

fn name(at: &str) -> String {
    format!("`{}`", visible(&clip(&argument(at), NAME)))
}

/// Returns the contents, line by line. Each line of a text follows a bar, so that it cannot be
/// mistaken for one of ours.
pub(super) fn contents(contents: &[Content], extent: DetailLevel) -> Vec<Line> {
    let room = Room::from(extent);
    let mut lines = Vec::new();
    for content in contents.iter().take(room.contents) {
        lines.push(head(content));
        if let Some(text) = &content.text {
            text_lines(text, room, &mut lines);
        }
    }
    let more = contents.len().saturating_sub(room.contents);
    if more > 0 {
        let value = format!("[… {more} more contents are not shown here: see the whole request]");
        lines.push(Line { value, tone: TextStyle::Warning, ..Line::default() });
    }
    lines
}

fn head(content: &Content) -> Line {
    let (says, tone) = match &content.found {
        ContentState::Text { bytes } => (format!("{bytes} bytes of text"), TextStyle::Strong),
        ContentState::Binary { bytes, looks_like } => {
            let like = looks_like.as_deref().map_or("no text", |like| like);
            (format!("{bytes} bytes, {like}, not shown"), TextStyle::Warning)
        }
        ContentState::Large { bytes } => {
            (format!("{bytes} bytes, too many to be shown"), TextStyle::Warning)
        }
        ContentState::Unread { why, said } => {
            let said = said.as_ref().map(|said| format!(" ({})", quoted(said)));
            (format!("not read: {why}{}", said.unwrap_or_default()), TextStyle::Bad)
        }
    };
    let digest = content.digest.to_string();
    let mut value = format!("{says}, fingerprint {}", digest.get(..16).unwrap_or(&digest));
    if let Some(to) = &content.leads_to {
        let _ = write!(value, ", at {}", quoted(&clip(to, PATH)));
    }
    let reads = (!content.masks.is_empty()).then(|| masks::says(&content.masks));
    let label = Some(visible(&clip(&content.argument(), NAME)).into_owned());
    Line { label, value, reads, tone, masks: content.masks.clone(), ..Line::default() }
}

fn text_lines(text: &str, room: Room, out: &mut Vec<Line>) {
    let add = |shown| out.push(Line { value: format!("| {shown}"), depth: 1, ..Line::default() });
    let lines = each_line(text, room, add).lines;
    let total = text.lines().count();
    if lines < total {
        let left = total - lines;
        let value = format!("[… {left} of {total} lines are left out: see the whole request]");
        out.push(Line { value, depth: 1, tone: TextStyle::Warning, ..Line::default() });
    }
}

/// The result of showing a text within the limits.
struct Walked {
    lines: usize,
    /// True if a line was too long, and a part of it is left out.
    clipped: bool,
}

/// Passes the lines of a text to `add`, as they are shown, while there is room.
fn each_line(text: &str, room: Room, mut add: impl FnMut(String)) -> Walked {
    let mut left = room.characters;
    let mut walked = Walked { lines: 0, clipped: false };
    for line in text.lines().take(room.lines) {
        let line = clip(line, room.line);
        let shown = visible(&line).into_owned();
        let Some(rest) = left.checked_sub(shown.chars().count() + 1) else { break };
        left = rest;
        walked.lines += 1;
        walked.clipped |= matches!(line, Cow::Owned(_));
        add(shown);
    }
    walked
}

fn is_whole(text: &str, room: Room) -> bool {
    let walked = each_line(text, room, drop);
    !walked.clipped && walked.lines == text.lines().count()
}

/// Returns whether a whole card shows all of a text.
pub(in crate::approval) fn fits(text: &str) -> bool {
    is_whole(text, Room::from(DetailLevel::Full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_9_a_text_fits_only_where_every_character_of_it_is_shown() {
        for (text, whole) in [
            (String::new(), true),
            ("x\n".repeat(5_000), true),
            ("x\n".repeat(5_001), false),
            (format!("{}y", "x\n".repeat(5_000)), false),
            ("\u{e9}".repeat(4_000), true),
            ("\u{e9}".repeat(4_001), false),
            (format!("{}\n", "x".repeat(2_999)).repeat(100), true),
            (format!("{}\n", "x".repeat(2_999)).repeat(100) + "x", false),
            // An escaped character takes more room than one character.
            (format!("{}\n", "\u{202e}".repeat(2_999)).repeat(90), false),
        ] {
            assert_eq!(fits(&text), whole, "{} bytes", text.len());
            let mut lines = Vec::new();
            text_lines(&text, Room::from(DetailLevel::Full), &mut lines);
            let shown = lines.iter().filter(|line| line.tone == TextStyle::default());
            let shown: String =
                shown.map(|line| line.value.strip_prefix("| ").unwrap().to_owned()).collect();
            let plain: String = text.lines().map(|line| visible(line).into_owned()).collect();
            assert_eq!(shown == plain, whole, "{} bytes", text.len());
        }
    }
}
