//! Attached calls: the caller waits, and the call is its own.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::call::Outcome;
use crate::gate::claiming::claim_check::ClaimedCall;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::EvaluatedCall;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::execution::execution::Execution;
use crate::gate::intake::cancel_on_drop::CancelOnDrop;
use crate::gate::intake::store_call::Attachment;
use crate::gate::intake::submit::{Admission, SubmitOutcome};
use crate::gate::waiting::waiter::WaitOutcome;
use crate::machine::CallRecord;

/// The result of waiting for an attached call.
pub(in crate::gate) enum AttachedOutcome {
    /// It runs now, with the caller's own arguments.
    Run(Execution),
    /// It runs now, with the arguments of its snapshot, because it waited for a human.
    RunFromSnapshot(ClaimedCall),
    /// It has ended, or is parked.
    Ended(Box<CallRecord>),
}

impl GateCore {
    /// Runs a model's call to its end.
    pub(in crate::gate) async fn run_attached(
        self: &Arc<Self>,
        evaluated: Box<EvaluatedCall>,
        call: Box<dyn BoundCall>,
    ) -> Result<Outcome, GateError> {
        match self.submit_attached(evaluated).await? {
            AttachedOutcome::Run(execution) => call.execute(&self.executor, execution).await,
            AttachedOutcome::RunFromSnapshot(ClaimedCall { execution, call }) => {
                call.execute(&self.executor, execution).await
            }
            AttachedOutcome::Ended(record) => self.outcome_of_record(&record).boxed().await,
        }
    }

    /// Submits a call, and waits until it may run or has ended. Dropping this withdraws the call.
    pub(in crate::gate) async fn submit_attached(
        self: &Arc<Self>,
        evaluated: Box<EvaluatedCall>,
    ) -> Result<AttachedOutcome, GateError> {
        if self.leaves_no_record(&evaluated) && !self.is_known(&evaluated).await? {
            return Ok(AttachedOutcome::Run(self.start_unrecorded(*evaluated)));
        }
        // Boxed, so that calls that nobody waits for do not carry it around.
        self.wait_attached(Box::new(self.prepare(*evaluated))).boxed().await
    }

    async fn wait_attached(
        self: &Arc<Self>,
        mut prepared: Box<PreparedCall>,
    ) -> Result<AttachedOutcome, GateError> {
        let mut ownership = CancelOnDrop::new(self, &prepared);
        let Admission { outcome, .. } =
            self.submit_prepared(&mut prepared, Attachment::Attached).await?;
        let waiting = match outcome {
            SubmitOutcome::Run(execution) => {
                ownership.disarm();
                return Ok(AttachedOutcome::Run(execution));
            }
            SubmitOutcome::Ended(record) => {
                ownership.disarm();
                return Ok(AttachedOutcome::Ended(record));
            }
            SubmitOutcome::Waiting(waiting) => waiting,
        };
        self.review_inline(&waiting.record).await?;
        let waited = self.wait_for(&waiting.tenant, waiting.id, Some(waiting.owner)).await?;
        ownership.disarm();
        Ok(match waited {
            WaitOutcome::Claimed(claimed) => AttachedOutcome::RunFromSnapshot(claimed),
            WaitOutcome::Ended(record) => AttachedOutcome::Ended(record),
        })
    }
}
