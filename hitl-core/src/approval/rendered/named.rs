//! What the arguments name besides themselves: what was read of it, and what was not looked into.

use std::fmt::Write as _;

use hitl_base::Json;
use hitl_base::display::{clip, oddities, quoted, visible};

use super::alike;
use super::view::{Extent, Line};
use super::{Tone, masks};
use crate::approval::{ApprovalRequest, Content, Found, ReferenceKind, References, argument};

/// How many references are named one by one.
const MAX_NAMED: usize = 4;
/// The most characters of an argument's name.
const NAME: usize = 60;
/// The most characters of a path that links lead to.
const PATH: usize = 200;

/// How much of contents is shown.
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

impl From<Extent> for Room {
    fn from(extent: Extent) -> Self {
        match extent {
            Extent::Brief => Self { lines: 20, characters: 2_000, line: 200, contents: 4 },
            Extent::Full => {
                Self { lines: 5_000, characters: 300_000, line: 4_000, contents: usize::MAX }
            }
        }
    }
}

/// The line that says what nobody looked into. `None` if there is nothing.
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
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(says, " and {more} more");
    }
    Some(says)
}

/// What to beware of in what the arguments name.
pub(super) fn warnings(request: &ApprovalRequest) -> Vec<String> {
    let mut warnings = Vec::new();
    for content in &request.contents {
        let name = name(&content.at);
        if let Some(to) = &content.leads_to {
            warnings.push(link(&name, to));
        }
        match &content.found {
            Found::Unread { why, .. } => {
                warnings.push(format!("what {name} names was not read: {why}"));
            }
            Found::Binary { .. } | Found::Large { .. } => {
                warnings.push(format!("what {name} names is not shown here"));
            }
            Found::Text { .. } => {}
        }
        let Some(text) = &content.text else { continue };
        let listed = content.masks.len() + content.more_masks;
        if masks::masks_in(text) > listed {
            warnings.push(format!(
                "the content of {name} has a mask that is not listed: it may be the text itself"
            ));
        }
        // Line breaks and tabs are how a text is written.
        let plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
        let odd = oddities(&plain).into_iter();
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

fn link(name: &str, to: &str) -> String {
    format!("{name} goes through a symbolic link and leads to {}", quoted(&clip(to, PATH)))
}

fn name(at: &str) -> String {
    format!("`{}`", visible(&clip(&argument(at), NAME)))
}

/// The contents, line by line. Each line of a text stands behind a bar, so that it cannot be taken for
/// one of ours.
pub(super) fn contents(contents: &[Content], extent: Extent) -> Vec<Line> {
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
        lines.push(Line { value, tone: Tone::Warning, ..Line::default() });
    }
    lines
}

fn head(content: &Content) -> Line {
    let (says, tone) = match &content.found {
        Found::Text { bytes } => (format!("{bytes} bytes of text"), Tone::Strong),
        Found::Binary { bytes, looks_like } => {
            let like = looks_like.as_deref().map_or("no text", |like| like);
            (format!("{bytes} bytes, {like}, not shown"), Tone::Warning)
        }
        Found::Large { bytes } => (format!("{bytes} bytes, too many to be shown"), Tone::Warning),
        Found::Unread { why, said } => {
            let said = said.as_ref().map(|said| format!(" ({})", quoted(said)));
            (format!("not read: {why}{}", said.unwrap_or_default()), Tone::Bad)
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
    let mut left = room.characters;
    let total = text.lines().count();
    for (at, line) in text.lines().enumerate() {
        let shown = visible(&clip(line, room.line)).into_owned();
        let length = shown.chars().count() + 1;
        if at >= room.lines || length > left {
            let value =
                format!("[… {} of {total} lines are left out: see the whole request]", total - at);
            out.push(Line { value, depth: 1, tone: Tone::Warning, ..Line::default() });
            return;
        }
        left -= length;
        out.push(Line { value: format!("| {shown}"), depth: 1, ..Line::default() });
    }
}
