//! The tools, by the names that the suite calls.

use std::fmt;
use std::time::Duration;

use hitl_base::JsonText;
use hitl_core::ToolConfig;
use hitl_core::call::Permit;
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool, DynToolError};
use hitl_mcp::rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use hitl_mcp::server::{CallClient, CallClients};
use serde_json::{Value, json};

/// The time in which the client's user answers a question.
const ANSWERS: Duration = Duration::from_secs(30);
/// A schema with the keywords of draft 2020-12 that the protocol allows since 2026-07-28.
const SCHEMA_2020_12: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"$anchor": "addressDef", "type": "object",
        "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {
        "name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"}, "email": {"type": "string"}
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": false
}"##;

/// The need of a tool for people.
#[derive(Clone, Copy)]
enum Need {
    Nobody,
    /// One quick yes, which a form in the client can give.
    Quick,
    /// A full approval, which makes the call a task.
    Full,
}

/// The failure of a body.
#[derive(Debug)]
struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a body gets: its arguments, and the client of its call.
struct Body {
    arguments: Value,
    client: Option<CallClient>,
}

impl Body {
    fn text(&self, name: &str) -> String {
        self.arguments[name].as_str().unwrap_or_default().to_owned()
    }

    /// Asks the client's user for the fields of a form.
    async fn ask(&self, message: &str, properties: Value) -> Result<Value, Failed> {
        let question = json!({
            "mode": "form",
            "message": message,
            "requestedSchema": {"type": "object", "properties": properties},
        });
        let question: ElicitRequestParams =
            serde_json::from_value(question).map_err(|error| Failed(error.to_string()))?;
        let client =
            self.client.as_ref().ok_or_else(|| Failed("nobody can be asked".to_owned()))?;
        match client.elicit(question, ANSWERS).await {
            Some(ElicitResult {
                action: ElicitationAction::Accept,
                content: Some(content),
                ..
            }) => Ok(content),
            answer => Err(Failed(format!("no answer: {answer:?}"))),
        }
    }
}

/// Returns every tool.
pub(crate) fn all(clients: &CallClients) -> Result<Vec<DynTool>, DynToolError> {
    let make = Maker { clients };
    let name = || json!({"name": {"type": "string"}});
    let confirm = || json!({"ok": {"type": "boolean"}});
    let mut tools = vec![
        make.tool("greet", Need::Nobody, |body| async move {
            Ok(json!(format!("Hello, {}!", body.text("name"))))
        })?,
        make.tool("test_simple_text", Need::Nobody, |_| async {
            Ok(json!("This is a simple text response for testing."))
        })?,
        make.tool("test_error_handling", Need::Nobody, |_| async {
            Err(Failed("This tool fails on purpose".to_owned()))
        })?,
        make.tool("test_tool_with_progress", Need::Nobody, |body| async move {
            for progress in [1.0, 50.0, 100.0] {
                if let Some(client) = &body.client {
                    client.progress(progress, Some(100.0), None);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(json!("done"))
        })?,
        make.tool("test_elicitation", Need::Nobody, |body| async move {
            let fields = json!({"username": {"type": "string"}, "email": {"type": "string"}});
            let answer = body.ask(&body.text("message"), fields).await?;
            Ok(json!(format!("User response: {answer}")))
        })?,
        make.tool("slow_compute", Need::Full, |body| async move {
            Ok(json!(format!("computed {}", body.text("label"))))
        })?,
        make.tool("failing_job", Need::Full, |_| async {
            Err(Failed("this job always fails".to_owned()))
        })?,
        make.tool("confirm_delete", Need::Full, |body| async move {
            let fields = json!({"confirm": {"type": "boolean"}});
            let answer = body.ask(&format!("Delete {}?", body.text("filename")), fields).await?;
            Ok(json!(format!("confirmed: {}", answer["confirm"])))
        })?,
        make.tool("multi_input", Need::Full, move |body| async move {
            let (one, other) =
                tokio::join!(body.ask("Which name?", name()), body.ask("Which other?", name()));
            Ok(json!([one?, other?]))
        })?,
        make.tool(
            "test_input_required_result_multi_round",
            Need::Nobody,
            move |body| async move {
                let one = body.ask("Which name?", name()).await?;
                let other = body.ask("Which color?", json!({"color": {"type": "string"}})).await?;
                Ok(json!(format!("{one} and {other}")))
            },
        )?,
        // The approval itself is the question of these.
        make.tool("test_input_required_result_elicitation", Need::Quick, |_| async {
            Ok(json!("done"))
        })?,
        make.tool("test_input_required_result_tampered_state", Need::Quick, |_| async {
            Ok(json!("done"))
        })?,
    ];
    for request_state in ["test_input_required_result_request_state", "test_streaming_elicitation"]
    {
        tools.push(make.tool(request_state, Need::Nobody, move |body| async move {
            body.ask("Please confirm", confirm()).await.map(|_| json!("state-ok"))
        })?);
    }
    tools.push(make.with_schema(
        "json_schema_2020_12_tool",
        SCHEMA_2020_12,
        Need::Nobody,
        |_| async { Ok(json!("valid")) },
    )?);
    Ok(tools)
}

struct Maker<'c> {
    clients: &'c CallClients,
}

impl Maker<'_> {
    fn tool<F, R>(&self, name: &str, need: Need, body: F) -> Result<DynTool, DynToolError>
    where
        F: Fn(Body) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Value, Failed>> + Send + 'static,
    {
        self.with_schema(name, r#"{"type": "object"}"#, need, body)
    }

    fn with_schema<F, R>(
        &self,
        name: &str,
        schema: &str,
        need: Need,
        body: F,
    ) -> Result<DynTool, DynToolError>
    where
        F: Fn(Body) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Value, Failed>> + Send + 'static,
    {
        let points = match need {
            Need::Nobody => 100,
            Need::Quick => 70,
            Need::Full => 10,
        };
        let mut config = ToolConfig::DEFAULT.base_confidence(points);
        // What nobody has to look at, and what is worth a quick look, destroys nothing.
        config.hints.destructive = false;
        let spec = DynSpec::new(name, format!("The tool {name}.")).config(config);
        let clients = self.clients.clone();
        DynTool::new(spec, schema, move |permit: Permit<DynArguments>| {
            let client = clients.of(permit.cx().key());
            let body = body.clone();
            async move {
                let (arguments, _) = permit.open();
                let arguments = serde_json::from_str(arguments.json())
                    .map_err(|error| Failed(error.to_string()))?;
                let output = body(Body { arguments, client }).await?;
                JsonText::new(output.to_string()).map_err(|error| Failed(error.to_string()))
            }
        })
    }
}
