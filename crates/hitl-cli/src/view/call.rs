//! Calls: a line of the queue, and a card.

use std::fmt::Write as _;
use std::ops::Deref;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::{clip, shell_word, visible};
use hitl_core::approval::{ApprovalRequest, DetailLevel, ReviewCard};
use hitl_core::machine::EndReason;
use hitl_core::queue::Absence;
use hitl_core::{CallRecord, CallState, Principal};
use hitl_wire::{CallDetail, CallSummary, EarlierList};
use serde::Serialize;

use super::{CommandHint, NumberedEntry, Place, assignment_text, step_line, table};
use crate::args::short_id;

/// The number of characters of a title in a table.
const TITLE: usize = 60;
/// The number of characters of any other text.
const WORD: usize = 40;
/// The number of digits of the binding digest that are suggested.
const DIGITS: usize = 12;

/// A call in this program's output: a [`CallSummary`] without the fields that only a console has,
/// so that the same call is the same JSON over a store and over a console.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct CallLine(CallSummary);

impl Deref for CallLine {
    type Target = CallSummary;

    fn deref(&self) -> &CallSummary {
        &self.0
    }
}

impl From<CallSummary> for CallLine {
    fn from(call: CallSummary) -> Self {
        Self(CallSummary {
            thresholds: None,
            to_uncover: 0,
            cautions: Vec::new(),
            same: String::new(),
            ..call
        })
    }
}

impl From<&CallRecord> for CallLine {
    fn from(record: &CallRecord) -> Self {
        let ending = record.end_reason().and_then(|ending| match ending {
            EndReason::Reason(reason) => Some(reason.clone()),
            EndReason::Failure(failure) => Some(failure.message.clone()),
            _ => None,
        });
        Self::from(CallSummary { ending, ..CallSummary::from(record) })
    }
}

impl CallLine {
    /// Adds the absence of the reviewer to whom the call is assigned, if they are away.
    pub(crate) fn with_absences(self, away: &[Absence]) -> Self {
        Self(self.0.with_absences(away))
    }
}

/// All data that `show` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    #[serde(flatten)]
    pub(crate) line: CallLine,
    pub(crate) request: ApprovalRequest,
    rendered: ReviewCard,
    /// The text that must be typed to approve a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirm: Option<String>,
    /// The people who have approved this revision so far.
    approved_by: Vec<Principal>,
    attempts: u32,
    history: Vec<NumberedEntry>,
    /// The calls of its run before it.
    earlier: EarlierList,
    /// The current time, by the clock that expiry is judged by.
    #[serde(skip)]
    pub(crate) now: Timestamp,
}

impl Card {
    /// Builds the card of a store's record.
    pub(crate) fn new(
        record: &CallRecord,
        history: Vec<NumberedEntry>,
        now: Timestamp,
        tool_warning: Option<String>,
        earlier: EarlierList,
    ) -> Self {
        let request = record.request();
        let mut rendered = request.render(now, DetailLevel::Full);
        rendered.warnings.extend(tool_warning);
        Self {
            line: CallLine::from(record),
            rendered,
            confirm: request.confirmation(),
            request: request.clone(),
            approved_by: record.votes().iter().map(|vote| vote.by.clone()).collect(),
            attempts: record.attempts(),
            history,
            earlier,
            now,
        }
    }

    /// Adds the absence of the reviewer to whom the call is assigned, if they are away.
    pub(crate) fn with_absences(self, away: &[Absence]) -> Self {
        Self { line: self.line.with_absences(away), ..self }
    }

    /// Builds the card from a console's response. The displayed lines are rendered here, from the
    /// request.
    pub(crate) fn from_console(detail: CallDetail, history: Vec<NumberedEntry>) -> Self {
        let CallDetail { summary, request, approved_by, attempts, ending, now, earlier, .. } =
            detail;
        let mut rendered = request.render(now, DetailLevel::Full);
        rendered.warnings.extend(detail.tool_warning);
        Self {
            line: CallLine::from(CallSummary { ending, ..summary }),
            rendered,
            confirm: request.confirmation(),
            request,
            approved_by,
            attempts,
            history,
            earlier,
            now,
        }
    }
}

/// Renders the queue for people. If all calls wait, their state is left out: so a line fits on 80
/// columns more often.
pub(crate) fn queue_table(lines: &[CallLine], now: Timestamp) -> String {
    let headings = ["PRIORITY", "LEVEL", "RISK", "DUE", "TOOL", "ASKED BY", "TITLE"];
    let about = |line: &CallLine| {
        [
            line.priority.to_string(),
            line.level.to_string(),
            line.risk.to_string(),
            due(line.due_at, now),
            word(&line.tool),
            word(line.principal.as_str()),
            visible(&clip(&line.title, TITLE)).into_owned(),
        ]
    };
    if lines.iter().any(|line| line.assigned.is_some()) {
        return assigned_table(lines, about);
    }
    if lines.iter().all(|line| line.state == CallState::Pending) {
        let row = |line: &CallLine| {
            let [priority, level, risk, due, tool, by, title] = about(line);
            [short_id(&line.id), priority, level, risk, due, tool, by, title]
        };
        let [priority, level, risk, due, tool, by, title] = headings;
        let headings = ["ID", priority, level, risk, due, tool, by, title];
        return table(headings, &lines.iter().map(row).collect::<Vec<_>>());
    }
    let row = |line: &CallLine| {
        let [priority, level, risk, due, tool, by, title] = about(line);
        let state = line.state.to_string();
        [short_id(&line.id), state, priority, level, risk, due, tool, by, title]
    };
    let [priority, level, risk, due, tool, by, title] = headings;
    let headings = ["ID", "STATE", priority, level, risk, due, tool, by, title];
    table(headings, &lines.iter().map(row).collect::<Vec<_>>())
}

