//! From a model's text to a digest: each text is refused, or accepted with one meaning.

use std::collections::BTreeMap;

use hitl_core::{
    CallContext, Gate, GateErrorKind, ParameterSpec, Permit, SnapshotError, SnapshotWriter,
    Submission, Tool, ToolConfig, ToolSpec,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::two;

pub(crate) const SEEDS: &[&str] = &[
    r#"{"to":"ann","amount":12.5,"count":3,"list":["a"],"more":{"k":1.0}}"#,
    r#"{"to":"\ud83d\ude00\u202e","amount":1e3,"count":-9007199254740993,"list":[],"more":{}}"#,
    r#"{"to":"a","to":"b","amount":1,"count":1,"list":[],"more":{}}"#,
    r#"{"to":"","amount":0.1,"count":0,"list":[[]],"more":{"":null}}"#,
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Anything {
    to: String,
    amount: f64,
    count: i64,
    list: Vec<String>,
    more: BTreeMap<String, Option<f64>>,
}

impl Tool for Anything {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("anything", "Takes anything.")
        .parameters(&[
            ParameterSpec::new("to"),
            ParameterSpec::new("amount"),
            ParameterSpec::new("count"),
            ParameterSpec::new("list"),
            ParameterSpec::new("more"),
        ])
        .config(ToolConfig::DEFAULT.base_confidence(0).describe("{to} {amount} {list}"));

    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|o| {
            o.field("to", &self.to)?;
            o.field("amount", &self.amount)?;
            o.field("count", &self.count)?;
            o.field("list", &self.list)?;
            o.field("more", &self.more)
        })
    }

    async fn run(_: Permit<Self>) -> Result<(), String> {
        panic!("nobody approved it")
    }
}

/// Submits one text, the same again, its displayed form, and another one, all under one key.
pub fn arguments(data: &[u8]) {
    let (one, other) = two(data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let gate = Gate::builder().tool::<Anything>().build().await.unwrap();
        let context = || CallContext::new("ann");
        let submit = |text: String| {
            let gate = gate.clone();
            async move {
                match gate.submit_json("anything", &text, context(), "run", 1).await {
                    Ok(Submission::Pending(ticket)) => Ok(ticket.request().clone()),
                    Ok(Submission::Done { .. }) => panic!("nobody decided"),
                    Err(error) => Err(error),
                }
            }
        };
        let first = match submit(one.clone()).await {
            Ok(request) => request,
            Err(error) => {
                assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{error}");
                return;
            }
        };
        // The same text is the same call.
        assert_eq!(submit(one).await.unwrap().binding, first.binding);
        let tree = first.arguments.tree().unwrap();
        if !first.arguments.as_str().contains("[redacted") {
            // So is its displayed form.
            let again = submit(first.arguments.to_string()).await.unwrap();
            assert_eq!((again.binding, again.arguments), (first.binding, first.arguments.clone()));
        }
        // Another text is the same call exactly if it has the same meaning.
        let alone = Gate::builder().tool::<Anything>().build().await.unwrap();
        let preview = alone.assess_json("anything", &other, context());
        if let (Ok(preview), false) = (preview, first.arguments.as_str().contains("[redacted")) {
            let same = preview.arguments.tree().unwrap() == tree;
            match submit(other).await {
                Ok(request) => assert!(same && request.binding == first.binding),
                Err(error) => {
                    assert!(!same && error.kind() == GateErrorKind::KeyConflict, "{error}");
                }
            }
        }
    });
}
