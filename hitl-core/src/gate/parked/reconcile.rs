//! Asks a tool how an attempt of unknown outcome ended, and settles the call by its answer.
//!
//! "It took no effect" lets the call start again, so that answer counts only for a question that
//! was asked after the executor of the attempt was known to be dead: a body that is still running
//! may act after its tool has looked.

use std::sync::Arc;

use hitl_base::JsonText;

use super::ask_schedule::AttemptId;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{PermitContext, Reconciliation, RunContext};
use crate::gate::contents::referent::SealedContent;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::execution::bound_call::AskedAttempt;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::keys::stored_payload::stored_contents;
use crate::gate::telemetry;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::{CallRecord, CallState, Event, ReconcileAnswer, Refusal};
use crate::store::{ApplyError, EventPayload};
use crate::sync::NoAnswer;

/// The number of times that others may change the record, without a new attempt, while an answer
/// is being stored.
const MAX_TRIES: u32 = 8;

/// The result of asking a tool. Where the call stays parked, contains the present record.
pub(super) enum AskOutcome {
    /// The tool has settled the call.
    Settled,
    /// Another change was first.
    Changed,
    /// The tool was not asked.
    NotAsked,
    /// It does not know, or its answer does not settle the call.
    Unknown(Box<CallRecord>),
    /// It failed.
    Failed(Box<CallRecord>),
    /// It did not answer in time.
    Late(Box<CallRecord>),
}

/// Asks the tool of a parked call, if it has a reconcile and it is time to ask.
///
/// Cancel safe: a question is dropped, and a change that the store has made is audited.
pub(super) async fn reconcile_parked(
    core: &GateCore,
    record: &CallRecord,
) -> Result<AskOutcome, GateError> {
    // The tool as it was approved: another version may read the arguments in another way.
    let Ok(tool) = core.tools.require_as_shown(record) else { return Ok(AskOutcome::NotAsked) };
    if record.erased || !tool.reconciles() {
        return Ok(AskOutcome::NotAsked);
    }
    let attempt = attempt_of(record);
    let now = core.calls.store().now().await?;
    let Some(turn) = core.reconcilers.turn(attempt, now) else { return Ok(AskOutcome::NotAsked) };
    let _turn = if let Ok(turn) = turn.try_lock() {
        turn
    } else {
        // Somebody asks already.
        let turn = turn.lock().await;
        let current = core.calls.current(&record.key().tenant, record.id()).await?;
        if current.version != record.version {
            return Ok(AskOutcome::Changed);
        }
        turn
    };
    if !core.reconcilers.begin(attempt, core.calls.store().now().await?) {
        return Ok(AskOutcome::NotAsked);
    }
    let record = match record_death(core, record).await? {
        Some(record) if attempt_of(&record) == attempt && is_parked(&record) => record,
        _ => return Ok(AskOutcome::Changed),
    };
    ask(core, &tool, record).await
}

fn attempt_of(record: &CallRecord) -> AttemptId {
    (record.id(), record.claim.map(|claim| claim.token))
}

fn is_parked(record: &CallRecord) -> bool {
    record.state == CallState::OutcomeUnknown
}

