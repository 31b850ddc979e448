//! The right to run one body once: created only from a claim that the store has just granted, or
//! for a read-only call without a record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{JsonText, Timestamp};

use crate::arguments::Snapshot;
use crate::audit::{AuditError, AuditEvent, AuditRecord, ChainHead};
use crate::call::{
    BindingDigest, CallContext, CallKey, Given, OutputDigest, PermitContext, Risk, RunDetails,
    StateMap,
};
use crate::confidence::Assessment;
use crate::gate::audit::ledger::AuditLedger;
use crate::ids::{ClaimToken, RequestId};
use crate::machine::{CallRecord, Claim};
use crate::policy::{ApprovalLevel, PolicyVersion};

/// The right to run one body once. Boxed to keep the enclosing futures small.
pub(in crate::gate) struct Execution(Box<ExecutionState>);

/// The state of an execution while its body runs.
#[derive(Clone)]
pub(in crate::gate) struct ExecutionState {
    tool: Cow<'static, str>,
    /// The part that the body may see, and shares.
    issued: Arc<PermitContext>,
    level: ApprovalLevel,
    snapshot: Snapshot,
    timeout: Option<Duration>,
    /// For the caller's outcome.
    details: RunDetails,
    /// `None` for a read-only call without a record.
    claim: Option<ClaimRecord>,
    /// The audit record: first the intent; once that is written, the fields that all later audit
    /// records repeat.
    audit: AuditRecord,
}

/// A claim that the store has granted.
#[derive(Clone)]
pub(in crate::gate) struct ClaimRecord {
    id: RequestId,
    claim: Claim,
    /// The revision whose arguments run.
    revision: u32,
    /// The place of its intent in the audit, once it is written.
    intent_place: Option<ChainHead>,
}

/// The parts of a tool that an execution needs.
pub(in crate::gate) struct BodySpec {
    pub(in crate::gate) tool: Cow<'static, str>,
    pub(in crate::gate) version: Option<Cow<'static, str>>,
    pub(in crate::gate) timeout: Option<Duration>,
    pub(in crate::gate) read_only: bool,
}

/// A read-only call that runs at once and leaves no record.
pub(in crate::gate) struct UnrecordedCall {
    pub(in crate::gate) body: BodySpec,
    pub(in crate::gate) context: CallContext,
    pub(in crate::gate) key: CallKey,
    pub(in crate::gate) snapshot: Snapshot,
    pub(in crate::gate) binding: BindingDigest,
    pub(in crate::gate) risk: Risk,
    pub(in crate::gate) assessment: Assessment,
    /// The arguments without secrets.
    pub(in crate::gate) arguments: JsonText,
    pub(in crate::gate) policies: Vec<PolicyVersion>,
}

impl Execution {
    /// Creates the execution of a read-only call that runs at once.
    pub(in crate::gate) fn unrecorded(call: UnrecordedCall, states: &Arc<StateMap>) -> Self {
        let UnrecordedCall { body, context, key, snapshot, .. } = call;
        let (principal, agent) = (context.principal.clone(), context.agent.clone());
        let tool_call = context.tool_call_id.clone();
        let issued = PermitContext {
            context,
            key: key.clone(),
            first: None,
            attempt: 1,
            states: Arc::clone(states),
            contents: Given::default(),
            over_for: None,
        };
        Self(Box::new(ExecutionState {
            tool: body.tool.clone(),
            issued: Arc::new(issued),
            level: ApprovalLevel::Auto,
            snapshot,
            timeout: body.timeout,
            details: RunDetails::new(body.read_only),
            claim: None,
            audit: AuditRecord {
                version: Some(1),
                key: Some(key),
                tool: Some(body.tool),
                risk: Some(call.risk),
                principal: Some(principal),
                agent,
                tool_call,
                revision: Some(1),
                binding: Some(call.binding),
                build: body.version,
                assessment: Some(call.assessment),
                arguments: Some(call.arguments),
                attempt: Some(1),
                policies: call.policies,
                ..AuditRecord::bare(AuditEvent::Claimed, Timestamp::EPOCH)
            },
        }))
    }

    /// Creates the execution of a call that was ready to be stored and runs without a record.
    pub(in crate::gate) fn prepared(
        record: &CallRecord,
        binding: BindingDigest,
        snapshot: Snapshot,
        body: BodySpec,
        policies: Vec<PolicyVersion>,
        states: &Arc<StateMap>,
    ) -> Self {
        let mut execution = Self::new(record, None, snapshot, body, policies, states);
        execution.0.audit.call = None;
        execution.0.audit.binding = Some(binding);
        execution
    }

