//! The outcome of a call, derived from its record.

use hitl_base::JsonText;

use crate::approval::DecisionKind;
use crate::call::{Failure, FailureRecord, Outcome, OutputText, RunDetails, Tool};
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
    let details = || RunDetails::of_record(record);
    Ok(match record.state {
        CallState::Executed => {
            let text = stored_output(core, record).await?;
            Outcome::Executed(OutputText::new(text, details()))
        }
        CallState::Failed => {
            let failure = match &record.end_reason {
                Some(EndReason::Failure(failure)) => failure.clone(),
                _ => FailureRecord::new(reason(), false),
            };
            let output = match failure.output {
                Some(_) => stored_output(core, record).await?,
                None => None,
            };
            Outcome::Failed(Failure::new(failure, details().with_failed_output(output)))
        }
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
        CallState::OutcomeUnknown => Outcome::OutcomeUnknown(details()),
        CallState::Pending | CallState::Approved | CallState::Claimed => {
            let why = format!("the call is {}, which is no outcome", record.state);
            return Err(GateError::new(GateErrorKind::Refused, why));
        }
    })
}

/// Returns the output of a call that ran. An output that cannot be opened is unavailable:
/// the body ran nevertheless.
async fn stored_output(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<JsonText>, GateError> {
    let sealed = core.calls.store().result(&record.key().tenant, record.id()).await?;
    Ok(sealed.and_then(|sealed| core.vault.open_result(record, &sealed)))
}

/// Returns the typed result of a call that ended before, or that another process ran.
pub(in crate::gate) async fn typed_result<T: Tool>(
    core: &GateCore,
    record: &CallRecord,
) -> Result<T::Output, CallError<T::Error>> {
    let not_run = match outcome_of_record(core, record).await? {
        Outcome::Executed(output) => {
            let lost = || CallError::OutputUnavailable {
                key: record.key().clone(),
                details: output.details().clone(),
            };
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
        Outcome::OutcomeUnknown(details) => {
            return Err(CallError::Unknown { key: record.key().clone(), details });
        }
        Outcome::Rejected { reason } => NotRunReason::Rejected { reason },
        Outcome::Responded { message } => NotRunReason::Responded { message },
        Outcome::Expired => NotRunReason::Expired,
        Outcome::Cancelled { reason } => NotRunReason::Cancelled { reason },
        Outcome::Aborted { reason } => NotRunReason::Aborted { reason },
        Outcome::Denied { reason } => NotRunReason::Denied { reason },
    };
    Err(CallError::NotRun(not_run))
}
