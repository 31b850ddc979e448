//! The right to run one body once: made only from a claim that the store has just granted, or for a
//! read-only call that has no record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use super::contents::Referents;
use super::prepare::{Judged, Prepared};
use super::registry::Registered;
use crate::arguments::Snapshot;
use crate::audit::{AuditError, AuditEvent, AuditPipeline, AuditRecord, ChainHead};
use crate::call::{CallKey, Given, PermitContext, StateMap, unrecorded_digest};
use crate::ids::RequestId;
use crate::machine::{CallRecord, Claim};
use crate::policy::{ApprovalLevel, Route};

/// The right to run one body once. It goes through several futures, and each would have room for
/// it, so it is a box.
pub(super) struct Held(pub(super) Box<Holding>);

/// What is known of a held call for as long as it runs.
#[derive(Clone)]
pub(super) struct Holding {
    pub(super) tool: Cow<'static, str>,
    /// What the body may know, which it shares.
    pub(super) issued: Arc<PermitContext>,
    pub(super) level: ApprovalLevel,
    pub(super) snapshot: Snapshot,
    pub(super) timeout: Option<Duration>,
    /// What the store has of it; nothing for a read-only call without a record.
    pub(super) claimed: Option<Claimed>,
    /// The intent; once that is kept, what every later audit record says too.
    said: AuditRecord,
}

#[derive(Clone)]
pub(super) struct Claimed {
    pub(super) id: RequestId,
    pub(super) claim: Claim,
    /// The revision whose arguments run.
    pub(super) revision: u32,
    /// Where its intent stands, once there is one.
    pub(super) place: Option<ChainHead>,
}

impl Held {
    /// For a read-only call that runs at once.
    pub(super) fn unrecorded(judged: Judged, states: &Arc<StateMap>) -> Self {
        let Judged { tool, snapshot, context, key, assessment, routed, content, .. } = judged;
        let Registered { spec, fingerprint, .. } = &*tool;
        let binding = unrecorded_digest(content, *fingerprint, spec.version.as_deref());
        let (principal, agent) = (context.principal.clone(), context.agent.clone());
        let states = Arc::clone(states);
        let issued = PermitContext {
            context,
            key: key.clone(),
            first: None,
            attempt: 1,
            states,
            contents: Given::default(),
        };
        Self(Box::new(Holding {
            tool: spec.name.clone(),
            issued: Arc::new(issued),
            level: ApprovalLevel::Auto,
            snapshot,
            timeout: spec.config.timeout,
            claimed: None,
            said: AuditRecord {
                version: Some(1),
                key: Some(key),
                tool: Some(spec.name.clone()),
                risk: Some(spec.config.risk),
                principal: Some(principal),
                agent,
                revision: Some(1),
                binding: Some(binding),
                build: spec.version.clone(),
                assessment: Some(assessment),
                arguments: Some(judged.shown.text),
                attempt: Some(1),
                policies: routed.policies,
                ..AuditRecord::bare(AuditEvent::Claimed, Timestamp::EPOCH)
            },
        }))
    }

    /// The same, for one that was ready to enter the store.
    pub(super) fn without_record(prepared: &Prepared, states: &Arc<StateMap>) -> Self {
        let (record, tool) = (&prepared.record, &prepared.tool);
        let snapshot = prepared.snapshot.clone();
        let mut held = Self::of(record, None, snapshot, (tool, &prepared.routed), states);
        held.0.said.call = None;
        let version = tool.spec.version.as_deref();
        held.0.said.binding = Some(unrecorded_digest(record.content, tool.fingerprint, version));
        held
    }

    /// For a claim that the store has granted.
    pub(super) fn recorded(
        record: &CallRecord,
        claim: Claim,
        snapshot: Snapshot,
        routed: (&Registered, &Route),
        states: &Arc<StateMap>,
    ) -> Self {
        let (id, revision) = (record.id(), record.sealed_revision());
        let claimed = Claimed { id, claim, revision, place: None };
        Self::of(record, Some(claimed), snapshot, routed, states)
    }

    fn of(
        record: &CallRecord,
        claimed: Option<Claimed>,
        snapshot: Snapshot,
        (tool, routed): (&Registered, &Route),
        states: &Arc<StateMap>,
    ) -> Self {
        let (attempt, request) = (record.attempts_in_all().max(1), &record.request);
        let intent = AuditRecord {
            claim: claimed.as_ref().map(|claimed| claimed.claim.token),
            build: tool.spec.version.clone(),
            attempt: Some(attempt),
            assessment: Some(request.assessment.clone()),
            arguments: Some(request.arguments.clone()),
            policies: routed.policies.clone(),
            ..AuditRecord::new(AuditEvent::Claimed, record, Timestamp::EPOCH)
        };
        let issued = PermitContext {
            context: record.context.clone(),
            key: record.key().clone(),
            first: record.retry_of.as_ref().map(|retry| retry.first.clone()),
            attempt,
            states: Arc::clone(states),
            contents: Given::default(),
        };
        Self(Box::new(Holding {
            tool: tool.spec.name.clone(),
            issued: Arc::new(issued),
            level: request.level,
            snapshot,
            timeout: tool.spec.config.timeout,
            claimed,
            said: intent,
        }))
    }

    /// The same, with what its body is given of what the arguments name.
    pub(super) fn given(mut self, referents: &Referents) -> Self {
        // Nobody else has it yet.
        if let Some(issued) = Arc::get_mut(&mut self.0.issued).filter(|_| !referents.is_empty()) {
            issued.contents = referents.given();
        }
        self
    }

    /// The exact arguments that are to run.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.0.snapshot
    }
}

impl Holding {
    /// Which call it is.
    pub(super) fn key(&self) -> &CallKey {
        &self.issued.key
    }

    /// Has the intent kept. What only it says is not said again.
    pub(super) async fn intend(&mut self, trail: &AuditPipeline) -> Result<(), AuditError> {
        let said = &mut self.said;
        said.at = Timestamp::now();
        let kept = trail.durable_intent(said).await;
        let kept = kept.map(|place| {
            if let Some(claimed) = &mut self.claimed {
                claimed.place = place;
            }
        });
        (said.assessment, said.arguments, said.attempt) = (None, None, None);
        (said.policies, said.build) = (Vec::new(), None);
        kept
    }

    /// The last that is audited of it: what the store has just been told, and why. Without an
    /// answer of the store there is no version: then the change stays in its outbox, if it was
    /// made.
    pub(super) fn last_entry(
        &mut self,
        event: AuditEvent,
        version: Option<u64>,
        why: Option<String>,
    ) -> &AuditRecord {
        let said = &mut self.said;
        (said.event, said.at, said.version, said.note) = (event, Timestamp::now(), version, why);
        said
    }
}
