//! The outcome of every call.

use std::sync::{Mutex, PoisonError};

use hitl::gate::Receipt;
use hitl::{ApprovalLevel, CallKey, CallState, Gate, GateError, Verdict};
use serde::Serialize;

/// Every call of the file that was submitted so far.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Vec<Counted>>);

#[derive(Clone)]
struct Counted {
    key: CallKey,
    verdict: Route,
    state: CallState,
    reattached: bool,
    mistake: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Auto,
    Quick,
    Full,
    Denied,
}

/// The counts, as `--json` prints them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) calls: usize,
    pub(crate) auto: usize,
    pub(crate) quick: usize,
    pub(crate) full: usize,
    pub(crate) denied: usize,
    pub(crate) executed: usize,
    pub(crate) failed: usize,
    pub(crate) rejected: usize,
    pub(crate) pending: usize,
    pub(crate) unknown: usize,
    pub(crate) cancelled: usize,
    pub(crate) expired: usize,
    pub(crate) reattached: usize,
    /// The number of calls that the recording calls a mistake, and of those that ran without a
    /// human.
    #[serde(skip)]
    pub(crate) mistakes: usize,
    #[serde(skip)]
    pub(crate) mistakes_unseen: usize,
}

impl Tally {
    /// Counts a call that the gate accepted, with its state at that time.
    pub(crate) fn count(&self, receipt: &Receipt, state: CallState, mistake: bool) {
        let verdict = match &receipt.verdict {
            Verdict::Run => Route::Auto,
            Verdict::Ask(ApprovalLevel::Full) => Route::Full,
            Verdict::Ask(_) => Route::Quick,
            Verdict::Deny(_) => Route::Denied,
        };
        let (key, reattached) = (receipt.key.clone(), receipt.reattached);
        self.push(Counted { key, verdict, state, reattached, mistake });
    }

    /// Counts a call that the gate refused before it had a verdict.
    pub(crate) fn count_refused(&self, key: CallKey, mistake: bool) {
        let (verdict, state) = (Route::Denied, CallState::Denied);
        self.push(Counted { key, verdict, state, reattached: false, mistake });
    }

    fn push(&self, counted: Counted) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(counted);
    }

    /// Returns the counts by the calls' current states. A call that had ended then has ended.
    pub(crate) async fn summary(&self, gate: &Gate) -> Result<Summary, GateError> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for call in calls.iter_mut().filter(|call| !call.state.is_terminal()) {
            if let Some(record) = gate.unscoped().get_by_key(&call.key).await? {
                call.state = record.state();
            }
        }
        let count = |is: &dyn Fn(&Counted) -> bool| calls.iter().filter(|call| is(call)).count();
        let routed = |to| count(&|call| call.verdict == to);
        let now = |states: &[CallState]| count(&|call| states.contains(&call.state));
        Ok(Summary {
            calls: calls.len(),
            auto: routed(Route::Auto),
            quick: routed(Route::Quick),
            full: routed(Route::Full),
            denied: routed(Route::Denied),
            executed: now(&[CallState::Executed]),
            failed: now(&[CallState::Failed]),
            rejected: now(&[CallState::Rejected, CallState::Responded]),
            pending: now(&[CallState::Pending, CallState::Approved]),
            // Claimed by a process that has not recorded a result.
            unknown: now(&[CallState::OutcomeUnknown, CallState::Claimed]),
            cancelled: now(&[CallState::Cancelled]),
            expired: now(&[CallState::Expired]),
            reattached: count(&|call| call.reattached),
            mistakes: count(&|call| call.mistake),
            mistakes_unseen: count(&|call| call.mistake && call.verdict == Route::Auto),
        })
    }
}
