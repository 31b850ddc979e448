//! An approver that sends each question to the code at the other end of a channel: a UI loop, a
//! chat bot, a test.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{ApprovalRequest, Approver, Decision, Review};

/// Returns both ends of a channel of questions: the approver for the gate, and the receiver whose
/// owner answers them.
///
/// At most `capacity` questions (at least 1) are buffered; the callers of any further ones wait.
pub fn channel(capacity: usize) -> (ChannelApprover, mpsc::Receiver<PendingReview>) {
    let (questions, answers) = mpsc::channel(capacity.max(1));
    (ChannelApprover { questions }, answers)
}

/// The gate's end of a channel of questions. See [`channel`].
#[derive(Clone, Debug)]
pub struct ChannelApprover {
    questions: mpsc::Sender<PendingReview>,
}

/// A question. Dropping it answers [`Review::NoAnswer`].
#[derive(Debug)]
pub struct PendingReview {
    /// The request to decide.
    pub request: ApprovalRequest,
    answer: oneshot::Sender<Decision>,
}

impl PendingReview {
    /// Answers the question. Gives the decision back if nobody waits for it any more: it was not
    /// applied.
    pub fn decide(self, decision: Decision) -> Result<(), Box<Decision>> {
        self.answer.send(decision).map_err(Box::new)
    }

    /// Returns whether the question was withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Approver for ChannelApprover {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        async move {
            let (answer, decided) = oneshot::channel();
            let question = PendingReview { request: request.clone(), answer };
            if self.questions.send(question).await.is_err() {
                return Review::NoAnswer;
            }
            decided.await.map_or(Review::NoAnswer, Review::Decided)
        }
        .boxed()
    }
}
