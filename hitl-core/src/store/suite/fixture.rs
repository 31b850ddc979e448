//! Calls for the checks.

use std::time::Duration;

use hitl_base::{JsonText, Timestamp};

use super::Subject;
use super::preview::preview;
use crate::approval::{ApprovalRequest, Choice, Decision};
use crate::call::{
    BINDING_VERSION, CallContext, CallKey, ContentDigest, FailureRecord, Fingerprint, Principal,
    Risk, RunId, Tenant, Thresholds, ToolAnnotations, ToolConfig, ToolFacts, ToolKind,
};
use crate::confidence::Assessment;
use crate::grant::{ArgumentScope, Grant, GrantRecord, GrantUse, SumLimit};
use crate::ids::{ClaimToken, GrantId, OwnerToken, RequestId, SessionId};
use crate::machine::{
    BatchId, CallRecord, CallState, Claim, Edit, EditedRevision, EndReason, EscalationStep, Event,
    Membership, NewCall, Withdrawal,
};
use crate::policy::{ApprovalLevel, DecisionChannels, Priority, Quorum, Requirement};
use crate::queue::Caps;
use crate::seal::Sealed;

/// Returns the default tenant of calls.
pub fn tenant() -> Tenant {
    Tenant::default()
}

/// Returns sealed bytes, as far as a store can tell.
pub fn sealed(bytes: &[u8]) -> Sealed {
    Sealed::from_bytes(bytes.to_vec())
}

/// Returns the withdrawal of a call by the host.
pub fn host(reason: &str) -> Event {
    Event::Cancel { by: Withdrawal::Host(Principal::new("host")), reason: reason.to_owned() }
}

/// Returns the record of a failure.
pub fn failure(message: &str) -> FailureRecord {
    FailureRecord::new(message, false)
}

/// Returns the record of a failure that has an output beside it.
pub fn failure_with_output(message: &str) -> FailureRecord {
    let digest = "a".repeat(64).parse().expect("64 digits");
    FailureRecord { output: Some(digest), ..failure(message) }
}

