//! Bodies that fail and have an output all the same.

use crate::support;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_base::JsonText;
use hitl_core::call::{MAX_MODEL_OUTPUT, ToolFailure};
use hitl_core::machine::{CallState, EndReason};
use hitl_core::{
    CallError, CallKey, DynArguments, DynSpec, DynTool, Outcome, Permit, ReviewScope, ShownResult,
    Store as _, Submission, Tenant, ToolConfig,
};
use support::{Bench, bench_with};

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "how": {"type": "string"},
        "pin": {"type": "string", "x-sensitive": true}
    },
    "required": ["how"]
}"#;

fn findings(padding: usize) -> JsonText {
    let text = "x".repeat(padding);
    JsonText::new(format!(r#"{{"findings": ["{text}"], "pin": "the pin is 9731-secret"}}"#))
        .unwrap()
}

/// Returns a tool that fails as its argument says.
fn tool(name: &str, config: ToolConfig, ran: &Arc<AtomicUsize>) -> DynTool {
    let ran = Arc::clone(ran);
    let spec = DynSpec::new(name, "Checks something.").config(config);
    DynTool::new(spec, SCHEMA, move |permit: Permit<DynArguments>| {
        ran.fetch_add(1, Ordering::SeqCst);
        async move {
            let (arguments, _cx) = permit.open();
            let tree = arguments.tree();
            let failure: Box<dyn Error + Send + Sync> = match tree
                .get("how")
                .and_then(hitl_base::Json::as_str)
            {
                Some("small") => ToolFailure::new("pin 9731-secret is wrong", findings(1)).into(),
                Some("long") => ToolFailure::new("too long", findings(50_000)).into(),
                _ => "it just fails".into(),
            };
            Err::<JsonText, _>(failure)
        }
    })
    .unwrap()
}

struct Run {
    bench: Bench,
    ran: Arc<AtomicUsize>,
}

async fn started() -> Run {
    let ran = Arc::<AtomicUsize>::default();
    let asks = tool("check", ToolConfig::DEFAULT.base_confidence(70).idempotent(), &ran);
    let reads = tool("look_up", ToolConfig::DEFAULT.base_confidence(95).read_only(), &ran);
    let bench = bench_with(|builder| builder.dyn_tool(asks).dyn_tool(reads)).await;
    Run { bench, ran }
}

fn arguments(how: &str) -> String {
    format!(r#"{{"how": "{how}", "pin": "9731-secret"}}"#)
}

/// Has the call approved, and returns its outcome.
async fn outcome(run: &Run, how: &str, position: u64) -> Outcome {
    let gate = &run.bench.gate;
    let submitted = gate.submit_json("check", &arguments(how), "ann", "r", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    ticket.wait().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_with_an_output_has_failed_and_its_output_is_kept() {
    let run = started().await;
    let gate = &run.bench.gate;
    let ended = outcome(&run, "small", 1).await;
    let Outcome::Failed(failure) = &ended else { panic!("{ended:?}") };
    let output = failure.output().unwrap();
    assert!(output.starts_with(r#"{"findings":["x"],"pin":"the pin is "#), "{output}");
    let told = ended.for_model();
    assert_eq!(told.status, "failed");
    assert!(told.text.starts_with("The tool ran and failed."), "{}", told.text);
    assert!(told.text.ends_with(&format!("This is what the tool gave:\n{output}")));
    // As stored, and as anybody else reads it who comes back for it.
    let key = CallKey::new("r", 1);
    let record = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    assert_eq!(record.state(), CallState::Failed);
    let Some(EndReason::Failure(kept)) = record.end_reason() else { panic!("it failed") };
    assert!(kept.output.is_some());
    let again = gate.call_json("check", &arguments("small"), "ann", "r", 1).await.unwrap();
    assert_eq!(again, ended);
    assert_eq!(run.ran.load(Ordering::SeqCst), 1);
    // A person sees it like a result.
    let shown =
        gate.scoped_to(ReviewScope::tenant(Tenant::default())).result(&record).await.unwrap();
    assert!(matches!(shown, ShownResult::Text(_) | ShownResult::Withheld), "{shown:?}");
    // The audit has the digest and not the output.
    let failed = run.bench.audit.records().into_iter().find(|it| it.event.to_string() == "failed");
    let failed = failed.unwrap();
    assert_eq!(failed.output, kept.output);
    assert!(!serde_json::to_string(&failed).unwrap().contains("findings"));
}

#[tokio::test(start_paused = true)]
async fn invariant_8_no_way_out_of_a_failed_body_shows_what_its_arguments_hide() {
    let run = started().await;
    let ended = outcome(&run, "small", 1).await;
    let record =
        run.bench.gate.unscoped().get_by_key(&CallKey::new("r", 1)).await.unwrap().unwrap();
    let shown = run
        .bench
        .gate
        .scoped_to(ReviewScope::tenant(Tenant::default()))
        .result(&record)
        .await
        .unwrap();
    let read =
        run.bench.gate.call_json("look_up", &arguments("small"), "ann", "r", 2).await.unwrap();
    for text in [
        format!("{ended:?} {}", ended.for_model()),
        format!("{read:?} {}", read.for_model()),
        format!("{record:?} {}", serde_json::to_string(&record).unwrap()),
        format!("{shown:?}"),
        format!("{:?}", run.bench.audit.records()),
    ] {
        assert!(!text.contains("9731"), "{text}");
    }
    let sealed = run.bench.store.result(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(sealed.as_bytes()).contains("findings"), "it is sealed");
}

#[tokio::test(start_paused = true)]
async fn an_output_is_given_whole_and_a_message_is_not() {
    let run = started().await;
    let long = outcome(&run, "long", 1).await;
    let Outcome::Failed(failure) = &long else { panic!("{long:?}") };
    assert!(failure.output().unwrap().len() > 50_000);
    let told = long.for_model().text;
    assert!(told.len() > 50_000 && told.len() < MAX_MODEL_OUTPUT);
    assert!(told.contains("\"too long\"") && told.ends_with('}'));
    let plain = outcome(&run, "plain", 2).await;
    let Outcome::Failed(failure) = &plain else { panic!("{plain:?}") };
    assert_eq!((failure.message.as_str(), failure.output()), ("it just fails", None));
    assert!(plain.for_model().text.ends_with("The tool said: \"it just fails\""));
}

/// A call without a record has its output for its caller alone.
#[tokio::test(start_paused = true)]
async fn a_read_that_fails_gives_its_output_to_its_caller() {
    let run = started().await;
    let gate = &run.bench.gate;
    let ended = gate.call_json("look_up", &arguments("small"), "ann", "r", 1).await.unwrap();
    let Outcome::Failed(failure) = &ended else { panic!("{ended:?}") };
    assert!(failure.output().is_some_and(|text| text.contains("findings")));
    assert!(gate.unscoped().get_by_key(&CallKey::new("r", 1)).await.unwrap().is_none());
    let failed = run.bench.audit.records().into_iter().find(|it| it.event.to_string() == "failed");
    assert_eq!(failed.unwrap().output, None);
}

mod typed {
    use super::*;
    use hitl_core::{ParameterSpec, SnapshotError, SnapshotWriter, Tool, ToolSpec};

    #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Lint {
        pub(super) file: String,
    }

    impl Tool for Lint {
        type Output = u32;
        type Error = ToolFailure;
        const SPEC: ToolSpec = ToolSpec::new("lint", "Lints a file.")
            .parameters(&[ParameterSpec::new("file")])
            .config(ToolConfig::DEFAULT.base_confidence(70));

        fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
            to.object(|o| o.field("file", &self.file))
        }

        async fn run(_: Permit<Self>) -> Result<u32, ToolFailure> {
            Err(ToolFailure::new("3 findings", findings(3)))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_tool_fails_with_an_output_too() {
    let bench = bench_with(hitl_core::GateBuilder::tool::<typed::Lint>).await;
    let gate = &bench.gate;
    let lint = || typed::Lint { file: "a.rs".to_owned() };
    let Submission::Pending(ticket) = gate.submit(lint()).by("ann").key("r", 1).await.unwrap()
    else {
        panic!("it waits")
    };
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let ended = gate.call(lint()).by("ann").key("r", 1).await;
    let Err(CallError::Tool { error, details }) = &ended else { panic!("{ended:?}") };
    assert_eq!(error.output(), &findings(3));
    let output = details.failed_output().unwrap();
    assert!(output.contains("xxx"));
    let told = ended.as_ref().unwrap_err().for_model().text;
    assert!(told.ends_with(&format!("This is what the tool gave:\n{output}")), "{told}");
    // Later there is the record alone.
    let Err(CallError::ToolFailed(failure)) = gate.call(lint()).by("ann").key("r", 1).await else {
        panic!("it failed")
    };
    assert_eq!(failure.output(), Some(output));
}
