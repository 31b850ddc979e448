//! Calls that run together or not at all: released once all of them are approved, given up when one
//! of them cannot be.

use std::sync::Arc;

use futures::future::try_join_all;

use super::claim::{Checked, Look, Start};
use super::error::GateError;
use super::handle::Inner;
use super::taking::{Taking, Wanted};
use crate::call::CallKey;
use crate::ids::{ClaimToken, RequestId};
use crate::machine::{CallRecord, CallState, Claim, Event, Membership, Withdrawal};
use crate::store::{ApplyError, ApplyRequest, StoreErrorKind};

impl Inner {
    /// Claims a call and all of its siblings, when all are approved. The others run in the
    /// background.
    ///
    /// Cancel safe: claims that nobody is left to hold are given back.
    pub(super) async fn release_together(
        self: &Arc<Self>,
        record: &CallRecord,
    ) -> Result<Start, GateError> {
        let Some(siblings) = self.siblings(record).await? else { return Ok(Start::Waits) };
        if let Some((id, why)) = unrunnable(&siblings, record) {
            self.give_up(&siblings, id, &why).await;
            return Ok(Start::Changed);
        }
        let now = self.store.now().await?;
        for sibling in &siblings {
            if now >= sibling.request.expires_at {
                self.expire(&sibling.key().tenant, sibling.id()).await?;
                return Ok(Start::Changed);
            }
        }
        if siblings.iter().any(|sibling| sibling.state != CallState::Approved) {
            return Ok(Start::Waits);
        }
        let mut checked = Vec::with_capacity(siblings.len());
        for sibling in &siblings {
            let ready = match self.check(sibling).await? {
                Look::Ready(ready) => *ready,
                Look::Unknown => return Ok(Start::Unknown),
                Look::Changed => return Ok(Start::Changed),
            };
            let claim = Claim { token: ClaimToken::new(), session: self.session };
            checked.push((ready, claim));
        }
        self.claim_all(record.id(), &siblings, checked).await
    }

    async fn claim_all(
        self: &Arc<Self>,
        own: RequestId,
        siblings: &[CallRecord],
        checked: Vec<(Checked, Claim)>,
    ) -> Result<Start, GateError> {
        let tenant = siblings.first().map(|sibling| sibling.key().tenant.clone());
        let Some(tenant) = tenant else { return Ok(Start::Changed) };
        let (mut events, mut wanted) = (Vec::new(), Vec::new());
        for (sibling, (ready, claim)) in siblings.iter().zip(&checked) {
            let (id, token) = (sibling.id(), claim.token);
            events.push(ApplyRequest::new(id, ready.event(*claim)));
            wanted.push(Wanted { tenant: tenant.clone(), id, token, owner: None });
        }
        let (store, of) = (Arc::clone(&self.store), tenant.clone());
        let asking = async move { store.apply_all(&of, events).await };
        let mut taking = Taking::new(self, wanted, asking);
        let claimed = match taking.answer().await {
            Ok(claimed) => claimed,
            Err(ApplyError::Rejected { refusal, current }) => {
                taking.end();
                self.not_claimed(refusal, &current).await?;
                return Ok(Start::Changed);
            }
            Err(ApplyError::Store(error)) if error.kind() == StoreErrorKind::Ambiguous => {
                // All of them, or none.
                let ids = siblings.iter().map(|sibling| self.current(&tenant, sibling.id()));
                let current = try_join_all(ids).await?;
                let mine = |(record, (_, claim)): (&CallRecord, &(Checked, Claim))| {
                    record.claim == Some(*claim) && record.state == CallState::Claimed
                };
                if !current.iter().zip(&checked).all(mine) {
                    return Ok(Start::Changed);
                }
                current
            }
            Err(error) => return Err(error.into()),
        };
        taking.end();
        let mut own_one = None;
        for (record, (ready, claim)) in claimed.iter().zip(checked) {
            self.note_grant_used(record);
            let (held, body) = ready.held(record, claim, &self.states);
            if record.id() == own {
                own_one = Some((held, body));
                continue;
            }
            let gate = Arc::clone(self);
            // At once, whether anybody waits for it or not.
            self.runtime.spawn(async move {
                if let Err(error) = body.execute(gate, held).await {
                    tracing::warn!(%error, "a call that was released with others was not run");
                }
            });
        }
        Ok(own_one.map_or(Start::Changed, |(held, body)| Start::Run(held, body)))
    }

    /// The calls of a batch, when all of them are there.
    async fn siblings(&self, record: &CallRecord) -> Result<Option<Vec<CallRecord>>, GateError> {
        let Some(batch) = &record.batch else { return Ok(None) };
        let mut siblings = Vec::with_capacity(batch.together.len());
        for position in &batch.together {
            let key = CallKey { position: *position, ..record.key().clone() };
            // It is on its way; or it never comes, and then these expire.
            let Some(sibling) = self.store.get_by_key(&key).await? else { return Ok(None) };
            siblings.push(sibling);
        }
        Ok(Some(siblings))
    }

    /// When a call that was to run together with others has ended: the others do not run. What
    /// fails here is done by whoever wants to run one of them.
    pub(super) async fn after_the_end(&self, record: &CallRecord) {
        let held = record.batch.as_ref().is_some_and(Membership::is_held);
        if !held || !record.state.is_terminal() {
            return;
        }
        match self.siblings(record).await {
            Ok(Some(siblings)) => {
                if let Some((id, why)) = unrunnable(&siblings, record) {
                    self.give_up(&siblings, id, &why).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a batch that cannot run was not given up yet"),
        }
    }

    /// Withdraws what is left of a batch that will not run.
    pub(super) async fn give_up(&self, siblings: &[CallRecord], because: RequestId, why: &str) {
        for sibling in siblings {
            let open = matches!(sibling.state, CallState::Pending | CallState::Approved);
            if !open || !sibling.batch.as_ref().is_some_and(Membership::is_held) {
                continue;
            }
            let by = Withdrawal::Sibling(because);
            let event = Event::Cancel { by, reason: why.to_owned() };
            let (tenant, id) = (&sibling.key().tenant, sibling.id());
            if let Err(error) = self.withdraw(tenant, id, event).await {
                tracing::debug!(%id, %error, "a call of a batch that cannot run was not withdrawn");
            }
        }
    }
}

/// The call because of which none of them will run, and why.
fn unrunnable(siblings: &[CallRecord], record: &CallRecord) -> Option<(RequestId, String)> {
    let batch = record.batch.as_ref()?;
    let because = |sibling: &CallRecord, why: &str| {
        let position = sibling.key().position;
        (sibling.id(), format!("none of its batch runs: the call at {position} {why}"))
    };
    for (at, sibling) in siblings.iter().enumerate() {
        // One record cannot be claimed for two calls.
        if siblings.iter().take(at).any(|earlier| earlier.id() == sibling.id()) {
            return Some(because(sibling, "is in it twice; give each its own position"));
        }
        // Also in the same batch, when it was not one that runs together then.
        let theirs = sibling.batch.as_ref();
        let same =
            |theirs: &&Membership| theirs.batch == batch.batch && theirs.together == batch.together;
        let Some(theirs) = theirs.filter(same) else {
            return Some(because(sibling, "was submitted on its own before"));
        };
        let open = matches!(sibling.state, CallState::Pending | CallState::Approved);
        if !open && !theirs.released {
            return Some(because(sibling, &format!("is {}", sibling.state)));
        }
    }
    None
}
