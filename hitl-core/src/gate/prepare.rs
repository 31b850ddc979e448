//! A call before anything is awaited: snapshotted, scored, routed, rendered.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use hitl_base::json::{Limits, parse_with_limits};
use hitl_base::redact::{MASK, Taint};
use hitl_base::{Json, Timestamp};
use serde::Serialize;

use super::contents::{Kept, Referents};
use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use super::registry::Registered;
use super::retry_failed::EarlierApproval;
use crate::approval::{ApprovalRequest, Uncovering, title};
use crate::arguments::{SecretScan, Shown, Snapshot};
use crate::audit::AuditRecord;
use crate::call::{
    BINDING_VERSION, Binding, CallContext, CallKey, ContentDigest, circumstances_digest,
    content_digest,
};
use crate::confidence::{Assessment, CallView, Factor, LazyTree, OWN_FILE, assess};
use crate::ids::{OwnerToken, RequestId, SessionId};
use crate::machine::{
    CallRecord, CallState, EndReason, EscalationStep, Membership, NewCall, RECORD_SCHEMA,
};
use crate::policy::{
    ApprovalLevel, Policy, PolicyVersion, Quorum, RequesterRule, Requirement, Route, Stage,
    Verdict, due_after, priority, route,
};
use crate::queue::Caps;

/// A call, scored and routed: all that there is of one that runs at once and leaves no record.
/// Nothing is written down that only a reviewer reads, or a store.
pub(super) struct Judged {
    pub(super) tool: Arc<Registered>,
    pub(super) snapshot: Snapshot,
    pub(super) context: CallContext,
    pub(super) key: CallKey,
    /// The host gave the key, so it may have been used before.
    pub(super) keyed: bool,
    pub(super) assessment: Assessment,
    pub(super) routed: Route,
    pub(super) content: ContentDigest,
    /// The arguments without secrets, and what is masked in them.
    pub(super) shown: Shown,
    /// The arguments surely name no file of this gate, whatever the file system says.
    pub(super) quiet: bool,
}

/// A call, ready to enter the store.
pub(super) struct Prepared {
    pub(super) tool: Arc<Registered>,
    pub(super) snapshot: Snapshot,
    pub(super) routed: Route,
    /// Whether the requester may approve.
    eyes: RequesterRule,
    /// What the store will keep: its times are stamped there.
    pub(super) record: CallRecord,
    /// Proof of ownership, if the record is created by this submission.
    pub(super) owner: OwnerToken,
    /// The host gave the key, so it may have been used before.
    pub(super) keyed: bool,
    /// What its arguments name, as it was read.
    pub(super) referents: Referents,
    /// Of the try that failed before this one.
    pub(super) approval: Option<EarlierApproval>,
}

impl Inner {
    /// Scores and routes a new call.
    pub(super) fn judged(
        &self,
        tool: Arc<Registered>,
        snapshot: Snapshot,
        context: CallContext,
        key: Option<CallKey>,
    ) -> Result<Box<Judged>, GateError> {
        self.judged_with(tool, (snapshot, None), context, key)
    }

    /// The same, with the tree of the snapshot if somebody has it already.
    pub(super) fn judged_with(
        &self,
        tool: Arc<Registered>,
        arguments: (Snapshot, Option<Json>),
        context: CallContext,
        key: Option<CallKey>,
    ) -> Result<Box<Judged>, GateError> {
        self.judge_new(tool, arguments, context, key).map(Box::new)
    }

    /// The same, for a call that goes no further than this stack.
    pub(super) fn judge_new(
        &self,
        tool: Arc<Registered>,
        (snapshot, tree): (Snapshot, Option<Json>),
        context: CallContext,
        key: Option<CallKey>,
    ) -> Result<Judged, GateError> {
        let (mut lazy, nothing) = LazyTree::looked_over(snapshot.text(), &self.redactor);
        if let Some(tree) = tree {
            lazy = lazy.with(tree);
        }
        let quiet = self.own_files.surely_unnamed(snapshot.text());
        let arguments = (&snapshot, &lazy, quiet);
        let (assessment, routed) = self.judge_lazy(&tool, arguments, &context, &[])?;
        let keyed = key.is_some();
        let key = key.unwrap_or_else(|| {
            let tenant = context.tenant.clone();
            if quiet && self.runs_at_once(&tool, &routed) {
                CallKey::generate_ephemeral(tenant, &self.runs)
            } else {
                CallKey::generate(tenant)
            }
        });
        let looked_over =
            if nothing { SecretScan::Clean } else { SecretScan::No(lazy.into_tree()) };
        let shown = snapshot.shown_text(looked_over, &self.redactor);
        let digest = content_digest(&tool.spec.name, &snapshot, &context, self.keys.digest());
        Ok(Judged {
            tool,
            snapshot,
            context,
            key,
            keyed,
            assessment,
            routed,
            content: digest,
            shown,
            quiet,
        })
    }