/// Renders the queue for people, if some of its calls are assigned to a reviewer.
fn assigned_table(lines: &[CallLine], about: impl Fn(&CallLine) -> [String; 7]) -> String {
    let row = |line: &CallLine| {
        let [priority, level, risk, due, tool, by, title] = about(line);
        let assigned = line.assigned.as_ref().map(assignment_text).unwrap_or_default();
        let state = line.state.to_string();
        [short_id(&line.id), state, priority, level, risk, due, tool, by, assigned, title]
    };
    let headings = [
        "ID",
        "STATE",
        "PRIORITY",
        "LEVEL",
        "RISK",
        "DUE",
        "TOOL",
        "ASKED BY",
        "ASSIGNED TO",
        "TITLE",
    ];
    table(headings, &lines.iter().map(row).collect::<Vec<_>>())
}

/// Renders one call for people: the card, its state and its history.
pub(crate) fn card_text(card: &Card) -> String {
    let line = &card.line;
    let mut out = card.rendered.to_text();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", state_line(line));
    if let Some(assigned) = &line.assigned {
        let _ = writeln!(out, "assigned to {}", assignment_text(assigned));
    }
    if !card.approved_by.is_empty() && line.state == CallState::Pending {
        let names: Vec<_> = card.approved_by.iter().map(|who| word(who.as_str())).collect();
        let _ = writeln!(out, "approved so far by {}; more approvals are needed", names.join(", "));
    }
    for step in &card.history {
        let _ = writeln!(out, "  {}", step_line(step));
    }
    if !card.earlier.is_empty() {
        let _ = write!(out, "earlier in this run:\n{}", card.earlier.to_text());
    }
    out
}

/// Renders what the reader can do next about one call, as commands that name their own store or
/// console. They stand after the card, where nothing is asked.
pub(crate) fn card_hints(card: &Card, hint: &CommandHint) -> String {
    let Card { line, request, .. } = card;
    let id = short_id(&request.id);
    let mut out = String::new();
    match line.state {
        CallState::Pending => {
            if request.needs_uncovering() {
                // Over a store only the audit knows who uncovered what.
                let words = ["show", &id, "--uncover", "--audit", "FOLDER"];
                let words = if hint.place() == Place::Store { &words[..] } else { &words[..3] };
                out += &hint.block("to see what is masked", words);
            }
            let binding = request.binding.to_string();
            let digits = binding.get(..DIGITS).unwrap_or(&binding);
            let name = card.confirm.as_deref().map(shell_word);
            let mut words = vec!["approve", &id, "--binding", digits];
            words.extend(name.as_deref().map(|name| ["--confirm", name]).into_iter().flatten());
            out += &hint.block("to approve", &words);
            out += &hint.block("to refuse", &["reject", &id, "--reason", "REASON"]);
            if request.may_be_granted().is_ok() {
                let words = ["allow", &id, "--binding", digits];
                out += &hint.block("to permit calls like it from now on", &words);
            }
        }
        CallState::OutcomeUnknown => {
            let version = line.version.to_string();
            for (heading, finding) in [
                ("if it took effect", &["--done"][..]),
                ("if it did not", &["--failed", "REASON"]),
                ("to let it run once more", &["--retry"]),
            ] {
                let words = ["resolve", &id, "--version", &version];
                out += &hint.block(heading, &[&words, finding].concat());
            }
        }
        _ => {}
    }
    out
}

/// Renders the state of a call in one line.
pub(crate) fn state_line(line: &CallLine) -> String {
    let mut out = format!("{} is {} (version {})", line.id, line.state, line.version);
    if let Some(decided) = &line.decided {
        let by = word(decided.by.as_str());
        let _ = write!(out, ", decided by {by} at {}", decided.at);
        if decided.may_ask_again {
            out.push_str(", may be asked again");
        }
    }
    let words = line.decided.as_ref().and_then(|decided| decided.words.as_ref());
    if let Some(why) = line.ending.as_ref().or(words) {
        let _ = write!(out, ": {}", visible(why));
    }
    out
}

/// Renders the state of a call after a decision, and what it still needs.
pub(crate) fn result_text(line: &CallLine, hint: &CommandHint) -> String {
    let mut out = state_line(line) + "\n";
    let id = short_id(&line.id);
    match line.state {
        CallState::Pending => {
            out += &hint.block("it still waits for an approval", &["approve", &id]);
        }
        CallState::Approved => {
            out += "The program that asked runs it now, or when it comes back.\n";
        }
        _ => {}
    }
    out
}

fn word(text: &str) -> String {
    visible(&clip(text, WORD)).into_owned()
}

fn due(at: Timestamp, now: Timestamp) -> String {
    if at < now {
        return format!("{} late", length(now.saturating_duration_since(at)));
    }
    format!("in {}", length(at.saturating_duration_since(now)))
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
        let at = |seconds| now.saturating_add(Duration::from_secs(seconds));
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
}
