//! The outcome of a call for somebody who asks for it, and its delivery.

use crate::call::{Outcome, Tenant};
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::read::present::read_present;
use crate::gate::waiting::outcome::outcome_of_record;
use crate::ids::RequestId;
use crate::machine::{CallState, Event};
use crate::store::{ApplyError, EventPayload};

impl Gate {
    /// Returns the outcome of a call, or `None` while it waits, may start or runs. Never waits,
    /// asks nobody and runs nothing, and the call keeps its owner: for hosts that are polled.
    ///
    /// A call whose time is up, or whose executor has died, is recorded as such by the first that
    /// notices, here too. An unknown outcome is [`Outcome::OutcomeUnknown`], until it is resolved.
    ///
    /// Anybody who knows the id of a call of the tenant gets its outcome: check whom you answer.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::GateErrorKind::NotFound) if the tenant has no such call.
    ///
    /// Cancel safe.
    pub async fn outcome(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<Outcome>, GateError> {
        let core = &self.core;
        let record = read_present(core, tenant, id).await?;
        match record.state {
            CallState::Pending | CallState::Approved | CallState::Claimed => Ok(None),
            _ => outcome_of_record(core, &record).await.map(Some),
        }
    }

    /// Says that the outcome of a call has reached the other side: the next identical call of the
    /// run that is submitted with [`Repeat::Attach`](crate::Repeat::Attach) is a new call. Returns
    /// whether it is.
    ///
    /// `false` for a call that has not ended, and for one whose outcome is unknown: nothing
    /// changes, and an identical call still attaches to it, so that nothing runs twice. Harmless
    /// for a call that was submitted without `Attach`, and when repeated.
    ///
    /// Call it after the answer was written. If that fails, do not: an outcome that is returned
    /// twice does less harm than one that is lost.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::GateErrorKind::NotFound) if the tenant has no such call. If the store
    /// fails, an identical call still returns this outcome.
    pub async fn mark_delivered(&self, tenant: &Tenant, id: RequestId) -> Result<bool, GateError> {
        let store = self.core.calls.store();
        match store.apply(tenant, id, Event::Deliver, EventPayload::none()).await {
            Ok(_) => Ok(true),
            Err(ApplyError::Rejected { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
