//! The numbers of `hitl stats`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::approval::Choice;
use hitl_core::{CallRecord, CallState, QueueCounts};
use hitl_wire::queue::Count;
use serde::Serialize;

use super::{Column, Screen, Table};

/// The numbers of `hitl stats`, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatsReport {
    /// Calls that have not ended, by state.
    pub(crate) states: BTreeMap<&'static str, Count>,
    /// Pending calls by priority.
    pub(crate) priorities: BTreeMap<String, Count>,
    /// Pending calls by level.
    pub(crate) levels: BTreeMap<String, Count>,
    /// The time at which the oldest pending call was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_waits_since: Option<Timestamp>,
    /// The outcomes of all kept calls, or of those of the last `days`.
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// The number of days that `outcomes` covers; left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<u32>,
    /// The median time to a decision, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) median_seconds: Option<u64>,
}

/// Counts the outcomes of calls, one by one.
#[derive(Debug, Default)]
pub(crate) struct OutcomeCounter {
    outcomes: BTreeMap<&'static str, u64>,
    took: Vec<u64>,
    oldest: Option<Timestamp>,
}

impl OutcomeCounter {
    pub(crate) fn add(&mut self, record: &CallRecord) {
        let created = record.request().created_at;
        // No human looked at a call that a grant answered.
        let by_human = record.decision().filter(|_| record.grant_use().is_none());
        if let Some(decided) = by_human {
            self.took.push(decided.at.saturating_duration_since(created).as_secs());
        }
        if record.state() == CallState::Pending {
            self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
        }
        let answer = by_human.map(|decided| decided.answer.choice());
        let outcome = match record.grant_use() {
            Some(_) => Some("granted"),
            None => outcome(record.state(), answer),
        };
        if let Some(outcome) = outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
    }
}

/// Returns the outcome of a call; `None` while it is pending.
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

impl StatsReport {
    pub(crate) fn new(counts: &QueueCounts, mut decisions: OutcomeCounter) -> Self {
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

/// Renders the numbers for people.
pub(crate) fn stats_text(report: &StatsReport, screen: Screen) -> String {
    let mut table = Table::new([Column::new("WHAT"), Column::new("WHICH"), Column::new("CALLS")]);
    let mut add = |what: &str, name: &str, count: &dyn std::fmt::Display| {
        table.push([what.into(), name.into(), count.to_string().into()]);
    };
    for (name, count) in &report.states {
        add("state", name, count);
    }
    for (name, count) in &report.priorities {
        add("pending, by priority", name, count);
    }
    for (name, count) in &report.levels {
        add("pending, by level", name, count);
    }
    for (name, count) in &report.outcomes {
        add("outcome", &visible(name), count);
    }
    let mut out = table.text(screen);
    // Writing to a String cannot fail.
    if let Some(days) = report.days {
        let _ = writeln!(out, "\noutcomes cover the calls of the last {days} days");
    }
    if let Some(since) = report.oldest_waits_since {
        let _ = writeln!(out, "\nthe oldest has been pending since {since}");
    }
    if let Some(seconds) = report.median_seconds {
        let _ = writeln!(out, "median time to decision: {seconds} s");
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
