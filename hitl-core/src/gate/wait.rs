//! Somebody waits for a call; once it is approved, the waiter claims it.

use std::sync::Arc;
use std::time::Duration;

use super::claim::Start;
use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use super::held::Held;
use super::observe;
use super::registry::Body;
use super::tool_check::ToolCheck;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{FailureRecord, Outcome, OutputText, Tenant};
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, EndReason, Event, Membership};
use crate::seal::{Bound, Purpose};
use crate::store::{ApplyError, EventPayload};
use crate::sync::sleep;

/// How often a waiter looks whether the executor of its call is still alive, and whether a hint was
/// lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A call that somebody waits for.
pub(super) struct Waiting {
    pub(super) tenant: Tenant,
    pub(super) id: RequestId,
    pub(super) owner: OwnerToken,
    /// As it was last seen.
    pub(super) record: Box<CallRecord>,
}

impl Waiting {
    pub(super) fn new(record: CallRecord, owner: OwnerToken) -> Self {
        Self {
            tenant: record.key().tenant.clone(),
            id: record.id(),
            owner,
            record: Box::new(record),
        }
    }
}

/// What a waiter has waited for.
pub(super) enum Waited {
    /// It is claimed, and the body is ready.
    Claimed(Held, Box<dyn Body>),
    /// It is over, or parked.
    Settled(Box<CallRecord>),
}

