//! Attached calls: the caller waits and owns the call.

use std::sync::Arc;
use std::time::Duration;

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
use crate::gate::intake::submit_options::InlineApprover;
use crate::gate::notices::wait_timeout::{LeftCall, WaitTimeout};
use crate::gate::waiting::inline_review::review_inline;
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::wait_limit::WaitLimit;
use crate::gate::waiting::waiter::{WaitOutcome, WaitingCall, wait_for};
use crate::machine::{CallRecord, CallState, Event, Refusal, Withdrawal};

/// The result of waiting for an attached call.
pub(in crate::gate) enum AttachedOutcome {
    /// The call runs now, with the caller's own arguments.
    Run(Execution),
    /// The call runs now, with the arguments of its snapshot, because it waited for a human.
    RunFromSnapshot(ClaimedCall),
    /// The call has ended, or is parked.
    Ended(Box<CallRecord>),
    /// Nobody decided within the caller's limit. The body was not started.
    TimedOut(Box<WaitTimeout>),
}

/// Runs a model's call to its end.
pub(in crate::gate) async fn run_attached(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: Box<dyn BoundCall>,
) -> Result<Outcome, GateError> {
    match submit_attached(core, evaluated, None).await? {
        AttachedOutcome::Run(execution) => call.execute(&core.executor, execution).await,
        AttachedOutcome::RunFromSnapshot(ClaimedCall { execution, call }) => {
            call.execute(&core.executor, execution).await
        }
        AttachedOutcome::Ended(record) => outcome_of_record(core, &record).boxed().await,
        AttachedOutcome::TimedOut(timeout) => {
            Ok(Outcome::Cancelled { reason: timeout.to_string() })
        }
    }
}

/// Submits a call, and waits until it may run or has ended, for at most `max_wait`. Dropping this
/// withdraws the call.
pub(in crate::gate) async fn submit_attached(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    max_wait: Option<Duration>,
) -> Result<AttachedOutcome, GateError> {
    if leaves_no_record(core, &evaluated) && !is_known(core, &evaluated).await? {
        core.freezes.check(&evaluated.key.tenant).await?;
        evaluated.tool.check_current()?;
        return Ok(AttachedOutcome::Run(start_unrecorded(core, *evaluated)));
    }
    // Boxed, so that the futures of calls that nobody waits for stay small.
    wait_attached(core, Box::new(prepare_call(core, *evaluated)), max_wait).boxed().await
}

async fn wait_attached(
    core: &Arc<GateCore>,
    mut prepared: Box<PreparedCall>,
    max_wait: Option<Duration>,
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
    let mut limit = WaitLimit::starting_now(max_wait);
    tokio::select! {
        biased;
        reviewed = review_inline(core, &waiting.record, &InlineApprover::Gates) => drop(reviewed?),
        () = limit.reached() => {}
    }
    let outcome = loop {
        let (tenant, id) = (&waiting.tenant, waiting.id);
        break match wait_for(core, tenant, id, Some(waiting.owner), &mut limit).await? {
            WaitOutcome::Claimed(claimed) => AttachedOutcome::RunFromSnapshot(claimed),
            WaitOutcome::Ended(record) => AttachedOutcome::Ended(record),
            WaitOutcome::LimitReached(record) => match give_up(core, &waiting, record).await? {
                GivenUp::Left(record, left) => {
                    let notice = core.notifier.notice_about(&record);
                    let limit = max_wait.unwrap_or_default();
                    AttachedOutcome::TimedOut(Box::new(WaitTimeout::new(limit, notice, left)))
                }
                GivenUp::Parked(record) => AttachedOutcome::Ended(record),
                GivenUp::Changed => continue,
            },
        };
    };
    ownership.disarm();
    Ok(outcome)
}

/// The result of giving up a call whose caller waits no longer.
enum GivenUp {
    /// The caller left the call, in this state.
    Left(Box<CallRecord>, LeftCall),
    /// An earlier attempt of the call may have run, so it was parked instead of withdrawn.
    Parked(Box<CallRecord>),
    /// The call was decided, or started elsewhere, in the same moment.
    Changed,
}

/// Withdraws a call whose caller waits no longer, unless it has started or belongs to another
/// caller by now. The store decides whether this or a decision was first.
async fn give_up(
    core: &GateCore,
    waiting: &WaitingCall,
    record: Box<CallRecord>,
) -> Result<GivenUp, GateError> {
    let reason = "it was not decided and started within the time that its caller waits".to_owned();
    let event = Event::Cancel { by: Withdrawal::Owner(waiting.owner), reason };
    match core.lifecycle.withdraw(&waiting.tenant, waiting.id, event).await {
        Ok(record) if record.state == CallState::Cancelled => {
            Ok(GivenUp::Left(Box::new(record), LeftCall::Withdrawn))
        }
        Ok(record) => Ok(GivenUp::Parked(Box::new(record))),
        Err(error) => match error.refusal() {
            Some(Refusal::NotOwner) => Ok(GivenUp::Left(record, LeftCall::StillWaits)),
            Some(_) => Ok(GivenUp::Changed),
            None => Err(error),
        },
    }
}
