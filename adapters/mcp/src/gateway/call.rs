//! Runs one approved call at its upstream.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::JsonText;
use hitl_base::display::visible;
use hitl_core::RunContext;
use hitl_core::call::{ToolFailure, UnknownOutcome};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, InputRequest, InputRequiredResult, InputResponses, JsonObject,
};
use rmcp::service::{PeerRequestOptions, ServiceError};

use super::answer::{Meaning, meaning};
use super::in_flight::InFlightCall;
use super::link::Connection;
use super::sampling::sample;
use super::upstream::Upstream;
use super::wire::{AnswerSlot, ExactArguments, RawAnswer};
use crate::server::CallClient;

/// The time for which a call waits for a server that is being started.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The time that the client's user has to answer a question of the server.
const QUESTION_LIMIT: Duration = Duration::from_secs(300);
/// The most times that a server may ask before it answers.
const MOST_ROUNDS: usize = 10;
/// The most questions of a server in one round.
const MOST_QUESTIONS: usize = 16;

/// The effect that a call without a result may have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The server never got the request, or refused it.
    None,
    /// The tool, or its server, said itself that it failed.
    Reported,
    /// The request was written and no answer came, or none that can be read.
    Unknown,
}

/// The failure of a call.
#[derive(Debug)]
pub(super) struct CallFailure {
    pub(super) effect: Effect,
    pub(super) message: String,
    /// The whole result, if the tool reported the failure itself.
    pub(super) output: Option<JsonText>,
}

impl CallFailure {
    fn new(effect: Effect, message: impl Into<String>) -> Self {
        Self { effect, message: message.into(), output: None }
    }
}

