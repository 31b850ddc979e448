//! Handles a key that is submitted again after the tool of its call has changed.

use crate::approval::ToolChange;
use crate::call::{CallKey, Principal};
use crate::gate::contents::comparison::ContentComparison;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::review::reask::{ask_again, close_retired};
use crate::gate::stored_text::UNLIMITED;
use crate::gate::tools::tool_check::{ChangedTool, ToolCheck, check_tool, describe_state};
use crate::machine::{CallRecord, CallState};

/// A call whose text was refused.
#[derive(Clone, Copy)]
pub(in crate::gate) struct RefusedCall<'r> {
    pub(in crate::gate) tool: &'r str,
    pub(in crate::gate) key: &'r CallKey,
    pub(in crate::gate) principal: &'r Principal,
}

/// A change of a tool, and the call that it affects.
struct ToolChangeOfCall {
    change: ToolChange,
    record: CallRecord,
}

/// Updates a waiting call that is submitted again to its present tool, to the present contents that
/// its arguments name, and to its present preview.
pub(in crate::gate) async fn refresh_call(
    core: &GateCore,
    record: CallRecord,
) -> Result<CallRecord, GateError> {
    if !matches!(record.state, CallState::Pending | CallState::Approved) {
        return Ok(record);
    }
    match check_tool(core, &record).await? {
        ToolCheck::Changed(changed) => ask_again(core, &record, &changed).await,
        ToolCheck::Retired => close_retired(core, &record).await,
        ToolCheck::Same(tool) if tool.looks_ahead() => {
            let Some(snapshot) = stored_snapshot(core, &record).await? else {
                return Ok(record);
            };
            match core.contents.compare(&record, &tool, &snapshot).await? {
                ContentComparison::Changed(contents) => {
                    let changed = ChangedTool::contents(&tool, *contents);
                    ask_again(core, &record, &changed).await
                }
                ContentComparison::Same(_) | ContentComparison::Unknown => Ok(record),
            }
        }
        _ => Ok(record),
    }
}

/// Matches a submission with the earlier call of its key, whose content differs: it is the same
/// call if only its tool now reads it differently. Otherwise it is a conflict, and the error
/// describes the change of the tool.
pub(in crate::gate) async fn match_earlier_call(
    core: &GateCore,
    prepared: &PreparedCall,
    record: CallRecord,
) -> Result<CallRecord, GateError> {
    let PreparedCall { tool, snapshot, record: submitted, .. } = prepared;
    let conflict = |record: &CallRecord| GateError::key_conflict(record.key(), record.id());
    let same_principal = submitted.context.principal == record.context.principal;
    if record.request.tool != **tool.name() || !same_principal {
        return Err(conflict(&record));
    }
    // A digest that was recorded under a former host key is compared under it.
    let same = |known| {
        let content = prepared.content();
        core.vault.recognize_digest_from(submitted.content, known, content) == known
    };
    if same(record.content) || record.reread.is_some_and(same) {
        return Ok(record);
    }
    let known = core.calls.executors().await?;
    let then = known
        .as_ref()
        .and_then(|known| known.known(&record.request.tool, record.request.fingerprint));
    let change = ToolChange::between(&record.request, then, tool.facts())
        .filter(|_| record.request.fingerprint != tool.fingerprint());
    let Some(change) = change else { return Err(conflict(&record)) };
    let is_open = matches!(record.state, CallState::Pending | CallState::Approved);
    if is_open && record.prior_revisions.is_empty() {
        let stored = stored_snapshot(core, &record).await?;
        let again = stored.and_then(|stored| tool.bind(stored.text(), UNLIMITED).ok());
        if again.is_some_and(|again| again.snapshot == *snapshot) {
            return Ok(record);
        }
    }
    // If the tool can no longer read a call, the call waits for nobody.
    let key = record.key().clone();
    let record = refresh_call(core, record).await?;
    let then = format!(
        "the key {key} was used before it did, and whether for the same call cannot be told; {}; \
         give a new call its own position in the run",
        describe_state(&record)
    );
    Err(GateError::tool_changed(change, record, &then))
}

/// Replaces the error of a call that is submitted again and refused because its tool has changed:
/// the new error describes the change.
pub(in crate::gate) async fn explain_tool_change(
    core: &GateCore,
    error: GateError,
    call: RefusedCall<'_>,
) -> GateError {
    let kind = error.kind();
    if !matches!(kind, GateErrorKind::InvalidArguments | GateErrorKind::UnknownTool) {
        return error;
    }
    let found = match find_tool_change(core, call).await {
        Ok(found) => found,
        // The text was refused in either case.
        Err(trouble) => {
            tracing::debug!(error = %trouble, "whether a tool has changed is not known");
            return error;
        }
    };
    let Some(ToolChangeOfCall { change, record }) = found else { return error };
    let then = match error.arguments() {
        Some(refused) => {
            format!("the arguments do not fit any more ({refused}); {}", describe_state(&record))
        }
        None => describe_state(&record),
    };
    GateError::tool_changed(change, record, &then)
}

/// Finds the change of a refused call's tool since the call was first submitted. Returns `None` if
/// there is none.
async fn find_tool_change(
    core: &GateCore,
    call: RefusedCall<'_>,
) -> Result<Option<ToolChangeOfCall>, GateError> {
    let RefusedCall { tool, key, principal } = call;
    let Some(record) = core.calls.store().get_by_key(key).await? else { return Ok(None) };
    // A call of another person is not disclosed to them.
    if record.request.tool != tool || record.context.principal != *principal {
        return Ok(None);
    }
    let shown = record.request.fingerprint;
    let (change, record) = match check_tool(core, &record).await? {
        ToolCheck::Same(_) | ToolCheck::Unknown | ToolCheck::NoExecutor => return Ok(None),
        ToolCheck::Elsewhere => match core.tools.get(tool) {
            Some(own) if own.fingerprint() != shown => {
                let change = ToolChange::between(&record.request, None, own.facts());
                let Some(change) = change else { return Ok(None) };
                (change, record)
            }
            _ => return Ok(None),
        },
        ToolCheck::Gone => (ToolChange::gone(tool), record),
        ToolCheck::Retired => (ToolChange::gone(tool), refresh_call(core, record).await?),
        ToolCheck::Changed(changed) if shown == changed.now.fingerprint => return Ok(None),
        ToolCheck::Changed(changed) => (changed.change, refresh_call(core, record).await?),
    };
    Ok(Some(ToolChangeOfCall { change, record }))
}
