//! The result of a call, as a person may see it.

use hitl_base::JsonText;
use hitl_base::json::parse_with_limits;
use hitl_base::redact::Taint;

use crate::gate::error::GateError;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::read::scoped::ScopedGate;
use crate::machine::{CallRecord, CallState, EndReason};

/// The part of a call's result that a person may see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShownResult {
    /// It has not run, has given nothing, or its result is not kept.
    Nothing,
    /// The result, without secrets.
    Text(JsonText),
    /// There is a result. It may repeat what the host declared sensitive, which can no longer be
    /// looked for, or it cannot be read.
    Withheld,
}

impl ScopedGate {
    /// Returns what a call gave, also one that failed with an output, without secrets: those that
    /// redaction recognizes, and those that its arguments declare.
    ///
    /// Fails like [`get`](Self::get).
    pub async fn result(&self, record: &CallRecord) -> Result<ShownResult, GateError> {
        let tenant = &record.key().tenant;
        self.check(tenant)?;
        if !may_have_output(record) {
            return Ok(ShownResult::Nothing);
        }
        let core = self.core();
        let Some(sealed) = core.calls.store().result(tenant, record.id()).await? else {
            return Ok(ShownResult::Nothing);
        };
        let Some(text) = core.vault.open_result(record, &sealed) else {
            return Ok(ShownResult::Withheld);
        };
        let own = match stored_snapshot(core, record).await {
            Ok(Some(snapshot)) => snapshot.own_taint(),
            Ok(None) if !has_declared(record) => Taint::default(),
            Ok(None) => return Ok(ShownResult::Withheld),
            Err(error) => {
                tracing::debug!(call = %record.id(), %error, "its result cannot be shown");
                return Ok(ShownResult::Withheld);
            }
        };
        let Ok(tree) = parse_with_limits(text.as_str(), core.tools.limits()) else {
            return Ok(ShownResult::Withheld);
        };
        Ok(ShownResult::Text(JsonText::from(&core.redactor.json(&own.json(&tree)))))
    }
}

/// Returns whether the body has ended with something that is kept beside the record.
fn may_have_output(record: &CallRecord) -> bool {
    match (record.state(), record.end_reason()) {
        (CallState::Executed, _) => true,
        (CallState::Failed, Some(EndReason::Failure(failure))) => failure.output.is_some(),
        _ => false,
    }
}

/// Returns whether its arguments had something that the host declared sensitive, or may have had.
fn has_declared(record: &CallRecord) -> bool {
    let request = record.request();
    request.more_masks > 0 || request.masks.iter().any(|mask| mask.declared)
}
