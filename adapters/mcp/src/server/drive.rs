//! Serves a call until there is something to answer: its outcome, a question, a task, or that it
//! waits.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hitl_core::{CallKey, CallState, Ticket};
use rmcp::model::{
    CreateTaskResult, ElicitResult, ElicitationAction, InputRequiredResult, Task, TaskStatus,
};
use rmcp::service::ServiceError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::call::{Answer, Call};
use super::capacity::Share;
use super::form::{self, QUESTION};
use super::open_call::{Left, OpenCall, ServedCall, Submitting};

use super::options::OnCancel;
use super::pending;
use super::progress::ProgressLine;
use super::question::PutQuestion;
use super::results;
use super::resume::Effect;
use super::state::AskedState;
use super::step::{Ended, Shown, Stage, Step, Submitted, Waiting};
use super::way::{Askable, Era, Way, text_for_form, way};

/// The interval of the signs of life while a person is waited for.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// The interval at which clients should ask for a task that waits for a person.
pub(super) const POLL_INTERVAL_MS: u64 = 2_000;
/// The time in which a cancellation that was sent arrives after the request was cancelled.
const CANCELLATION: Duration = Duration::from_secs(1);

/// A call that is being driven.
struct Drive<'c> {
    call: &'c Call,
    key: CallKey,
    served: ServedCall,
    deadline: Instant,
    progress: ProgressLine,
    /// The place among the calls whose answer is held back.
    held: Option<Share>,
}

impl Call {
    /// Serves a submission until there is something to answer.
    pub(super) async fn drive_submission(
        &self,
        key: CallKey,
        served: ServedCall,
        submitting: Submitting,
    ) -> Answer {
        Drive::new(self, key, served).run(Step::Submitting(submitting), Askable::Yes).await
    }

    /// Serves a call that the gate has until there is something to answer.
    pub(super) async fn drive_waiting(
        &self,
        key: CallKey,
        served: ServedCall,
        waiting: Waiting,
        stage: Stage,
    ) -> Answer {
        let mut drive = Drive::new(self, key, served);
        let Stage::Undecided(askable) = stage else {
            return drive.run(Step::Waiting(Box::new(waiting)), Askable::No).await;
        };
        match drive.begin_waiting(&waiting.shown, askable).await {
            Begun::Answer(answer) => answer,
            Begun::Held => drive.run(Step::Waiting(Box::new(waiting)), Askable::No).await,
            Begun::Asks => drive.run(Step::Waiting(Box::new(waiting)), Askable::Yes).await,
        }
    }
}

/// Waits for the answer to a form; for ever if there is none.
async fn answered(asked: &mut Option<PutQuestion>) -> Result<ElicitResult, ServiceError> {
    match asked {
        Some(asked) => asked.answer().await,
        None => std::future::pending().await,
    }
}

/// The manner in which a client learns that its call waits.
enum Begun {
    Answer(Answer),
    Held,
    /// Its user is asked by a request of the server.
    Asks,
}

impl<'c> Drive<'c> {
    fn new(call: &'c Call, key: CallKey, served: ServedCall) -> Self {
        let deadline = Instant::now() + call.shared.hold;
        let progress =
            ProgressLine::new(&call.context.peer, call.context.meta.get_progress_token());
        Self { call, key, served, deadline, progress, held: None }
    }

