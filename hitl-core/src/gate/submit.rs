//! A call enters the store, or re-attaches to what is there.

use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Span;

use super::error::GateError;
use super::handle::Inner;
use super::held::Held;
use super::observe;
use super::prepare::{Judged, Prepared, needs_no_record, payload_text};
use super::registry::{Body, Registered};
use super::submission::{Receipt, Submission, Ticket};
use super::taking::{Taking, Wanted};
use super::wait::Waiting;
use crate::arguments::Snapshot;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallContext, CallKey};
use crate::ids::{GrantId, OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, EndReason, Event, Membership};
use crate::policy::{ApprovalLevel, PolicyVersion, Route, Verdict};
use crate::seal::{Bound, Purpose};
use crate::store::{ApplyError, EventPayload, StoreError, StoreErrorKind, SubmitResult};

/// Whether a live caller waits for the call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attachment {
    /// `call`: the caller waits, and the call is its own.
    Attached,
    /// `submit`: the caller may go away.
    Detached,
}

/// Whether a call may go the shortest way.
pub(super) enum AtOnce {
    /// It runs now.
    Run(Held),
    /// It enters as any other.
    No(Box<Judged>),
}

/// Where a submission stands.
pub(super) enum Entered {
    /// It runs now, under this claim.
    Run(Held),
    /// It waits.
    Waiting(Waiting),
    /// It is over, or parked.
    Settled(Box<CallRecord>),
}

impl Receipt {
    /// How a call is about to enter.
    fn of(prepared: &Prepared) -> Self {
        let request = &prepared.record.request;
        Self {
            id: None,
            key: prepared.record.key().clone(),
            verdict: prepared.verdict(),
            assessment: request.assessment.clone(),
            reasons: request.reasons.clone(),
            policies: prepared.routed.policies.clone(),
            decided_by: prepared.routed.decided_by.clone(),
            title: request.title.clone(),
            reattached: false,
        }
    }
}

