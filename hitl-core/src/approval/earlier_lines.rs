//! The calls of a run before one call, as lines of its card. Pure.

use std::fmt::Write as _;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};

use crate::machine::CallState;

/// The number of characters of a title in a line.
const TITLE: usize = 60;

/// An earlier call in a list.
#[derive(Clone, Copy, Debug)]
// Exhaustive: surfaces build it.
pub struct EarlierLine<'a> {
    /// When it last changed.
    pub at: Timestamp,
    /// Its state.
    pub state: CallState,
    /// Its title. May hold text from a model; empty once the call is erased.
    pub title: &'a str,
    /// Its tool, shown in place of an empty title.
    pub tool: &'a str,
}

/// The part of a run that a list of earlier calls lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: surfaces build it.
pub enum EarlierLeftOut {
    /// This many calls before those that are listed; 0 if the list is complete.
    Before {
        /// Their number.
        more: usize,
    },
    /// All of them, because they are too many to be looked through.
    All {
        /// The number that was counted.
        counted: usize,
    },
}

/// Renders earlier calls, one a line, each safe to show; empty if there are none.
pub fn earlier_text<'a>(
    calls: impl IntoIterator<Item = EarlierLine<'a>>,
    left_out: EarlierLeftOut,
) -> String {
    let mut out = String::new();
    for EarlierLine { at, state, title, tool } in calls {
        let title = if title.is_empty() { tool } else { title };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {at} {state} {}", visible(&clip(title, TITLE)));
    }
    match left_out {
        EarlierLeftOut::Before { more: 0 } => {}
        EarlierLeftOut::Before { more } => {
            let _ = writeln!(out, "  and {more} more before them");
        }
        EarlierLeftOut::All { counted } => {
            let _ = writeln!(out, "  more than {counted} earlier calls, not listed");
        }
    }
    out
}
