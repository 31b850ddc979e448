//! A call with a client that waits for it, and what passes between its body and that client.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hitl_core::{GateError, Submission};
use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, ElicitRequestParams, ElicitResult, InputResponses, ProtocolVersion,
};
use rmcp::service::Peer;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The most questions of one body that are open at a time.
const MAX_QUESTIONS: usize = 16;
/// The time after which a call that nobody waits for is given up: that of the state with which a
/// client comes back.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// The progress of a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) done: f64,
    pub(super) total: Option<f64>,
    pub(super) message: Option<String>,
}

/// A submission that continues when its client's request has its answer.
pub(super) type Submitting = JoinHandle<Result<Submission, GateError>>;

/// The facts that the client of a call declared with its last request.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientFacts {
    pub(super) capabilities: ClientCapabilities,
    pub(super) version: Option<ProtocolVersion>,
    /// The connection, of a client that takes requests.
    pub(super) peer: Option<Peer<RoleServer>>,
}

/// A call with a client that waits for it.
#[derive(Default)]
pub(super) struct OpenCall {
    state: Mutex<State>,
    /// Wakes who serves the client: there is progress, or a question.
    changed: Notify,
    cancelled: CancellationToken,
}

#[derive(Default)]
struct State {
    client: Option<ClientFacts>,
    /// The latest progress that was not passed on.
    progress: Option<Progress>,
    /// The last message of progress, which a task has as its status.
    message: Option<String>,
    questions: BTreeMap<u64, OpenQuestion>,
    next_question: u64,
    /// The submission of a call whose body has asked its client something.
    parked: Option<Submitting>,
    /// The number of requests that are served for the call now.
    served: usize,
    /// True if a task stands for the call, so that it is never given up.
    task: bool,
    left_at: Option<Instant>,
    closed: bool,
}

struct OpenQuestion {
    question: ElicitRequestParams,
    answer: oneshot::Sender<ElicitResult>,
}

/// The key of a body's question, in `inputRequests`: never that of another question of the call.
pub(super) fn question_key(number: u64) -> String {
    format!("tool-{number}")
}

impl OpenCall {
    /// Notes that a request of the client is being served.
    pub(super) fn enter(self: &Arc<Self>, client: ClientFacts) -> ServedCall {
        let mut state = self.state();
        state.client = Some(client);
        state.served += 1;
        state.left_at = None;
        let asks = !state.questions.is_empty();
        drop(state);
        if asks {
            // A question without an answer is put again.
            self.changed.notify_one();
        }
        ServedCall { call: Arc::clone(self), left: false }
    }

    /// Notes that a task stands for the call from now on.
    pub(super) fn becomes_task(&self) {
        self.state().task = true;
    }

    pub(super) fn client(&self) -> Option<ClientFacts> {
        self.state().client.clone()
    }

    pub(super) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Keeps the latest progress for the request that is served.
    pub(super) fn report(&self, progress: Progress) {
        let mut state = self.state();
        if progress.message.is_some() {
            state.message.clone_from(&progress.message);
        }
        state.progress = Some(progress);
        drop(state);
        self.changed.notify_one();
    }

    /// Returns the progress that was not passed on yet.
    pub(super) fn take_progress(&self) -> Option<Progress> {
        self.state().progress.take()
    }

    /// Returns the last message of progress.
    pub(super) fn message(&self) -> Option<String> {
        self.state().message.clone()
    }

    /// Puts a question of the body. `None` if there are too many, or the call is closed.
    pub(super) fn ask(self: &Arc<Self>, question: ElicitRequestParams) -> Option<AskedQuestion> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.closed || state.questions.len() >= MAX_QUESTIONS {
            return None;
        }
        let number = state.next_question;
        state.next_question += 1;
        state.questions.insert(number, OpenQuestion { question, answer: sender });
        drop(state);
        self.changed.notify_one();
        Some(AskedQuestion { call: Arc::clone(self), number, answer: receiver })
    }

    /// Returns the open questions, by the keys of `inputRequests`.
    pub(super) fn questions(&self) -> Vec<(u64, ElicitRequestParams)> {
        let state = self.state();
        state.questions.iter().map(|(number, open)| (*number, open.question.clone())).collect()
    }

    /// Gives the body the answer to one of its questions.
    pub(super) fn answer(&self, number: u64, answer: ElicitResult) {
        let open = self.state().questions.remove(&number);
        if let Some(open) = open {
            // A body that no longer waits for it has taken it back.
            let _ = open.answer.send(answer);
        }
    }

    /// Gives the body the answers among a client's input responses. Others are ignored.
    pub(super) fn answer_all(&self, responses: &InputResponses) {
        let numbers: Vec<u64> = self.state().questions.keys().copied().collect();
        for number in numbers {
            let Some(response) = responses.get(&question_key(number)) else { continue };
            if let Ok(answer) = serde_json::from_value::<ElicitResult>(response.clone()) {
                self.answer(number, answer);
            }
        }
    }

    /// Keeps a submission until the client comes back with its answer.
    pub(super) fn park(&self, submitting: Submitting) {
        self.state().parked = Some(submitting);
    }

    /// Returns the submission that was kept, to the first who comes for it.
    pub(super) fn unpark(&self) -> Option<Submitting> {
        self.state().parked.take()
    }

    /// Completes when there is progress or a question that was not there before.
    ///
    /// Cancel safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns whether nobody has waited for the call for a long time.
    pub(super) fn is_abandoned(&self, now: Instant) -> bool {
        let state = self.state();
        !state.task
            && state.served == 0
            && state.left_at.is_none_or(|left| now.saturating_duration_since(left) >= ABANDONED)
    }

    /// Returns whether a request is being served for the call.
    pub(super) fn is_served(&self) -> bool {
        self.state().served > 0
    }

    /// Takes all questions back: there is nobody left who could answer.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.questions.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OpenCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "OpenCall({} served, {} questions)", state.served, state.questions.len())
    }
}

/// A request of a call's client that is being served.
#[derive(Debug)]
pub(super) struct ServedCall {
    call: Arc<OpenCall>,
    left: bool,
}

/// Who still waits for a call that a request has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody: it was the last request, and no task stands for the call.
    Last,
    Others,
}

impl ServedCall {
    pub(super) fn call(&self) -> &Arc<OpenCall> {
        &self.call
    }

    /// Notes that the request is no longer served. A second time it changes nothing.
    pub(super) fn leave(&mut self) -> Left {
        let mut state = self.call.state();
        if !self.left {
            self.left = true;
            state.served = state.served.saturating_sub(1);
            if state.served == 0 {
                state.left_at = Some(Instant::now());
            }
        }
        if state.served == 0 && !state.task { Left::Last } else { Left::Others }
    }
}

impl Drop for ServedCall {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A question of a body that waits for its answer.
pub(super) struct AskedQuestion {
    call: Arc<OpenCall>,
    number: u64,
    answer: oneshot::Receiver<ElicitResult>,
}

impl AskedQuestion {
    /// Waits for the answer. `None` if there will be none.
    pub(super) async fn answer(mut self) -> Option<ElicitResult> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for AskedQuestion {
    fn drop(&mut self) {
        self.call.state().questions.remove(&self.number);
    }
}
