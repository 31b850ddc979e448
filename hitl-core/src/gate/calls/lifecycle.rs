//! Changes of a stored call that need neither its tool nor a policy: withdrawal, expiry, the death
//! of its executor, and the decisions of a check before the claim. Each change is audited.
//!
//! If a call that runs only together with others ends, its siblings are withdrawn here too: that is
//! why these changes belong together.

use std::sync::Arc;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, Tenant};
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::gate::telemetry;
use crate::ids::{ClaimToken, OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, EndReason, Event, Membership, Refusal, Withdrawal};
use crate::store::{ApplyError, EventPayload};

/// The most characters of a check's reason.
pub(in crate::gate) const MAX_REASON: usize = 500;

/// Changes the state of stored calls and audits each change.
pub(in crate::gate) struct Lifecycle {
    calls: Arc<CallStore>,
    audit: Arc<AuditLedger>,
}

/// A claim that was requested from the store.
#[derive(Clone)]
pub(in crate::gate) struct ClaimRef {
    pub(in crate::gate) tenant: Tenant,
    pub(in crate::gate) id: RequestId,
    pub(in crate::gate) token: ClaimToken,
    /// The caller that owns the call: if the caller is dropped, the call is withdrawn too.
    pub(in crate::gate) owner: Option<OwnerToken>,
}

/// The call that prevents a batch from running.
pub(in crate::gate) struct BatchObstacle {
    pub(in crate::gate) id: RequestId,
    pub(in crate::gate) reason: String,
}

impl Lifecycle {
    pub(in crate::gate) fn new(calls: Arc<CallStore>, audit: Arc<AuditLedger>) -> Self {
        Self { calls, audit }
    }

    /// Runs a future in the background.
    pub(in crate::gate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.calls.spawn(future);
    }

    /// Withdraws a call.
    pub(in crate::gate) async fn withdraw(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
    ) -> Result<CallRecord, GateError> {
        self.withdraw_by(tenant, id, event, None).await
    }

    /// Withdraws a call, and audits how the identity of the person who asked for it was verified.
    pub(in crate::gate) async fn withdraw_by(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        known: Option<&ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let by_sibling = matches!(&event, Event::Cancel { by: Withdrawal::Sibling(_), .. });
        let (by, note) = match &event {
            Event::Cancel { by: Withdrawal::Host(by), reason } => {
                (Some(by.clone()), Some(reason.clone()))
            }
            Event::Cancel { reason, .. } => (None, Some(reason.clone())),
            _ => (None, None),
        };
        let record = self.calls.apply(tenant, id, event, EventPayload::none()).await?;
        let event = AuditEvent::Cancelled.of_what_was_tried(record.state);
        let mut entry = AuditRecord::new(event, &record, record.updated_at);
        entry.known_by = known.map(|by| by.known_by);
        self.audit.record_by(entry, by, note);
        telemetry::count_end(&record, record.state);
        // The caller that cancels a batch handles all of its calls.
        if !by_sibling {
            Box::pin(self.on_terminal(&record)).await;
        }
        Ok(record)
    }

    /// Expires or escalates a call whose time is up. Returns the record if this changed it.
    pub(in crate::gate) async fn expire(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.apply_deadline_event(tenant, id, Event::Expire).await
    }

    /// Parks a claimed call whose executor is dead. Returns the record if this changed it.
    pub(in crate::gate) async fn mark_executor_lost(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.apply_deadline_event(tenant, id, Event::ExecutorLost).await
    }

