//! Shadow policies: a candidate beside the active policy, whose verdicts are only counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Policy, Route, VerdictKind, ask, combine};
use crate::confidence::{Assessment, CallView};
use crate::sync::{Mutex, MutexGuard, lock};

/// A count of calls for which the candidate's verdict differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// The tool.
    pub tool: String,
    /// The actual verdict.
    pub active: VerdictKind,
    /// The candidate's verdict.
    pub candidate: VerdictKind,
    /// The number of calls.
    pub calls: u64,
}

/// A comparison of a candidate policy with the active one, since the gate was built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShadowReport {
    /// The number of calls that both decided.
    pub compared: u64,
    /// The number of calls that the candidate could not decide: it failed or panicked.
    pub failed: u64,
    /// The differences, by tool and verdicts. At most sixteen for each tool.
    pub differences: Vec<Difference>,
}

/// Candidate policies and counts of their verdicts.
pub(crate) struct Shadow {
    candidates: Vec<Arc<dyn Policy>>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    compared: u64,
    failed: u64,
    differences: BTreeMap<(String, VerdictKind, VerdictKind), u64>,
}

impl Shadow {
    pub(crate) fn new(candidates: Vec<Arc<dyn Policy>>) -> Self {
        Self { candidates, counts: Mutex::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Counts the candidates' verdicts on a call that was routed like this. A candidate never
    /// affects the call.
    pub(crate) fn compare(
        &self,
        tool: &str,
        call: &CallView<'_>,
        assessment: &Assessment,
        active: &Route,
    ) {
        let answers: Vec<_> =
            self.candidates.iter().map(|candidate| ask(&**candidate, call, assessment)).collect();
        if answers.iter().any(|answer| answer.ruling.is_err()) {
            self.counts().failed += 1;
            return;
        }
        let candidate = combine(call, assessment, answers).verdict.kind();
        let active = active.verdict.kind();
        let mut counts = self.counts();
        counts.compared += 1;
        if candidate != active {
            *counts.differences.entry((tool.to_owned(), active, candidate)).or_default() += 1;
        }
    }

    pub(crate) fn report(&self) -> ShadowReport {
        let counts = self.counts();
        let differences = counts.differences.iter().map(|((tool, active, candidate), calls)| {
            let tool = tool.clone();
            Difference { tool, active: *active, candidate: *candidate, calls: *calls }
        });
        ShadowReport {
            compared: counts.compared,
            failed: counts.failed,
            differences: differences.collect(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }
}
