//! What was approved is looked at once more, and claimed. Anything that is not as it was approved
//! means that nothing runs.

use std::sync::Arc;

use hitl_base::display::clip;

use super::contents::{Compared, Kept, Referents};
use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use super::held::Held;
use super::keys::not_opened;
use super::observe;
use super::prepare::required;
use super::registry::{Body, Registered};
use super::standing::Now;
use super::taking::{Taking, Wanted};
use super::tool_check::{Changed, ToolCheck};
use crate::arguments::Snapshot;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{BindingDigest, CallContext, StateMap, content_digest};
use crate::ids::{ClaimToken, OwnerToken};
use crate::machine::{CallRecord, CallState, Claim, Event, Refusal};
use crate::policy::{Requirement, Route, Verdict};
use crate::seal::{Bound, Purpose, Sealed};
use crate::store::{ApplyError, EventPayload, StoreErrorKind};

/// The most characters of what is said about somebody's rights.
pub(super) const REASON: usize = 500;

/// An approved call that was looked at once more, and may be claimed.
pub(super) struct Checked {
    pub(super) tool: Arc<Registered>,
    snapshot: Snapshot,
    pub(super) body: Box<dyn Body>,
    routed: Route,
    requirement: Requirement,
    binding: BindingDigest,
    /// What its arguments name, as it was approved.
    referents: Referents,
    /// Who asks, as they stand now, when that is not as they stood.
    now: Option<Box<CallContext>>,
}

/// What came of a look at an approved call.
pub(super) enum Look {
    /// It may be claimed.
    Ready(Box<Checked>),
    /// Whether it may is not known: what its principal may do now, or what a policy says; or others
    /// have its tool as it was approved. It does not start; ask again after a while.
    Unknown,
    /// It is not as it was approved, or over: look at the record again.
    Changed,
}

/// What came of the wish to run a call.
pub(super) enum Start {
    /// It is claimed.
    Run(Held, Box<dyn Body>),
    /// Some of its siblings wait for a decision.
    Waits,
    /// Whether it may is not known; ask again after a while, and not sooner.
    Unknown,
    /// Something has changed: look at the record again.
    Changed,
}

impl Checked {
    /// The claim of it.
    pub(super) fn event(&self, claim: Claim) -> Event {
        let (binding, requirement) = (self.binding, self.requirement.clone());
        Event::Claim { token: claim.token, session: claim.session, binding, requirement }
    }

    /// What is held once the store has granted the claim.
    pub(super) fn held(
        self,
        record: &CallRecord,
        claim: Claim,
        states: &Arc<StateMap>,
    ) -> (Held, Box<dyn Body>) {
        let recorded = |record: &CallRecord| {
            Held::recorded(record, claim, self.snapshot, (&self.tool, &self.routed), states)
        };
        let held = match self.now {
            None => recorded(record),
            // The body acts with the rights of now, and so does what it delegates.
            Some(now) => recorded(&CallRecord { context: *now, ..record.clone() }),
        };
        (held.given(&self.referents), self.body)
    }
}