impl Inner {
    /// Waits until the call is claimed by this waiter, or over.
    ///
    /// Cancel safe until it returns a claim; whoever takes one runs it. A caller that is `attached`
    /// owns the call: a claim that it leaves half-way ends with the call's withdrawal.
    pub(super) async fn wait_for(
        self: &Arc<Self>,
        tenant: &Tenant,
        id: RequestId,
        attached: Option<OwnerToken>,
    ) -> Result<Waited, GateError> {
        let mut watch = self.store.watch(id);
        // What a sibling's decision changes is not this record.
        let mut others = None;
        loop {
            let record = self.current(tenant, id).await?;
            let held = record.batch.as_ref().is_some_and(Membership::is_held);
            let pause = match record.state {
                CallState::Approved => {
                    let start = if held {
                        Box::pin(self.release_together(&record)).await?
                    } else {
                        Box::pin(self.claim(&record, attached)).await?
                    };
                    match start {
                        Start::Run(held, body) => return Ok(Waited::Claimed(held, body)),
                        Start::Changed => continue,
                        Start::Waits => LOOK_AGAIN,
                        Start::Unknown => {
                            self.leave_to_others(&record, attached).await?;
                            // Not at every hint: whoever is asked has trouble enough.
                            tokio::select! {
                                () = watch.changed() => {}
                                () = sleep(LOOK_AGAIN) => {}
                            }
                            continue;
                        }
                    }
                }
                CallState::Pending => {
                    record.request.expires_at.saturating_duration_since(self.store.now().await?)
                }
                CallState::Claimed => LOOK_AGAIN,
                CallState::OutcomeUnknown if self.try_again(&record).await? => continue,
                _ => return Ok(Waited::Settled(Box::new(record))),
            };
            if pause.is_zero() {
                self.expire(tenant, id).await?;
                continue;
            }
            if held && others.is_none() {
                others = Some(self.store.watch_all());
                continue;
            }
            let others_change = async {
                match &mut others {
                    Some(others) => others.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = watch.changed() => {}
                () = others_change => {}
                () = sleep(pause.min(LOOK_AGAIN)) => {
                    if record.state == CallState::Claimed {
                        self.lose(tenant, id).await?;
                    }
                }
            }
        }
    }

    /// A call that others are to run is no longer its caller's to run, if it is their tool that was
    /// approved. The caller still owns it.
    async fn leave_to_others(
        &self,
        record: &CallRecord,
        owner: Option<OwnerToken>,
    ) -> Result<(), GateError> {
        if !record.attached || owner.is_none() || record.owner != owner {
            return Ok(());
        }
        if let ToolCheck::Elsewhere = self.check_tool(record).await? {
            let event = Event::Attach { owner, attached: false };
            let tenant = &record.key().tenant;
            match self.store.apply(tenant, record.id(), event, EventPayload::none()).await {
                Ok(_) | Err(ApplyError::Rejected { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until the call no longer waits for a decision.
    pub(super) async fn until_decided(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<(), GateError> {
        let mut watch = self.store.watch(id);
        loop {
            let record = self.current(tenant, id).await?;
            if record.state != CallState::Pending {
                return Ok(());
            }
            let pause =
                record.request.expires_at.saturating_duration_since(self.store.now().await?);
            if pause.is_zero() {
                self.expire(tenant, id).await?;
                continue;
            }
            tokio::select! {
                () = watch.changed() => {}
                () = sleep(pause.min(LOOK_AGAIN)) => {}
            }
        }
    }

    /// Waits for a call's outcome, and runs it on the way when it is this waiter's turn.
    pub(super) async fn outcome_of(
        self: &Arc<Self>,
        waiting: &Waiting,
    ) -> Result<Outcome, GateError> {
        match self.wait_for(&waiting.tenant, waiting.id, None).await? {
            Waited::Claimed(held, body) => body.execute(Arc::clone(self), held).await,
            Waited::Settled(record) => self.settled(&record).await,
        }
    }

    /// The outcome of a record that is over or parked.
    pub(super) async fn settled(&self, record: &CallRecord) -> Result<Outcome, GateError> {
        use crate::approval::DecisionKind;
        let reason = || match &record.ending {
            Some(EndReason::Reason(reason)) => reason.clone(),
            _ => String::new(),
        };
        let answer = record.decided.as_ref().map(|decided| &decided.answer);
        Ok(match record.state {
            CallState::Executed => Outcome::Executed(self.stored_output(record).await?),
            CallState::Failed => Outcome::Failed(match &record.ending {
                Some(EndReason::Failure(failure)) => failure.clone(),
                _ => FailureRecord { message: reason(), panicked: false },
            }),
            CallState::Rejected => Outcome::Rejected {
                reason: match answer {
                    Some(DecisionKind::Reject { reason, .. }) => reason.clone(),
                    _ => None,
                },
            },
            CallState::Responded => Outcome::Responded {
                message: match answer {
                    Some(DecisionKind::Respond { message }) => message.clone(),
                    _ => String::new(),
                },
            },
            CallState::Expired => Outcome::Expired,
            CallState::Cancelled => match answer {
                Some(DecisionKind::Abort { reason }) => Outcome::Aborted { reason: reason.clone() },
                _ => Outcome::Cancelled { reason: reason() },
            },
            CallState::Denied => Outcome::Denied { reason: reason() },
            CallState::OutcomeUnknown => Outcome::OutcomeUnknown,
            CallState::Pending | CallState::Approved | CallState::Claimed => {
                let why = format!("the call is {}, which is no outcome", record.state);
                return Err(GateError::new(GateErrorKind::Refused, why));
            }
        })
    }

    /// The sealed output of a call that was executed. What cannot be opened is unavailable: the
    /// body ran all the same.
    async fn stored_output(&self, record: &CallRecord) -> Result<OutputText, GateError> {
        let sealed = self.store.result(&record.key().tenant, record.id()).await?;
        let text = sealed
            .and_then(|sealed| {
                self.keys
                    .open(
                        &sealed,
                        &Bound::new(record.id(), Purpose::Result, record.sealed_revision()),
                    )
                    .ok()
            })
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| hitl_base::JsonText::new(text).ok());
        Ok(OutputText(text))
    }

    pub(super) async fn current(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<CallRecord, GateError> {
        self.store.get(tenant, id).await?.ok_or_else(|| Self::not_found(id))
    }

    /// Says that a call's time is up, if it is. Gives the record when this is what moved it.
    pub(super) async fn expire(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.close(tenant, id, Event::Expire).await
    }

    /// Says that a call's executor is dead, if it is. Gives the record when this is what moved it.
    pub(super) async fn lose(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.close(tenant, id, Event::ExecutorLost).await
    }

    async fn close(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
    ) -> Result<Option<CallRecord>, GateError> {
        match self.apply(tenant, id, event, EventPayload::none()).await {
            Ok(record) => {
                let audited = match record.state {
                    CallState::Pending => AuditEvent::Escalated,
                    CallState::OutcomeUnknown => AuditEvent::Unknown,
                    _ => AuditEvent::Expired,
                };
                if record.state != CallState::Pending {
                    observe::ended(&record, record.state);
                }
                let mut entry = AuditRecord::new(audited, &record, record.updated_at);
                entry.note = match &record.ending {
                    Some(EndReason::Reason(reason)) => Some(reason.clone()),
                    _ if record.state == CallState::Pending => {
                        record.request.reasons.last().cloned()
                    }
                    _ => None,
                };
                self.note(&entry);
                Box::pin(self.after_the_end(&record)).await;
                Ok(Some(record))
            }
            Err(ApplyError::Rejected { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
