//! The outcome of a call, derived from its record.

use crate::approval::DecisionKind;
use crate::call::{FailureRecord, Outcome, OutputText, Tool};
use crate::gate::core::GateCore;
use crate::gate::error::{CallError, GateError, GateErrorKind, NotRunReason};
use crate::machine::{CallRecord, CallState, EndReason};
use crate::panic::catch;

/// Returns the outcome of a call that has ended or is parked.
pub(in crate::gate) async fn outcome_of_record(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Outcome, GateError> {
    let reason = || match &record.end_reason {
        Some(EndReason::Reason(reason)) => reason.clone(),
        _ => String::new(),
    };
    let answer = record.decision.as_ref().map(|decided| &decided.answer);
    Ok(match record.state {
        CallState::Executed => Outcome::Executed(stored_output(core, record).await?),
        CallState::Failed => Outcome::Failed(match &record.end_reason {
            Some(EndReason::Failure(failure)) => failure.clone(),
            _ => FailureRecord { message: reason(), panicked: false },
        }),
        CallState::Rejected => Outcome::Rejected {
            reason: match answer {
                Some(DecisionKind::Reject { reason, .. }) => reason.clone(),
                _ => None,
            },
        },
        CallState::Responded => Outcome::Responded {
            message: match answer {
                Some(DecisionKind::Respond { message }) => message.clone(),
                _ => String::new(),
            },
        },
        CallState::Expired => Outcome::Expired,
        CallState::Cancelled => match answer {
            Some(DecisionKind::Abort { reason }) => Outcome::Aborted { reason: reason.clone() },
            _ => Outcome::Cancelled { reason: reason() },
        },
        CallState::Denied => Outcome::Denied { reason: reason() },
        CallState::OutcomeUnknown => Outcome::OutcomeUnknown,
        CallState::Pending | CallState::Approved | CallState::Claimed => {
            let why = format!("the call is {}, which is no outcome", record.state);
            return Err(GateError::new(GateErrorKind::Refused, why));
        }
    })
}

/// Returns the output of a call that was executed. An output that cannot be opened is unavailable:
/// the body ran nevertheless.
async fn stored_output(core: &GateCore, record: &CallRecord) -> Result<OutputText, GateError> {
    let sealed = core.calls.store().result(&record.key().tenant, record.id()).await?;
    let text = sealed.and_then(|sealed| core.vault.open_result(record, &sealed));
    Ok(OutputText(text))
}

/// Returns the typed result of a call that ended before, or that another process ran.
pub(in crate::gate) async fn typed_result<T: Tool>(
    core: &GateCore,
    record: &CallRecord,
) -> Result<T::Output, CallError<T::Error>> {
    let not_run = match outcome_of_record(core, record).await? {
        Outcome::Executed(output) => {
            let lost = || CallError::OutputUnavailable(record.key().clone());
            output.json().ok_or_else(lost)?;
            let tool = &record.request.tool;
            // Parsing runs the host's code, which may panic.
            return match catch(|| output.parse()) {
                Ok(Ok(output)) => Ok(output),
                Ok(Err(error)) => {
                    tracing::warn!(%tool, %error, "what the tool gave cannot be read back");
                    Err(lost())
                }
                Err(_panicked) => {
                    tracing::warn!(%tool, "reading back what the tool gave panicked");
                    Err(lost())
                }
            };
        }
        Outcome::Failed(failure) => return Err(CallError::ToolFailed(failure)),
        Outcome::OutcomeUnknown => return Err(CallError::Unknown(record.key().clone())),
        Outcome::Rejected { reason } => NotRunReason::Rejected { reason },
        Outcome::Responded { message } => NotRunReason::Responded { message },
        Outcome::Expired => NotRunReason::Expired,
        Outcome::Cancelled { reason } => NotRunReason::Cancelled { reason },
        Outcome::Aborted { reason } => NotRunReason::Aborted { reason },
        Outcome::Denied { reason } => NotRunReason::Denied { reason },
    };
    Err(CallError::NotRun(not_run))
}