    /// The line that a reviewer reads.
    pub(super) fn title_of(&self, judged: &Judged) -> String {
        let spec = &judged.tool.spec;
        let describe = spec.config.describe;
        let shown = match describe {
            Some(_) => {
                parse_with_limits(judged.shown.text.as_str(), UNLIMITED).unwrap_or(Json::Null)
            }
            None => Json::Null,
        };
        let title = title(&spec.name, describe, &shown);
        self.clean_title(&title, &judged.snapshot.own_taint())
    }

    /// A title without secrets, in which a mask covers no syntax.
    pub(super) fn clean_title(&self, title: &str, secrets: &Taint) -> String {
        let own = secrets.text(title);
        if matches!(self.redactor.text(&own), Cow::Borrowed(_)) {
            return own.into_owned();
        }
        let own = Json::String(own.into_owned());
        let clean = self.redactor.redact_with_places(&own).map_or(own, |marked| marked.tree);
        clean.as_str().map_or_else(|| MASK.to_owned(), str::to_owned)
    }

    /// Takes a call to the point where it can be submitted.
    pub(super) fn prepared(&self, judged: Judged) -> Prepared {
        let title = self.title_of(&judged);
        let Judged { tool, snapshot, context: cx, key, keyed, assessment, routed, .. } = judged;
        let config = tool.spec.config;
        let eyes = self.eyes(&tool, &cx);
        let requirement = required(&tool, &routed, eyes);
        let (state, ending) = state_of(&routed);
        let now = Timestamp::EPOCH;
        let id = RequestId::new();
        let build = tool.spec.version.clone().map(Cow::into_owned);
        let binding = Binding {
            id,
            key: &key,
            revision: 1,
            content: judged.content,
            fingerprint: tool.fingerprint,
            build: build.as_deref(),
            contents: &[],
        };
        let binding = binding.digest();
        let (masks, more_masks) = judged.shown.masks(&self.redactor, id);
        let request = ApprovalRequest {
            id,
            key,
            revision: 1,
            binding,
            binding_version: BINDING_VERSION,
            tool: tool.spec.name.clone().into_owned(),
            fingerprint: tool.fingerprint,
            build,
            title,
            description: tool.spec.description.clone().into_owned(),
            arguments: judged.shown.text,
            masks,
            more_masks,
            contents: Vec::new(),
            links: Vec::new(),
            uncovering: self.uncovering,
            principal: cx.principal.clone(),
            agent: cx.agent.clone(),
            approval_type: config.approval_type.to_owned(),
            risk: config.risk,
            hints: config.hints,
            level: requirement.level,
            quorum: requirement.quorum,
            priority: priority(config.risk, assessment.confidence),
            assessment,
            thresholds: config.thresholds(),
            reasons: routed.reasons.clone(),
            created_at: now,
            due_at: now,
            expires_at: now,
            choices: config.decisions.to_vec(),
            requires_reason: config.requires_reason,
            approve_label: config.approve_label.to_owned(),
            reject_label: config.reject_label.to_owned(),
        };
        let circumstances = circumstances_digest(&cx, tool.fingerprint);
        let escalations = config.escalate.map(|next| {
            let within = u64::try_from(next.within.as_millis()).unwrap_or(u64::MAX);
            EscalationStep::new(next.role.map(str::to_owned), within)
        });
        let owner = OwnerToken::new();
        let record = CallRecord {
            schema: RECORD_SCHEMA,
            version: 1,
            state,
            request: Arc::new(request),
            context: cx,
            canonical: None,
            content: judged.content,
            owner: Some(owner),
            attached: false,
            intent: None,
            decided: None,
            votes: Vec::new(),
            prior_revisions: Vec::new(),
            edited_content: None,
            reread: None,
            sealed: None,
            unread: false,
            escalations: escalations.into_iter().collect(),
            circumstances: Some(circumstances),
            claim: None,
            approval_window_ms: 0,
            attempts: 0,
            ending,
            grant_use: None,
            batch: None,
            retry_of: None,
            erased: false,
            restored: false,
            updated_at: now,
        };
        let referents = Referents::default();
        Prepared { tool, snapshot, routed, eyes, record, owner, keyed, referents, approval: None }
    }

    /// Asks the directory who the requester is, where somebody will be compared with them: it is
    /// asked about, or waits for its siblings. A directory that cannot say denies it.
    pub(super) fn name_requester(&self, prepared: &mut Prepared) {
        let held = prepared.record.batch.as_ref().is_some_and(Membership::is_held);
        if !held && !matches!(prepared.routed.verdict, Verdict::Ask(_)) {
            return;
        }
        match self.canonical(&prepared.record.context.principal) {
            Ok(canonical) => prepared.record.canonical = canonical,
            Err(unknown) => prepared.deny(unknown.to_string()),
        }
    }