impl Inner {
    /// Claims an approved call for this process.
    ///
    /// Cancel safe: a claim that nobody is left to hold is given back. With the caller that is
    /// `attached`, the call is then withdrawn as well.
    pub(super) async fn claim(
        self: &Arc<Self>,
        record: &CallRecord,
        attached: Option<OwnerToken>,
    ) -> Result<Start, GateError> {
        let checked = match self.check(record).await? {
            Look::Ready(checked) => checked,
            Look::Unknown => return Ok(Start::Unknown),
            Look::Changed => return Ok(Start::Changed),
        };
        let claim = Claim { token: ClaimToken::new(), session: self.session };
        let event = checked.event(claim);
        let tenant = &record.key().tenant;
        let (store, of, id) = (Arc::clone(&self.store), tenant.clone(), record.id());
        let wanted = Wanted { tenant: tenant.clone(), id, token: claim.token, owner: attached };
        let asking = async move { store.apply(&of, id, event, EventPayload::none()).await };
        let mut taking = Taking::new(self, Some(wanted), asking);
        match taking.answer().await {
            Ok(claimed) => {
                taking.end();
                self.note_grant_used(&claimed);
                let (held, body) = checked.held(&claimed, claim, &self.states);
                Ok(Start::Run(held, body))
            }
            Err(ApplyError::Rejected { refusal, current }) => {
                taking.end();
                self.not_claimed(refusal, &current).await?;
                Ok(Start::Changed)
            }
            Err(ApplyError::Store(error)) if error.kind() == StoreErrorKind::Ambiguous => {
                // Mine and alive: go on. Unreadable: nothing runs, and the claim is given back.
                let current = self.current(tenant, record.id()).await?;
                if current.claim != Some(claim) || current.state != CallState::Claimed {
                    return Ok(Start::Changed);
                }
                taking.end();
                self.note_grant_used(&current);
                let (held, body) = checked.held(&current, claim, &self.states);
                Ok(Start::Run(held, body))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at an approved call once more.
    pub(super) async fn check(&self, record: &CallRecord) -> Result<Look, GateError> {
        let tool = match self.check_tool(record).await? {
            ToolCheck::Same(tool) => tool,
            ToolCheck::Changed(changed) => return self.ask_again(record, &changed).await,
            ToolCheck::Elsewhere => {
                // It is theirs to run, as it was approved.
                return match self.no_longer_elsewhere(record).await? {
                    Some(changed) => self.ask_again(record, &changed).await,
                    None => self.look_later(record).await,
                };
            }
            ToolCheck::Retired => {
                self.close_retired(record).await?;
                return Ok(Look::Changed);
            }
            ToolCheck::Gone | ToolCheck::NoExecutor | ToolCheck::Unknown => {
                return Err(GateError::unknown_tool(&record.request.tool));
            }
        };
        let Some(snapshot) = self.stored_snapshot(record).await? else {
            return self.without_payload(record).await;
        };
        let body = match tool.read_stored(&snapshot) {
            Ok(body) => body,
            // Asked about where the tool is not, so this is the first time that it reads them.
            Err(_) if record.unread => {
                return self.ask_again(record, &Changed::arguments(&tool)).await;
            }
            Err(error) => return Err(error.into()),
        };

        // The rights of now and the policy of now may only raise what the call needs.
        let binding = record.request.binding;
        let (now, rights) = match self.standing_of(record).await {
            Now::Same => (None, None),
            Now::Other(context, changes) => (Some(context), Some(changes)),
            Now::Refused(why) => {
                let why =
                    format!("{} may not have this done any more: {why}", record.context.principal);
                let reason = clip(&self.clean(&why, &snapshot.taint()), REASON).into_owned();
                let event = Event::Deny { binding, reason };
                self.move_on(record, event, AuditEvent::Denied).await?;
                return Ok(Look::Changed);
            }
            Now::Unknown => return self.look_later(record).await,
        };
        // Scorers are not asked again: what they said when the call was new still counts.
        let mut said = record.request.assessment.opinions();
        // A path may have become a link since.
        said.extend(Box::pin(self.linked_file(&tool, &snapshot)).await?);
        let context = now.as_deref().unwrap_or(&record.context);
        let (_, routed) = self.judge(&tool, &snapshot, context, &said)?;
        self.note_policies(&routed.policies);
        if let (Verdict::Deny(why), true) = (&routed.verdict, routed.failed) {
            // A policy that is broken here has not decided anything.
            tracing::warn!(call = %record.id(), %why, "an approved call does not run; asking again");
            return self.look_later(record).await;
        }
        if let Verdict::Deny(reason) = &routed.verdict {
            let event = Event::Deny { binding, reason: reason.clone() };
            self.move_on(record, event, AuditEvent::Denied).await?;
            return Ok(Look::Changed);
        }
        let requirement = required(&tool, &routed, self.eyes(&tool, context));
        let because = |mut reason: String| {
            let rights = rights
                .as_deref()
                .map(|said| clip(&self.clean(said, &snapshot.taint()), REASON).into_owned());
            for why in rights.iter().chain(&routed.reasons) {
                reason.push_str("; ");
                reason.push_str(why);
            }
            reason
        };
        let asks = matches!(routed.verdict, Verdict::Ask(_));
        if record.grant_use.is_some() && asks && !routed.grantable {
            let reason = because("asked again: no grant answers this any more".to_owned());
            let event = Event::GrantExhausted { binding, reason };
            self.move_on(record, event, AuditEvent::Reopened).await?;
            return Ok(Look::Changed);
        }
        if !requirement.is_met_by(&record.request.requirement()) {
            let mut reason = format!("asked again: the call now needs {}", requirement.level);
            if !requirement.quorum.is_met_by(&record.request.quorum) {
                reason.push_str(" and other approvals than it has");
            }
            let reason = because(reason);
            let event = Event::RequireMore { binding, requirement, reason };
            self.move_on(record, event, AuditEvent::Reopened).await?;
            return Ok(Look::Changed);
        }
        // Last, so that as little time as can be is between this and the body.
        let referents = match Box::pin(self.named_now(record, &tool, &snapshot)).await? {
            Ok(referents) => referents,
            Err(look) => return Ok(look),
        };
        Ok(Look::Ready(Box::new(Checked {
            tool,
            snapshot,
            body,
            routed,
            requirement,
            binding,
            referents,
            now,
        })))
    }

    /// What its arguments name, if that is what was shown; otherwise what follows.
    async fn named_now(
        &self,
        record: &CallRecord,
        tool: &Arc<Registered>,
        snapshot: &Snapshot,
    ) -> Result<Result<Referents, Look>, GateError> {
        Ok(match self.compare_contents(record, tool, snapshot).await? {
            Compared::Same(referents) => Ok(referents),
            Compared::Changed(changed) => Err(self.ask_again(record, &changed).await?),
            Compared::Unknown => {
                let call = record.id();
                tracing::warn!(%call, "what an approved call names cannot be read; trying again");
                Err(self.look_later(record).await?)
            }
        })
    }

    /// Its arguments are gone: it is over since it was read, or there is nothing to run.
    async fn without_payload(&self, record: &CallRecord) -> Result<Look, GateError> {
        let current = self.current(&record.key().tenant, record.id()).await?;
        if current.version != record.version {
            return Ok(Look::Changed);
        }
        // Checking it again would not end.
        let why = "the call's payload is gone; cancel the call and submit it under a new key";
        Err(GateError::new(GateErrorKind::Payload, why))
    }

    /// What it would run is not what was approved.
    async fn ask_again(&self, record: &CallRecord, changed: &Changed) -> Result<Look, GateError> {
        // Boxed, so that whoever claims does not carry it around.
        let asked = Box::pin(self.ask_of_changed(record, changed)).await?;
        if asked.version == record.version {
            // It could not be moved, and looking again would not end.
            let then = "it is not as it was approved; cancel the call";
            return Err(GateError::tool_changed(changed.change.clone(), asked, then));
        }
        Ok(Look::Changed)
    }

    /// It does not run now, and stays approved until its time is up, which whoever looks again
    /// sees.
    async fn look_later(&self, record: &CallRecord) -> Result<Look, GateError> {
        let over = self.expire(&record.key().tenant, record.id()).await?;
        Ok(if over.is_some() { Look::Changed } else { Look::Unknown })
    }

    /// What follows when the store refuses a claim.
    pub(super) async fn not_claimed(
        &self,
        refusal: Refusal,
        current: &CallRecord,
    ) -> Result<(), GateError> {
        if let Refusal::Grant(why) = refusal {
            let reason = format!("asked again: {why}");
            let event = Event::GrantExhausted { binding: current.request.binding, reason };
            self.move_on(current, event, AuditEvent::Reopened).await?;
        } else if current.state == CallState::Approved {
            self.expire(&current.key().tenant, current.id()).await?;
        }
        Ok(())
    }

    /// The stored snapshot, when it is the very one that was approved.
    pub(super) async fn stored_snapshot(
        &self,
        record: &CallRecord,
    ) -> Result<Option<Snapshot>, GateError> {
        let stored = self.stored_payload(record).await?;
        Ok(stored.map(|(snapshot, _)| snapshot))
    }

    /// The same, with what its arguments name as it was sealed: not parsed yet.
    async fn stored_payload(
        &self,
        record: &CallRecord,
    ) -> Result<Option<(Snapshot, Vec<u8>)>, GateError> {
        let Some(sealed) = self.store.payload(&record.key().tenant, record.id()).await? else {
            return Ok(None);
        };
        self.opened(record, &sealed).map(|(opened, snapshot)| Some((snapshot, opened)))
    }

    /// The bytes of a sealed payload and what they say, when that is the very call that was
    /// approved.
    pub(super) fn opened(
        &self,
        record: &CallRecord,
        sealed: &Sealed,
    ) -> Result<(Vec<u8>, Snapshot), GateError> {
        let damaged = |what: &str| {
            GateError::new(GateErrorKind::Payload, format!("the call's payload {what}"))
        };
        let opened = self
            .keys
            .open(sealed, &Bound::new(record.id(), Purpose::Payload, record.sealed_revision()))
            .map_err(|error| not_opened(error, "the call's payload"))?;
        let snapshot: Snapshot = serde_json::from_slice(&opened)
            .map_err(|_| damaged("cannot be read; cancel the call"))?;
        let request = &record.request;
        let asked = (&*request.tool, &snapshot, &record.context);
        let content = content_digest(&request.tool, &snapshot, &record.context, self.keys.digest());
        if !request.is_bound_to(content)
            && !self.older_contents(asked).any(|content| request.is_bound_to(content))
        {
            return Err(damaged("is not what was approved; cancel the call"));
        }
        Ok((opened, snapshot))
    }

    /// The stored snapshot, and what its arguments name as it was shown.
    pub(super) async fn stored_contents(
        &self,
        record: &CallRecord,
    ) -> Result<Option<(Snapshot, Vec<Kept>)>, GateError> {
        let Some((snapshot, opened)) = self.stored_payload(record).await? else { return Ok(None) };
        let Some(contents) = self.kept_in(record, &opened) else {
            let why = "the call's payload holds another content than was shown; cancel the call";
            return Err(GateError::new(GateErrorKind::Payload, why));
        };
        Ok(Some((snapshot, contents)))
    }

    /// Applies what follows from a look, and audits it. Whoever was faster has the last word.
    pub(super) async fn move_on(
        &self,
        record: &CallRecord,
        event: Event,
        audited: AuditEvent,
    ) -> Result<(), GateError> {
        let note = match &event {
            Event::Deny { reason, .. }
            | Event::RequireMore { reason, .. }
            | Event::GrantExhausted { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        match self.apply(&record.key().tenant, record.id(), event, EventPayload::none()).await {
            Ok(record) => {
                if record.state == CallState::Denied {
                    observe::ended(&record, CallState::Denied);
                }
                let ended = record.state.is_terminal();
                let audited = audited.of_what_was_tried(record.state);
                let mut entry = AuditRecord::new(audited, &record, record.updated_at);
                entry.note = note;
                self.note(&entry);
                if ended {
                    Box::pin(self.after_the_end(&record)).await;
                }
                Ok(())
            }
            Err(ApplyError::Rejected { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