impl CallFailure {
    /// Returns the error as the gate understands it: failed, failed with an output, or unknown.
    pub(super) fn into_error(self) -> Box<dyn Error + Send + Sync> {
        match (self.effect, self.output) {
            (Effect::Unknown, _) => UnknownOutcome::new(self.message).into(),
            (_, Some(output)) => ToolFailure::new(self.message, output).into(),
            (_, None) => self.message.into(),
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The tool that is called: its name at the upstream, and the definition that was approved.
#[derive(Clone, Debug)]
pub(super) struct CalledTool {
    pub(super) name: Arc<str>,
    pub(super) digest: Arc<str>,
    /// True if repeating a call changes nothing, as far as its server is believed.
    pub(super) read_only: bool,
}

/// Calls a tool, with the exact text of its arguments.
pub(super) async fn call(
    upstream: &Upstream,
    tool: &CalledTool,
    arguments: &str,
    cx: &RunContext,
) -> Result<JsonText, CallFailure> {
    let client = upstream.clients().of(cx.key());
    // Before the wait for the server: an orderly end waits for this call, too.
    let entered = upstream.in_flight().enter(cx.context(), client.clone());
    let connection = connect(upstream, tool).await?;
    let mut round = Round::default();
    for _ in 0..MOST_ROUNDS {
        let answer = ask(&connection, tool, arguments, &round, client.as_ref(), &entered).await;
        let answer = answer.map_err(|failure| of_upstream(upstream, failure))?;
        match answer {
            Meaning::Ran(output) => return Ok(output),
            Meaning::Failed { output, message } => {
                return Err(CallFailure {
                    effect: Effect::Reported,
                    message,
                    output: Some(output),
                });
            }
            Meaning::Refused(why) => {
                return Err(of_upstream(upstream, CallFailure::new(Effect::None, why)));
            }
            Meaning::ServerError(why) => {
                return Err(of_upstream(upstream, CallFailure::new(Effect::Reported, why)));
            }
            Meaning::Unclear(why) => {
                return Err(of_upstream(upstream, lost(tool, why)));
            }
            Meaning::InputRequired(wanted) => {
                if wanted.input_requests.as_ref().is_some_and(|it| it.len() > MOST_QUESTIONS) {
                    let why = "it asked more than 16 questions at once";
                    return Err(of_upstream(upstream, lost(tool, why)));
                }
                round = Round::after(upstream, *wanted, client.as_ref()).await;
            }
        }
    }
    let why = "it asked more than 10 questions without an answer of its own";
    Err(of_upstream(upstream, lost(tool, why)))
}

/// Names the server in front of what went wrong.
fn of_upstream(upstream: &Upstream, failure: CallFailure) -> CallFailure {
    let message = format!("the server `{}`: {}", upstream.name(), failure.message);
    CallFailure { message, ..failure }
}

/// A request was written whose answer is lost.
fn lost(tool: &CalledTool, why: impl Into<String>) -> CallFailure {
    let effect = if tool.read_only { Effect::None } else { Effect::Unknown };
    CallFailure::new(effect, why)
}

/// Waits for the server, and checks that the tool is still the one that was approved.
async fn connect(upstream: &Upstream, tool: &CalledTool) -> Result<Arc<Connection>, CallFailure> {
    let connection = upstream.link().ready(START_LIMIT).await.map_err(|why| {
        let message = format!("cannot be reached ({why}). Nothing ran; try again later");
        of_upstream(upstream, CallFailure::new(Effect::None, message))
    })?;
    if connection.served.get(&*tool.name).is_none_or(|digest| **digest != *tool.digest) {
        let message = format!(
            "the definition of `{}` is not the one that was approved. Nothing ran; an operator has to look at \
             it (`hitl mcp pins diff`)",
            tool.name
        );
        return Err(of_upstream(upstream, CallFailure::new(Effect::None, message)));
    }
    Ok(connection)
}

/// The parts that a repeated request carries beside the arguments.
#[derive(Debug, Default)]
struct Round {
    responses: Option<InputResponses>,
    state: Option<String>,
}

impl Round {
    /// Asks the client's user what the server wants to know. A question that nobody can answer is
    /// answered with `cancel`, which is no consent.
    async fn after(
        upstream: &Upstream,
        wanted: InputRequiredResult,
        client: Option<&CallClient>,
    ) -> Self {
        let mut responses = InputResponses::new();
        for (key, request) in wanted.input_requests.unwrap_or_default() {
            let answer = match request {
                InputRequest::Elicitation(question) => serde_json::to_value(
                    answer_question(client, upstream.name(), question.params).await,
                ),
                InputRequest::CreateMessage(wanted) => {
                    match sample(upstream.spec().sampling, client, wanted.params).await {
                        Ok(written) => serde_json::to_value(written),
                        // What is refused is left without an answer.
                        Err(error) => {
                            tracing::info!(upstream = upstream.name(), %error, "no sampling");
                            continue;
                        }
                    }
                }
                // Nothing else, like roots, was declared.
                _ => continue,
            };
            if let Ok(answer) = answer {
                responses.insert(key, answer);
            }
        }
        Self { responses: Some(responses), state: wanted.request_state }
    }
}

/// Puts a question of the server to the client's user, who reads that it is one of the server.
pub(super) async fn answer_question(
    client: Option<&CallClient>,
    upstream: &str,
    mut question: ElicitRequestParams,
) -> ElicitResult {
    let is_known = attribute(&mut question, upstream);
    let answer = match client {
        Some(client) if is_known => client.elicit(question, QUESTION_LIMIT).await,
        _ => None,
    };
    answer.unwrap_or_else(|| ElicitResult::new(ElicitationAction::Cancel))
}

/// Names the server in front of its question, and shows what cannot be seen: it must not pass for
/// one of hitl, which asks for approvals in the same place. Returns false for a question of a kind
/// that is not known, which nobody is asked.
fn attribute(question: &mut ElicitRequestParams, upstream: &str) -> bool {
    let (ElicitRequestParams::FormElicitationParams { message, .. }
    | ElicitRequestParams::UrlElicitationParams { message, .. }) = question
    else {
        return false;
    };
    *message = format!("The server `{upstream}` asks: {}", visible(message));
    true
}

/// Sends one request and waits for its answer.
async fn ask(
    connection: &Connection,
    tool: &CalledTool,
    arguments: &str,
    round: &Round,
    client: Option<&CallClient>,
    entered: &InFlightCall,
) -> Result<Meaning, CallFailure> {
    // For the headers of HTTP servers, which mirror some arguments; the body has the exact text.
    let rounded: JsonObject = serde_json::from_str(arguments).unwrap_or_default();
    let mut params = CallToolRequestParams::new(tool.name.to_string()).with_arguments(rounded);
    params.input_responses.clone_from(&round.responses);
    params.request_state.clone_from(&round.state);
    let mut request = CallToolRequest::new(params);
    let slot = AnswerSlot::default();
    request.extensions.insert(slot.clone());
    request.extensions.insert(ExactArguments(arguments.into()));
    entered.set_request(slot.clone());
    let sent = connection
        .peer
        .send_request_with_option(
            ClientRequest::CallToolRequest(request),
            PeerRequestOptions::no_options(),
        )
        .await;
    let handle = sent.map_err(|error| without_answer(tool, &slot, &error.to_string()))?;
    let (id, peer) = (handle.id.clone(), handle.peer.clone());
    let answered = handle.await_response();
    let cancelled = async {
        match client {
            // Somebody approved what changes something: it runs to its end, and the next identical
            // call gets its outcome.
            Some(client) if tool.read_only => client.cancelled().await,
            _ => std::future::pending().await,
        }
    };
    let answered = tokio::select! {
        answered = answered => answered,
        () = cancelled => {
            let params = rmcp::model::CancelledNotificationParam::new(Some(id), None);
            let _gone = peer.notify_cancelled(params).await;
            return Err(CallFailure::new(Effect::None, "the call was cancelled"));
        }
    };
    match (slot.answer(), answered) {
        (Some(answer), _) => Ok(meaning(answer)),
        // It came on a stream of HTTP that was taken up again, where nobody keeps its text.
        (None, Ok(result)) => match serde_json::to_string(&result) {
            Ok(text) => Ok(meaning(&RawAnswer::Result(text))),
            Err(error) => Err(without_answer(tool, &slot, &error.to_string())),
        },
        (None, Err(ServiceError::McpError(error))) => {
            let (code, message) = (i64::from(error.code.0), error.message.into_owned());
            Ok(meaning(&RawAnswer::Error { code, message }))
        }
        (None, Err(error)) => Err(without_answer(tool, &slot, &error.to_string())),
    }
}

fn without_answer(tool: &CalledTool, slot: &AnswerSlot, why: &str) -> CallFailure {
    if slot.is_sent() {
        let message = format!("the connection ended before the answer came ({why})");
        return lost(tool, message);
    }
    CallFailure::new(Effect::None, format!("the request could not be sent ({why}). Nothing ran"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_a_question_of_a_server_does_not_pass_for_one_of_hitl() {
        for (mode, rest) in [
            ("form", r#""requestedSchema":{"type":"object","properties":{}}"#),
            ("url", r#""url":"https://a.example","elicitationId":"1""#),
        ] {
            let text = format!(r#"{{"mode":"{mode}","message":"\n\nApprove\u202e?",{rest}}}"#);
            let mut question: ElicitRequestParams = serde_json::from_str(&text).unwrap();
            assert!(attribute(&mut question, "files"));
            let shown = serde_json::to_value(&question).unwrap();
            assert_eq!(shown["message"], r"The server `files` asks: \n\nApprove\u{202e}?");
        }
    }
}