    async fn apply_deadline_event(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
    ) -> Result<Option<CallRecord>, GateError> {
        match self.calls.apply(tenant, id, event, EventPayload::none()).await {
            Ok(record) => {
                let audited = match record.state {
                    CallState::Pending => AuditEvent::Escalated,
                    CallState::OutcomeUnknown => AuditEvent::Unknown,
                    _ => AuditEvent::Expired,
                };
                if record.state != CallState::Pending {
                    telemetry::count_end(&record, record.state);
                }
                let mut entry = AuditRecord::new(audited, &record, record.updated_at);
                entry.note = match &record.end_reason {
                    Some(EndReason::Reason(reason)) => Some(reason.clone()),
                    _ if record.state == CallState::Pending => {
                        record.request.reasons.last().cloned()
                    }
                    _ => None,
                };
                self.audit.record(&entry);
                Box::pin(self.on_terminal(&record)).await;
                Ok(Some(record))
            }
            Err(ApplyError::Rejected { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Denies an approved call, or asks about it again, following the check before the claim. Does
    /// nothing if another change was first.
    pub(in crate::gate) async fn reopen_or_deny(
        &self,
        record: &CallRecord,
        event: Event,
        audited: AuditEvent,
    ) -> Result<(), GateError> {
        let note = match &event {
            Event::Deny { reason, .. }
            | Event::RequireMore { reason, .. }
            | Event::ShowRepeat { reason, .. }
            | Event::GrantExhausted { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        match self.calls.apply(&record.key().tenant, record.id(), event, EventPayload::none()).await
        {
            Ok(record) => {
                if record.state == CallState::Denied {
                    telemetry::count_end(&record, CallState::Denied);
                }
                let ended = record.state.is_terminal();
                let audited = audited.of_what_was_tried(record.state);
                let mut entry = AuditRecord::new(audited, &record, record.updated_at);
                entry.note = note;
                self.audit.record(&entry);
                if ended {
                    Box::pin(self.on_terminal(&record)).await;
                }
                Ok(())
            }
            Err(ApplyError::Rejected { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Handles a claim that the store refused.
    pub(in crate::gate) async fn on_claim_refused(
        &self,
        refusal: Refusal,
        current: &CallRecord,
    ) -> Result<(), GateError> {
        if let Refusal::Grant(why) = refusal {
            let reason = format!("asked again: {why}");
            let event = Event::GrantExhausted { binding: current.request.binding, reason };
            self.reopen_or_deny(current, event, AuditEvent::Reopened).await?;
        } else if current.state == CallState::Approved {
            self.expire(&current.key().tenant, current.id()).await?;
        }
        Ok(())
    }

    /// Releases a claim that the store may have granted and that nobody holds. No body has started
    /// under it.
    pub(in crate::gate) async fn release_unheld(&self, claim: ClaimRef) {
        let ClaimRef { tenant, id, token, owner } = claim;
        let event = Event::Release { token };
        match self.calls.apply_with_retry(&tenant, id, event, EventPayload::none()).await {
            Ok(record) => {
                let entry = AuditRecord::new(AuditEvent::Released, &record, record.updated_at);
                self.audit.record(&entry);
            }
            // The claim was not granted after all.
            Err(ApplyError::Rejected { .. } | ApplyError::NotFound(_)) => {}
            Err(error) => {
                tracing::error!(call = %id, %error, "a claim that nobody holds could not be given back");
            }
        }
        let Some(owner) = owner else { return };
        let reason = "the caller went away".to_owned();
        let event = Event::Cancel { by: Withdrawal::Owner(owner), reason };
        if let Err(error) = self.withdraw(&tenant, id, event).await {
            tracing::debug!(%id, %error, "a call whose caller went away was not withdrawn");
        }
    }

    /// Returns the calls of a batch, or `None` if one of them has not been submitted.
    pub(in crate::gate) async fn siblings(
        &self,
        record: &CallRecord,
    ) -> Result<Option<Vec<CallRecord>>, GateError> {
        let Some(batch) = &record.batch else { return Ok(None) };
        let mut siblings = Vec::with_capacity(batch.together.len());
        for position in &batch.together {
            let key = CallKey { position: *position, ..record.key().clone() };
            // It is still being submitted; or it never is, and then the others expire.
            let Some(sibling) = self.calls.store().get_by_key(&key).await? else { return Ok(None) };
            siblings.push(sibling);
        }
        Ok(Some(siblings))
    }

    /// Withdraws the siblings of an ended call that was to run together with them. If this fails,
    /// the next attempt to run one of them does it.
    pub(in crate::gate) async fn on_terminal(&self, record: &CallRecord) {
        let held = record.batch.as_ref().is_some_and(Membership::is_held);
        if !held || !record.state.is_terminal() {
            return;
        }
        match self.siblings(record).await {
            Ok(Some(siblings)) => {
                if let Some(obstacle) = batch_obstacle(&siblings, record) {
                    self.cancel_batch(&siblings, &obstacle).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a batch that cannot run was not given up yet"),
        }
    }

    /// Withdraws the calls of a batch that have not started.
    pub(in crate::gate) async fn cancel_batch(
        &self,
        siblings: &[CallRecord],
        obstacle: &BatchObstacle,
    ) {
        for sibling in siblings {
            let open = matches!(sibling.state, CallState::Pending | CallState::Approved);
            if !open || !sibling.batch.as_ref().is_some_and(Membership::is_held) {
                continue;
            }
            let by = Withdrawal::Sibling(obstacle.id);
            let event = Event::Cancel { by, reason: obstacle.reason.clone() };
            let (tenant, id) = (&sibling.key().tenant, sibling.id());
            if let Err(error) = self.withdraw(tenant, id, event).await {
                tracing::debug!(%id, %error, "a call of a batch that cannot run was not withdrawn");
            }
        }
    }
}

/// Returns the call that prevents all of these siblings from running, if there is one.
pub(in crate::gate) fn batch_obstacle(
    siblings: &[CallRecord],
    record: &CallRecord,
) -> Option<BatchObstacle> {
    let batch = record.batch.as_ref()?;
    let obstacle = |sibling: &CallRecord, why: &str| {
        let position = sibling.key().position;
        let reason = format!("none of its batch runs: the call at {position} {why}");
        BatchObstacle { id: sibling.id(), reason }
    };
    for (at, sibling) in siblings.iter().enumerate() {
        // One record cannot be claimed for two calls.
        if siblings.iter().take(at).any(|earlier| earlier.id() == sibling.id()) {
            return Some(obstacle(sibling, "is in it twice; give each its own position"));
        }
        // Also applies to a sibling in the same batch, if that batch did not run together at the
        // time.
        let theirs = sibling.batch.as_ref();
        let same =
            |theirs: &&Membership| theirs.batch == batch.batch && theirs.together == batch.together;
        let Some(theirs) = theirs.filter(same) else {
            return Some(obstacle(sibling, "was submitted on its own before"));
        };
        let open = matches!(sibling.state, CallState::Pending | CallState::Approved);
        if !open && !theirs.released {
            return Some(obstacle(sibling, &format!("is {}", sibling.state)));
        }
    }
    None
}