    /// `askable` says whether the client's user is asked about a call that waits already.
    async fn run(mut self, mut step: Step, askable: Askable) -> Answer {
        let call = self.call;
        let mut asked: Option<PutQuestion> = None;
        if let (Step::Waiting(waiting), Askable::Yes) = (&step, askable) {
            asked = self.elicit(&waiting.shown).await;
        }
        let mut answers = FuturesUnordered::new();
        let mut put: Vec<u64> = Vec::new();
        let mut alive = interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut holds = true;
        loop {
            let open = Arc::clone(self.served.call());
            tokio::select! {
                biased;
                () = call.context.ct.cancelled() => return self.cancelled(step.shown()).await,
                ended = step.next() => match ended {
                    Ended::Outcome(id, outcome, submitted) => {
                        self.pass_on_progress(&open).await;
                        let mut result = call.deliver(&self.key, id, &outcome);
                        if submitted == Submitted::Before {
                            results::note_repeated(&mut result, id, &outcome);
                        }
                        return Ok(result.into());
                    }
                    Ended::Refused(error) => return call.refused(&self.key, &error),
                    Ended::Unread(id, error) => {
                        tracing::warn!(%error, call = %id, "waiting for an outcome failed");
                        return Ok(results::error(pending::unread(&call.tool, id)).into());
                    }
                    Ended::Lost => {
                        let why = "serving the call ended early: call again with the same arguments";
                        return Ok(results::error(why).into());
                    }
                    Ended::Waits(ticket) => {
                        self.move_to(&ticket);
                        let waiting = Waiting::of(call, *ticket);
                        match self.begin_waiting(&waiting.shown, Askable::Yes).await {
                            Begun::Answer(answer) => return answer,
                            Begun::Held => {}
                            Begun::Asks => asked = self.elicit(&waiting.shown).await,
                        }
                        step = Step::Waiting(Box::new(waiting));
                        // The deadline may have passed while the call was evaluated.
                        holds = true;
                    }
                },
                answer = answered(&mut asked), if asked.is_some() => {
                    asked = None;
                    if let Step::Waiting(waiting) = &mut step {
                        asked = self.take_answer(&mut waiting.shown, answer).await;
                    }
                }
                Some((number, answer)) = answers.next(), if !answers.is_empty() => {
                    open.answer(number, answer);
                }
                () = open.changed() => {
                    self.pass_on_progress(&open).await;
                    let questions = open.questions();
                    if questions.is_empty() {
                        continue;
                    }
                    if call.client.era == Era::Stateless {
                        return Ok(self.ask_for_body(&open, step).into());
                    }
                    for (number, question) in questions {
                        if put.contains(&number) {
                            continue;
                        }
                        put.push(number);
                        let peer = call.context.peer.clone();
                        answers.push(async move {
                            let none = || ElicitResult::new(ElicitationAction::Cancel);
                            let answer = match PutQuestion::put(&peer, question).await {
                                Ok(mut question) => question.answer().await,
                                Err(error) => Err(error),
                            };
                            (number, answer.unwrap_or_else(|_| none()))
                        });
                    }
                }
                _ = alive.tick() => if let Step::Waiting(waiting) = &step {
                    let message = pending::progress(&waiting.shown.request, &waiting.shown.place);
                    self.progress.sign_of_life(&message).await;
                },
                () = sleep_until(self.deadline), if holds => {
                    match self.at_the_deadline(step.shown()).await {
                        Some(answer) => return answer,
                        // A read leaves no record: only this request gets its outcome.
                        None => holds = false,
                    }
                }
            }
        }
    }

    /// Names the call by its own key. The receipt of a call that attached has the one with which it
    /// was submitted again.
    fn move_to(&mut self, ticket: &Ticket) {
        let key = &ticket.request().key;
        if *key == self.key {
            return;
        }
        self.call.shared.clients.close(&self.key);
        self.key = key.clone();
        self.served = self.call.enter(key);
    }

    /// Decides how the client learns that its call waits.
    async fn begin_waiting(&mut self, shown: &Shown, askable: Askable) -> Begun {
        let call = self.call;
        let text = match askable {
            Askable::Yes => self.form_text(shown).await,
            Askable::No => None,
        };
        let askable = if text.is_some() { Askable::Yes } else { Askable::No };
        match (way(call.shared.elicitation, askable, call.client), text) {
            (Way::InputRequired, Some(text)) => {
                let version = call.context.protocol_version();
                match form::form(&shown.request, &text, version.as_ref()) {
                    Ok(form) => {
                        let state = AskedState::approval(&shown.request);
                        let asks = call.ask([(QUESTION.to_owned(), form)], &state);
                        Begun::Answer(Ok(asks.into()))
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a form could not be made");
                        Begun::Held
                    }
                }
            }
            (Way::Elicit, Some(_)) => {
                self.hold();
                Begun::Asks
            }
            (Way::Task, _) => Begun::Answer(Ok(self.task(shown).into())),
            _ => {
                let message = pending::progress(&shown.request, &shown.place);
                self.progress.sign_of_life(&message).await;
                self.hold();
                Begun::Held
            }
        }
    }

    /// Takes a place among the calls whose answer is held back; if there is none, it is not held.
    fn hold(&mut self) {
        self.held = self.call.shared.capacity.hold();
        if self.held.is_none() {
            self.deadline = Instant::now();
        }
    }

