//! A model in the form of OpenAI's chat completions. This one reads its replies from a script; for
//! a real one, send the same [`Request`] to `POST /v1/chat/completions`.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use hitl::gate::ToolInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The replies that are part of the example.
const SCRIPT: &str = include_str!("script.jsonl");

/// What a model is sent.
#[derive(Serialize)]
pub(crate) struct Request<'t> {
    model: &'static str,
    messages: &'t [Message],
    tools: Vec<Value>,
}

impl<'t> Request<'t> {
    pub(crate) fn new(messages: &'t [Message], tools: &[ToolInfo]) -> Self {
        let tool = |tool: &ToolInfo| {
            let parameters: Value = serde_json::from_str(tool.schema.as_str()).unwrap_or_default();
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": parameters,
            } })
        };
        Self { model: "scripted", messages, tools: tools.iter().map(tool).collect() }
    }
}

/// What a model answers.
#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

/// A message of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) content: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tool_call_id: Option<String>,
}

/// A tool call that a model asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Function,
}

/// The name of a tool, and the text of its arguments as the model wrote it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Message {
    pub(crate) fn user(text: &str) -> Self {
        Self::new("user", text.to_owned(), None)
    }

    /// The result of a call, for the model that asked for it.
    pub(crate) fn result(call: &str, text: String) -> Self {
        Self::new("tool", text, Some(call.to_owned()))
    }

    fn new(role: &str, text: String, tool_call_id: Option<String>) -> Self {
        Self { role: role.to_owned(), content: Some(text), tool_calls: Vec::new(), tool_call_id }
    }
}

/// A model whose nth reply is the nth line of a script.
pub(crate) struct ScriptedModel(Vec<String>);

impl ScriptedModel {
    pub(crate) fn read(script: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let text = script.map_or_else(|| Ok(SCRIPT.to_owned()), std::fs::read_to_string)?;
        Ok(Self(text.lines().map(str::to_owned).collect()))
    }

    pub(crate) async fn complete(&self, request: &Request<'_>) -> Result<Message, Box<dyn Error>> {
        tokio::task::yield_now().await;
        check(request.messages)?;
        let turn = request.messages.iter().filter(|message| message.role == "assistant").count();
        let line = self.0.get(turn).ok_or("the script has ended")?;
        let Response { choices } = serde_json::from_str(line)?;
        let first = choices.into_iter().next().ok_or("a response without a choice")?;
        Ok(first.message)
    }
}

/// Refuses what the real service refuses: a reply whose calls do not all have one result.
fn check(messages: &[Message]) -> Result<(), String> {
    let mut open = BTreeSet::new();
    for message in messages {
        match &message.tool_call_id {
            Some(id) if !open.remove(id) => {
                return Err(format!("{id} has two results, or no call"));
            }
            Some(_) => {}
            None if !open.is_empty() => return Err(format!("{open:?} have no result")),
            None => open.extend(message.tool_calls.iter().map(|call| call.id.clone())),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} have no result")) }
}