    /// Scores and routes by the signals and policies of now, with what scorers `said`. Asked again
    /// before a claim.
    pub(super) fn judge(
        &self,
        tool: &Registered,
        snapshot: &Snapshot,
        context: &CallContext,
        said: &[Factor],
    ) -> Result<(Assessment, Route), GateError> {
        let lazy = LazyTree::of(snapshot.text());
        let quiet = self.own_files.surely_unnamed(snapshot.text());
        self.judge_lazy(tool, (snapshot, &lazy, quiet), context, said)
    }

    fn judge_lazy(
        &self,
        tool: &Registered,
        (snapshot, arguments, quiet): (&Snapshot, &LazyTree<'_>, bool),
        context: &CallContext,
        said: &[Factor],
    ) -> Result<(Assessment, Route), GateError> {
        let mut view = CallView::of_text(&tool.spec.name, &tool.spec.config, arguments, context);
        if !self.policies.is_empty() || self.signals.may_ask_for_the_time() {
            view = self.timed(view);
        }
        let mut assessment = assess(&view, &self.signals).with_opinions(said);
        if snapshot.repeats_a_secret() {
            let why = "An argument that is not secret repeats a secret one, so you cannot see it.";
            assessment.factors.push(Factor::at_least("repeats_a_secret", ApprovalLevel::Full, why));
        }
        // What has no say of its own does not speak for the look at the files.
        let found =
            |factor: &Factor| factor.name == OWN_FILE && factor.level == Some(ApprovalLevel::Full);
        if !quiet && !said.iter().any(found) {
            let read_only = tool.spec.config.hints.read_only;
            assessment.factors.extend(self.own_file(view.arguments.tree(), read_only));
        }
        if self.uncovering == Uncovering::Forbidden && snapshot.has_undeclared_masks(&self.redactor)
        {
            let why = "An argument is masked, and nobody may uncover it, so you cannot see it.";
            assessment.factors.push(Factor::at_least("masked_place", ApprovalLevel::Full, why));
        }
        let mut routed = route(&view, &assessment, &self.policies);
        if arguments.is_unreadable() {
            return Err(unreadable());
        }
        // Signals and policies see the secrets; what they say about them is shown.
        let denied = matches!(routed.verdict, Verdict::Deny(_));
        if assessment.factors.is_empty() && routed.reasons.is_empty() && !denied {
            return Ok((assessment, routed));
        }
        let secrets = snapshot.taint();
        for factor in &mut assessment.factors {
            if let Cow::Owned(clean) = self.clean(&factor.name, &secrets) {
                factor.name = Cow::Owned(clean);
            }
            if let Cow::Owned(clean) = self.clean(&factor.reasoning, &secrets) {
                factor.reasoning = Cow::Owned(clean);
            }
        }
        for reason in &mut routed.reasons {
            *reason = self.clean(reason, &secrets).into_owned();
        }
        if let Verdict::Deny(reason) = &mut routed.verdict {
            *reason = self.clean(reason, &secrets).into_owned();
        }
        Ok((assessment, routed))
    }

    /// Counts what the candidate policy would have made of a call that was just routed.
    pub(super) fn compare_with_shadow(
        &self,
        tool: &Registered,
        snapshot: &Snapshot,
        context: &CallContext,
        (assessment, routed): (&Assessment, &Route),
    ) {
        if self.shadow.is_empty() {
            return;
        }
        let Ok(arguments) = tree_of(snapshot) else { return };
        let spec = &tool.spec;
        let view = CallView::new(&spec.name, &spec.config, &arguments, context);
        self.shadow.compare(&spec.name, &self.timed(view), assessment, routed);
    }

    /// The call at the present. Where the clock cannot be believed, the time is not known, which
    /// counts towards the stricter answer.
    fn timed<'v>(&self, view: CallView<'v>) -> CallView<'v> {
        match self.clock.now() {
            Ok(now) => view.at(now),
            Err(jump) => {
                tracing::warn!(%jump, "rules do not know the time");
                view
            }
        }
    }

    /// Audits the versions of the policies that are in force, when they have changed since they
    /// were last audited.
    pub(super) fn note_policies(&self, versions: &[PolicyVersion]) {
        if self.policies.is_empty() {
            return;
        }
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        if **in_force == *versions {
            return;
        }
        for version in versions.iter().filter(|version| !in_force.contains(version)) {
            self.trail.note(&AuditRecord::policy_loaded(version, Timestamp::now()));
        }
        *in_force = versions.to_vec();
    }

    pub(super) fn note_policies_in_force(&self) {
        let version = |policy: &Arc<dyn Policy>| {
            catch_unwind(AssertUnwindSafe(|| policy.version())).ok().flatten()
        };
        let versions: Vec<_> = self.policies.iter().filter_map(version).collect();
        self.note_policies(&versions);
    }

    /// Text without the call's own secrets and without anything that looks like one.
    pub(super) fn clean<'t>(&self, text: &'t str, secrets: &Taint) -> Cow<'t, str> {
        // The call's own first: a mask inside a secret would hide the rest of it from its own
        // search.
        let own = secrets.text(text);
        match self.redactor.text(&own) {
            Cow::Borrowed(_) => own,
            Cow::Owned(clean) => Cow::Owned(clean),
        }
    }
}

