//! Calls: a line of the queue, and a card.

use std::fmt::Write as _;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::approval::{ApprovalRequest, Extent, Rendered};
use hitl_core::machine::{Decided, Ending, Entry};
use hitl_core::{CallRecord, CallState, RequestId};
use serde::Serialize;

use super::{change_line, table};

/// How many characters of a title are in a table.
const TITLE: usize = 60;
/// How many of any other text.
const WORD: usize = 24;
/// How many digits of the binding digest are suggested.
const DIGITS: usize = 12;

/// A call for programs. Tokens of owners and claims are not in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallLine<'r> {
    id: RequestId,
    state: CallState,
    /// What `resolve --version` names.
    version: u64,
    /// What was asked; `request.binding` is what `approve --binding` names.
    request: &'r ApprovalRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<&'r Decided>,
    /// How many have approved this revision so far.
    votes: usize,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<&'r Ending>,
    updated_at: Timestamp,
    erased: bool,
}

impl<'r> CallLine<'r> {
    pub(crate) fn of(record: &'r CallRecord) -> Self {
        Self {
            id: record.id(),
            state: record.state,
            version: record.version,
            request: &record.request,
            decided: record.decided.as_ref(),
            votes: record.votes.len(),
            attempts: record.attempts,
            ending: record.ending.as_ref(),
            updated_at: record.updated_at,
            erased: record.erased,
        }
    }
}

/// All that `show` knows, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail<'r> {
    #[serde(flatten)]
    call: CallLine<'r>,
    rendered: Rendered,
    /// What must be typed to approve a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<String>,
    history: Vec<Numbered<'r>>,
}

#[derive(Serialize)]
struct Numbered<'r> {
    number: u64,
    #[serde(flatten)]
    entry: &'r Entry,
}

impl<'r> Detail<'r> {
    pub(crate) fn of(record: &'r CallRecord, history: &'r [(u64, Entry)], now: Timestamp) -> Self {
        let numbered = |(number, entry): &'r (u64, Entry)| Numbered { number: *number, entry };
        Self {
            call: CallLine::of(record),
            rendered: record.request.render(now, Extent::Full),
            confirm: record.request.confirmation(),
            history: history.iter().map(numbered).collect(),
        }
    }
}

/// The queue for people.
pub(crate) fn queue_table(records: &[CallRecord], now: Timestamp) -> String {
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            let request = &record.request;
            [
                request.id.to_string(),
                record.state.to_string(),
                request.priority.to_string(),
                request.level.to_string(),
                request.risk.to_string(),
                due(request.due_at, now),
                word(&request.tool),
                word(request.principal.as_str()),
                visible(&clip(&request.title, TITLE)).into_owned(),
            ]
        })
        .collect();
    let headings = ["ID", "STATE", "PRIORITY", "LEVEL", "RISK", "DUE", "TOOL", "ASKED BY", "TITLE"];
    table(headings, &rows)
}

/// One call for people: the card, where it stands, what happened, and what to do.
pub(crate) fn card(record: &CallRecord, history: &[(u64, Entry)], now: Timestamp) -> String {
    let request = &record.request;
    let mut out = request.render(now, Extent::Full).to_text();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", state_line(record));
    for (number, entry) in history {
        let _ = writeln!(out, "  {}", change_line(*number, entry));
    }
    let _ = match record.state {
        CallState::Pending => {
            let binding = request.binding.to_string();
            let digits = binding.get(..DIGITS).unwrap_or(&binding);
            let confirm = request.confirmation();
            let confirm = confirm.map(|name| format!(" --confirm {}", shell(&name)));
            let confirm = confirm.unwrap_or_default();
            writeln!(out, "\nto approve: hitl approve {} --binding {digits}{confirm}", request.id)
        }
        CallState::OutcomeUnknown => writeln!(
            out,
            "\nto settle: hitl resolve {} --version {} (--done | --failed REASON | --retry)",
            request.id, record.version
        ),
        _ => Ok(()),
    };
    out
}

/// Where a call stands, in one line.
pub(crate) fn state_line(record: &CallRecord) -> String {
    let mut line = format!("{} is {} (version {})", record.id(), record.state, record.version);
    if let Some(decided) = &record.decided {
        let by = word(decided.by.as_str());
        let _ = write!(line, ", decided by {by} at {}", decided.at);
    }
    match &record.ending {
        Some(Ending::Reason(reason)) => {
            let _ = write!(line, ": {}", visible(reason));
        }
        Some(Ending::Failure(failure)) => {
            let _ = write!(line, ": {}", visible(&failure.message));
        }
        _ => {}
    }
    line
}

/// A text as one word of a shell's command line.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn word(text: &str) -> String {
    visible(&clip(text, WORD)).into_owned()
}

fn due(at: Timestamp, now: Timestamp) -> String {
    if at < now {
        return format!("{} late", length(now.since(at)));
    }
    format!("in {}", length(at.since(now)))
}

fn length(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        for (seconds, expected) in [
            (0, "in 0 s"),
            (59, "in 59 s"),
            (60, "in 1 min"),
            (7200, "in 2 h"),
            (172_800, "in 2 d"),
        ] {
            assert_eq!(due(at(seconds), now), expected);
        }
        assert_eq!(due(now, at(7199)), "119 min late");
    }

    #[test]
    fn a_name_stays_one_word_in_a_shell() {
        assert_eq!(shell("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
