//! Changes of calls, as `watch` and `show` print them.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::approval::DecisionChannel;
use hitl_core::machine::HistoryEntry;
use hitl_core::{CallState, Principal, RequestId};
use serde::Serialize;

use crate::args::short_id;

/// The number of characters of a name that are shown.
const NAME: usize = 60;

/// A change of a call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeEntry {
    pub(crate) id: RequestId,
    /// The event: `submitted`, `decide`, ..
    pub(crate) event: String,
    /// The state after it.
    pub(crate) state: CallState,
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Principal>,
    /// The channel through which it came, if it is a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<DecisionChannel>,
}

/// One line of a call's history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NumberedEntry {
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) entry: ChangeEntry,
}

/// A line of `watch`, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A call has changed.
    Changed {
        /// The value for `watch --after`.
        place: String,
        /// The change.
        entry: ChangeEntry,
    },
    /// Changes after this position are no longer kept.
    Gap {
        /// The last position before it.
        after: String,
    },
}

impl ChangeEntry {
    pub(crate) fn new(entry: &HistoryEntry) -> Self {
        Self {
            id: entry.id,
            event: entry.event.clone(),
            state: entry.state,
            version: entry.version,
            at: entry.at,
            by: entry.by.clone(),
            channel: entry.channel.clone(),
        }
    }
}

impl NumberedEntry {
    pub(crate) fn new(number: u64, entry: &HistoryEntry) -> Self {
        Self { number, entry: ChangeEntry::new(entry) }
    }
}

impl Change {
    /// Renders the change for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Changed { place, entry } => change_line(place, entry) + "\n",
            Self::Gap { after } => format!("changes after {after} are no longer kept\n"),
        }
    }
}

/// Renders a change of one of many calls for people.
fn change_line(place: &str, entry: &ChangeEntry) -> String {
    format!("{:>6}  {}  {}  {}", visible(place), entry.at, short_id(&entry.id), what(entry))
}

/// Renders a change of the call that is shown.
pub(crate) fn step_line(step: &NumberedEntry) -> String {
    format!("{:>6}  {}  {}", step.number, step.entry.at, what(&step.entry))
}

/// Returns what happened, who did it, and the state that followed.
fn what(entry: &ChangeEntry) -> String {
    let by = entry.by.as_ref().map(|by| visible(&clip(by.as_str(), NAME)).into_owned());
    event_words(&entry.event, entry.state, by.as_deref()) + &through(entry.channel.as_ref())
}

/// Returns the words about the channel of a decision; none about the host's own.
pub(crate) fn through(channel: Option<&DecisionChannel>) -> String {
    match channel {
        Some(channel) if *channel != DecisionChannel::HOST => format!(", through {channel}"),
        _ => String::new(),
    }
}

/// Returns an event in words. An event that this version does not know is shown by its name.
fn event_words(event: &str, state: CallState, by: Option<&str>) -> String {
    let by_whom = by.map(|by| format!(" by {by}")).unwrap_or_default();
    let done = match (event, state) {
        ("submitted", CallState::Pending) => "submitted: waits for an approval",
        ("submitted", CallState::Denied) => "submitted: not allowed",
        ("submitted", CallState::Approved | CallState::Claimed) => "submitted: runs without asking",
        ("decide", CallState::Pending) => "approved@: more approvals are needed",
        ("decide", CallState::Approved) => "approved@",
        ("decide", CallState::Rejected) => "rejected@",
        ("decide", CallState::Responded) => "answered@ instead of running",
        ("decide", CallState::Cancelled) => "stopped@, with its run",
        ("allow", _) => "approved by a grant that was given@",
        ("disallow", _) => "its grant no longer covers it: asked about again",
        ("edit", CallState::Approved) => "changed and approved@",
        ("edit", _) => "changed@: waits for an approval",
        ("attach", _) => "picked up again",
        ("deliver", _) => "its outcome was delivered",
        ("cancel", _) => "withdrawn@",
        ("extend", _) => "given more time@",
        ("expire", CallState::Pending) => "nobody decided in time: others are asked",
        ("expire", _) => "nobody decided in time: expired",
        ("demote", _) => "needs more approval than it had: asked about again",
        ("repeat", _) => "an earlier call had the same effect: asked about again",
        ("reask", CallState::Pending) => "what would run has changed: asked about again",
        ("reask", _) => "what would run has changed: still approved",
        ("deny", _) => "no longer allowed: denied",
        ("claim", _) => "started",
        ("release", _) => "not started after all: approved",
        ("succeed", _) => "executed",
        ("fail", _) => "failed",
        ("timeOut", _) => "ran out of its time: outcome unknown",
        ("lose", _) => "its process died: outcome unknown",
        ("restore", CallState::OutcomeUnknown) => {
            "the store was restored from a backup: outcome unknown"
        }
        ("restore", _) => "the store was restored from a backup: asked about again",
        ("tryAgain", _) => "harmless to repeat: approved to run once more",
        ("reconcile", CallState::Executed) => "its tool found that it took effect: executed",
        ("reconcile", _) => "its tool found that it took no effect: approved again",
        ("resolve", CallState::Executed) => "settled@: it took effect",
        ("resolve", CallState::Failed) => "settled@: it did not take effect",
        ("resolve", _) => "settled@: may run once more",
        _ => return format!("{}{by_whom}: {state}", visible(event)),
    };
    done.replace('@', &by_whom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all events, and `submitted`.
    const EVENTS: [&str; 24] = [
        "submitted",
        "decide",
        "allow",
        "disallow",
        "edit",
        "attach",
        "deliver",
        "cancel",
        "extend",
        "expire",
        "demote",
        "repeat",
        "reask",
        "deny",
        "claim",
        "release",
        "succeed",
        "fail",
        "timeOut",
        "lose",
        "restore",
        "tryAgain",
        "reconcile",
        "resolve",
    ];

    #[test]
    fn what_happened_is_said_in_words() {
        let words = |event, state, by| event_words(event, state, by);
        let pending = CallState::Pending;
        assert_eq!(words("attach", pending, None), "picked up again");
        let lost = CallState::OutcomeUnknown;
        assert_eq!(words("lose", lost, None), "its process died: outcome unknown");
        assert_eq!(words("decide", CallState::Approved, Some("ann")), "approved by ann");
        assert_eq!(words("decide", CallState::Rejected, Some("a@b.c")), "rejected by a@b.c");
        let resolved = words("resolve", CallState::Executed, Some("bob"));
        assert_eq!(resolved, "settled by bob: it took effect");
        // What is not known is shown as it is.
        assert_eq!(words("freeze\u{202e}", pending, None), "freeze\\u{202e}: pending");
        for event in EVENTS {
            let states = CallState::ALL.map(|state| words(event, state, None));
            let is_worded =
                |(words, state): &(&String, CallState)| **words != format!("{event}: {state}");
            let worded = states.iter().zip(CallState::ALL).filter(is_worded).count();
            assert!(worded > 0, "{event} has no words");
            assert!(states.iter().all(|words| !words.contains('@')), "{states:?}");
        }
    }
}
