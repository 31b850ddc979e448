//! Input that is refused before anything is stored, asked or run.

use crate::support;

use hitl_core::{
    ArgumentErrorKind as Kind, BuildError, CallContext, Gate, GateErrorKind, PageRequest, Permit,
    SnapshotError, SnapshotWriter, Tenant, Tool, ToolConfig, ToolSpec,
};
use support::{Bench, World, bench, pay, tools};

/// Returns everything that must be refused: the tool, the text, the kind, and the place.
fn refused() -> Vec<(&'static str, String, Kind, &'static str)> {
    let shapes =
        |rest: &str| format!(r#"{{"whole":1,"double":1,"single":1,"small":1,"list":[]{rest}}}"#);
    let with = |field: &str, value: &str| {
        let plain = shapes("");
        plain.replace(&format!("\"{field}\":1"), &format!("\"{field}\":{value}"))
    };
    vec![
        ("look", String::new(), Kind::Missing, "what"),
        ("look", "{\"what\": \"hunter2\"".into(), Kind::Syntax, ""),
        ("look", "null".into(), Kind::Missing, "what"),
        ("look", "[\"hunter2\"]".into(), Kind::WrongType, ""),
        ("look", "{}".into(), Kind::Missing, "what"),
        ("look", r#"{"what":"a","extra":"hunter2"}"#.into(), Kind::UnknownField, "extra"),
        ("look", r#"{"what":"hunter2","what":"b"}"#.into(), Kind::DuplicateKey, "what"),
        ("look", r#"{"what":{"a":1,"a":2}}"#.into(), Kind::DuplicateKey, "what.a"),
        ("look", r#"{"what":7351}"#.into(), Kind::WrongType, "what"),
        ("look", r#"{"what":null}"#.into(), Kind::WrongType, "what"),
        (
            "look",
            format!("{{\"what\":{}", "[".repeat(500)),
            Kind::TooLarge,
            "what[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]…",
        ),
        ("look", "{\"what\": NaN}".into(), Kind::Syntax, "what"),
        ("shapes", with("double", "1e999"), Kind::NotFinite, "double"),
        ("shapes", with("whole", "1.5"), Kind::WrongType, "whole"),
        ("shapes", with("whole", "9223372036854775808"), Kind::WrongType, "whole"),
        ("shapes", with("whole", "\"1\""), Kind::WrongType, "whole"),
        ("shapes", with("double", "9007199254740993"), Kind::Inexact, "double"),
        ("shapes", with("double", "0.1000000000000000055511151231257827"), Kind::Inexact, "double"),
        ("shapes", with("single", "16777217"), Kind::Inexact, "single"),
        ("shapes", with("single", "1e39"), Kind::Inexact, "single"),
        ("shapes", with("small", "256"), Kind::WrongType, "small"),
        ("shapes", with("small", "-1"), Kind::WrongType, "small"),
        ("shapes", shapes(r#","choice":"Nope""#), Kind::WrongType, "choice"),
        (
            "shapes",
            shapes(r#","choice":{"Value":9007199254740993}"#),
            Kind::Inexact,
            "choice.Value",
        ),
        (
            "shapes",
            shapes(r#","choice":{"Fields":{"x":1,"y":2}}"#),
            Kind::UnknownField,
            "choice.Fields.y",
        ),
        (
            "shapes",
            shapes("").replace("[]", r#"[{"date":"d"},{"date":"d","nmae":"x"}]"#),
            Kind::UnknownField,
            "list[1].nmae",
        ),
        (
            "shapes",
            shapes("").replace("[]", r#"[{"date":"d","other_name":"x"}]"#),
            Kind::UnknownField,
            "list[0].other_name",
        ),
        (
            "shapes",
            shapes("").replace("[]", r#"[{"date":5551234}]"#),
            Kind::WrongType,
            "list[0].date",
        ),
        ("shapes", shapes("").replace("[]", r#"[["hunter2"]]"#), Kind::WrongType, "list[0]"),
        ("pay", r#"{"to":"x","amount":1,"pin":7351}"#.into(), Kind::WrongType, "pin"),
    ]
}

async fn nothing_happened(bench: &Bench) {
    assert_eq!(bench.world.ran(), 0);
    assert!(bench.events().is_empty());
    assert!(
        bench
            .gate
            .unscoped()
            .list(&Tenant::default(), PageRequest::all())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn bad_arguments_are_refused_with_the_place_and_no_value() {
    let bench = bench().await;
    for (position, (tool, text, kind, path)) in (0..).zip(refused()) {
        let error = bench.gate.submit_json(tool, &text, "ann", "r", position).await.unwrap_err();
        let argument = error.arguments().unwrap_or_else(|| panic!("{text}: {error}"));
        assert_eq!((argument.kind(), argument.path()), (kind, path), "{text}: {error}");
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments);
        for secret in ["hunter2", "7351", "5551234"] {
            assert!(!format!("{error} {error:?}").contains(secret), "{text}: {error:?}");
        }
    }
    nothing_happened(&bench).await;
}

#[tokio::test]
async fn good_arguments_are_taken_as_they_are() {
    let bench = bench().await;
    for (text, shown) in [
        (
            r#"{"small":255,"list":[{"date":"d","name":null}],"single":0.1,"double":5000,"whole":-9223372036854775808}"#,
            r#"{"whole":-9223372036854775808,"double":5000.0,"single":0.1,"small":255,"list":[{"date":"d","name":null}],"choice":null}"#,
        ),
        (
            r#"{"whole":0,"double":-0.5e-3,"single":16777216,"small":0,"list":[],"choice":{"Fields":{"x":18446744073709551615}}}"#,
            r#"{"whole":0,"double":-0.0005,"single":16777216.0,"small":0,"list":[],"choice":{"Fields":{"x":18446744073709551615}}}"#,
        ),
    ] {
        let preview = bench.gate.assess_json("shapes", text, "ann").unwrap();
        assert_eq!(preview.arguments.as_str(), shown);
    }
}

#[tokio::test]
async fn an_unknown_tool_is_refused_by_name() {
    let bench = bench().await;
    let name = format!("rm\u{202e}{}", "x".repeat(200));
    let error = bench.gate.call_json(&name, "{}", "ann", "r", 0).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::UnknownTool);
    assert!(error.to_string().contains("\\u{202e}") && error.to_string().len() < 400, "{error}");
    nothing_happened(&bench).await;
}

#[tokio::test]
async fn typed_arguments_that_no_human_could_approve_are_refused() {
    let bench = bench().await;
    for amount in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = bench.gate.submit(pay("x", amount)).by("ann").await.unwrap_err();
        assert_eq!(error.arguments().unwrap().kind(), Kind::NotFinite);
        assert!(error.to_string().contains("amount"), "{error}");
    }
    nothing_happened(&bench).await;
}

/// Writes something else than it reads.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Unstable {
    at: u64,
}

impl Tool for Unstable {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("unstable", "Reads another number than it writes.")
        .config(ToolConfig::DEFAULT.base_confidence(10));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("at", &(self.at + 1)))
    }
    async fn run(permit: Permit<Self>) -> Result<(), String> {
        drop(permit);
        Ok(())
    }
}

#[tokio::test]
async fn invariant_2_arguments_that_do_not_read_back_cannot_wait_for_a_human() {
    let gate = Gate::builder().tool::<Unstable>().build().await.unwrap();
    let error = gate.submit(Unstable { at: 1 }).by("ann").await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::InvalidArguments);
    let read = gate.submit_json("unstable", r#"{"at":1}"#, "ann", "r", 0).await.unwrap_err();
    assert_eq!(read.arguments().unwrap().kind(), Kind::Inexact);
}

/// A second tool with a name that is taken.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Impostor {}

impl Tool for Impostor {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("look", "Not the look you know.");
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|_| Ok(()))
    }
    async fn run(permit: Permit<Self>) -> Result<(), String> {
        drop(permit);
        Ok(())
    }
}

#[tokio::test]
async fn a_gate_with_a_mistake_in_it_is_not_built() {
    use hitl_core::gate::BuildErrorKind as B;
    async fn kind(builder: hitl_core::GateBuilder) -> (B, String) {
        let error: BuildError = builder.build().await.unwrap_err();
        (error.kind(), error.to_string())
    }
    let (missing, text) = kind(tools(Gate::builder())).await;
    assert!(
        missing == B::MissingState && text.contains("World") && text.contains(".state("),
        "{text}"
    );
    let twice = tools(Gate::builder()).state(World::default()).state(World::default());
    let (twice, text) = kind(twice).await;
    assert!(twice == B::DuplicateState && text.contains("World"), "{text}");
    let (duplicate, text) =
        kind(tools(Gate::builder()).state(World::default()).tool::<Impostor>()).await;
    assert!(duplicate == B::DuplicateTool && text.contains("`look`"), "{text}");
}

#[test]
fn a_gate_outside_of_a_runtime_is_not_built() {
    let built = futures::FutureExt::now_or_never(Gate::builder().build()).unwrap();
    assert_eq!(built.unwrap_err().kind(), hitl_core::gate::BuildErrorKind::NoRuntime);
}

#[tokio::test]
async fn another_type_under_a_registered_name_is_unknown() {
    let bench = bench().await;
    let error = bench.gate.submit(Impostor {}).by(CallContext::new("ann")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::UnknownTool);
    nothing_happened(&bench).await;
}