/// Returns the id of a run that began this many milliseconds after 1970.
pub(super) fn run_begun(millis: i64) -> String {
    let (high, low) = (millis >> 16, millis & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-000000000001")
}

/// A draft of a submission: pending, level Full, with ten minutes to decide it.
#[derive(Clone, Debug)]
pub struct Draft {
    id: RequestId,
    key: CallKey,
    content: u64,
    level: ApprovalLevel,
    state: CallState,
    claim: Option<Claim>,
    owner: Option<OwnerToken>,
    expires_in: Duration,
    requires_reason: bool,
    choices: Vec<Choice>,
    quorum: Quorum,
    channels: DecisionChannels,
    escalations: Vec<EscalationStep>,
    idempotent: bool,
    root: Option<RunId>,
    argument: String,
    principal: Principal,
    priority: Priority,
    due_in: Option<Duration>,
    caps: Caps,
    granted: Option<GrantUse>,
    batch: Option<Membership>,
    auditor: Option<SessionId>,
    binding_version: u16,
    grace_ms: Option<u64>,
    attaches: bool,
}

impl Draft {
    /// Returns the call at `position` of run `run`.
    pub fn new(run: &str, position: u64) -> Self {
        Self {
            id: RequestId::new(),
            key: CallKey::new(run, position),
            content: 1,
            level: ApprovalLevel::Full,
            state: CallState::Pending,
            claim: None,
            owner: None,
            expires_in: Duration::from_secs(600),
            requires_reason: false,
            choices: ToolConfig::DEFAULT.decisions.to_vec(),
            quorum: Quorum::default(),
            channels: DecisionChannels::ANY,
            escalations: Vec::new(),
            idempotent: false,
            root: None,
            argument: "C-7".to_owned(),
            principal: Principal::new("agent-owner"),
            priority: Priority::Urgent,
            due_in: None,
            caps: Caps::default(),
            granted: None,
            batch: None,
            auditor: None,
            binding_version: BINDING_VERSION,
            grace_ms: None,
            attaches: false,
        }
    }

    /// Sets the time after an approval in which it can be taken back.
    #[must_use]
    pub fn grace(mut self, seconds: u64) -> Self {
        self.grace_ms = Some(seconds * 1000);
        self
    }

    /// Returns the same submission as from another caller: a new id, the same key and content.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { id: RequestId::new(), ..self.clone() }
    }

    /// Returns the same call at another position of its run: a new id, the same content.
    #[must_use]
    pub fn again_at(&self, position: u64) -> Self {
        let mut again = self.again();
        again.key.position = position;
        again
    }

    /// Lets it attach to an identical call of its run, and identical calls attach to it.
    #[must_use]
    pub fn attaching(mut self) -> Self {
        self.attaches = true;
        self
    }

    /// Sets other content.
    #[must_use]
    pub fn content(mut self, content: u64) -> Self {
        self.content = content;
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.key.tenant = Tenant::new(tenant);
        self
    }

    /// Sets the session that audits the submission.
    #[must_use]
    pub fn audited_by(mut self, session: SessionId) -> Self {
        self.auditor = Some(session);
        self
    }

    /// Sets the level.
    #[must_use]
    pub fn level(mut self, level: ApprovalLevel) -> Self {
        self.level = level;
        self
    }

    /// Sets the owner.
    #[must_use]
    pub fn owner(mut self, owner: OwnerToken) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Requires a reason for a rejection.
    #[must_use]
    pub fn requires_reason(mut self) -> Self {
        self.requires_reason = true;
        self
    }

    /// Sets the allowed answers.
    #[must_use]
    pub fn choices(mut self, choices: &[Choice]) -> Self {
        self.choices = choices.to_vec();
        self
    }

    /// Sets the principal.
    #[must_use]
    pub fn principal(mut self, principal: &str) -> Self {
        self.principal = Principal::new(principal);
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the caps on waiting calls.
    #[must_use]
    pub fn caps(mut self, caps: Caps) -> Self {
        self.caps = caps;
        self
    }

    /// Sets the time until it is due.
    #[must_use]
    pub fn due_in(mut self, length: Duration) -> Self {
        self.due_in = Some(length);
        self
    }

    /// Sets the channels through which it may be approved.
    #[must_use]
    pub fn channels(mut self, channels: DecisionChannels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the quorum.
    #[must_use]
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// Adds an escalation to this role, with a deadline in seconds.
    #[must_use]
    pub fn escalate(mut self, role: &str, seconds: u64) -> Self {
        self.escalations.push(EscalationStep::new(Some(role.to_owned()), seconds * 1000));
        self
    }

    /// Makes it a delegated call under this root run.
    #[must_use]
    pub fn root(mut self, run: &str) -> Self {
        self.root = Some(RunId::new(run));
        self
    }

    /// Makes the tool idempotent, so that it may be retried.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sets the time until the approval expires.
    #[must_use]
    pub fn expires_in(mut self, length: Duration) -> Self {
        self.expires_in = length;
        self
    }

    /// Sets the text of an argument, and so the size of the record.
    #[must_use]
    pub fn argument(mut self, text: &str) -> Self {
        text.clone_into(&mut self.argument);
        self
    }

    /// Makes it admitted: claimed in the same step, as an Auto call.
    #[must_use]
    pub fn admitted(mut self, token: ClaimToken, session: SessionId) -> Self {
        self.state = CallState::Claimed;
        self.claim = Some(Claim { token, session });
        self.level = ApprovalLevel::Auto;
        self
    }

    /// Makes it denied by a rule.
    #[must_use]
    pub fn denied(mut self) -> Self {
        self.state = CallState::Denied;
        self
    }

    /// Sets the grant on which it runs, or would run.
    #[must_use]
    pub fn granted(mut self, drawn: GrantUse) -> Self {
        self.granted = Some(drawn);
        self
    }

    /// Makes it one of the calls at these positions, which run together or not at all.
    #[must_use]
    pub fn together(mut self, batch: &str, positions: &[u64]) -> Self {
        let index = positions.iter().position(|position| *position == self.key.position);
        self.batch = Some(Membership {
            batch: BatchId::new(batch),
            index: index.and_then(|index| u32::try_from(index).ok()).expect("one of them"),
            size: u32::try_from(positions.len()).expect("few"),
            together: positions.to_vec(),
            released: false,
        });
        self
    }

    /// Makes it approved on submission: it waits for its siblings.
    #[must_use]
    pub fn approved(mut self) -> Self {
        self.state = CallState::Approved;
        self.level = ApprovalLevel::Auto;
        self
    }

    /// Binds it like an older version of hitl, whose bindings did not name the call.
    #[must_use]
    pub fn bound_by_the_first_rule(mut self) -> Self {
        self.binding_version = 1;
        self
    }

    /// Returns its record's id.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Returns its key.
    pub fn key(&self) -> &CallKey {
        &self.key
    }

    /// Returns the submission.
    pub fn call(&self) -> NewCall {
        let content: ContentDigest = format!("{:064x}", self.content).parse().expect("64 digits");
        let fingerprint: Fingerprint = "f".repeat(64).parse().expect("64 digits");
        let placeholder = Timestamp::EPOCH;
        let principal = self.principal.clone();
        let arguments = serde_json::json!({ "contract_id": self.argument }).to_string();
        let mut request = ApprovalRequest {
            id: self.id,
            key: self.key.clone(),
            revision: 1,
            binding: "0".repeat(64).parse().expect("64 digits"),
            binding_version: 1,
            tool: "sign_contract".to_owned(),
            fingerprint,
            build: Some("1.0.0".to_owned()),
            title: "Sign contract C-7".to_owned(),
            description: "Sign a contract on behalf of the workspace.".to_owned(),
            arguments: JsonText::new(arguments).expect("serde_json writes JSON"),
            agent: None,
            masks: Vec::new(),
            more_masks: 0,
            contents: Vec::new(),
            preview: Some(preview()),
            stated_reason: Some("The customer asked.".to_owned()),
            conversation_url: Some("https://chat.example.com/run".to_owned()),
            tool_call_id: Some("call_abc".to_owned()),
            links: Vec::new(),
            effect: None,
            repeats: None,
            earlier: None,
            uncovering: crate::approval::Uncovering::Allowed,
            principal: principal.clone(),
            approval_type: "contract".to_owned(),
            risk: Risk::High,
            hints: ToolAnnotations { idempotent: self.idempotent, ..ToolAnnotations::default() },
            level: self.level,
            quorum: self.quorum.clone(),
            channels: self.channels.clone(),
            assessment: Assessment { confidence: 50, base: 50, factors: Vec::new() },
            thresholds: Thresholds { auto: 95, quick: 70 },
            reasons: Vec::new(),
            priority: self.priority,
            created_at: placeholder,
            due_at: placeholder,
            expires_at: placeholder,
            choices: self.choices.clone(),
            requires_reason: self.requires_reason,
            grace_ms: self.grace_ms,
            approve_label: "Sign".to_owned(),
            reject_label: "Cancel".to_owned(),
        };
        request.bind(content);
        if self.binding_version == 1 {
            request.bind_by_the_first_rule(content);
        }
        let denied = self.state == CallState::Denied;
        let cx = self
            .root
            .iter()
            .fold(CallContext::new(principal).tenant(self.key.tenant.clone()), |cx, root| {
                cx.root(root.clone())
            });
        NewCall {
            auditor: self.auditor,
            record: CallRecord {
                owner: self.owner,
                escalations: self.escalations.clone(),
                claim: self.claim,
                attempts: u32::from(self.claim.is_some()),
                end_reason: denied.then(|| EndReason::Reason("a rule says so".to_owned())),
                grant_use: self.granted,
                batch: self.batch.clone(),
                attachable: self.attaches,
                ..CallRecord::new(request, cx, content, self.state)
            },
            expires_in: self.expires_in,
            due_in: self.due_in.unwrap_or(self.expires_in / 2),
            caps: self.caps,
        }
    }
}

/// Returns the tool of a call, as its executor would record it.
pub fn facts(record: &CallRecord) -> ToolFacts {
    let request = &record.request;
    ToolFacts {
        title: None,
        name: request.tool.clone(),
        fingerprint: request.fingerprint,
        build: request.build.clone(),
        description: request.description.clone(),
        describe: None,
        effect: None,
        schema: r#"{"type":"object"}"#.to_owned(),
        sensitive: Vec::new(),
        contents: Vec::new(),
        previews: true,
        unchecked: Vec::new(),
        kind: ToolKind::Typed,
        approval_type: request.approval_type.clone(),
        risk: request.risk,
        hints: request.hints,
        thresholds: request.thresholds,
        choices: request.choices.clone(),
        requires_reason: request.requires_reason,
        approve_label: request.approve_label.clone(),
        reject_label: request.reject_label.clone(),
        grace_ms: request.grace_ms,
        amounts: Vec::new(),
        envelopes: Vec::new(),
    }
}

/// Returns a grant for the calls that a [`Draft`] makes, with these limits on uses and on the sum.
pub fn grant(uses: Option<u64>, at_most: Option<u32>) -> GrantRecord {
    let sum = at_most.map(|most| SumLimit { path: "amount".to_owned(), at_most: most.into() });
    GrantRecord::new(Grant {
        id: GrantId::new(),
        tenant: tenant(),
        principal: Principal::new("agent-owner"),
        tool: "sign_contract".to_owned(),
        fingerprint: "f".repeat(64).parse().expect("64 digits"),
        run: None,
        verified: false,
        arguments: ArgumentScope::Any,
        names: None,
        content: "1".repeat(64).parse().expect("64 digits"),
        uses,
        sum,
        currencies: std::collections::BTreeMap::new(),
        until: None,
        by: Principal::new("alice"),
        known_by: None,
        channel: None,
        canonical: None,
        request: RequestId::new(),
        break_glass: None,
        rule: vec!["Run `sign_contract` without asking".to_owned()],
    })
}

/// Returns the event with which an executor would claim `record`.
pub fn claim(record: &CallRecord, token: ClaimToken, session: SessionId) -> Event {
    let (binding, requirement) = (record.request.binding, record.request.requirement());
    Event::Claim { token, session, binding, requirement }
}

/// Returns an edit of `record` by `decision`, as a gate would make it: to this content, at this
/// level.
pub fn edit(record: &CallRecord, decision: Decision, content: u64, level: ApprovalLevel) -> Event {
    let arguments = serde_json::json!({ "contract_id": content }).to_string();
    let revision = EditedRevision {
        content: format!("{content:064x}").parse().expect("64 digits"),
        arguments: JsonText::new(arguments).expect("serde_json writes JSON"),
        masks: Vec::new(),
        more_masks: 0,
        contents: Vec::new(),
        preview: record.request.preview.clone(),
        links: Vec::new(),
        title: format!("Sign contract {content}"),
        effect: None,
        assessment: record.request.assessment.clone(),
        requirement: Requirement::new(level),
        reasons: Vec::new(),
        priority: Priority::Medium,
        unread: false,
    };
    Event::Edit(Box::new(Edit::new(decision, revision)))
}

/// Returns an approved call.
pub async fn approved(subject: &Subject, draft: &Draft) -> CallRecord {
    let record = subject.create(draft).await;
    subject.apply(record.id(), Event::Decide(record.request.approve().by("alice"))).await
}

/// Returns a call claimed by a session of its own, and its claim token.
pub async fn claimed(subject: &Subject, draft: &Draft) -> (CallRecord, ClaimToken, SessionId) {
    let record = approved(subject, draft).await;
    let session = subject.store.open_session().await.expect("session");
    let token = ClaimToken::new();
    let record = subject.apply(record.id(), claim(&record, token, session)).await;
    (record, token, session)
}

/// Returns a call whose outcome is unknown because its executor died, and the lost claim token.
pub async fn unknown_outcome(subject: &Subject, draft: &Draft) -> (CallRecord, ClaimToken) {
    let (record, token, session) = claimed(subject, draft).await;
    subject.store.close_session(session).await.expect("close");
    (subject.apply(record.id(), Event::ExecutorLost).await, token)
}
