//! One `tools/call`: who calls, what they sent, and how it ends.

use std::sync::Arc;

use hitl_core::{CallKey, GateError, GateErrorKind, Outcome, RequestId, RunId};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ElicitRequest, ElicitRequestParams,
    InputRequest, InputRequests, InputRequiredResult, InputResponses,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::arguments::RawArguments;
use super::cancellations::Cancellation;
use super::delivery::{Delivery, DeliverySlot};
use super::identity::Caller;
use super::intake::{self, SentCall};
use super::open_call::{ClientFacts, OpenCall, ServedCall, question_key};
use super::pending::{BUSY, CANCELLED, Place};
use super::results::{self, ResultFor};
use super::shared::Shared;
use super::state::{AskedState, Asking, OpenedState};
use super::way::{ClientKind, Era};

/// The key of `_meta` at which Claude Code puts its model's id of a call.
const TOOL_CALL_ID: &str = "claudecode/toolUseId";
/// The longest id that is kept, in bytes.
const MAX_LABEL: usize = 128;

/// The answer to a call.
pub(super) type Answer = Result<CallToolResponse, ErrorData>;

/// A call that is being served.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) context: RequestContext<RoleServer>,
    pub(super) caller: Arc<Caller>,
    pub(super) client: ClientKind,
    pub(super) run: RunId,
    pub(super) tool: String,
    pub(super) arguments: RawArguments,
    cancellation: Cancellation,
}

/// Serves one `tools/call`.
pub(super) async fn serve_call(
    shared: &Arc<Shared>,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
    cancellation: Cancellation,
) -> Answer {
    let arguments = of_transport::<RawArguments>(&context).map_or(0, |kept| kept.text().len());
    // Before anything is waited for.
    let Some(_share) = shared.capacity.take_call(arguments) else {
        return Ok(results::error(BUSY).into());
    };
    tokio::select! {
        biased;
        () = context.ct.cancelled() => return Ok(results::error(CANCELLED).into()),
        () = shared.features.prepare_call(&request.name) => {}
    }
    let call = Call::read(shared, &request, context, cancellation)?;
    let Some(sealed) = request.request_state else {
        // Answers to a question that nobody asked decide nothing.
        return call.submit().await;
    };
    match shared.codec.open(&sealed, call.asking()) {
        OpenedState::Valid(state) => {
            call.resume(state, request.input_responses.unwrap_or_default()).await
        }
        OpenedState::Expired => call.submit().await,
        OpenedState::Invalid => {
            let why =
                "requestState was changed, or belongs to another request: call again without it";
            Err(ErrorData::invalid_params(why, None))
        }
    }
}