    async fn form_text(&self, shown: &Shown) -> Option<String> {
        let now = self.call.shared.gate.now().await.ok()?;
        text_for_form(&shown.request, &shown.place, now)
    }

    /// Asks the user of a client of an older version.
    async fn elicit(&self, shown: &Shown) -> Option<PutQuestion> {
        let text = self.form_text(shown).await?;
        let version = self.call.context.protocol_version();
        let form = form::form(&shown.request, &text, version.as_ref()).ok()?;
        PutQuestion::put(&self.call.context.peer, form).await.ok()
    }

    /// Decides the call if its user did. Otherwise it continues to wait, and is asked about once
    /// more if it is another revision by now.
    async fn take_answer(
        &self,
        shown: &mut Shown,
        answer: Result<ElicitResult, ServiceError>,
    ) -> Option<PutQuestion> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "the client did not ask its user");
                return None;
            }
        };
        match self.call.decide(&shown.request, &answer).await {
            Effect::Decided | Effect::None => None,
            Effect::Revised(revised) => {
                shown.request = *revised;
                self.elicit(shown).await
            }
        }
    }

    async fn pass_on_progress(&mut self, open: &OpenCall) {
        if let Some(progress) = open.take_progress() {
            self.progress.pass_on(progress).await;
        }
    }

    /// Lets the client ask its user what the body asks, and keeps what waits for the outcome.
    fn ask_for_body(&self, open: &OpenCall, step: Step) -> InputRequiredResult {
        let id = match step {
            Step::Submitting(submitting) => {
                open.park(submitting);
                None
            }
            Step::Waiting(waiting) => Some(waiting.shown.request.id),
        };
        self.call.ask_for_body(open, self.key.position, id)
    }

    fn task(&self, shown: &Shown) -> CreateTaskResult {
        self.served.call().becomes_task();
        let request = &shown.request;
        let created = request.created_at.to_string();
        let task = Task::new(request.id.to_string(), TaskStatus::Working, created.clone(), created)
            .with_status_message(pending::progress(request, &shown.place))
            .with_poll_interval_ms(POLL_INTERVAL_MS);
        CreateTaskResult::new(task)
    }

    /// Returns the answer for a client that would give up waiting. `None` if only this request can
    /// get the outcome.
    async fn at_the_deadline(&mut self, shown: Option<Shown>) -> Option<Answer> {
        let (call, gate) = (self.call, &self.call.shared.gate);
        let (text, id) = if let Some(Shown { request, place }) = shown {
            let record = gate.unscoped().get(&self.key.tenant, request.id).await.ok().flatten();
            let runs = record.is_some_and(|record| record.state() == CallState::Claimed);
            let text = if runs {
                pending::runs(&call.tool, request.id)
            } else {
                pending::waits(&request, &place)
            };
            (text, request.id)
        } else {
            let record = gate.unscoped().get_by_key(&self.key).await.ok().flatten()?;
            if record.state() == CallState::Pending {
                // It begins to wait just now, which is answered as such.
                return None;
            }
            (pending::runs(&call.tool, record.id()), record.id())
        };
        if call.client.tasks {
            self.served.call().becomes_task();
            let now = gate.now().await.ok()?.to_string();
            let task = Task::new(id.to_string(), TaskStatus::Working, now.clone(), now)
                .with_poll_interval_ms(POLL_INTERVAL_MS);
            return Some(Ok(CreateTaskResult::new(task).into()));
        }
        self.leave();
        Some(Ok(results::error(text).into()))
    }

    /// Ends the request of a client that cancelled it, or went away: nothing is answered.
    async fn cancelled(&mut self, shown: Option<Shown>) -> Answer {
        let call = self.call;
        let sent = tokio::time::timeout(CANCELLATION, call.was_cancelled()).await.is_ok();
        // Others that wait for the same call go on waiting.
        if sent && self.served.leave() == Left::Last {
            self.served.call().cancelled().cancel();
            if let (OnCancel::Withdraw, Some(shown)) = (call.shared.on_cancel, shown) {
                let why = "the client cancelled the call";
                call.withdraw(&self.key.tenant, shown.request.id, why).await;
            }
        }
        self.leave();
        Ok(results::error(pending::CANCELLED).into())
    }

    /// Forgets the client of a call that nobody waits for any more.
    fn leave(&mut self) {
        self.served.leave();
        if !self.served.call().is_served() {
            self.call.shared.clients.close(&self.key);
        }
    }
}