    /// Creates the execution of a call under a claim that the store has granted.
    pub(in crate::gate) fn recorded(
        record: &CallRecord,
        claim: Claim,
        snapshot: Snapshot,
        body: BodySpec,
        policies: Vec<PolicyVersion>,
        states: &Arc<StateMap>,
    ) -> Self {
        let (id, revision) = (record.id(), record.sealed_revision());
        let claim = ClaimRecord { id, claim, revision, intent_place: None };
        Self::new(record, Some(claim), snapshot, body, policies, states)
    }

    fn new(
        record: &CallRecord,
        claim: Option<ClaimRecord>,
        snapshot: Snapshot,
        body: BodySpec,
        policies: Vec<PolicyVersion>,
        states: &Arc<StateMap>,
    ) -> Self {
        let (attempt, request) = (record.attempts_in_all().max(1), &record.request);
        let intent = AuditRecord {
            claim: claim.as_ref().map(ClaimRecord::token),
            build: body.version,
            attempt: Some(attempt),
            assessment: Some(request.assessment.clone()),
            arguments: Some(request.arguments.clone()),
            policies,
            ..AuditRecord::new(AuditEvent::Claimed, record, Timestamp::EPOCH)
        };
        let issued = PermitContext {
            context: record.context.clone(),
            key: record.key().clone(),
            first: record.retry_of.as_ref().map(|retry| retry.first.clone()),
            attempt,
            states: Arc::clone(states),
            contents: Given::default(),
            over_for: None,
        };
        Self(Box::new(ExecutionState {
            tool: body.tool,
            issued: Arc::new(issued),
            level: request.level,
            snapshot,
            timeout: body.timeout,
            details: RunDetails::of_record(record),
            claim,
            audit: intent,
        }))
    }

    /// Provides to the body the contents that its arguments name.
    pub(in crate::gate) fn with_contents(mut self, contents: Given) -> Self {
        // It is not shared yet.
        if let Some(issued) = Arc::get_mut(&mut self.0.issued) {
            issued.contents = contents;
        }
        self
    }

    /// Returns the exact arguments that will run.
    pub(in crate::gate) fn snapshot(&self) -> &Snapshot {
        &self.0.snapshot
    }

    /// Returns what the caller's outcome says about the run besides its result.
    pub(in crate::gate) fn details(&self) -> &RunDetails {
        &self.0.details
    }

    /// Consumes the right, to use it or to release the claim.
    pub(super) fn into_state(self) -> Box<ExecutionState> {
        self.0
    }
}

impl ClaimRecord {
    pub(super) fn id(&self) -> RequestId {
        self.id
    }

    pub(super) fn token(&self) -> ClaimToken {
        self.claim.token
    }

    pub(super) fn revision(&self) -> u32 {
        self.revision
    }

    pub(super) fn intent_place(&self) -> Option<&ChainHead> {
        self.intent_place.as_ref()
    }
}

impl ExecutionState {
    /// Returns the id of the call's record, if it has one.
    pub(super) fn id(&self) -> Option<RequestId> {
        self.claim.as_ref().map(|claim| claim.id)
    }

    pub(super) fn tool(&self) -> &Cow<'static, str> {
        &self.tool
    }

    pub(super) fn attempt(&self) -> u32 {
        self.issued.attempt
    }

    pub(super) fn issued(&self) -> &Arc<PermitContext> {
        &self.issued
    }

    pub(super) fn level(&self) -> ApprovalLevel {
        self.level
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn claim(&self) -> Option<&ClaimRecord> {
        self.claim.as_ref()
    }

    /// Returns the key of the call.
    pub(super) fn key(&self) -> &CallKey {
        &self.issued.key
    }

    /// Writes the intent. Later audit records do not repeat the fields that only the intent has.
    pub(super) async fn write_intent(&mut self, ledger: &AuditLedger) -> Result<(), AuditError> {
        let audit = &mut self.audit;
        audit.at = Timestamp::now();
        let written = ledger.write_durable_intent(audit).await.map(|place| {
            if let Some(claim) = &mut self.claim {
                claim.intent_place = place;
            }
        });
        (audit.assessment, audit.arguments, audit.attempt) = (None, None, None);
        (audit.policies, audit.build) = (Vec::new(), None);
        written
    }

    /// Returns the last audit record of the execution: the change that the store has just made, its
    /// reason, and the digest of a failed body's output. If the store did not answer, there is no
    /// version: then the change, if it was made, stays in the store's outbox.
    pub(super) fn final_audit_record(
        &mut self,
        event: AuditEvent,
        version: Option<u64>,
        why: Option<String>,
        output: Option<OutputDigest>,
    ) -> &AuditRecord {
        let audit = &mut self.audit;
        (audit.event, audit.at, audit.version) = (event, Timestamp::now(), version);
        (audit.note, audit.output) = (why, output);
        audit
    }
}
