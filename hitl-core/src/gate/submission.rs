//! What a caller gets back.

use std::fmt;
use std::sync::Arc;

use tracing::Instrument as _;

use super::error::GateError;
use super::handle::Inner;
use super::observe;
use super::wait::Waiting;
use crate::approval::ApprovalRequest;
use crate::call::{CallKey, Outcome};
use crate::confidence::Assessment;
use crate::ids::RequestId;
use crate::machine::{Event, Withdrawal};
use crate::policy::{PolicyVersion, RuleRef, Verdict};

/// How the gate took a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The call's record; none for a read-only call that ran at once.
    pub id: Option<RequestId>,
    /// The call's key.
    pub key: CallKey,
    /// What the machine decided.
    pub verdict: Verdict,
    /// The score and its factors.
    pub assessment: Assessment,
    /// What raised the level above that of the score.
    pub reasons: Vec<String>,
    /// The policies that were asked, in the versions that answered.
    pub policies: Vec<PolicyVersion>,
    /// The rule that made the verdict, when a rule did.
    pub decided_by: Option<RuleRef>,
    /// The line a reviewer reads.
    pub title: String,
    /// The key had a record already: this submission found it, and started nothing twice.
    pub reattached: bool,
}

/// What came of a submission.
#[derive(Debug)]
#[must_use = "a pending call waits for somebody to wait for it"]
pub enum Submission {
    /// It is over, or parked with an unknown outcome.
    Done {
        /// How it ended.
        outcome: Outcome,
        /// How the gate took it.
        receipt: Receipt,
    },
    /// It waits for a human, or runs elsewhere.
    Pending(Ticket),
}

impl Submission {
    /// How the gate took the call.
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::Done { receipt, .. } => receipt,
            Self::Pending(ticket) => &ticket.receipt,
        }
    }
}

/// A call that waits. Dropping the ticket changes nothing: the call stays in the queue, and
/// submitting the same key again gives a new ticket.
#[must_use = "wait for it, or keep its key"]
pub struct Ticket {
    pub(super) gate: Arc<Inner>,
    pub(super) waiting: Waiting,
    pub(super) receipt: Receipt,
}

impl Ticket {
    /// What a human is shown.
    pub fn request(&self) -> &ApprovalRequest {
        &self.waiting.record.request
    }

    /// How the gate took the call.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Waits until the call is over; once it is approved, this is what runs it.
    ///
    /// Cancel safe: dropping the future changes nothing before the body has started, and does not
    /// stop it afterwards.
    pub async fn wait(&self) -> Result<Outcome, GateError> {
        let span = self.gate.wait_span(&self.waiting.record);
        let waiting = async {
            let result = self.gate.outcome_of(&self.waiting).await;
            observe::settled(&result);
            result
        };
        waiting.instrument(span).await
    }

    /// Waits until the call no longer waits for a decision. Runs nothing: [`wait`](Self::wait)
    /// does.
    ///
    /// Cancel safe.
    pub async fn decided(&self) -> Result<(), GateError> {
        self.gate.until_decided(&self.waiting.tenant, self.waiting.id).await
    }

    /// Withdraws the call while nothing has started. Refused when somebody else has re-attached to
    /// it since.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<(), GateError> {
        let by = Withdrawal::Owner(self.waiting.owner);
        let reason = self.gate.redactor.text(&reason.into()).into_owned();
        let event = Event::Cancel { by, reason };
        self.gate.withdraw(&self.waiting.tenant, self.waiting.id, event).await?;
        Ok(())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} {})", self.waiting.id, self.receipt.key)
    }
}
