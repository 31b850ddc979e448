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
///
/// A window or a chat bot answers them in a loop of its own:
///
/// ```
/// use hitl::approval::channel;
/// use hitl::prelude::*;
///
/// /// Pay an invoice.
/// #[hitl_tool(risk = "medium", base_confidence = 70, describe = "Pay ${amount} to {to}")]
/// async fn pay(to: String, amount: u32) -> Result<String, std::io::Error> {
///     Ok(format!("paid ${amount} to {to}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (approver, mut questions) = channel(16);
/// let gate = Gate::builder().tool::<Pay>().approver(approver).build().await?;
///
/// tokio::spawn(async move {
///     // Ends when the gate is dropped.
///     while let Some(question) = questions.recv().await {
///         // Somebody else has decided, or nobody waits any more.
///         if question.is_withdrawn() {
///             continue;
///         }
///         // Show `request.render(..)` here, and wait for the person.
///         let request = question.request.clone();
///         let decision = if request.title.contains("Initech") {
///             request.approve().by("bob")
///         } else {
///             request.reject("not one of our suppliers").by("bob")
///         };
///         // A question that is dropped instead is not answered: the call waits in the queue.
///         if question.decide(decision).is_err() {
///             println!("{} was decided elsewhere", request.title);
///         }
///     }
/// });
///
/// let paid = gate.call(pay("Initech", 120)).by("ann").await?;
/// assert_eq!(paid, "paid $120 to Initech");
/// let refused = gate.call(pay("Globex", 120)).by("ann").await.unwrap_err();
/// assert!(refused.to_string().contains("not one of our suppliers"));
/// # Ok(())
/// # }
/// ```
///
/// The channel cannot [uncover](super::MaskSupport) what is masked: a request with such a place is
/// not sent to it, and waits in the queue.
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
