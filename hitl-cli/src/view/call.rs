//! Calls: a line of the queue, and a card.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::approval::{
    ApprovalRequest, Choice, DecisionKind, DetailLevel, KnownBy, RepeatPolicy, ReviewCard,
};
use hitl_core::machine::{EndReason, RecordedDecision};
use hitl_core::{
    ApprovalLevel, BindingDigest, CallRecord, CallState, Principal, Priority, RequestId, Risk,
};
use serde::{Deserialize, Serialize};

use super::{Step, change_line, table};

/// How many characters of a title are in a table.
const TITLE: usize = 60;
/// How many of any other text.
const WORD: usize = 40;
/// How many digits of the binding digest are suggested.
const DIGITS: usize = 12;

/// A call as a line: what a listing says of it, and a console does. Tokens of owners and claims are
/// not in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallLine {
    pub(crate) id: RequestId,
    /// What `resolve --version` names.
    pub(crate) version: u64,
    pub(crate) state: CallState,
    pub(crate) revision: u32,
    /// What `approve --binding` names.
    pub(crate) binding: BindingDigest,
    tool: String,
    title: String,
    approval_type: String,
    risk: Risk,
    level: ApprovalLevel,
    priority: Priority,
    confidence: u8,
    requires_reason: bool,
    principal: Principal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<Principal>,
    run: String,
    created_at: Timestamp,
    due_at: Timestamp,
    expires_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<DecidedLine>,
    /// Why it ended as it did. A console says it of one call, not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending: Option<String>,
    erased: bool,
}

/// A decision that was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DecidedLine {
    answer: Choice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<String>,
    /// It was rejected, and the model may ask for it again.
    #[serde(default)]
    may_ask_again: bool,
    by: Principal,
    /// How it was known who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known_by: Option<KnownBy>,
    at: Timestamp,
}

impl DecidedLine {
    fn of(decided: &RecordedDecision) -> Self {
        let (words, may_ask_again) = match &decided.answer {
            DecisionKind::Reject { reason, again } => {
                (reason.clone(), *again == RepeatPolicy::Allowed)
            }
            DecisionKind::Respond { message } => (Some(message.clone()), false),
            DecisionKind::Abort { reason } => (Some(reason.clone()), false),
            _ => (None, false),
        };
        let (answer, by) = (decided.answer.choice(), decided.by.clone());
        Self { answer, words, may_ask_again, by, known_by: decided.known_by, at: decided.at }
    }
}

impl CallLine {
    /// When it was submitted.
    pub(crate) fn created_at(&self) -> Timestamp {
        self.created_at
    }

    pub(crate) fn of(record: &CallRecord) -> Self {
        let request = &record.request;
        let ending = record.ending.as_ref().and_then(|ending| match ending {
            EndReason::Reason(reason) => Some(reason.clone()),
            EndReason::Failure(failure) => Some(failure.message.clone()),
            _ => None,
        });
        Self {
            id: record.id(),
            version: record.version,
            state: record.state,
            revision: request.revision,
            binding: request.binding,
            tool: request.tool.clone(),
            title: request.title.clone(),
            approval_type: request.approval_type.clone(),
            risk: request.risk,
            level: request.level,
            priority: request.priority,
            confidence: request.assessment.confidence,
            requires_reason: request.requires_reason,
            principal: request.principal.clone(),
            agent: request.agent.clone(),
            run: request.key.run.to_string(),
            created_at: request.created_at,
            due_at: request.due_at,
            expires_at: request.expires_at,
            updated_at: record.updated_at,
            decided: record.decided.as_ref().map(DecidedLine::of),
            ending,
            erased: record.erased,
        }
    }
}

/// All that `show` knows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    #[serde(flatten)]
    pub(crate) line: CallLine,
    pub(crate) request: Arc<ApprovalRequest>,
    rendered: ReviewCard,
    /// What must be typed to approve a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirm: Option<String>,
    /// Who has approved this revision so far.
    approved_by: Vec<Principal>,
    attempts: u32,
    history: Vec<Step>,
    /// The present, by the clock that expiry is judged by.
    #[serde(skip)]
    pub(crate) now: Timestamp,
}

/// What a console says of a call beyond its line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rest {
    request: Arc<ApprovalRequest>,
    approved_by: Vec<Principal>,
    attempts: u32,
    now: Timestamp,
    #[serde(default)]
    tool_warning: Option<String>,
}

impl Card {
    /// Of a store's record.
    pub(crate) fn of(
        record: &CallRecord,
        history: Vec<Step>,
        now: Timestamp,
        tool_warning: Option<String>,
    ) -> Self {
        let rest = Rest {
            request: Arc::clone(&record.request),
            approved_by: record.votes.iter().map(|vote| vote.by.clone()).collect(),
            attempts: record.attempts,
            now,
            tool_warning,
        };
        Self::told(CallLine::of(record), rest, history)
    }

    /// Of what a console says. The lines that are shown are made here, from the request.
    pub(crate) fn told(line: CallLine, rest: Rest, history: Vec<Step>) -> Self {
        let Rest { request, approved_by, attempts, now, tool_warning } = rest;
        let mut rendered = request.render(now, DetailLevel::Full);
        rendered.warnings.extend(tool_warning);
        Self {
            line,
            rendered,
            confirm: request.confirmation(),
            request,
            approved_by,
            attempts,
            history,
            now,
        }
    }
}

/// The queue for people.
pub(crate) fn queue_table(lines: &[CallLine], now: Timestamp) -> String {
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            [
                line.id.to_string(),
                line.state.to_string(),
                line.priority.to_string(),
                line.level.to_string(),
                line.risk.to_string(),
                due(line.due_at, now),
                word(&line.tool),
                word(line.principal.as_str()),
                visible(&clip(&line.title, TITLE)).into_owned(),
            ]
        })
        .collect();
    let headings = ["ID", "STATE", "PRIORITY", "LEVEL", "RISK", "DUE", "TOOL", "ASKED BY", "TITLE"];
    table(headings, &rows)
}

/// One call for people: the card, where it stands, what happened, and what to do.
pub(crate) fn card_text(card: &Card) -> String {
    let Card { line, request, .. } = card;
    let mut out = card.rendered.to_text();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", state_line(line));
    if !card.approved_by.is_empty() && line.state == CallState::Pending {
        let names: Vec<_> = card.approved_by.iter().map(|who| word(who.as_str())).collect();
        let _ = writeln!(out, "approved so far by {}; it needs more people", names.join(", "));
    }
    for step in &card.history {
        let _ = writeln!(out, "  {}", change_line(&step.number.to_string(), &step.moved));
    }
    let _ = match line.state {
        CallState::Pending => {
            if request.needs_uncovering() {
                let _ =
                    writeln!(out, "\nto see what is masked: hitl show {} --uncover", request.id);
            }
            let binding = request.binding.to_string();
            let digits = binding.get(..DIGITS).unwrap_or(&binding);
            let confirm = card.confirm.as_deref();
            let confirm = confirm.map(|name| format!(" --confirm {}", shell(name)));
            let confirm = confirm.unwrap_or_default();
            let id = request.id;
            if request.may_be_granted().is_ok() {
                let _ =
                    writeln!(out, "\nto permit calls like it: hitl allow {id} --binding {digits}");
            }
            writeln!(out, "\nto approve: hitl approve {id} --binding {digits}{confirm}")
        }
        CallState::OutcomeUnknown => writeln!(
            out,
            "\nto settle: hitl resolve {} --version {} (--done | --failed REASON | --retry)",
            request.id, line.version
        ),
        _ => Ok(()),
    };
    out
}

/// Where a call stands, in one line.
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
