//! Arguments as text for a terminal: exact, indented, and never longer than a person reads.

use std::fmt::Write as _;

use hitl_base::Json;
use hitl_base::display::{clip, visible};
use hitl_base::json::write_string;

/// How much is shown before it is clipped; what is left out is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Characters of one value.
    pub(super) value: usize,
    /// Items of one list or object.
    pub(super) items: usize,
}

/// Lists and objects of so many characters stand on one line.
const ONE_LINE: usize = 90;
/// Levels that are indented; deeper ones stand on one line.
const INDENTED: usize = 6;

/// Writes one line for each value, under `margin`.
pub(super) fn write_arguments(out: &mut String, arguments: &Json, margin: usize, extent: Extent) {
    write_items(out, arguments, margin, 0, extent);
}

fn write_items(out: &mut String, tree: &Json, margin: usize, depth: usize, extent: Extent) {
    let total = match tree {
        Json::Object(entries) => entries.len(),
        Json::Array(items) => items.len(),
        _ => return,
    };
    let (head, tail) = if total <= extent.items {
        (total, 0)
    } else {
        (extent.items - extent.items / 3, extent.items / 3)
    };
    for at in (0..head).chain(total - tail..total) {
        if at == total - tail && head < total - tail {
            let left_out = total - tail - head;
            indent(out, margin);
            // Writing to a String cannot fail.
            let _ = writeln!(out, "[… {left_out} of {total} items left out]");
        }
        indent(out, margin);
        let value = match tree {
            Json::Object(entries) => {
                let (key, value) = &entries[at];
                out.push_str(&visible(&clip(key, extent.value)));
                out.push(':');
                value
            }
            Json::Array(items) => {
                out.push('-');
                &items[at]
            }
            _ => return,
        };
        if is_nested(value) && depth < INDENTED {
            out.push('\n');
            write_items(out, value, margin + 2, depth + 1, extent);
        } else {
            out.push(' ');
            out.push_str(&scalar(value, extent.value));
            out.push('\n');
        }
    }
}

/// Whether a value is worth lines of its own.
fn is_nested(value: &Json) -> bool {
    let filled = match value {
        Json::Object(entries) => !entries.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    filled && value.to_text().chars().count() > ONE_LINE
}

/// A value on one line, as JSON. Text keeps its quotes, so that it cannot pass for anything else.
fn scalar(value: &Json, max: usize) -> String {
    match value {
        Json::String(text) => {
            let mut quoted = String::with_capacity(text.len() + 2);
            write_string(&mut quoted, &clip(text, max));
            visible(&quoted).into_owned()
        }
        other => visible(&clip(&other.to_text(), max)).into_owned(),
    }
}

fn indent(out: &mut String, margin: usize) {
    out.extend(std::iter::repeat_n(' ', margin));
}
