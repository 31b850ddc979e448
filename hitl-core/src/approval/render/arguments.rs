//! Arguments as labelled lines: exact, indented, and bounded to what a person can read.

use hitl_base::Json;
use hitl_base::display::{
    amount, clip, date, decoded_hosts, fingerprint, is_amount_name, is_time_name, moment, quoted,
    value, visible,
};
use hitl_base::json::push_part;
use hitl_base::redact::MAX_POINTER;

use super::masks::{self, Masks};
use super::view::{DetailLevel, Line, Truncation};
use crate::approval::Mask;

/// The limits above which arguments are shortened.
#[derive(Clone, Copy)]
struct Room {
    /// Characters of one value.
    value: usize,
    /// Items of one list or object.
    items: usize,
    /// Lines of all arguments together.
    lines: usize,
    /// Characters of all arguments together.
    characters: usize,
}

impl From<DetailLevel> for Room {
    fn from(extent: DetailLevel) -> Self {
        match extent {
            DetailLevel::Brief => Self { value: 160, items: 12, lines: 100, characters: 8_000 },
            DetailLevel::Full => {
                Self { value: 4_000, items: 200, lines: 5_000, characters: 200_000 }
            }
        }
    }
}

/// The lines so far, and the room that is left.
struct Lines {
    shown: Vec<Line>,
    room: Room,
    /// True if something did not fit.
    cut: bool,
}

impl Lines {
    fn push(&mut self, line: Line) {
        let label = line.label.as_deref().unwrap_or_default();
        let length = label.len() + line.value.len() + line.reads.as_deref().map_or(0, str::len);
        match (self.room.lines.checked_sub(1), self.room.characters.checked_sub(length)) {
            (Some(lines), Some(characters)) if !self.cut => {
                self.room = Room { lines, characters, ..self.room };
                self.shown.push(line);
            }
            _ => self.cut = true,
        }
    }
}

/// The most characters of a list or an object on one line.
const ONE_LINE: usize = 90;
/// The number of indented levels; deeper ones are put on one line.
const INDENTED: u8 = 6;
/// The most characters of a key.
const KEY: usize = 160;
/// The most items of a list inside a sentence.
const LISTED: usize = 5;
/// The most characters of a code inside a sentence.
const CODE: usize = 40;
/// The most hosts that are decoded on one line.
const HOSTS: usize = 3;
/// The most hosts of one line that are examined.
const MAX_HOSTS: usize = 100;
/// The most characters of a decoded host.
const HOST: usize = 160;

/// Returns one line for each argument, and for each item of a value that is too long for one line.
///
/// What does not fit into the limits of `extent` is left out, and the last line says so.
pub(super) fn lines(arguments: &Json, masks: &[Mask], extent: DetailLevel) -> Vec<Line> {
    let room = extent.into();
    let mut out = Lines { shown: Vec::new(), room, cut: false };
    let at = At { pointer: String::new(), masks: &Masks::new(masks), room };
    match arguments {
        Json::Object(_) | Json::Array(_) => items(&mut out, arguments, 0, &at),
        other => out.push(line(None, other, 0, &at)),
    }
    if out.cut {
        let whole = arguments.to_text();
        out.shown.push(super::budget::rest(whole.chars().count(), fingerprint(&whole)));
    }
    out.shown
}

/// The position of a line.
struct At<'m> {
    /// Its JSON Pointer; empty where no masks can be below it.
    pointer: String,
    masks: &'m Masks<'m>,
    room: Room,
}

impl At<'_> {
    fn below(&self, key: Option<&str>, index: usize) -> Self {
        let length = self.pointer.len() + key.map_or(0, str::len);
        if self.masks.is_empty() || length > MAX_POINTER {
            return Self { pointer: String::new(), masks: Masks::none(), room: self.room };
        }
        let mut pointer = self.pointer.clone();
        match key {
            Some(key) => push_part(&mut pointer, key),
            None => push_part(&mut pointer, &index.to_string()),
        }
        Self { pointer, masks: self.masks, room: self.room }
    }
}

fn items(out: &mut Lines, tree: &Json, depth: u8, parent: &At<'_>) {
    let room = parent.room;
    let entries: Vec<(Option<&str>, &Json)> = match tree {
        Json::Object(entries) => entries.iter().map(|(key, value)| (Some(&**key), value)).collect(),
        Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
        _ => return,
    };
    let total = entries.len();
    let (head, tail) = if total <= room.items {
        (total, 0)
    } else {
        (room.items - room.items / 3, room.items / 3)
    };
    for at in (0..head).chain(total - tail..total) {
        if out.cut {
            return;
        }
        if at == total - tail && head < at {
            let sha256 = fingerprint(&tree.to_text());
            let left_out = at - head;
            out.push(Line {
                value: format!("[… {left_out} of {total} items left out, sha256 {sha256}]"),
                depth,
                withheld: Some(Truncation { total, sha256 }),
                ..Line::default()
            });
        }
        let (key, value) = entries[at];
        let at = parent.below(key, at);
        out.push(line(key, value, depth, &at));
        if is_spread(value, depth, &at) {
            items(out, value, depth + 1, &at);
        }
    }
}

