//! The outcome of a submission.

use crate::call::Outcome;
use crate::gate::error::GateError;
use crate::gate::telemetry;
use crate::gate::waiting::receipt::Receipt;
use crate::gate::waiting::ticket::Ticket;
use crate::machine::CallState;

/// The outcome of a submission.
#[derive(Debug)]
#[must_use = "a pending call waits for somebody to wait for it"]
// Exhaustive: a host must handle each case.
pub enum Submission {
    /// The call has ended, or is parked with an unknown outcome.
    Done {
        /// The outcome.
        outcome: Outcome,
        /// The gate's evaluation of it.
        receipt: Receipt,
    },
    /// The call waits for a human, or runs elsewhere.
    Pending(Ticket),
}

impl Submission {
    /// Returns the gate's evaluation of the call.
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::Done { receipt, .. } => receipt,
            Self::Pending(ticket) => ticket.receipt(),
        }
    }
}

/// Records the result of a submission in the current span.
pub(in crate::gate) fn record_submit_result(result: &Result<Submission, GateError>) {
    match result {
        Ok(Submission::Done { outcome, .. }) => {
            telemetry::record_outcome(telemetry::state_of(outcome).name());
        }
        Ok(Submission::Pending(_)) => telemetry::record_outcome(CallState::Pending.name()),
        Err(error) => telemetry::record_error(error),
    }
}
