//! Applies a grant to the calls that already wait.

use std::sync::Arc;

use crate::arguments::Snapshot;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{ArgumentTerms, Risk};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluator::CallToEvaluate;
use crate::gate::gate::Gate;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::keys::vault::CallContent;
use crate::gate::stored_text::parse_snapshot;
use crate::gate::telemetry;
use crate::grant::{GrantKind, GrantRecord, GrantRefusal, GrantUse, GrantedCall};
use crate::ids::DecisionId;
use crate::machine::{CallRecord, Event};
use crate::policy::Route;
use crate::queue::{QueueOrder, QueueQuery, ReviewScope};
use crate::store::{ApplyError, EventPayload};

/// The most waiting calls that a grant approves when it is saved. Others are asked about.
const MAX_COVERED: usize = 1000;

/// A waiting call that a grant covers, and what the call draws on it.
pub(in crate::gate) struct CoveredCall {
    pub(in crate::gate) record: CallRecord,
    pub(in crate::gate) drawn: GrantUse,
}

/// Returns the waiting calls that a grant covers, within its limits: the one that it was given on
/// first, then the oldest first.
pub(in crate::gate) async fn find_covered(
    core: &Arc<GateCore>,
    mut grant: GrantRecord,
) -> Result<Vec<CoveredCall>, GateError> {
    let (of, mut covered) = (grant.grant.clone(), Vec::new());
    let first = core.calls.current(&of.tenant, of.request).await?;
    let queue = Gate { core: Arc::clone(core) }.scoped_to(ReviewScope::tenant(of.tenant)).queue();
    let query =
        QueueQuery::pending().tool(&*of.tool).principal(of.principal).order(QueueOrder::Created);
    let (mut waiting, mut query) = (vec![first], Some(query));
    loop {
        for record in waiting {
            let drawn = match draw_of(core, &grant, &record).await {
                Ok(Some(drawn)) => drawn,
                Ok(None) => continue,
                // A call that cannot be read is asked about.
                Err(error) => {
                    tracing::debug!(call = %record.id(), %error, "a grant does not reach it");
                    continue;
                }
            };
            match grant.draw(&drawn, core.calls.store().now().await?) {
                Ok(next) => grant = next,
                Err(GrantRefusal::Sum) => continue,
                Err(_) => return Ok(covered),
            }
            covered.push(CoveredCall { record, drawn });
            if covered.len() == MAX_COVERED {
                return Ok(covered);
            }
        }
        let Some(this) = query.take() else { return Ok(covered) };
        let page = queue.page(this.clone()).await?;
        query = page.next.map(|next| this.after(next));
        waiting = page.entries.into_iter().filter(|record| record.id() != of.request).collect();
    }
}

/// Returns what a waiting call would draw on a grant. `None` if the grant does not cover it.
async fn draw_of(
    core: &GateCore,
    grant: &GrantRecord,
    record: &CallRecord,
) -> Result<Option<GrantUse>, GateError> {
    // Cheap checks before anything is opened.
    let same = record.request.fingerprint == grant.grant.fingerprint;
    let names_contents = !record.request.contents.is_empty();
    if !same
        || names_contents
        || !record.request.has_sound_preview()
        || record.attempts > 0
        || record.restored
        || record.request.repeats.is_some()
        || !record.request.quorum.is_one()
    {
        return Ok(None);
    }
    if record.takes_a_grant(&grant.grant).is_err() {
        return Ok(None);
    }
    let Some(snapshot) = stored_snapshot(core, record).await? else { return Ok(None) };
    let arguments = parse_snapshot(&snapshot)?;
    let tool = &*record.request.tool;
    let content = CallContent { tool, snapshot: &snapshot, context: &record.context };
    let names = inert_arguments(core, record);
    let inert = names.inert();
    let call = GrantedCall {
        tool,
        fingerprint: record.request.fingerprint,
        context: &record.context,
        run: &record.request.key.run,
        content: core.vault.recognize_digest(grant.grant.content, content),
        arguments: &arguments,
        inert: &inert,
        risky: record.request.risk >= Risk::High || record.request.hints.destructive,
    };
    let Ok(drawn) = grant.grant.covers(&call) else { return Ok(None) };
    let may_continue = match route_now(core, record, &snapshot)? {
        Some(routed) => routed.may_be_granted(),
        // This gate cannot tell; the call that a human looked at is evaluated when it is claimed.
        None => record.id() == grant.grant.request,
    };
    Ok(Some(drawn).filter(|_| may_continue))
}

/// Returns the arguments of a call whose text nothing interprets, according to its tool; none if
/// the tool is not registered.
pub(in crate::gate) fn inert_arguments(core: &GateCore, record: &CallRecord) -> Arc<ArgumentTerms> {
    let tool = core.tools.require_as_shown(record);
    tool.map(|tool| Arc::clone(&tool.terms().arguments)).unwrap_or_default()
}

/// Routes a call by the current policies. Returns `None` if its tool is not registered, as at the
/// command line: then the process that claims the call routes it, and asks about it if a policy
/// requires it.
pub(in crate::gate) fn route_now(
    core: &GateCore,
    record: &CallRecord,
    snapshot: &Snapshot,
) -> Result<Option<Route>, GateError> {
    let Ok(tool) = core.tools.require(&record.request.tool) else { return Ok(None) };
    // A grant is for the tool as it was reviewed, in any version of its code.
    if tool.fingerprint() != record.request.fingerprint {
        core.tools.require_as_shown(record)?;
    }
    let opinions = record.request.assessment.opinions();
    let evaluation = core.evaluator.evaluate(CallToEvaluate {
        tool: &tool,
        snapshot,
        context: &record.context,
        opinions: &opinions,
    })?;
    Ok(Some(evaluation.routed))
}

/// Approves the waiting calls that a grant covers which was just saved.
pub(in crate::gate) async fn apply_grant_to_pending(
    core: &Arc<GateCore>,
    grant: &GrantRecord,
) -> Result<Vec<CallRecord>, GateError> {
    let mut allowed = Vec::new();
    for CoveredCall { record, drawn } in find_covered(core, grant.clone()).await? {
        allowed.extend(approve_by_grant(core, &record, grant, drawn).await?);
    }
    Ok(allowed)
}

/// Approves a waiting call by a grant that covers it. Returns `None` if another change was first,
/// or the grant is gone: then the call is asked about.
pub(in crate::gate) async fn approve_by_grant(
    core: &GateCore,
    record: &CallRecord,
    grant: &GrantRecord,
    drawn: GrantUse,
) -> Result<Option<CallRecord>, GateError> {
    let event = Event::ApproveByGrant {
        decision: DecisionId::new(),
        binding: record.request.binding,
        drawn,
        by: grant.grant.by.clone(),
    };
    let tenant = &grant.grant.tenant;
    match core.calls.apply(tenant, record.id(), event, EventPayload::none()).await {
        Ok(record) => {
            record_approval_by_grant(core, &record, grant);
            Ok(Some(record))
        }
        Err(ApplyError::Rejected { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn record_approval_by_grant(core: &GateCore, record: &CallRecord, grant: &GrantRecord) {
    telemetry::record_decision(record);
    let mut entry = AuditRecord::new(AuditEvent::Decided, record, record.updated_at);
    entry.decision = record.decision.as_ref().map(|decided| decided.id);
    entry.subject = Some(grant.id().to_string());
    let note = match grant.grant.kind() {
        GrantKind::Standing => "approved by a grant",
        GrantKind::BreakGlass => "approved under break-glass",
    };
    let note = Some(note.to_owned());
    core.audit.record_by(entry, Some(grant.grant.by.clone()), note);
}
