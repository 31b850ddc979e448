//! Several spellings of a call without arguments.

use hitl_base::JsonText;
use hitl_core::{
    ArgumentErrorKind, DynArguments, DynSpec, DynTool, Gate, Permit, SnapshotError, SnapshotWriter,
    Tool, ToolSpec,
};

/// Takes nothing that it needs.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ping {
    #[serde(default)]
    note: String,
}

impl Tool for Ping {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("ping", "Answers.");
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("note", &self.note))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        Ok(permit.open().0.note)
    }
}

fn run_time(name: &str, schema: &str) -> DynTool {
    let body = |permit: Permit<DynArguments>| async move {
        JsonText::new(permit.open().0.json().to_owned())
    };
    DynTool::new(DynSpec::new(name, "T."), schema, body).unwrap()
}

const ABSENT: [&str; 7] = ["", " ", "\n", "null", " null\t", "\"\"", "\" \""];

#[tokio::test]
async fn absent_arguments_are_none_for_typed_and_for_run_time_tools() {
    let gate = Gate::builder()
        .tool::<Ping>()
        .tool::<super::Take<u8>>()
        .dyn_tool(run_time("free", r#"{"type":"object","properties":{"a":{}}}"#))
        .dyn_tool(run_time("bound", r#"{"type":"object","required":["a"]}"#))
        .build()
        .await
        .unwrap();
    for (position, text) in (0..).zip(ABSENT) {
        let shown = |tool: &str| gate.assess_json(tool, text, "ann").map(|p| p.arguments);
        assert_eq!(shown("ping").unwrap().as_str(), r#"{"note":""}"#, "{text:?}");
        assert_eq!(shown("free").unwrap().as_str(), "{}", "{text:?}");
        for (tool, path) in [("take", "value"), ("bound", "a")] {
            let error = gate.submit_json(tool, text, "ann", "r", position).await.unwrap_err();
            let error = error.arguments().unwrap();
            assert_eq!(
                (error.kind(), error.path()),
                (ArgumentErrorKind::Missing, path),
                "{text:?}"
            );
        }
    }
}

#[tokio::test]
async fn invariant_5_what_is_not_absent_is_no_empty_object() {
    let gate = Gate::builder()
        .tool::<Ping>()
        .dyn_tool(run_time("free", r#"{"type":"object"}"#))
        .build()
        .await
        .unwrap();
    for text in
        ["[]", "0", "false", "\"null\"", "\"{}\"", "nul", "{", "\"", "null null", "undefined"]
    {
        for tool in ["ping", "free"] {
            let error = gate.assess_json(tool, text, "ann").unwrap_err();
            assert!(error.arguments().is_some(), "{tool} {text:?}");
        }
    }
}
