//! What the operator says of single tools.

use hitl_core::dynamic::AnnotationTrust;
use hitl_core::{ApprovalLevel, Risk};
use hitl_mcp::gateway::{FirstUse, ToolSettings, UpstreamSpec};
use serde_json::Value;

use crate::rig::{Rig, fixture, text};

const WRITE: &str = r#"{"text":"a"}"#;

async fn start(settings: &[(&str, ToolSettings)]) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let noted = ["--runs".to_owned(), folder.path().join("runs").display().to_string()];
    let spec = UpstreamSpec::command("fixture", fixture(&noted)).trust(AnnotationTrust::Believe);
    let all = settings.iter();
    let spec = all.fold(spec, |spec, (pattern, one)| spec.tool(*pattern, one.clone()));
    Rig::over(folder, vec![spec], FirstUse::Pin).await
}

fn waits(result: &Value) -> bool {
    text(result).contains("waits for a human")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_has_the_operators_words_and_the_risk_is_theirs() {
    let settings = ToolSettings::default()
        .title("Write \u{201c}{text}\u{201d} down")
        .labels("Write", "Keep")
        .approval_type("note.write")
        .risk(Risk::Critical);
    let mut rig = start(&[("wri*", settings)]).await;
    assert!(waits(&rig.client.call("write", WRITE).await));
    let waiting = rig.waiting().await;
    let [request] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert!(request.title.starts_with("Write \u{201c}"), "{}", request.title);
    assert!(request.title.contains('a') && request.title.ends_with("down"), "{}", request.title);
    assert_eq!((request.approve_label.as_str(), request.reject_label.as_str()), ("Write", "Keep"));
    assert_eq!(request.approval_type, "note.write");
    assert_eq!((request.risk, request.requirement().level), (Risk::Critical, ApprovalLevel::Full));
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_a_tool_whose_claims_are_not_believed_is_asked_about() {
    let settings = ToolSettings::default().trust(AnnotationTrust::OnlyTighten);
    let mut rig = start(&[("echo", settings)]).await;
    assert!(waits(&rig.client.call("echo", "{}").await));
    assert_eq!(text(&rig.client.call("progress", "{}").await), "done");
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_do_not_fit_a_tool_are_left_out_and_the_rest_counts() {
    for template in ["Write {txet}", "Write {text", "Write }"] {
        let settings = ToolSettings::default().title(template).risk(Risk::Critical);
        let mut rig = start(&[("write", settings)]).await;
        assert!(waits(&rig.client.call("write", WRITE).await));
        let request = rig.waiting().await.remove(0);
        assert!(request.title.contains("Write a note"), "{}", request.title);
        assert_eq!(request.risk, Risk::Critical, "{template}");
        rig.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_a_misspelt_tool_that_was_to_be_stricter_leaves_no_other_lax() {
    for (settings, passes) in [
        (ToolSettings::default().risk(Risk::High), false),
        (ToolSettings::default().trust(AnnotationTrust::OnlyTighten), false),
        // Nothing becomes laxer by these.
        (ToolSettings::default().risk(Risk::Low), true),
        (ToolSettings::default().title("Echo"), true),
    ] {
        let others = ToolSettings::default().risk(Risk::Low);
        let mut rig = start(&[("ehco", settings.clone()), ("progress", others)]).await;
        let echoed = rig.client.call("echo", "{}").await;
        assert_eq!(!waits(&echoed), passes, "{settings:?}: {echoed}");
        if !passes {
            assert_eq!(rig.waiting().await[0].requirement().level, ApprovalLevel::Full);
        }
        assert_eq!(text(&rig.client.call("progress", "{}").await), "done");
        rig.gateway.close().await;
    }
}
