//! The numbers of `hitl stats`, as JSON.

use std::collections::BTreeMap;

use hitl_base::Timestamp;
use hitl_core::{CallState, QueueCounts};
use hitl_wire::queue::Count;
use hitl_wire::stats::{DecisionTally, Stats};
use serde::Serialize;

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
    #[serde(flatten)]
    pub(crate) past: PastReport,
}

/// What became of all kept calls, or of those of the last `days`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PastReport {
    /// The number of calls by outcome.
    pub(super) outcomes: BTreeMap<String, u64>,
    /// The number of days that it covers; left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) days: Option<u32>,
    /// True if there were more calls than were read: the numbers are those of the oldest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
    /// The number of calls that a person decided.
    pub(super) decided: usize,
    /// The median time to a decision, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) median_seconds: Option<u64>,
    /// The 90th percentile of the time to a decision, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p90_seconds: Option<u64>,
    /// How the calls that were started ended.
    pub(super) ended: BTreeMap<String, usize>,
    /// The decisions by people for each tool, the most first.
    pub(super) by_tool: Vec<DecisionTally>,
    /// The decisions of each reviewer, the most first.
    pub(super) by_reviewer: Vec<DecisionTally>,
}

impl PastReport {
    /// Reports the numbers of all kept calls; `days` is the span of a console's numbers.
    pub(crate) fn new(stats: Stats, days: Option<u32>) -> Self {
        let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
        for (outcome, number) in stats.by_day.into_values().flatten() {
            *outcomes.entry(outcome).or_default() += number;
        }
        Self {
            outcomes,
            days,
            cut: stats.cut,
            decided: stats.decided,
            median_seconds: stats.median_seconds,
            p90_seconds: stats.p90_seconds,
            ended: stats.ended,
            by_tool: stats.by_tool,
            by_reviewer: stats.by_reviewer,
        }
    }
}

impl StatsReport {
    pub(crate) fn new(counts: &QueueCounts, oldest: Option<Timestamp>, past: PastReport) -> Self {
        Self {
            states: QueueCounts::STATES.map(|s| (s.name(), counts.state(s).into())).into(),
            priorities: QueueCounts::PRIORITIES
                .map(|p| (p.to_string(), counts.priority(p).into()))
                .into(),
            levels: QueueCounts::LEVELS.map(|l| (l.to_string(), counts.level(l).into())).into(),
            oldest_waits_since: oldest,
            past,
        }
    }

    pub(super) fn state(&self, state: CallState) -> Count {
        self.states.get(state.name()).copied().unwrap_or_default()
    }
}
