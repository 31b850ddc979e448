//! This process runs what others approved.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::claim::Start;
use super::error::GateError;
use super::handle::{Gate, Inner};
use super::observe;
use super::tool_check::ToolCheck;
use super::wait::Waiting;
use crate::call::{Outcome, Tenant};
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{CallState, Event, Membership};
use crate::store::EventPayload;
use crate::sync::sleep;

/// How many bodies one server runs at a time.
const AT_ONCE: usize = 64;
/// How many approved calls are looked at in one go.
const PAGE: usize = 100;
/// How often the store is read again although no hint came.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Gate {
    /// Executes approved calls, whoever submitted and decided them, for as long as the future is
    /// polled. At most 64 bodies run at a time.
    ///
    /// Only calls whose tool is registered here as it was approved, in the same version, are
    /// claimed. While a living executor has another one as it was approved, the call is left to
    /// that; afterwards it is asked about again. And only those that were *submitted*: a call that
    /// a live caller waits for is that caller's to run, or [`adopt`](Self::adopt)'s.
    ///
    /// Cancel safety: dropping the future claims nothing more; bodies that run go on to their end.
    pub async fn serve(&self) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut changes = self.inner.store.watch_all();
        // Calls of which it is not known whether they may run: not asked about at every hint.
        let mut unknown = HashSet::new();
        // However much happens in between, others' calls are put in order now and then.
        let mut look_again = Box::pin(sleep(LOOK_AGAIN));
        loop {
            let looked = self.inner.run_approved(&slots, &mut unknown).await;
            let is_full = match looked {
                Ok(room) => room == Room::None,
                Err(error) => {
                    tracing::warn!(%error, "looking for approved calls failed; trying again");
                    false
                }
            };
            tokio::select! {
                () = changes.changed(), if !is_full => {}
                _ = slots.acquire(), if is_full => {}
                () = &mut look_again => {
                    look_again = Box::pin(sleep(LOOK_AGAIN));
                    unknown.clear();
                    // Others may have died at their calls; some of these may be tried again here.
                    if let Err(error) = self.recover().await {
                        tracing::warn!(%error, "putting calls in order failed; trying again");
                    }
                }
            }
        }
    }

    /// Takes over a call whose caller is gone, and waits for its outcome. Once it is approved, it
    /// runs here. Refused while another executor has its tool as it was approved, and this gate
    /// does not.
    pub async fn adopt(&self, tenant: &Tenant, id: RequestId) -> Result<Outcome, GateError> {
        if let Some(record) = self.inner.store.get(tenant, id).await? {
            let open = matches!(record.state, CallState::Pending | CallState::Approved);
            if open && let ToolCheck::Elsewhere = self.inner.check_tool(&record).await? {
                // It would not run here.
                self.inner.same_tool(&record)?;
            }
        }
        let owner = OwnerToken::new();
        let event = Event::Attach { owner: Some(owner), attached: false };
        let record = match self.inner.store.apply(tenant, id, event, EventPayload::none()).await {
            Ok(record) => record,
            Err(crate::store::ApplyError::Rejected { current, .. }) => {
                return self.inner.settled(&current).await;
            }
            Err(error) => return Err(error.into()),
        };
        let span = self.inner.wait_span(&record);
        let waiting = Waiting::new(record, owner);
        let adopted = async {
            let result = self.inner.outcome_of(&waiting).await;
            observe::settled(&result);
            result
        };
        adopted.instrument(span).await
    }
}

/// Whether one more body may run here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Some,
    None,
}

impl Inner {
    async fn run_approved(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        unknown: &mut HashSet<RequestId>,
    ) -> Result<Room, GateError> {
        let mut after = None;
        loop {
            let approved = self.store.approved(after, PAGE).await?;
            let Some((_, last)) = approved.last() else { return Ok(Room::Some) };
            after = Some(*last);
            for (tenant, id) in &approved {
                let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return Ok(Room::None) };
                if unknown.contains(id) {
                    continue;
                }
                let Some(record) = self.store.get(tenant, *id).await? else { continue };
                let mine = self.tools.contains_key(record.request.tool.as_str());
                if record.attached || record.state != CallState::Approved || !mine {
                    continue;
                }
                let held = record.batch.as_ref().is_some_and(Membership::is_held);
                let start = if held {
                    self.release_together(&record).await
                } else {
                    self.claim(&record, None).await
                };
                match start {
                    Ok(Start::Run(held, body)) => {
                        let gate = Arc::clone(self);
                        self.runtime.spawn(async move {
                            if let Err(error) = body.execute(gate, held).await {
                                tracing::warn!(%error, "an approved call was not run");
                            }
                            drop(slot);
                        });
                    }
                    Ok(Start::Waits | Start::Changed) => {}
                    Ok(Start::Unknown) => {
                        unknown.insert(*id);
                    }
                    Err(error) => tracing::warn!(%id, %error, "an approved call was not claimed"),
                }
            }
        }
    }
}
