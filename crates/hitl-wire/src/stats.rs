//! Outcomes, times to decision, and approvals by confidence.

mod count;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use count::StatsCounter;

/// The outcomes of the calls of some days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// The number of days back.
    pub days: u32,
    /// The number of calls that were submitted in that time.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub calls: usize,
    /// True if there were more than were read; the numbers are those of the oldest.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cut: bool,
    /// The number of calls that a human decided.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub decided: usize,
    /// By day (UTC, `2026-01-31`) and outcome: `approved`, `edited`, `rejected`, `responded`,
    /// `aborted`, `expired`, `denied`, `auto`, `granted` (a grant answered for it), `withdrawn`.
    pub by_day: BTreeMap<String, BTreeMap<String, u64>>,
    /// How the calls that were started ended: `executed`, `failed`, `outcomeUnknown`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<String, usize>,
    /// Times to decision, in bands.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub time_to_decision: Vec<TimeBand>,
    /// The median time to a decision, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<u64>,
    /// The 90th percentile of the time to a decision, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_seconds: Option<u64>,
    /// The 99th percentile of the time to a decision, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_seconds: Option<u64>,
    /// The decisions by humans for each tool, the most first; at most 50 tools.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub by_tool: Vec<DecisionTally>,
    /// The decisions of each reviewer, the most first; at most 50 reviewers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub by_reviewer: Vec<DecisionTally>,
    /// Approvals by humans, by confidence.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub by_confidence: Vec<ConfidenceBand>,
}

/// The decisions about calls of one tool, or by one reviewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DecisionTally {
    /// The tool, or the reviewer.
    pub name: String,
    /// The number of decisions.
    pub decided: usize,
    /// Of these, the approvals, with or without an edit.
    pub approved: usize,
    /// The median time to a decision, in seconds.
    pub median_seconds: u64,
    /// The 90th percentile of the time to a decision, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_seconds: Option<u64>,
    /// The decisions by answer: `approved`, `edited`, `rejected`, `responded`, `aborted`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, usize>,
    /// How those of the calls that were started ended: `executed`, `failed`, `outcomeUnknown`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<String, usize>,
}

/// The number of decisions that took a certain time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TimeBand {
    /// Less than this many seconds, and not in the band before; the last band has no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_seconds: Option<u64>,
    /// The number of decisions.
    pub count: usize,
}

/// The decisions about calls of a range of confidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfidenceBand {
    /// The lowest confidence of the range, which is ten points wide.
    pub from: u8,
    /// The number of calls that were approved, with or without an edit.
    pub approved: usize,
    /// The number of calls that were decided.
    pub decided: usize,
}
