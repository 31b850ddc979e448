//! Outcomes as results of `tools/call`. Pure.

use hitl_core::call::MAX_MODEL_OUTPUT;
use hitl_core::{Failure, GateError, GateErrorKind, Outcome, RequestId};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, ProtocolVersion, ResultType};
use serde_json::Value;

use super::features::ServerFeatures;

/// The text of a tool that has no output.
const NO_OUTPUT: &str = "The tool ran, and gave no output.";

/// The tool and the client that a result is for.
#[derive(Clone, Copy)]
pub(super) struct ResultFor<'r> {
    pub(super) tool: &'r str,
    pub(super) version: Option<&'r ProtocolVersion>,
    pub(super) features: &'r dyn ServerFeatures,
}

impl ResultFor<'_> {
    /// Returns the result that an outcome is.
    ///
    /// What did not run is `isError`, so that a client never checks it against the tool's output
    /// schema, nor a model takes it for done.
    pub(super) fn of_outcome(self, outcome: &Outcome) -> CallToolResult {
        let message = outcome.for_model();
        match outcome {
            Outcome::Executed(output) => match output.json() {
                Some(json) => self.executed(json, &message.text),
                None => error(message.text),
            },
            Outcome::Failed(failure) => match failure.output() {
                Some(json) => self.failed(json, failure, message.text),
                None => error(message.text),
            },
            _ => error(message.text),
        }
    }

    /// A whole result of an upstream server that failed is passed on as it is: the model reads what
    /// that server says.
    fn failed(self, json: &str, failure: &Failure, message: String) -> CallToolResult {
        let Some(mut whole) = self.features.whole_result(self.tool, json) else {
            return error(message);
        };
        if let Some(changes) = failure.details.changes() {
            let note = format!("A human reviewer changed this call before it ran: {changes}.");
            whole.content.insert(0, ContentBlock::text(note));
        }
        (whole.result_type, whole.is_error) = (Some(ResultType::COMPLETE), Some(true));
        whole
    }

    /// `message` is the text for a model: the output, perhaps with a note before it.
    fn executed(self, json: &str, message: &str) -> CallToolResult {
        let note = message.strip_suffix(json).map(str::trim_end).filter(|note| !note.is_empty());
        if let Some(mut whole) = self.features.whole_result(self.tool, json) {
            whole.result_type = Some(ResultType::COMPLETE);
            if let Some(note) = note {
                whole.content.insert(0, ContentBlock::text(note));
            }
            return whole;
        }
        if json.len() > MAX_MODEL_OUTPUT {
            return CallToolResult::success(vec![ContentBlock::text(message)]);
        }
        let (text, structured) = match serde_json::from_str(json) {
            Ok(Value::String(text)) => (text, None),
            Ok(Value::Null) => (NO_OUTPUT.to_owned(), None),
            Ok(object @ Value::Object(_)) => (json.to_owned(), Some(object)),
            // Numbers may be longer than a tree holds: the text has them all.
            _ => (json.to_owned(), None),
        };
        let note = note.map(ContentBlock::text);
        let content = note.into_iter().chain([ContentBlock::text(text)]).collect();
        let mut result = CallToolResult::success(content);
        // Versions are dates, so their texts are in their order.
        let knows_structure = self
            .version
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2025_06_18.as_str());
        result.structured_content = structured.filter(|_| knows_structure);
        result
    }
}

/// Says in a result that it is the outcome of an identical call before: nothing ran for this one.
pub(super) fn note_repeated(result: &mut CallToolResult, id: Option<RequestId>, outcome: &Outcome) {
    let call = id.map(|id| format!(" (call {id})")).unwrap_or_default();
    let again = match outcome {
        Outcome::Executed(_) | Outcome::Failed(_) => {
            " It did not run again. To run it again, call the tool once more."
        }
        // Nobody is invited to repeat what a person refused.
        _ => "",
    };
    let note = format!("This is the outcome of the same call that you made before{call}.{again}");
    result.content.insert(0, ContentBlock::text(note));
}

/// Returns the answer for a call that the gate did not take: a result for what a model can act on,
/// an error for a tool that does not exist.
pub(super) fn of_gate_error(failure: &GateError) -> Result<CallToolResult, ErrorData> {
    let message = failure.for_model();
    if failure.kind() == GateErrorKind::UnknownTool {
        return Err(ErrorData::invalid_params(message.text, None));
    }
    Ok(error(message.text))
}

/// Returns a result of `isError` with this text.
pub(super) fn error(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