impl Inner {
    /// Enters a prepared call. Nothing has run when this fails.
    pub(super) async fn enter(
        self: &Arc<Self>,
        prepared: &mut Prepared,
        attachment: Attachment,
    ) -> Result<(Entered, Receipt), GateError> {
        // Whoever is known already was scored when it was new. A read that would run now may have
        // been asked about, and rejected, under this key before.
        let may_run = prepared.is_unrecorded() || self.asks_scorers(&prepared.routed);
        let earlier = match (may_run, prepared.keyed) {
            (true, true) => self.store.get_by_key(prepared.record.key()).await?,
            _ => None,
        };
        if earlier.is_none() {
            self.score(prepared).await?;
            self.follow_links(prepared).await?;
            if prepared.tool.reads_contents() {
                self.take_contents(prepared).boxed().await?;
            }
            self.name_requester(prepared);
        }
        self.remember(prepared).await?;
        self.note_policies(&prepared.routed.policies);
        prepared.note_retry();
        let mut tried = Vec::new();
        if earlier.is_none() {
            self.draw_on_a_grant(prepared, &tried).await?;
        }
        let mut receipt = Receipt::of(prepared);
        if prepared.is_unrecorded() && earlier.is_none() {
            self.compare_prepared(prepared);
            observe::entered(&receipt, &prepared.tool.spec.name);
            let held = Held::without_record(prepared, &self.states).given(&prepared.referents);
            return Ok((Entered::Run(held), receipt));
        }
        // What is held for its siblings runs from its snapshot too.
        let held = prepared.record.batch.as_ref().is_some_and(Membership::is_held);
        if held || matches!(prepared.routed.verdict, Verdict::Ask(_)) {
            prepared.tool.read_back(&prepared.snapshot)?;
            self.note_links(prepared).boxed().await;
        }
        prepared.record.attached = attachment == Attachment::Attached;
        prepared.start(self.session);
        let submitted = match earlier {
            Some(record) if record.content == prepared.record.content => {
                SubmitResult::Existing(record)
            }
            Some(record) => {
                SubmitResult::Existing(self.same_but_for_the_tool(prepared, record).boxed().await?)
            }
            None => loop {
                match self.store_call(prepared).await? {
                    // Somebody was faster. Each grant is tried once, so this ends.
                    SubmitResult::NotGranted(_) => {
                        tried.extend(prepared.record.grant_use.map(|drawn| drawn.grant));
                        self.draw_on_a_grant(prepared, &tried).await?;
                        prepared.start(self.session);
                        receipt.verdict = prepared.verdict();
                        receipt.reasons.clone_from(&prepared.record.request.reasons);
                    }
                    submitted => break submitted,
                }
            },
        };
        let record = match submitted {
            SubmitResult::Conflict(id) => {
                let Some(record) = self.store.get_by_key(&receipt.key).await? else {
                    return Err(GateError::key_conflict(&receipt.key, id));
                };
                let record = self.same_but_for_the_tool(prepared, record).boxed().await?;
                receipt.reattached = true;
                self.reattach(record, prepared.owner, attachment).await?
            }
            SubmitResult::Full(cap) => return Err(GateError::queue_full(cap)),
            SubmitResult::NotGranted(refusal) => return Err(GateError::not_granted(refusal)),
            SubmitResult::Existing(record) => {
                receipt.reattached = true;
                self.reattach(record, prepared.owner, attachment).await?
            }
            SubmitResult::Created(record) => {
                self.compare_prepared(prepared);
                if record.state == CallState::Claimed {
                    self.note_grant_used(&record);
                }
                record
            }
        };
        receipt.id = Some(record.id());
        observe::entered(&receipt, &prepared.tool.spec.name);
        let entered = match (record.state, record.claim, prepared.record.claim) {
            (CallState::Claimed, Some(kept), Some(mine)) if kept.token == mine.token => {
                let held = Held::recorded(
                    &record,
                    kept,
                    prepared.snapshot.clone(),
                    (&prepared.tool, &prepared.routed),
                    &self.states,
                );
                Entered::Run(held.given(&prepared.referents))
            }
            (CallState::Pending | CallState::Approved | CallState::Claimed, ..) => {
                Entered::Waiting(Waiting::new(record, prepared.owner))
            }
            _ => Entered::Settled(Box::new(record)),
        };
        Ok((entered, receipt))
    }

    /// Notes on a request that somebody is asked about where the links lead that its arguments
    /// name.
    async fn note_links(&self, prepared: &mut Prepared) {
        let arguments = &prepared.record.request.arguments;
        let links = self.links_in(arguments, &prepared.snapshot).await;
        if !links.is_empty() {
            Arc::make_mut(&mut prepared.record.request).links = links;
        }
    }

    fn compare_prepared(&self, prepared: &Prepared) {
        let Prepared { tool, snapshot, routed, record, .. } = prepared;
        let judgement = (&record.request.assessment, routed);
        self.compare_with_shadow(tool, snapshot, &record.context, judgement);
    }

    /// Whether a call goes the shortest way, if the store does not know it: it leaves no record,
    /// and nobody need be asked.
    pub(super) fn runs_at_once(&self, tool: &Registered, routed: &Route) -> bool {
        needs_no_record(tool, routed) && !self.asks_scorers(routed) && !tool.reads_contents()
    }

    /// Whether a human may be asked about a call that is routed like this, now or after the
    /// scorers.
    pub(super) fn may_ask(&self, routed: &Route) -> bool {
        matches!(routed.verdict, Verdict::Ask(_)) || self.asks_scorers(routed)
    }

    /// Judges a call and lets it run if it may go the shortest way, in the span that is its own.
    pub(super) fn begin(
        &self,
        tool: Arc<Registered>,
        snapshot: Snapshot,
        context: CallContext,
        key: Option<CallKey>,
    ) -> Result<(Span, AtOnce), GateError> {
        let judged = self.judge_new(tool, (snapshot, None), context, key)?;
        let span = self.call_span(&judged);
        let at_once = span.in_scope(|| self.run_at_once(judged));
        Ok((span, at_once))
    }

