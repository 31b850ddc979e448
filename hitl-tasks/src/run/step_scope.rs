//! The surroundings of a running step.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::journal::session::JournalSession;
use crate::run::attempt::Attempt;
use crate::run::run_budget::RunBudget;
use crate::state::record::Record;
use crate::sync::{AtomicBool, Ordering};

/// The surroundings of a step, which runs alone or in a group.
pub(crate) struct StepScope<'a> {
    pub(crate) record: &'a Arc<Record>,
    pub(crate) budget: &'a RunBudget,
    pub(crate) session: Option<&'a JournalSession>,
    /// Wakes the step: the task's waker, or one for each member of a group.
    pub(crate) waker: &'a Notify,
    /// True if a sibling failed.
    pub(crate) sibling_failed: &'a AtomicBool,
    /// True if the step counts as on the clock.
    pub(crate) on_clock: AtomicBool,
}

impl<'a> StepScope<'a> {
    pub(crate) fn new(
        record: &'a Arc<Record>,
        budget: &'a RunBudget,
        session: Option<&'a JournalSession>,
        waker: &'a Notify,
        sibling_failed: &'a AtomicBool,
    ) -> Self {
        Self { record, budget, session, waker, sibling_failed, on_clock: AtomicBool::new(true) }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.record.is_stopping() || self.sibling_failed.load(Ordering::Acquire)
    }

    pub(crate) fn leave_clock(&self, attempt: &Attempt) {
        attempt.clock().park();
        self.on_clock.store(false, Ordering::Release);
        self.budget.leave_member(self.record, attempt.step, false);
    }

    pub(crate) async fn reacquire_slot(&self, attempt: &Attempt) -> bool {
        let back = self.budget.reacquire_slot(attempt, self.sibling_failed, self.waker).await;
        self.on_clock.store(back, Ordering::Release);
        back
    }
}