/// Records that the executor of an attempt is dead, if it is and nobody has recorded it. Returns
/// `None` if the record has changed.
async fn record_death(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<CallRecord>, GateError> {
    if record.claim.is_none() || record.over_since.is_some() {
        return Ok(Some(record.clone()));
    }
    let (tenant, id) = (&record.key().tenant, record.id());
    match core.calls.apply(tenant, id, Event::ExecutorLost, EventPayload::none()).await {
        Ok(record) => {
            let mut entry = AuditRecord::new(AuditEvent::Unknown, &record, record.updated_at);
            entry.note = Some("its executor has died since".to_owned());
            core.audit.record(&entry);
            Ok(Some(record))
        }
        Err(ApplyError::Rejected { refusal: Refusal::Alive, .. }) => Ok(Some(record.clone())),
        Err(ApplyError::Rejected { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn ask(
    core: &GateCore,
    tool: &Arc<RegisteredTool>,
    record: CallRecord,
) -> Result<AskOutcome, GateError> {
    let Some(bound) = &tool.bounds().reconcile else { return Ok(AskOutcome::NotAsked) };
    // Exactly the arguments that were approved, or nobody is asked.
    let stored = match stored_contents(core, &record).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(AskOutcome::NotAsked),
        Err(error) => {
            tracing::warn!(call = %record.id(), %error, "a tool cannot be asked about its call");
            return Ok(AskOutcome::NotAsked);
        }
    };
    let call = match tool.bind_stored(&stored.snapshot) {
        Ok(call) => call,
        Err(error) => {
            tracing::warn!(call = %record.id(), %error, "a tool cannot be asked about its call");
            return Ok(AskOutcome::NotAsked);
        }
    };
    let now = core.calls.store().now().await?;
    let cx = PermitContext {
        context: record.context.clone(),
        key: record.key().clone(),
        first: record.retry_of.as_ref().map(|retry| retry.first.clone()),
        attempt: record.attempts_in_all().max(1),
        states: Arc::clone(core.tools.states()),
        contents: SealedContent::to_given(&stored.referents.contents),
        over_for: record.over_since.map(|since| now.saturating_duration_since(since)),
    };
    let asked = AskedAttempt {
        cx: RunContext::new(Arc::new(cx)),
        tool: tool.name().clone(),
        taint: stored.snapshot.taint(),
        redactor: core.redactor.clone(),
    };
    match bound.run_later(async move { call.reconcile(asked).await }).await {
        Ok(Ok(answer)) => settle(core, tool, record, answer).await,
        Ok(Err(said)) => {
            let note = format!("the tool's own reconcile failed: {said}");
            Ok(AskOutcome::Failed(stay_parked(core, record, note)))
        }
        Err(NoAnswer::Panicked) => {
            let note = "the tool's own reconcile panicked".to_owned();
            Ok(AskOutcome::Failed(stay_parked(core, record, note)))
        }
        Err(NoAnswer::Late | NoAnswer::NotAsked) => {
            let note = "the tool's own reconcile did not answer in time".to_owned();
            Ok(AskOutcome::Late(stay_parked(core, record, note)))
        }
    }
}

/// Settles a call by its tool's answer.
async fn settle(
    core: &GateCore,
    tool: &Arc<RegisteredTool>,
    record: CallRecord,
    answer: Reconciliation<Option<JsonText>>,
) -> Result<AskOutcome, GateError> {
    let (answer, sealed, note) = match answer {
        Reconciliation::Executed(output) => {
            let revision = record.sealed_revision();
            let sealed =
                output.and_then(|output| core.vault.seal_result(record.id(), revision, &output));
            (
                ReconcileAnswer::Executed,
                sealed,
                "the tool's own reconcile found that it took effect",
            )
        }
        Reconciliation::NotExecuted if record.over_since.is_none() && record.claim.is_some() => {
            let note =
                "the tool's own reconcile found no effect, and the body may still be running";
            return Ok(AskOutcome::Unknown(stay_parked(core, record, note.to_owned())));
        }
        Reconciliation::NotExecuted => {
            let earlier = record.attempts_in_all() - record.attempts;
            let most = tool.config().attempts.saturating_sub(earlier);
            let note = "the tool's own reconcile found that it took no effect; it may start again";
            (ReconcileAnswer::NotExecuted { most }, None, note)
        }
        Reconciliation::Unknown => {
            let note = "the tool's own reconcile does not know how it ended";
            return Ok(AskOutcome::Unknown(stay_parked(core, record, note.to_owned())));
        }
    };
    let attempt = attempt_of(&record);
    let (calls, audit) = (Arc::clone(&core.calls), Arc::clone(&core.audit));
    let applying = async move {
        let mut asked_about = record;
        for _ in 0..MAX_TRIES {
            let event = Event::Reconcile { version: asked_about.version, answer };
            let enclosed = EventPayload::result(sealed.clone());
            let tenant = asked_about.key().tenant.clone();
            match calls.apply(&tenant, asked_about.id(), event, enclosed).await {
                Ok(settled) => {
                    let at = settled.updated_at;
                    let mut entry = AuditRecord::new(AuditEvent::Reconciled, &settled, at);
                    entry.note = Some(note.to_owned());
                    audit.record(&entry);
                    if settled.state.is_terminal() {
                        telemetry::count_end(&settled, settled.state);
                    }
                    return Ok(Ok(()));
                }
                // Somebody re-attached to the call meanwhile: the answer is about the same attempt.
                Err(ApplyError::Rejected { refusal: Refusal::Stale, current })
                    if attempt_of(&current) == attempt
                        && current.over_since == asked_about.over_since
                        && is_parked(&current) =>
                {
                    asked_about = *current;
                }
                Err(ApplyError::Rejected { refusal, current }) => {
                    return Ok(Err((refusal, current)));
                }
                Err(error) => return Err(GateError::from(error)),
            }
        }
        Ok(Err((Refusal::Stale, Box::new(asked_about))))
    };
    match detach_on_drop(&core.runtime, applying).await? {
        Ok(()) => {
            core.reconcilers.forget(attempt);
            Ok(AskOutcome::Settled)
        }
        Err((_, current)) if !is_parked(&current) || attempt_of(&current) != attempt => {
            Ok(AskOutcome::Changed)
        }
        Err((refusal, current)) => {
            let note = format!("the tool's own reconcile found no effect: {refusal}");
            Ok(AskOutcome::Unknown(stay_parked(core, *current, note)))
        }
    }
}

/// Audits an answer that settles nothing, if it differs from the last one. Returns the record.
fn stay_parked(core: &GateCore, record: CallRecord, note: String) -> Box<CallRecord> {
    tracing::info!(call = %record.id(), answer = %note, "a call of unknown outcome stays parked");
    if core.reconcilers.is_news(attempt_of(&record), &note) {
        let at = record.updated_at;
        let mut entry = AuditRecord::new(AuditEvent::NotReconciled, &record, at);
        entry.note = Some(note);
        core.audit.record(&entry);
    }
    Box::new(record)
}
