//! Values of typed calls that their text does not preserve.

use std::collections::BTreeMap;

use hitl_core::{
    ArgumentErrorKind, Gate, GateErrorKind, PageRequest, Permit, Risk, SnapshotError,
    SnapshotWriter, Tenant, Tool, ToolConfig, ToolSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Argument, taker};

async fn refused<T: Argument>(value: T) -> String {
    let taker = taker::<T>().await;
    let error = taker.asked_typed(value, 0).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{error}");
    let argument = error.arguments().unwrap();
    assert_eq!(argument.kind(), ArgumentErrorKind::NotCarried, "{error}");
    let waiting = taker.gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap();
    assert!(waiting.is_empty(), "nobody is asked");
    argument.path().to_owned()
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Loose {
    Small(u32),
    Large(u64),
    Named { name: String },
    Titled { name: String, title: Option<String> },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Deep {
    of: BTreeMap<String, Option<Option<u8>>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "a field that is never written is never read")]
struct Halved {
    #[serde(default, skip_serializing)]
    never: u32,
}

#[tokio::test]
async fn invariant_2_a_value_that_its_text_does_not_carry_is_refused_before_anybody_is_asked() {
    assert_eq!(refused::<Option<Option<u8>>>(Some(None)).await, "value");
    assert_eq!(refused(Deep { of: [("k".to_owned(), Some(None))].into() }).await, "value");
    assert_eq!(refused(vec![Some(Some(1)), Some(None), None::<Option<u8>>]).await, "value");
    assert_eq!(refused(Some(())).await, "value");
    assert_eq!(refused(Loose::Large(5)).await, "value");
    assert_eq!(refused(Loose::Titled { name: "n".to_owned(), title: None }).await, "value.title");
}

#[tokio::test]
async fn values_that_their_text_carries_are_taken() {
    let double = taker::<Option<Option<u8>>>().await;
    assert!(double.asked_typed(Some(Some(1)), 0).await.is_ok());
    assert!(double.asked_typed(None, 1).await.is_ok());
    let loose = taker::<Loose>().await;
    assert!(loose.asked_typed(Loose::Small(5), 0).await.is_ok());
    assert!(loose.asked_typed(Loose::Large(u64::MAX), 1).await.is_ok());
    assert!(loose.asked_typed(Loose::Named { name: "n".to_owned() }, 2).await.is_ok());
}

/// Tells apart what is absent, what is null, and what is there.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Patch {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    name: Option<Option<String>>,
}

fn there<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

#[tokio::test]
async fn a_type_that_reads_null_as_it_writes_it_is_taken() {
    let patch = taker::<Patch>().await;
    for (position, name, text) in [
        (0, None, "{}"),
        (1, Some(None), r#"{"name":null}"#),
        (2, Some(Some("n".to_owned())), r#"{"name":"n"}"#),
    ] {
        let (_, ran) = patch.asked_typed(Patch { name }, position).await.unwrap();
        assert_eq!(ran, text);
    }
}

/// A tool written by hand, with a field that is not written.
#[derive(Deserialize, JsonSchema)]
struct Skipping {
    id: u8,
    #[serde(skip)]
    inner: u8,
}

impl Tool for Skipping {
    type Output = u8;
    type Error = String;
    const SPEC: ToolSpec =
        ToolSpec::new("skipping", "Skips.").config(ToolConfig::DEFAULT.base_confidence(20));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("id", &self.id))
    }
    fn lost_in(&self, read_back: &Self) -> Option<&'static str> {
        assert!(self.inner < 9, "its comparison panics");
        (self.inner != read_back.inner).then_some("inner")
    }
    async fn run(permit: Permit<Self>) -> Result<u8, String> {
        Ok(permit.open().0.inner)
    }
}

#[tokio::test]
async fn invariant_2_a_tool_compares_what_serde_does_not_write() {
    let gate = Gate::builder().tool::<Skipping>().build().await.unwrap();
    for inner in [1, 9] {
        let refused = gate.submit(Skipping { id: 1, inner }).by("ann").await.unwrap_err();
        assert_eq!(refused.kind(), GateErrorKind::InvalidArguments, "{refused}");
        let called = gate.call(Skipping { id: 1, inner }).by("ann").await.unwrap_err();
        assert!(called.to_string().contains("refused"), "{called}");
    }
    let waiting = gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap();
    assert!(waiting.is_empty(), "nobody is asked");
    assert!(gate.submit(Skipping { id: 1, inner: 0 }).by("ann").await.is_ok());
}

/// Runs at once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quick {
    a: u8,
    b: Option<Option<u8>>,
}

impl Tool for Quick {
    type Output = bool;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("quick", "Runs at once.")
        .config(ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| {
            fields.field("a", &self.a)?;
            fields.field("b", &self.b)
        })
    }
    async fn run(permit: Permit<Self>) -> Result<bool, String> {
        Ok(permit.open().0.b == Some(None))
    }
}

#[tokio::test]
async fn a_call_that_runs_at_once_runs_what_was_passed() {
    let gate = Gate::builder().tool::<Quick>().build().await.unwrap();
    assert!(gate.call(Quick { a: 1, b: Some(None) }).by("ann").await.unwrap());
    // Text has only one reading.
    let text = r#"{"a":1,"b":null}"#;
    let outcome = gate.call_json("quick", text, "ann", "r", 0).await.unwrap();
    let hitl_core::Outcome::Executed(output) = outcome else { panic!("it runs") };
    assert_eq!(output.json(), Some("false"));
}

#[tokio::test]
async fn a_field_that_is_never_written_is_beyond_what_can_be_compared() {
    // Its text does not preserve the value, and serde does not reveal that: documented.
    let halved = taker::<Halved>().await;
    let (_, ran) = halved.asked_typed(Halved { never: 0 }, 0).await.unwrap();
    assert_eq!(ran, "{}");
}
