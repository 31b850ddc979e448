//! Calls: a line of the queue, and a card.

use std::fmt::Write as _;
use std::ops::Deref;

use hitl_base::Timestamp;
use hitl_base::display::{clip, shell_word, visible};
use hitl_core::approval::{ApprovalRequest, DetailLevel, ReviewCard};
use hitl_core::machine::EndReason;
use hitl_core::queue::Absence;
use hitl_core::{CallRecord, CallState, Principal};
use hitl_wire::{CallDetail, CallSummary, EarlierList};
use serde::Serialize;

use super::{
    CommandHint, Neglect, NumberedEntry, Place, Screen, Settlement, assignment_text, exactly,
    step_line, through,
};
use crate::args::short_id;

/// The number of characters of any other text.
const WORD: usize = 40;
/// The number of digits of the binding digest that are suggested.
const DIGITS: usize = 12;

/// A call in this program's output: a [`CallSummary`] without the fields that only a console has,
/// so that the same call is the same JSON over a store and over a console.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct CallLine {
    summary: CallSummary,
    /// Who settled it after its decision, if that is known.
    #[serde(skip)]
    settled: Option<Settlement>,
    /// What a person should know of it, and its record does not say.
    #[serde(skip)]
    neglect: Option<Neglect>,
}

impl Deref for CallLine {
    type Target = CallSummary;

    fn deref(&self) -> &CallSummary {
        &self.summary
    }
}

impl From<CallSummary> for CallLine {
    fn from(call: CallSummary) -> Self {
        let summary = CallSummary {
            thresholds: None,
            to_uncover: 0,
            cautions: Vec::new(),
            same: String::new(),
            ..call
        };
        Self { summary, settled: None, neglect: None }
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
    /// Names who has just settled it.
    pub(crate) fn settled_by(self, who: &Principal) -> Self {
        let settled = Some(Settlement::by(who.clone(), self.summary.updated_at));
        Self { settled, ..self }
    }

    /// Looks in its history for who settled it.
    fn settled_in(self, history: &[NumberedEntry]) -> Self {
        let settled = history.iter().rev().find_map(|step| Settlement::of(&step.entry));
        Self { settled, ..self }
    }

    /// Adds what its record does not say.
    pub(crate) fn neglected(self, neglect: Option<Neglect>) -> Self {
        Self { neglect, ..self }
    }

    pub(crate) fn neglect(&self) -> Option<Neglect> {
        self.neglect
    }

    /// Adds the absence of the reviewer to whom the call is assigned, if they are away.
    pub(crate) fn with_absences(self, away: &[Absence]) -> Self {
        Self { summary: self.summary.with_absences(away), ..self }
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
            line: CallLine::from(record).settled_in(&history),
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

    /// Adds what the record of its call does not say.
    pub(crate) fn neglected(self, neglect: Option<Neglect>) -> Self {
        Self { line: self.line.neglected(neglect), ..self }
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
            line: CallLine::from(CallSummary { ending, ..summary }).settled_in(&history),
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

/// Renders one call for people: the card, its state and its history.
pub(crate) fn card_text(card: &Card, screen: Screen) -> String {
    let line = &card.line;
    let mut out = card.rendered.to_text_in(|style, text| screen.paint(style, text));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", state_line(line, card.now));
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

/// Renders the state of a call in one line: since when, who settled and decided it, and why it
/// ended.
pub(crate) fn state_line(line: &CallLine, now: Timestamp) -> String {
    let mut out = format!("{} is {} (version {})", short_id(&line.id), line.state, line.version);
    let decided = line.decided.as_ref();
    // A rejection is the end itself.
    let is_end = decided.is_some_and(|decided| decided.at == line.updated_at);
    // Writing to a String cannot fail.
    if let Some(settled) = &line.settled {
        let _ = write!(out, ", {}", settled.text(now));
    } else if line.state != CallState::Pending && !is_end {
        let _ = write!(out, ", {}", exactly(line.updated_at, now));
    }
    if let Some(decided) = decided {
        let by = word(decided.by.as_str());
        let when = exactly(decided.at, now);
        let _ = write!(out, ", decided by {by} {when}{}", through(decided.channel.as_ref()));
        if decided.may_ask_again {
            out.push_str(", may be asked again");
        }
    }
    let words = decided.and_then(|decided| decided.words.as_ref());
    if let Some(why) = line.ending.as_ref().or(words) {
        let _ = write!(out, ": {}", visible(why));
    }
    if let Some(neglect) = line.neglect {
        let _ = write!(out, "; {}", neglect.says());
    }
    out
}

/// Renders the state of a call after a decision, and what it still needs.
pub(crate) fn result_text(line: &CallLine, now: Timestamp, hint: &CommandHint) -> String {
    let mut out = state_line(line, now) + "\n";
    let id = short_id(&line.id);
    match line.state {
        CallState::Pending => {
            out += &hint.block("it still waits for an approval", &["approve", &id]);
        }
        CallState::Approved if line.claimable_from.is_some() => {
            if let Some(from) = line.claimable_from {
                let _ = writeln!(out, "It does not start before {from}.");
            }
            out += &hint.block("to take the approval back until then", &["take-back", &id]);
        }
        CallState::Approved if line.neglect.is_none() => {
            out += "The program that asked runs it now, or when it comes back.\n";
        }
        _ => {}
    }
    out
}

fn word(text: &str) -> String {
    visible(&clip(text, WORD)).into_owned()
}
