//! A server behind a URL: exact arguments, results, and a token.

use hitl_base::JsonText;
use hitl_core::call::{Permit, ToolConfig};
use hitl_core::dynamic::{AnnotationTrust, DynArguments, DynSpec, DynTool, McpAnnotations};
use hitl_core::{CallContext, Gate};
use hitl_mcp::gateway::{BearerToken, FirstUse, HttpUpstream, UpstreamSpec};
use hitl_mcp::server::{Caller, HttpSettings, Identity, McpServer, UnknownCaller};

use crate::rig::{Rig, text};

const TOKEN: &str = "t0ken";

/// Serves one tool that returns the text of its arguments, to those who have the token.
async fn serve() -> String {
    let body = |permit: Permit<DynArguments>| async move {
        let (arguments, _) = permit.open();
        JsonText::new(serde_json::Value::from(arguments.json()).to_string())
    };
    let claimed = McpAnnotations::new().read_only(true);
    let config = ToolConfig::DEFAULT.base_confidence(100);
    let spec = DynSpec::new("echo", "Echoes.").config(config);
    let spec = spec.annotations(claimed, AnnotationTrust::Believe);
    let tool = DynTool::new(spec, r#"{"type":"object"}"#, body).unwrap();
    let gate = Gate::builder().dyn_tool(tool).build().await.unwrap();
    let identity = Identity::of_request(|request| {
        let given = request.headers.get("authorization").and_then(|it| it.to_str().ok());
        match given {
            Some(given) if given == format!("Bearer {TOKEN}") => {
                Ok(Caller::new(CallContext::new("gateway")))
            }
            _ => Err(UnknownCaller::new("sign in")),
        }
    });
    let server = McpServer::builder(gate, identity).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = server.http_service(HttpSettings::default());
    let router = axum::Router::new().nest_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/mcp")
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_exactly_what_was_sent_reaches_a_server_behind_a_url() {
    let url = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let upstream = HttpUpstream::new(url, Some(BearerToken::File(token))).unwrap();
    let spec = UpstreamSpec::http("far", upstream).trust(AnnotationTrust::Believe);
    let mut rig = Rig::over(folder, vec![spec], FirstUse::Pin).await;
    assert_eq!(rig.client.tool_names().await, ["echo"]);
    let exact = r#"{"a":9007199254740993.0,"b":123456789012345678901234567890}"#;
    let result = rig.client.call("echo", exact).await;
    assert_eq!(text(&result), exact, "{result}");
    rig.gateway.close().await;
}