/// Returns whether the parts of a value get lines of their own; each mask in it then has one, too.
fn is_spread(value: &Json, depth: u8, at: &At<'_>) -> bool {
    let filled = match value {
        Json::Object(entries) => !entries.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    filled
        && depth < INDENTED
        && (at.masks.are_below(&at.pointer) || value.to_text().chars().count() > ONE_LINE)
}

fn line(key: Option<&str>, tree: &Json, depth: u8, at: &At<'_>) -> Line {
    let spread = is_spread(tree, depth, at);
    let masks = at.masks.of_line(&at.pointer, spread);
    let reads = if masks.is_empty() {
        reads(key.unwrap_or_default(), tree, spread)
    } else {
        Some(masks::says(&masks))
    };
    let hosts = hosts(key.unwrap_or_default(), (!spread).then_some(tree));
    let reads = reads.into_iter().chain(hosts).reduce(|first, more| format!("{first}; {more}"));
    let mut line = Line { label: key.map(label), reads, depth, masks, ..Line::default() };
    if !spread {
        let shown = value(tree, at.room.value);
        line.value = shown.text;
        line.withheld = match (shown.characters, shown.digest) {
            (Some(total), Some(sha256)) => Some(Truncation { total, sha256 }),
            _ => None,
        };
    }
    line
}

/// Returns a key as it is if it looks like a name, and quoted if it could be mistaken for something
/// else.
fn label(key: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    if !key.is_empty() && key.len() <= KEY && key.chars().all(simple) {
        return key.to_owned();
    }
    if key.chars().count() <= KEY {
        return quoted(key);
    }
    value(&Json::String(key.to_owned()), KEY).text
}

/// Returns the value in common notation, if that tells more than the exact one.
fn reads(name: &str, tree: &Json, spread: bool) -> Option<String> {
    let said = match tree {
        Json::Number(number) if is_amount_name(name) => amount(number),
        Json::Number(number) if is_time_name(name) => moment(number),
        Json::String(text) => date(text),
        Json::Array(items) if items.len() > 1 && spread => Some(format!("{} items", items.len())),
        _ => None,
    }?;
    let same = matches!(tree, Json::Number(number) if **number == *said);
    (!same).then_some(said)
}

/// Returns the decoded hosts, which are shown beside the form that is sent: those in a line's name,
/// and in every text of a value that has no lines of its own.
fn hosts(name: &str, value: Option<&Json>) -> Option<String> {
    let mut decoded: Vec<String> = decoded_hosts(name).into_iter().collect();
    if let Some(value) = value {
        decode_below(value, &mut decoded);
    }
    let more = decoded.len().saturating_sub(HOSTS);
    let shown = decoded.iter().take(HOSTS).map(|host| quoted(&clip(host, HOST)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match (decoded.len(), more) {
        (0, _) => None,
        (_, 0) => Some(format!("host reads {shown}")),
        _ => Some(format!("host reads {shown} and {more} more")),
    }
}

fn decode_below(tree: &Json, into: &mut Vec<String>) {
    if into.len() > MAX_HOSTS {
        return;
    }
    match tree {
        Json::String(text) => into.extend(decoded_hosts(text)),
        Json::Array(items) => items.iter().for_each(|item| decode_below(item, into)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            into.extend(decoded_hosts(key));
            decode_below(value, into);
        }),
        _ => {}
    }
}

/// Returns a short form of an argument for use inside a sentence. A text is quoted, unless it is a
/// code like `C-1042` or a date: the text is the model's, and the sentence around it is not.
pub(in crate::approval) fn in_a_sentence(
    name: &str,
    money: bool,
    tree: &Json,
    max: usize,
) -> String {
    match tree {
        Json::String(text) => {
            if let Some(date) = date(text) {
                return date;
            }
            if is_code(text) { text.clone() } else { quoted(&clip(text, max)) }
        }
        Json::Number(number) if money || is_amount_name(name) => {
            let said = amount(number).unwrap_or_else(|| number.to_string());
            // A price is shown with its cents.
            if money && !said.contains('.') && amount(number).is_some() {
                format!("{said}.00")
            } else {
                said
            }
        }
        Json::Array(items) if items.iter().all(is_plain) && !items.is_empty() => {
            let shown = items.iter().take(LISTED).map(|item| match item {
                Json::String(text) if !is_code(text) => quoted(text),
                Json::String(text) => text.clone(),
                other => other.to_text(),
            });
            let shown = shown.collect::<Vec<_>>().join(", ");
            match items.len().saturating_sub(LISTED) {
                0 => shown,
                more => format!("{shown} and {more} more"),
            }
        }
        other => visible(&clip(&value(other, usize::MAX).text, max)).into_owned(),
    }
}

/// Returns whether a text is a code and not a word: it has a digit, no spaces, and never more than
/// three letters in a row.
fn is_code(text: &str) -> bool {
    let letters = text.split(|c: char| !c.is_ascii_alphabetic()).map(str::len).max();
    let code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '#');
    text.len() <= CODE
        && letters.is_some_and(|longest| longest <= 3)
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(code)
}

fn is_plain(item: &Json) -> bool {
    match item {
        Json::String(text) => text.chars().count() <= 40,
        Json::Number(_) => true,
        _ => false,
    }
}
