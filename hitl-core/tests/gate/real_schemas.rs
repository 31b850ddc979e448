//! The tools of real MCP servers, as they were listed to a client.

use std::collections::BTreeMap;

use hitl_base::json::parse_json;
use hitl_base::{Json, JsonText};
use hitl_core::dynamic::{AnnotationTrust, McpAnnotations};
use hitl_core::{ArgumentErrorKind, DynArguments, DynSpec, DynTool, Gate, Permit};

const TOOLS: &str = include_str!("../data/mcp-tools.jsonl");

fn text(json: Option<&Json>) -> Option<String> {
    json.and_then(Json::as_str).map(str::to_owned)
}

/// Makes the tool of a line, and returns the name of its server with it.
fn tool(line: &str) -> (String, DynTool) {
    let json = parse_json(line).unwrap();
    let name = text(json.get("name")).unwrap();
    let claimed = json.get("annotations").map_or_else(McpAnnotations::new, |claimed| {
        serde_json::from_str(&claimed.to_text()).unwrap()
    });
    let mut spec =
        DynSpec::new(&name, "A tool.").annotations(claimed, AnnotationTrust::OnlyTighten);
    if let Some(title) = text(json.get("title")) {
        spec = spec.title(title);
    }
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let tool = DynTool::new(spec, &json.get("inputSchema").unwrap().to_text(), body);
    (text(json.get("server")).unwrap(), tool.unwrap_or_else(|error| panic!("{line}: {error}")))
}

#[tokio::test]
async fn every_collected_tool_is_accepted_as_its_server_sends_it() {
    let mut servers: BTreeMap<String, Vec<DynTool>> = BTreeMap::new();
    for line in TOOLS.lines() {
        let (server, tool) = tool(line);
        servers.entry(server).or_default().push(tool);
    }
    assert_eq!((servers.len(), TOOLS.lines().count()), (25, 489));
    let gate = Gate::builder().build().await.unwrap();
    for (server, tools) in servers {
        let count = tools.len();
        gate.replace_dyn_tools(tools).await.unwrap_or_else(|error| panic!("{server}: {error}"));
        assert_eq!(gate.tools().len(), count, "{server}");
    }
}

#[tokio::test]
async fn their_expressions_are_checked() {
    let line = |name: &str| {
        let named = |line: &&str| line.contains(&format!(r#""name":"{name}""#));
        TOOLS.lines().find(named).unwrap_or_else(|| panic!("{name}"))
    };
    let tools = ["jira_get_issue"].map(|name| tool(line(name)).1);
    let gate = tools.into_iter().fold(Gate::builder(), hitl_core::GateBuilder::dyn_tool);
    let gate = gate.build().await.unwrap();
    gate.assess_json("jira_get_issue", r#"{"issue_key":"PROJ-12"}"#, "ann").unwrap();
    for wrong in ["proj-12", "PROJ-12 or so", "PROJ-\u{663}", "PROJ-12\n"] {
        let arguments = serde_json::json!({ "issue_key": wrong }).to_string();
        let error = gate.assess_json("jira_get_issue", &arguments, "ann").unwrap_err();
        let error = error.arguments().unwrap();
        assert_eq!((error.kind(), error.path()), (ArgumentErrorKind::Invalid, "issue_key"));
        assert!(error.to_string().contains("matches the regular expression"), "{error}");
        assert!(!error.to_string().contains(wrong), "{error}");
    }
}
