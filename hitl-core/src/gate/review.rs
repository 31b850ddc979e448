//! An approver is asked inline. Whoever decides first, there or elsewhere, decides.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Instrument as _;

use super::error::GateError;
use super::handle::Inner;
use super::observe;
use crate::approval::{Approver, Review, may_ask};
use crate::audit::{AuditEvent, AuditRecord};
use crate::machine::{CallRecord, CallState};
use crate::sync::sleep;

impl Inner {
    /// Asks the approver about a Quick request, and gives the record as it stands afterwards.
    /// Without an answer it is still pending: it waits in the queue like Full.
    ///
    /// Cancel safe: dropping it withdraws the question.
    pub(super) async fn review(
        self: &Arc<Self>,
        record: &CallRecord,
    ) -> Result<CallRecord, GateError> {
        let (Some(approver), true) = (&self.approver, self.asks_inline(record)) else {
            return Ok(record.clone());
        };
        if !may_ask(&**approver, &record.request) {
            // What this approver cannot show waits for a surface that can.
            tracing::info!(id = %record.id(), "a call with masked places waits in the queue");
            return Ok(record.clone());
        }
        let reviewing = async {
            let result = self.reviewed(&**approver, record).await;
            match &result {
                Ok(record) if record.state == CallState::Pending => observe::outcome("noAnswer"),
                Ok(record) => observe::outcome(record.state.name()),
                Err(error) => observe::failed(error),
            }
            result
        };
        reviewing.instrument(observe::review_span(record)).await
    }

    async fn reviewed(
        self: &Arc<Self>,
        approver: &dyn Approver,
        record: &CallRecord,
    ) -> Result<CallRecord, GateError> {
        let (tenant, id) = (&record.key().tenant, record.id());
        let mut watch = self.store.watch(id);
        let mut current = self.current(tenant, id).await?;
        let at = self.store.now().await?;
        self.note(&AuditRecord::new(AuditEvent::Shown, &current, at));
        let uncover = self.uncovering_of(&record.request);
        // An approver may also panic before its first await, so the call itself is caught too.
        let asked =
            AssertUnwindSafe(async { approver.review_with(&record.request, &uncover).await })
                .catch_unwind();
        tokio::pin!(asked);
        while self.asks_inline(&current) {
            let time_left =
                current.request.expires_at.saturating_duration_since(self.store.now().await?);
            tokio::select! {
                answer = &mut asked => {
                    match answer {
                        Ok(Review::Decided(decision)) if decision.request == id => {
                            if let Err(error) = self.decide_to_the_end(decision).await {
                                if error.current().is_none() {
                                    return Err(error);
                                }
                                tracing::warn!(%id, %error, "an approver's decision was not taken");
                            }
                        }
                        Ok(Review::Decided(_)) => tracing::warn!(%id, "an approver decided about another call"),
                        Ok(Review::NoAnswer) => {}
                        Ok(Review::Failed(why)) => tracing::warn!(%id, why, "an approver failed"),
                        Err(_) => tracing::warn!(%id, "an approver panicked"),
                    }
                    return self.current(tenant, id).await;
                }
                () = watch.changed() => {}
                () = sleep(time_left) => {
                    self.expire(tenant, id).await?;
                }
            }
            current = self.current(tenant, id).await?;
        }
        Ok(current)
    }
}