    /// The shortest way, for a call that the store cannot know, because it has no key of the
    /// host's.
    fn run_at_once(&self, judged: Judged) -> AtOnce {
        if judged.quiet && self.runs_at_once(&judged.tool, &judged.routed) && !judged.keyed {
            AtOnce::Run(self.started(judged))
        } else {
            AtOnce::No(Box::new(judged))
        }
    }

    /// Whether the store knows a call: by its key, or because the same was rejected in its run.
    ///
    /// Cancel safe: it only looks.
    pub(super) async fn knows(&self, judged: &Judged) -> Result<bool, GateError> {
        if !judged.keyed {
            return Ok(false);
        }
        let key = &judged.key;
        if self.store.get_by_key(key).await?.is_some() {
            return Ok(true);
        }
        let asked = (&*judged.tool.spec.name, &judged.snapshot, &judged.context);
        for content in std::iter::once(judged.content).chain(self.older_contents(asked)) {
            if !self.store.rejected(&key.tenant, &key.run, content, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets a call run that leaves no record.
    pub(super) fn started(&self, judged: Judged) -> Held {
        self.note_policies(&judged.routed.policies);
        let judgement = (&judged.assessment, &judged.routed);
        self.compare_with_shadow(&judged.tool, &judged.snapshot, &judged.context, judgement);
        observe::started(&judged);
        Held::unrecorded(judged, &self.states)
    }

    /// Lets the call run on a grant that covers it, other than those that were tried.
    async fn draw_on_a_grant(
        &self,
        prepared: &mut Prepared,
        tried: &[GrantId],
    ) -> Result<(), GateError> {
        prepared.run_on_none();
        if !prepared.may_run_on_a_grant() {
            return Ok(());
        }
        // Boxed, so that calls that nobody is asked about do not carry it around.
        if let Some((grant, drawn)) = Box::pin(self.find_grant(prepared, tried)).await? {
            prepared.run_on(&grant, drawn);
        }
        Ok(())
    }

    /// Submits, and finds out what happened when the store does not know.
    ///
    /// Cancel safe: the store finishes, and what it took is audited; an admission that nobody is
    /// left to run is given back, and withdrawn when the caller was attached.
    async fn store_call(self: &Arc<Self>, prepared: &Prepared) -> Result<SubmitResult, GateError> {
        let id = prepared.record.id();
        let payload = payload_text(&prepared.snapshot, &prepared.referents)?;
        let payload =
            self.keys.seal(&payload, &Bound::new(id, Purpose::Payload, 1)).map_err(|e| {
                StoreError::new(StoreErrorKind::Key, "the call's payload could not be sealed")
                    .because(e)
            })?;
        let wanted = prepared.record.claim.map(|claim| Wanted {
            tenant: prepared.record.key().tenant.clone(),
            id,
            token: claim.token,
            owner: prepared.record.attached.then_some(prepared.owner),
        });
        let (store, call) = (Arc::clone(&self.store), prepared.new_call(self.caps, self.session));
        let (gate, verdict) = (Arc::clone(self), prepared.routed.verdict.clone());
        let policies = prepared.routed.policies.clone();
        let asking = async move {
            let submitted = store.submit(call, payload).await;
            if let Ok(SubmitResult::Created(record)) = &submitted {
                gate.note_submitted(record, verdict, policies);
            }
            submitted
        };
        let mut taking = Taking::new(self, wanted, asking);
        let submitted = match taking.answer().await {
            Err(error) if error.kind() == StoreErrorKind::Ambiguous => {
                // Mine and there: go on. Not there, or unreadable: nothing runs, and what may be
                // there is given back.
                match self.store.get_by_key(prepared.record.key()).await? {
                    Some(record) if record.id() == id => {
                        let routed = &prepared.routed;
                        let (verdict, policies) = (routed.verdict.clone(), routed.policies.clone());
                        self.note_submitted(&record, verdict, policies);
                        SubmitResult::Created(record)
                    }
                    _ => return Err(error.into()),
                }
            }
            other => other?,
        };
        taking.end();
        Ok(submitted)
    }

    /// Takes over a call that is not over.
    async fn reattach(
        &self,
        record: CallRecord,
        owner: OwnerToken,
        attachment: Attachment,
    ) -> Result<CallRecord, GateError> {
        let movable =
            matches!(record.state, CallState::Pending | CallState::Approved | CallState::Claimed);
        if !movable {
            return Ok(record);
        }
        let event =
            Event::Attach { owner: Some(owner), attached: attachment == Attachment::Attached };
        let tenant = record.key().tenant.clone();
        match self.store.apply(&tenant, record.id(), event, EventPayload::none()).await {
            Ok(record) if record.state == CallState::Claimed => Ok(record),
            // Its tool may have changed since it was shown.
            Ok(record) => self.renew(record).boxed().await,
            // It moved on in between; what it is now is as good.
            Err(ApplyError::Rejected { current, .. }) => Ok(*current),
            Err(error) => Err(error.into()),
        }
    }

    fn note_submitted(&self, record: &CallRecord, verdict: Verdict, policies: Vec<PolicyVersion>) {
        let event = match record.state {
            // One that is approved as it enters waits for its siblings.
            CallState::Pending | CallState::Approved => AuditEvent::Requested,
            CallState::Denied => AuditEvent::Denied,
            // An admitted call's intent says everything.
            _ => return,
        };
        let of = |event| AuditRecord::new(event, record, record.updated_at);
        let mut proposed = of(AuditEvent::Proposed);
        proposed.arguments = Some(record.request.arguments.clone());
        self.note(&proposed);
        let mut assessed = of(AuditEvent::Assessed);
        assessed.verdict = Some(verdict);
        assessed.assessment = Some(record.request.assessment.clone());
        assessed.policies = policies;
        self.note(&assessed);
        let mut entry = of(event);
        if let Some(EndReason::Reason(reason)) = &record.ending {
            entry.note = Some(reason.clone());
        } else if record.retry_of.is_some() {
            entry.note = record.request.reasons.last().cloned();
        }
        self.note(&entry);
        if record.state == CallState::Denied {
            observe::ended(record, CallState::Denied);
        }
    }

    /// As [`submitted`](Self::submitted), told to whoever observes.
    pub(super) async fn submit(
        self: &Arc<Self>,
        judged: Box<Judged>,
        body: Box<dyn Body>,
        retry_of: Option<RequestId>,
    ) -> Result<Submission, GateError> {
        let result = self.submitted(judged, body, retry_of).await;
        observe::submitted(&result);
        result
    }

    /// The two-phase front door: enters a call, asks inline when it needs Quick, and runs it when
    /// it may run now.
    async fn submitted(
        self: &Arc<Self>,
        judged: Box<Judged>,
        body: Box<dyn Body>,
        retry_of: Option<RequestId>,
    ) -> Result<Submission, GateError> {
        let mut prepared = Box::new(self.prepared(*judged));
        if let Some(failed) = retry_of {
            self.retry(&mut prepared, failed).boxed().await?;
        }
        let (entered, receipt) = self.enter(&mut prepared, Attachment::Detached).await?;
        let record = match entered {
            Entered::Run(held) => {
                let outcome = body.execute(Arc::clone(self), held).await?;
                return Ok(Submission::Done { outcome, receipt });
            }
            Entered::Settled(record) => *record,
            Entered::Waiting(mut waiting) => {
                let record = self.review(&waiting.record).await?;
                let is_theirs = self.is_left_to_others(&record).boxed().await?;
                match record.state {
                    CallState::Approved if !is_theirs => {
                        let outcome = self.outcome_of(&waiting).await?;
                        return Ok(Submission::Done { outcome, receipt });
                    }
                    CallState::Pending | CallState::Approved | CallState::Claimed => {
                        *waiting.record = record;
                        let gate = Arc::clone(self);
                        return Ok(Submission::Pending(Ticket { gate, waiting, receipt }));
                    }
                    _ => record,
                }
            }
        };
        Ok(Submission::Done { outcome: self.settled(&record).await?, receipt })
    }

    /// Whether somebody is asked inline about this record.
    pub(super) fn asks_inline(&self, record: &CallRecord) -> bool {
        record.state == CallState::Pending
            && record.request.level <= ApprovalLevel::Quick
            && self.approver.is_some()
    }
}
