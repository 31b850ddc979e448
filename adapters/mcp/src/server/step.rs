//! The rest of the work on a call: it is being submitted, or the gate has it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_core::{
    ApprovalRequest, GateError, GateErrorKind, Outcome, Receipt, RequestId, Submission, Ticket,
};

use super::call::Call;
use super::open_call::Submitting;
use super::pending::Place;
use super::way::Askable;

/// A request that waits, as its client knows it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) request: ApprovalRequest,
    pub(super) place: Place,
}

/// The call that the gate has.
pub(super) struct Waiting {
    pub(super) shown: Shown,
    /// Waits for the outcome, and runs the call once it is approved.
    pub(super) outcome: BoxFuture<'static, Result<Outcome, GateError>>,
    pub(super) submitted: Submitted,
}

/// The request with which a call was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// This one, or one that it continues.
    Now,
    /// An identical one before: the model made the call twice, and it runs once.
    Before,
}

impl Submitted {
    fn of(receipt: &Receipt) -> Self {
        if receipt.reattached { Self::Before } else { Self::Now }
    }
}

impl Waiting {
    pub(super) fn of(call: &Call, ticket: Ticket) -> Self {
        let request = ticket.request().clone();
        let place = call.place(request.id, ticket.notice().link());
        let submitted = Submitted::of(ticket.receipt());
        let outcome = async move { ticket.wait().await }.boxed();
        Self { shown: Shown { request, place }, outcome, submitted }
    }
}

/// The stage of a call that the gate has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// It waits for a decision.
    Undecided(Askable),
    /// It is about to run, runs, or has ended.
    Decided,
}

/// The rest of the work on a call.
pub(super) enum Step {
    Submitting(Submitting),
    Waiting(Box<Waiting>),
}

/// The end of a step.
pub(super) enum Ended {
    Outcome(Option<RequestId>, Outcome, Submitted),
    Waits(Box<Ticket>),
    Refused(GateError),
    /// The call is the gate's, and its outcome could not be read.
    Unread(RequestId, GateError),
    /// The task of the submission ended without a result.
    Lost,
}

impl Step {
    /// Returns what the client knows of the call, if it waits.
    pub(super) fn shown(&self) -> Option<Shown> {
        match self {
            Self::Submitting(_) => None,
            Self::Waiting(waiting) => Some(waiting.shown.clone()),
        }
    }

    /// Waits for the end of the step.
    ///
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Ended {
        match self {
            Self::Submitting(submitting) => match submitting.await {
                Ok(Ok(Submission::Done { outcome, receipt })) => {
                    let submitted = Submitted::of(&receipt);
                    Ended::Outcome(receipt.id, outcome, submitted)
                }
                Ok(Ok(Submission::Pending(ticket))) => Ended::Waits(Box::new(ticket)),
                Ok(Err(error)) => Ended::Refused(error),
                Err(_) => Ended::Lost,
            },
            Self::Waiting(waiting) => match (&mut waiting.outcome).await {
                Ok(outcome) => {
                    Ended::Outcome(Some(waiting.shown.request.id), outcome, waiting.submitted)
                }
                Err(error) if error.kind() == GateErrorKind::Frozen => Ended::Refused(error),
                Err(error) => Ended::Unread(waiting.shown.request.id, error),
            },
        }
    }
}
