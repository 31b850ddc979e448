//! A client that comes back with what its user said, and the decision that this is.

use futures::FutureExt as _;
use hitl_core::{ApprovalRequest, CallKey, CallState, GateError, RequestId, Tenant};
use rmcp::ErrorData;
use rmcp::model::ElicitResult;

use super::call::{Answer, Call, Responses};
use super::form::{self, QUESTION};
use super::options::Elicitation;
use super::results;
use super::state::{About, AskedState};
use super::step::{Shown, Stage, Submitted, Waiting};
use super::way::Askable;

/// The effect of an answer on its call.
#[derive(Debug)]
pub(super) enum Effect {
    /// It is decided, by this answer or before.
    Decided,
    /// It waits as it did.
    None,
    /// It waits as another revision: what was shown is not what would run.
    Revised(Box<ApprovalRequest>),
}

impl Call {
    /// Serves a request that carries the state of a question.
    pub(super) async fn resume(self, state: AskedState, responses: Responses) -> Answer {
        match state.about() {
            About::Approval { request, .. } => {
                self.resume_approval(*request, &state, &responses).await
            }
            About::Body { position, request } => {
                self.resume_body(self.key(*position), *request, &responses).await
            }
        }
    }

    async fn resume_approval(
        &self,
        id: RequestId,
        state: &AskedState,
        responses: &Responses,
    ) -> Answer {
        let (gate, tenant) = (&self.shared.gate, &self.caller.context().tenant);
        let record = match gate.unscoped().get(tenant, id).await {
            Ok(Some(record)) => record,
            Ok(None) => return Err(unknown_call()),
            Err(error) => return results::of_gate_error(&error).map(Into::into),
        };
        if !record.is_of(&self.caller.context().principal) {
            return Err(unknown_call());
        }
        let (key, waits) = (record.key().clone(), record.state() == CallState::Pending);
        let request = record.into_request();
        // An answer to another revision is none: the present one is asked about. An answer does not
        // count either if the operator has said since that nobody is asked in their client.
        let mut at = if waits { Stage::Undecided(Askable::Yes) } else { Stage::Decided };
        let mut present = None;
        if waits
            && self.shared.elicitation != Elicitation::Off
            && state.showed(&request)
            && let Some(response) = responses.get(QUESTION)
        {
            let answer =
                serde_json::from_value::<ElicitResult>(response.clone()).map_err(|_| {
                    let why = "the answer is no result of elicitation/create";
                    ErrorData::invalid_params(why, None)
                })?;
            at = match self.decide(&request, &answer).await {
                Effect::Decided => Stage::Decided,
                // A user who decided nothing is not asked again at once.
                Effect::None => Stage::Undecided(Askable::No),
                Effect::Revised(revised) => {
                    present = Some(*revised);
                    Stage::Undecided(Askable::Yes)
                }
            };
        }
        self.wait_again(key, present.unwrap_or(request), at).await
    }

    /// Serves the client of a body that asked it something.
    async fn resume_body(
        &self,
        key: CallKey,
        id: Option<RequestId>,
        responses: &Responses,
    ) -> Answer {
        let open = self.shared.clients.get(&key);
        if let Some(open) = &open {
            open.answer_all(responses);
            if let Some(submitting) = open.unpark() {
                let served = self.enter(&key);
                return self.drive_submission(key, served, submitting).await;
            }
        }
        let Some(id) = id else {
            // Another request with the same state has gone on with it, or it has ended.
            let why = "The tool no longer waits for this answer. Its call has ended, or another request waits for it.";
            return Ok(results::error(why).into());
        };
        let gate = &self.shared.gate;
        match gate.unscoped().get(&key.tenant, id).await {
            Ok(Some(record)) if record.is_of(&self.caller.context().principal) => {
                let key = record.key().clone();
                self.wait_again(key, record.into_request(), Stage::Decided).await
            }
            Ok(_) => Err(unknown_call()),
            Err(error) => results::of_gate_error(&error).map(Into::into),
        }
    }

    /// Waits for a call that the gate has, beside others that wait for it.
    async fn wait_again(&self, key: CallKey, request: ApprovalRequest, stage: Stage) -> Answer {
        let served = self.enter(&key);
        let (id, tenant, gate) = (request.id, key.tenant.clone(), self.shared.gate.clone());
        let outcome = async move { gate.adopt(&tenant, id).await }.boxed();
        let waiting = Waiting {
            shown: Shown { place: self.place(id, None), request },
            outcome,
            submitted: Submitted::Now,
        };
        self.drive_waiting(key, served, waiting, stage).await
    }

    /// Decides a call as its user said about exactly what was shown. An answer that decides
    /// nothing, or comes too late, leaves the call as it is.
    pub(super) async fn decide(&self, shown: &ApprovalRequest, answer: &ElicitResult) -> Effect {
        let Some(answer) = form::read_answer(answer) else { return Effect::None };
        let decision = form::decision(answer, shown, &self.caller);
        let error = match self.shared.gate.decide(decision).await {
            Ok(record) if record.state() == CallState::Pending => return Effect::None,
            Ok(_) => return Effect::Decided,
            Err(error) => error,
        };
        let call = shown.id;
        tracing::info!(%error, %call, "an answer in the client did not decide the call");
        match error.current() {
            None => Effect::None,
            Some(record) if record.state() != CallState::Pending => Effect::Decided,
            Some(record) if record.request().binding == shown.binding => Effect::None,
            Some(record) => Effect::Revised(Box::new(record.request().clone())),
        }
    }

    /// Withdraws a call in its requester's name, unless it has started.
    pub(super) async fn withdraw(&self, tenant: &Tenant, id: RequestId, why: &str) {
        let withdrawing = async {
            let gate = &self.shared.gate;
            let Some(record) = gate.unscoped().get(tenant, id).await? else { return Ok(()) };
            gate.cancel(&record, self.caller.reviewer(), why).await.map(drop)
        };
        let withdrawn: Result<(), GateError> = withdrawing.await;
        if let Err(error) = withdrawn {
            tracing::debug!(%error, call = %id, "a call was not withdrawn");
        }
    }
}

fn unknown_call() -> ErrorData {
    ErrorData::invalid_params("requestState names no call of this caller", None)
}