impl Call {
    fn read(
        shared: &Arc<Shared>,
        request: &CallToolRequestParams,
        context: RequestContext<RoleServer>,
        cancellation: Cancellation,
    ) -> Result<Self, ErrorData> {
        let Some(arguments) = of_transport::<RawArguments>(&context).cloned() else {
            let why = "the transport does not keep the exact arguments of calls";
            return Err(ErrorData::internal_error(why, None));
        };
        let caller = identify(shared, &context)?;
        let version = context.protocol_version();
        let client = ClientKind::of(version.as_ref(), context.client_capabilities().as_ref());
        let (run, tool) = (shared.run.of(&context), request.name.clone().into_owned());
        let shared = Arc::clone(shared);
        Ok(Self { shared, context, caller, client, run, tool, arguments, cancellation })
    }

    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
            context: self.caller.context(),
            run: &self.run,
            tool: &self.tool,
            arguments: self.arguments.text(),
        }
    }

    /// Completes if the client has cancelled its request, once that has ended. Never completes for
    /// a client that went away, except over HTTP since 2026-07-28, where clients cancel that way.
    pub(super) async fn was_cancelled(&self) {
        #[cfg(feature = "http")]
        if self.client.era == Era::Stateless
            && self.context.extensions.get::<http::request::Parts>().is_some()
        {
            return;
        }
        self.cancellation.cancelled().await;
    }

    /// Submits the call, and serves it until there is something to answer.
    async fn submit(self) -> Answer {
        let key = self.key(new_position());
        let served = self.enter(&key);
        let (gate, mut context) = (self.shared.gate.clone(), self.caller.context().clone());
        if let Some(id) = tool_call_id(&self.context) {
            context = context.tool_call_id(id);
        }
        let sent = SentCall {
            tool: self.tool.clone(),
            arguments: self.arguments.text().to_owned(),
            context,
            key: key.clone(),
        };
        // A task of its own: it continues if the client goes, or is asked something by the body.
        let submitting = tokio::spawn(async move { intake::submit(&gate, sent).await });
        self.drive_submission(key, served, submitting).await
    }

    /// Returns the key of a call of this run.
    pub(super) fn key(&self, position: u64) -> CallKey {
        let tenant = self.caller.context().tenant.clone();
        CallKey { tenant, run: self.run.clone(), position }
    }

    /// Notes that this request is served for the call of a key.
    pub(super) fn enter(&self, key: &CallKey) -> ServedCall {
        let open = self.shared.clients.open(key).unwrap_or_else(|| Arc::new(OpenCall::default()));
        open.enter(ClientFacts {
            capabilities: self.context.client_capabilities().unwrap_or_default(),
            version: self.context.protocol_version(),
            peer: (self.client.era == Era::Sessions).then(|| self.context.peer.clone()),
        })
    }

    /// Returns the place where a call is decided. `gates` is the one that the gate named.
    pub(super) fn place(&self, id: RequestId, gates: Option<&str>) -> Place {
        Place::of(self.shared.console_url.as_deref(), id, gates)
    }

    /// Returns the answer that an outcome is, and notes that it is on its way.
    pub(super) fn deliver(
        &self,
        key: &CallKey,
        id: Option<RequestId>,
        outcome: &Outcome,
    ) -> CallToolResult {
        self.shared.clients.close(key);
        if let Some(id) = id {
            let (gate, tenant) = (self.shared.gate.clone(), key.tenant.clone());
            deliver(&self.context, Delivery { gate, tenant, id });
        }
        let version = self.context.protocol_version();
        let features = &*self.shared.features;
        ResultFor { tool: &self.tool, version: version.as_ref(), features }.of_outcome(outcome)
    }

    /// Returns the answer for a call that the gate did not take.
    pub(super) fn refused(&self, key: &CallKey, error: &GateError) -> Answer {
        self.shared.clients.close(key);
        tracing::debug!(%error, tool = %self.tool, "a call was not taken");
        if error.kind() == GateErrorKind::UnknownTool
            && let Some(known) = self.shared.features.missing_tool(&self.tool)
        {
            return Ok(results::error(known).into());
        }
        results::of_gate_error(error).map(CallToolResponse::from)
    }

    /// Returns the answer that asks the client these questions, with the state to come back with.
    pub(super) fn ask(
        &self,
        questions: impl IntoIterator<Item = (String, ElicitRequestParams)>,
        state: &AskedState,
    ) -> InputRequiredResult {
        let questions = questions
            .into_iter()
            .map(|(key, question)| (key, InputRequest::Elicitation(ElicitRequest::new(question))));
        let questions: InputRequests = questions.collect();
        let sealed = self.shared.codec.seal(state, self.asking());
        InputRequiredResult::new(Some(questions), Some(sealed))
    }

    /// Returns the answer that asks the client what the body of its call asks.
    pub(super) fn ask_for_body(
        &self,
        open: &OpenCall,
        position: u64,
        id: Option<RequestId>,
    ) -> InputRequiredResult {
        let questions = open.questions().into_iter();
        let questions = questions.map(|(number, question)| (question_key(number), question));
        self.ask(questions, &AskedState::body(position, id))
    }
}

/// Returns who sent a request.
pub(super) fn identify(
    shared: &Shared,
    context: &RequestContext<RoleServer>,
) -> Result<Arc<Caller>, ErrorData> {
    let known = shared.identity.of(&context.extensions);
    known.map_err(|unknown| ErrorData::invalid_request(unknown.to_string(), None))
}

/// Notes that an outcome is on its way to the client: it has arrived when the transport has written
/// the answer. Where the transport does not say so, the same call gets the outcome once more.
pub(super) fn deliver(context: &RequestContext<RoleServer>, delivery: Delivery) {
    if let Some(slot) = of_transport::<DeliverySlot>(context) {
        slot.put(delivery);
    }
}

/// Returns the id that the client's model gave the call, where its client says it. It is a label:
/// nothing depends on it.
fn tool_call_id(context: &RequestContext<RoleServer>) -> Option<&str> {
    context.meta.0.0.get(TOOL_CALL_ID)?.as_str().filter(|id| id.len() <= MAX_LABEL)
}

/// Returns what the transport put beside a request.
fn of_transport<T: Clone + Send + Sync + 'static>(
    context: &RequestContext<RoleServer>,
) -> Option<&T> {
    let kept = context.extensions.get::<T>();
    #[cfg(feature = "http")]
    let kept =
        kept.or_else(|| context.extensions.get::<http::request::Parts>()?.extensions.get::<T>());
    kept
}

/// Returns a position that no other call of a run has, below 2^53 so that every program that reads
/// JSON reads it exactly.
fn new_position() -> u64 {
    // The lower bits of the id are random.
    let random = hitl_base::id::new_v7().as_u128() & ((1 << 53) - 1);
    u64::try_from(random).unwrap_or(0)
}

/// The answers of a client to the questions that it was asked.
pub(super) type Responses = InputResponses;