impl Prepared {
    /// Takes another judgement in place of the first.
    pub(super) fn judged(&mut self, (assessment, routed): (Assessment, Route)) {
        let config = &self.tool.spec.config;
        (self.record.state, self.record.ending) = state_of(&routed);
        let request = Arc::make_mut(&mut self.record.request);
        request.require(required(&self.tool, &routed, self.eyes));
        request.priority = priority(config.risk, assessment.confidence);
        request.reasons.clone_from(&routed.reasons);
        request.assessment = assessment;
        self.routed = routed;
    }

    /// What goes to the store.
    pub(super) fn new_call(&self, caps: Caps, auditor: SessionId) -> NewCall {
        let config = &self.tool.spec.config;
        let due_in = due_after(config.risk);
        NewCall {
            record: self.record.clone(),
            expires_in: self.within(config.expires.unwrap_or(due_in)),
            due_in: self.within(due_in),
            caps,
            auditor: Some(auditor),
        }
    }

    /// Turns it into a call that does not run and that nobody is asked about.
    pub(super) fn deny(&mut self, reason: String) {
        self.record.state = CallState::Denied;
        Arc::make_mut(&mut self.record.request).level = ApprovalLevel::Full;
        self.record.ending = Some(EndReason::Reason(reason.clone()));
        self.routed.verdict = Verdict::Deny(reason);
    }

    /// Whether it runs at once and changes nothing, so that it needs no record in the store.
    pub(super) fn is_unrecorded(&self) -> bool {
        // What waits for its siblings must be found again.
        needs_no_record(&self.tool, &self.routed)
            && self.record.retry_of.is_none()
            && !self.record.batch.as_ref().is_some_and(Membership::is_held)
    }
}

/// Whether a call runs at once and changes nothing, so that it needs no record in the store.
pub(super) fn needs_no_record(tool: &Registered, routed: &Route) -> bool {
    routed.verdict == Verdict::Run && tool.spec.config.hints.read_only
}

pub(super) fn state_of(routed: &Route) -> (CallState, Option<EndReason>) {
    match &routed.verdict {
        Verdict::Run | Verdict::Ask(_) => (CallState::Pending, None),
        Verdict::Deny(reason) => (CallState::Denied, Some(EndReason::Reason(reason.clone()))),
    }
}

pub(super) fn tree_of(snapshot: &Snapshot) -> Result<Json, GateError> {
    parse_with_limits(snapshot.text(), UNLIMITED).map_err(|_| unreadable())
}

/// For text that this process wrote itself.
const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

fn unreadable() -> GateError {
    GateError::new(GateErrorKind::Payload, "the call's snapshot cannot be read")
}

/// What a call needs, as it was routed, of this tool.
pub(super) fn required(tool: &Registered, routed: &Route, eyes: RequesterRule) -> Requirement {
    let config = &tool.spec.config;
    let level = routed.verdict.level().unwrap_or(ApprovalLevel::Full);
    if level == ApprovalLevel::Auto {
        return Requirement::new(level);
    }
    let stages = config.stages.iter().map(|stage| match stage.role {
        Some(role) => Stage::role(role, stage.people),
        None => Stage::people(stage.people),
    });
    let (deciders, stages) = (config.deciders, stages.collect());
    Requirement::new(level).quorum(Quorum { eyes, deciders, stages })
}

/// The payload as it is sealed: the snapshot with its secret ranges, and what its arguments name.
pub(super) fn payload_text(
    snapshot: &Snapshot,
    referents: &Referents,
) -> Result<Vec<u8>, GateError> {
    #[derive(Serialize)]
    struct WithContents<'p> {
        #[serde(flatten)]
        snapshot: &'p Snapshot,
        contents: Vec<Kept>,
    }
    let written = if referents.is_empty() {
        serde_json::to_vec(snapshot)
    } else {
        serde_json::to_vec(&WithContents { snapshot, contents: referents.kept() })
    };
    written
        .map_err(|_| GateError::new(GateErrorKind::Payload, "the call's payload cannot be written"))
}
