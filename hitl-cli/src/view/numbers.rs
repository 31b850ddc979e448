//! What `stats` counts.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::approval::Choice;
use hitl_core::queue::CappedCount;
use hitl_core::{CallRecord, CallState, QueueCounts};
use serde::{Deserialize, Serialize};

use super::table;

/// The numbers, as programs get them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Numbers {
    /// Calls in the states that have not ended.
    pub(crate) states: BTreeMap<&'static str, Count>,
    /// What waits, by priority.
    pub(crate) priorities: BTreeMap<String, Count>,
    /// What waits, by level.
    pub(crate) levels: BTreeMap<String, Count>,
    /// Since when the oldest one waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_waits_since: Option<Timestamp>,
    /// What became of the calls; of all that are kept, unless `days` says of how many days.
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// How many days back outcomes were counted; all, when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<u32>,
    /// Half of the decisions took no longer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) median_seconds: Option<u64>,
}

/// A number of calls; counting may have ended before the last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    counted: u64,
    more: bool,
}

impl From<CappedCount> for Count {
    fn from(tally: CappedCount) -> Self {
        Self { counted: tally.counted, more: tally.more }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.counted, if self.more { "+" } else { "" })
    }
}

/// What became of calls, gathered one by one.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    outcomes: BTreeMap<&'static str, u64>,
    took: Vec<u64>,
    oldest: Option<Timestamp>,
}

impl Decisions {
    pub(crate) fn add(&mut self, record: &CallRecord) {
        let created = record.request.created_at;
        // What a grant answered for, no human looked at.
        let by_human = record.decided.as_ref().filter(|_| record.grant_use.is_none());
        if let Some(decided) = by_human {
            self.took.push(decided.at.since(created).as_secs());
        }
        if record.state == CallState::Pending {
            self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
        }
        let answer = by_human.map(|decided| decided.answer.choice());
        let outcome = match record.grant_use {
            Some(_) => Some("granted"),
            None => outcome(record.state, answer),
        };
        if let Some(outcome) = outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
    }
}

/// What became of a call; nothing while it waits.
const fn outcome(state: CallState, answer: Option<Choice>) -> Option<&'static str> {
    match (answer, state) {
        (Some(Choice::Approve), _) => Some("approved"),
        (Some(Choice::Edit), _) => Some("edited"),
        (Some(Choice::Reject), _) => Some("rejected"),
        (Some(Choice::Respond), _) => Some("responded"),
        (Some(Choice::Abort), _) => Some("aborted"),
        (_, CallState::Pending) => None,
        (_, CallState::Expired) => Some("expired"),
        (_, CallState::Denied) => Some("denied"),
        (_, CallState::Cancelled) => Some("withdrawn"),
        _ => Some("auto"),
    }
}

impl Numbers {
    pub(crate) fn of(counts: &QueueCounts, mut decisions: Decisions) -> Self {
        decisions.took.sort_unstable();
        Self {
            states: QueueCounts::STATES.map(|s| (s.name(), counts.state(s).into())).into(),
            priorities: QueueCounts::PRIORITIES
                .map(|p| (p.to_string(), counts.priority(p).into()))
                .into(),
            levels: QueueCounts::LEVELS.map(|l| (l.to_string(), counts.level(l).into())).into(),
            oldest_waits_since: decisions.oldest,
            median_seconds: decisions.took.get(decisions.took.len() / 2).copied(),
            outcomes: decisions.outcomes.into_iter().map(|(o, n)| (o.to_owned(), n)).collect(),
            days: None,
        }
    }
}

/// The numbers for people.
pub(crate) fn numbers_text(numbers: &Numbers) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut add = |what: &str, name: &str, count: &dyn std::fmt::Display| {
        rows.push([what.to_owned(), name.to_owned(), count.to_string()]);
    };
    for (name, count) in &numbers.states {
        add("state", name, count);
    }
    for (name, count) in &numbers.priorities {
        add("waits, by priority", name, count);
    }
    for (name, count) in &numbers.levels {
        add("waits, by level", name, count);
    }
    for (name, count) in &numbers.outcomes {
        add("outcome", &visible(name), count);
    }
    let mut out = table(["WHAT", "WHICH", "CALLS"], &rows);
    // Writing to a String cannot fail.
    if let Some(days) = numbers.days {
        let _ = writeln!(out, "\noutcomes are of the calls of the last {days} days");
    }
    if let Some(since) = numbers.oldest_waits_since {
        let _ = writeln!(out, "\nthe oldest waits since {since}");
    }
    if let Some(seconds) = numbers.median_seconds {
        let _ = writeln!(out, "half of the decisions took {seconds} s or less");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_an_outcome_but_waiting() {
        for state in CallState::ALL {
            assert_eq!(outcome(state, None).is_none(), state == CallState::Pending, "{state}");
            assert_eq!(outcome(state, Some(Choice::Reject)), Some("rejected"));
        }
    }
}
