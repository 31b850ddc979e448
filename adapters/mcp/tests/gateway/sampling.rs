//! Servers that have the client's model write something.

use hitl_core::dynamic::AnnotationTrust;
use hitl_mcp::gateway::{FirstUse, Sampling, UpstreamSpec};
use serde_json::{Value, json};

use crate::rig::{Rig, fixture, text};

async fn start(sampling: Option<Sampling>, is_modern: bool, capabilities: Value) -> Rig {
    let options: &[String] = if is_modern { &["--modern".to_owned()] } else { &[] };
    let mut spec =
        UpstreamSpec::command("fixture", fixture(options)).trust(AnnotationTrust::Believe);
    if let Some(sampling) = sampling {
        spec = spec.sampling(sampling);
    }
    let folder = tempfile::tempdir().unwrap();
    Rig::with_client(folder, vec![spec], FirstUse::Pin, capabilities).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_reaches_the_client_of_the_call_if_it_is_allowed() {
    for is_modern in [false, true] {
        let mut rig = start(Some(Sampling::Forward), is_modern, json!({"sampling": {}})).await;
        let said = text(&rig.client.call("sample", "{}").await);
        assert!(said.contains("hello") && said.contains("assistant"), "{is_modern}: {said}");
        let [asked] = rig.client.questions.as_slice() else { panic!("{:?}", rig.client.questions) };
        assert_eq!(asked["params"]["messages"][0]["content"]["text"], "Say hello.", "{asked}");
        rig.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_sampling_is_refused_by_default_and_to_clients_that_have_not_declared_it() {
    let all = json!({"sampling": {}, "elicitation": {}});
    for (sampling, capabilities, says) in [
        (None, all.clone(), "operator can allow it"),
        (Some(Sampling::Refuse), all, "operator can allow it"),
        (Some(Sampling::Forward), json!({"elicitation": {}}), "has not declared sampling"),
    ] {
        let mut rig = start(sampling, false, capabilities.clone()).await;
        let said = text(&rig.client.call("sample", "{}").await);
        assert!(
            said.contains(says) && said.contains("sampling was refused"),
            "{sampling:?}: {said}"
        );
        assert_eq!(rig.client.questions.len(), 0);
        rig.gateway.close().await;
        let mut rig = start(sampling, true, capabilities).await;
        assert_eq!(text(&rig.client.call("sample", "{}").await), "{}", "{sampling:?}");
        assert_eq!(rig.client.questions.len(), 0);
        rig.gateway.close().await;
    }
}
