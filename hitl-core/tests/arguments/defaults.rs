//! Defaults that a type does not write, and that are sent all the same.

use std::collections::{BTreeMap, HashSet};

use hitl_core::ArgumentErrorKind::{Inexact, UnknownField, WrongType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::taker;

fn five() -> u32 {
    5
}
fn is_five(n: &u32) -> bool {
    *n == 5
}
fn is_zero(n: &u32) -> bool {
    *n == 0
}
fn euro() -> String {
    "EUR".to_owned()
}
fn is_euro(text: &str) -> bool {
    text == "EUR"
}
fn is_false(flag: &bool) -> bool {
    !flag
}
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
enum Mode {
    #[default]
    Fast,
    Slow,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Options {
    #[serde(default, skip_serializing_if = "is_default")]
    depth: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    mode: Mode,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Record {
    id: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    zero: u32,
    #[serde(default = "five", skip_serializing_if = "is_five")]
    five: u32,
    #[serde(default = "euro", skip_serializing_if = "is_euro")]
    currency: String,
    #[serde(default, skip_serializing_if = "is_false")]
    urgent: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    mode: Mode,
    #[serde(default, skip_serializing_if = "is_default")]
    options: Options,
    #[serde(default, skip_serializing_if = "HashSet::is_empty")]
    kinds: HashSet<Mode>,
}

#[tokio::test]
async fn a_default_that_is_sent_is_taken_where_the_type_leaves_it_out() {
    let record = taker::<Record>().await;
    for sent in [
        r#""tags":[]"#,
        r#""labels":{}"#,
        r#""note":null"#,
        r#""text":"""#,
        r#""zero":0"#,
        r#""zero":0.0"#,
        r#""five":5"#,
        r#""five":5e0"#,
        r#""currency":"EUR""#,
        r#""urgent":false"#,
        r#""mode":"Fast""#,
        r#""options":{}"#,
        r#""options":{"depth":0,"mode":"Fast"}"#,
        r#""kinds":[]"#,
        r#""tags":[],"five":5,"zero":0,"currency":"EUR","mode":"Fast""#,
    ] {
        assert_eq!(record.shown(&format!("{{\"id\":1,{sent}}}")).await, r#"{"id":1}"#, "{sent}");
    }
    for kept in [
        r#"{"id":1,"tags":["a"]}"#,
        r#"{"five":0,"id":1}"#,
        r#"{"id":1,"mode":"Slow"}"#,
        r#"{"currency":"USD","id":1}"#,
        r#"{"id":1,"options":{"depth":1}}"#,
    ] {
        assert_eq!(record.shown(kept).await, kept);
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Choice {
    One(Record),
    Two { inner: Record },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
enum Tagged {
    A {
        #[serde(default = "five", skip_serializing_if = "is_five")]
        n: u32,
    },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Flat {
    #[serde(flatten)]
    record: Record,
}

#[tokio::test]
async fn defaults_are_taken_at_any_depth() {
    let sent = r#"{"id":1,"tags":[],"five":5}"#;
    let kept = r#"{"id":1}"#;
    assert_eq!(
        taker::<Vec<Record>>().await.shown(&format!("[{sent},{sent}]")).await,
        format!("[{kept},{kept}]")
    );
    let map = taker::<BTreeMap<String, Option<Record>>>().await;
    assert_eq!(map.shown(&format!("{{\"k\":{sent}}}")).await, format!("{{\"k\":{kept}}}"));
    let choice = taker::<Choice>().await;
    assert_eq!(choice.shown(&format!("{{\"One\":{sent}}}")).await, format!("{{\"One\":{kept}}}"));
    let two = choice.shown(&format!("{{\"Two\":{{\"inner\":{sent}}}}}")).await;
    assert_eq!(two, format!("{{\"Two\":{{\"inner\":{kept}}}}}"));
    let tagged = taker::<Tagged>().await;
    assert_eq!(tagged.shown(r#"{"kind":"A","n":5.0}"#).await, r#"{"kind":"A"}"#);
    assert_eq!(taker::<Flat>().await.shown(sent).await, kept);
}

#[tokio::test]
async fn invariant_9_an_unknown_field_is_refused_whatever_its_value() {
    let record = taker::<Record>().await;
    for value in ["[]", "{}", "0", "false", "\"\"", "1"] {
        let error = record.refused(&format!("{{\"id\":1,\"tagz\":{value}}}")).await;
        assert_eq!((error.kind(), error.path()), (UnknownField, "value.tagz"), "{value}");
    }
    let error = taker::<Vec<Record>>().await.refused(r#"[{"id":1},{"id":1,"tgs":[]}]"#).await;
    assert_eq!(error.path(), "value[1].tgs");
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "a field that is never written is never read")]
struct Losing {
    #[serde(default, skip_serializing)]
    never: u32,
    #[serde(default, skip_serializing_if = "is_small")]
    small: u32,
    #[serde(default = "five", skip_serializing_if = "is_zero")]
    other: u32,
    #[serde(default, alias = "known_as")]
    name: String,
    #[serde(default = "euro", skip_serializing_if = "String::is_empty")]
    currency: String,
}

fn is_small(n: &u32) -> bool {
    *n < 10
}

#[tokio::test]
async fn invariant_2_a_value_that_is_not_the_default_is_never_lost() {
    let losing = taker::<Losing>().await;
    for (sent, path) in [
        (r#"{"never":7}"#, "value.never"),
        (r#"{"never":0}"#, "value.never"),
        (r#"{"small":3}"#, "value.small"),
        (r#"{"small":9}"#, "value.small"),
        (r#"{"small":0}"#, "value.small"),
        (r#"{"other":0}"#, "value.other"),
        (r#"{"known_as":"x"}"#, "value.known_as"),
        (r#"{"currency":""}"#, "value.currency"),
    ] {
        let error = losing.refused(sent).await;
        assert_eq!((error.kind(), error.path()), (UnknownField, path), "{sent}: {error}");
    }
    let kept = losing.shown(r#"{"small":10}"#).await;
    assert!(kept.contains("\"small\":10"), "{kept}");
}

#[tokio::test]
async fn invariant_5_proving_defaults_is_bounded() {
    let sent = r#"{"id":1,"five":5,"zero":0}"#;
    let many = vec![sent; 5_000].join(",");
    assert!(
        taker::<Vec<Record>>().await.shown(&format!("[{many}]")).await.starts_with(r#"[{"id":1},"#)
    );
}

/// Its schema allows null, and its type does not take it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Nullable {
    #[serde(default = "five")]
    #[schemars(with = "Option<u32>")]
    limit: u32,
    #[serde(default = "some_five")]
    most: Option<u32>,
    #[serde(default = "five")]
    plain: u32,
    #[schemars(with = "Option<u32>", required)]
    needed: u32,
}

fn some_five() -> Option<u32> {
    Some(5)
}

#[tokio::test]
async fn an_explicit_null_means_the_default_where_the_schema_allows_null() {
    let nullable = taker::<Nullable>().await;
    assert_eq!(
        nullable.shown(r#"{"limit":null,"needed":1}"#).await,
        r#"{"limit":5,"most":5,"needed":1,"plain":5}"#
    );
    // Where the type takes null, it is a value.
    assert_eq!(
        nullable.shown(r#"{"limit":null,"most":null,"needed":1.0}"#).await,
        r#"{"limit":5,"most":null,"needed":1,"plain":5}"#
    );
    for (sent, path) in
        [(r#"{"plain":null,"needed":1}"#, "value.plain"), (r#"{"needed":null}"#, "value.needed")]
    {
        let error = nullable.refused(sent).await;
        assert_eq!((error.kind(), error.path()), (WrongType, path), "{sent}");
    }
    let many = taker::<Vec<Nullable>>().await;
    let sent = r#"[{"limit":null,"needed":1},{"limit":null,"needed":2}]"#;
    assert!(many.shown(sent).await.contains("\"limit\":5"));
}

/// Keeps the opposite.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
struct Contrary(bool);

impl<'de> Deserialize<'de> for Contrary {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(!bool::deserialize(from)?))
    }
}

#[tokio::test]
async fn invariant_2_a_yes_does_not_become_a_no() {
    let error = taker::<Contrary>().await.refused("true").await;
    assert_eq!(error.kind(), Inexact);
}
