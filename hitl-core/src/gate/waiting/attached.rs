//! Attached calls: the caller waits and owns the call.

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
use crate::gate::intake::submit::{
    Admission, SubmitOutcome, is_known, leaves_no_record, prepare_call, start_unrecorded,
    submit_prepared,
};
use crate::gate::waiting::inline_review::review_inline;
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::waiter::{WaitOutcome, wait_for};
use crate::machine::CallRecord;

/// The result of waiting for an attached call.
pub(in crate::gate) enum AttachedOutcome {
    /// The call runs now, with the caller's own arguments.
    Run(Execution),
    /// The call runs now, with the arguments of its snapshot, because it waited for a human.
    RunFromSnapshot(ClaimedCall),
    /// The call has ended, or is parked.
    Ended(Box<CallRecord>),
}

/// Runs a model's call to its end.
pub(in crate::gate) async fn run_attached(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: Box<dyn BoundCall>,
) -> Result<Outcome, GateError> {
    match submit_attached(core, evaluated).await? {
        AttachedOutcome::Run(execution) => call.execute(&core.executor, execution).await,
        AttachedOutcome::RunFromSnapshot(ClaimedCall { execution, call }) => {
            call.execute(&core.executor, execution).await
        }
        AttachedOutcome::Ended(record) => outcome_of_record(core, &record).boxed().await,
    }
}

/// Submits a call, and waits until it may run or has ended. Dropping this withdraws the call.
pub(in crate::gate) async fn submit_attached(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
) -> Result<AttachedOutcome, GateError> {
    if leaves_no_record(core, &evaluated) && !is_known(core, &evaluated).await? {
        return Ok(AttachedOutcome::Run(start_unrecorded(core, *evaluated)));
    }
    // Boxed, so that the futures of calls that nobody waits for stay small.
    wait_attached(core, Box::new(prepare_call(core, *evaluated))).boxed().await
}

async fn wait_attached(
    core: &Arc<GateCore>,
    mut prepared: Box<PreparedCall>,
) -> Result<AttachedOutcome, GateError> {
    let mut ownership = CancelOnDrop::new(core, &prepared);
    let Admission { outcome, .. } =
        submit_prepared(core, &mut prepared, Attachment::Attached).await?;
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
    review_inline(core, &waiting.record).await?;
    let waited = wait_for(core, &waiting.tenant, waiting.id, Some(waiting.owner)).await?;
    ownership.disarm();
    Ok(match waited {
        WaitOutcome::Claimed(claimed) => AttachedOutcome::RunFromSnapshot(claimed),
        WaitOutcome::Ended(record) => AttachedOutcome::Ended(record),
    })
}
