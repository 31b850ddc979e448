//! A handle on a waiting call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use crate::approval::ApprovalRequest;
use crate::call::Outcome;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::freeze::thaw_wait::wait_until_startable;
use crate::gate::notices::waiting_notice::WaitingNotice;
use crate::gate::telemetry;
use crate::gate::waiting::receipt::Receipt;
use crate::gate::waiting::wait_limit::WaitLimit;
use crate::gate::waiting::waiter::{
    WaitingCall, wait_for_outcome, wait_for_outcome_within, wait_until_decided,
};
use crate::machine::{Event, Withdrawal};

/// A handle on a waiting call. Dropping the ticket changes nothing: the call stays in the queue,
/// and submitting the same key again returns a new ticket.
#[must_use = "wait for it, or keep its key"]
pub struct Ticket {
    core: Arc<GateCore>,
    waiting: WaitingCall,
    receipt: Receipt,
}

impl Ticket {
    pub(in crate::gate) fn new(
        core: Arc<GateCore>,
        waiting: WaitingCall,
        receipt: Receipt,
    ) -> Self {
        Self { core, waiting, receipt }
    }

    /// Returns the request that a human is shown.
    pub fn request(&self) -> &ApprovalRequest {
        &self.waiting.record.request
    }

    /// Returns the gate's evaluation of the call.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns what people need to decide the call: the command, the console's link. It is the
    /// notice that the gate gave when the call began to wait.
    pub fn notice(&self) -> WaitingNotice {
        self.core.notifier.notice_about(&self.waiting.record)
    }

    /// Waits until the call has ended, however long its decision takes. Once the call is approved,
    /// this runs it.
    ///
    /// Cancel safe: dropping the future changes nothing before the body has started, and does not
    /// stop it afterwards.
    pub async fn wait(&self) -> Result<Outcome, GateError> {
        let span = telemetry::wait_span(&self.core.redactor, &self.waiting.record);
        let waiting = async {
            let result = wait_for_outcome(&self.core, &self.waiting).await;
            telemetry::record_wait_result(&result);
            result
        };
        waiting.instrument(span).await
    }

    /// Does what [`wait`](Self::wait) does, for at most this long. Returns `None` if nobody has
    /// decided by then: the call still waits, or runs in another process, and can be waited for
    /// again. A body that this started runs to its end, however long it takes.
    ///
    /// Cancel safe, like [`wait`](Self::wait).
    pub async fn wait_for(&self, limit: Duration) -> Result<Option<Outcome>, GateError> {
        let limit = WaitLimit::starting_now(Some(limit));
        let span = telemetry::wait_span(&self.core.redactor, &self.waiting.record);
        let waiting = async {
            let result = wait_for_outcome_within(&self.core, &self.waiting, limit).await;
            telemetry::record_limited_wait_result(&result);
            result
        };
        waiting.instrument(span).await
    }

    /// Waits until the call no longer waits for a decision. Runs nothing, unlike
    /// [`wait`](Self::wait).
    ///
    /// Cancel safe.
    pub async fn wait_until_decided(&self) -> Result<(), GateError> {
        wait_until_decided(&self.core, &self.waiting.tenant, self.waiting.id).await
    }

    /// Waits until the call may start, or has ended: it is decided, its
    /// [grace](crate::call::ToolConfig::grace) is over, and it is not
    /// [frozen](crate::Gate::freeze). Runs nothing.
    ///
    /// Cancel safe.
    pub async fn wait_until_startable(&self) -> Result<(), GateError> {
        wait_until_startable(&self.core, &self.waiting.tenant, self.waiting.id).await
    }

    /// Withdraws the call if nothing has started. Refused if another caller has re-attached to it
    /// since.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<(), GateError> {
        let by = Withdrawal::Owner(self.waiting.owner);
        let reason = self.core.redactor.text(&reason.into()).into_owned();
        let event = Event::Cancel { by, reason };
        self.core.lifecycle.withdraw(&self.waiting.tenant, self.waiting.id, event).await?;
        Ok(())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} {})", self.waiting.id, self.receipt.key)
    }
}
