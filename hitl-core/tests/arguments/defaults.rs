//! Defaults that a type does not write but callers send all the same.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    // Where the type accepts null, it is a value.
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

fn fifth() -> f64 {
    0.2
}
fn is_about_a_fifth(x: &f64) -> bool {
    (x - 0.2).abs() < 1e-3
}
fn ten() -> f64 {
    10.0
}
fn is_about_ten(x: &f64) -> bool {
    (x - 10.0).abs() < 1e-3
}
fn is_euro_in_any_case(text: &str) -> bool {
    text.eq_ignore_ascii_case("EUR")
}
fn is_euro_in_blanks(text: &str) -> bool {
    text.trim() == "EUR"
}
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn is_not_true(flag: &Option<bool>) -> bool {
    *flag != Some(true)
}
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn is_none_or_zero(n: &Option<u32>) -> bool {
    n.unwrap_or(0) == 0
}
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn is_none_or_blank(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn is_none_or_empty(list: &Option<Vec<u32>>) -> bool {
    list.as_deref().is_none_or(<[u32]>::is_empty)
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn is_none_or_bare(map: &Option<BTreeMap<String, u32>>) -> bool {
    map.as_ref().is_none_or(BTreeMap::is_empty)
}

/// Its fields are left out for more than one value.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Loose {
    #[serde(default = "fifth", skip_serializing_if = "is_about_a_fifth")]
    fraction: f64,
    #[serde(default = "ten", skip_serializing_if = "is_about_ten")]
    ten: f64,
    #[serde(default = "euro", skip_serializing_if = "is_euro_in_any_case")]
    any_case: String,
    #[serde(default = "euro", skip_serializing_if = "is_euro_in_blanks")]
    blanks: String,
    #[serde(default, skip_serializing_if = "is_not_true")]
    flag: Option<bool>,
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    count: Option<u32>,
    #[serde(default, skip_serializing_if = "is_none_or_blank")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "is_none_or_empty")]
    list: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "is_none_or_bare")]
    map: Option<BTreeMap<String, u32>>,
}

#[tokio::test]
async fn invariant_2_a_value_next_to_the_default_is_never_lost() {
    let loose = taker::<Loose>().await;
    for (key, value) in [
        ("fraction", "0.2005"),
        ("ten", "10.0005"),
        ("ten", "10"),
        ("any_case", "\"eur\""),
        ("any_case", "\"EUR\""),
        ("blanks", "\" EUR\""),
        ("blanks", "\"EUR \""),
        ("blanks", "\"EUR\""),
    ] {
        let sent = format!("{{\"{key}\":{value}}}");
        let error = loose.refused(&sent).await;
        assert_eq!(
            (error.kind(), error.path()),
            (UnknownField, &*format!("value.{key}")),
            "{sent}"
        );
    }
    for kept in [r#"{"fraction":0.25}"#, r#"{"any_case":"USD"}"#, r#"{"blanks":"eur"}"#] {
        assert_eq!(loose.shown(kept).await, kept);
    }
}

#[tokio::test]
async fn invariant_2_an_empty_value_is_not_taken_for_an_absent_one() {
    let loose = taker::<Loose>().await;
    for (key, value) in
        [("flag", "false"), ("count", "0"), ("text", "\"\""), ("list", "[]"), ("map", "{}")]
    {
        let sent = format!("{{\"{key}\":{value}}}");
        let error = loose.refused(&sent).await;
        assert_eq!(
            (error.kind(), error.path()),
            (UnknownField, &*format!("value.{key}")),
            "{sent}"
        );
        assert_eq!(loose.shown(&format!("{{\"{key}\":null}}")).await, "{}");
    }
    for kept in [r#"{"flag":true}"#, r#"{"count":1}"#, r#"{"text":"a"}"#, r#"{"list":[0]}"#] {
        assert_eq!(loose.shown(kept).await, kept);
    }
}

fn half() -> f64 {
    0.5
}
fn is_half(x: &f64) -> bool {
    x.total_cmp(&0.5).is_eq()
}
fn tenth() -> f32 {
    0.1
}
fn is_tenth(x: &f32) -> bool {
    x.total_cmp(&0.1).is_eq()
}
fn large() -> f64 {
    1e18
}
fn is_large(x: &f64) -> bool {
    x.total_cmp(&1e18).is_eq()
}
fn euros() -> HashSet<String> {
    HashSet::from([euro()])
}
fn is_euros(set: &HashSet<String>) -> bool {
    *set == euros()
}
fn five_euro() -> (u32, String) {
    (5, euro())
}
fn is_five_euro(sum: &(u32, String)) -> bool {
    *sum == five_euro()
}
fn localhost() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}
fn is_localhost(address: &IpAddr) -> bool {
    *address == localhost()
}
fn anywhere() -> IpAddr {
    IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}
fn is_anywhere(address: &IpAddr) -> bool {
    *address == anywhere()
}

/// A text of digits in a form, like a UUID or a date, that takes small and large letters.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
struct Code(#[schemars(extend("format" = "uuid"))] String);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?.to_ascii_lowercase();
        let formed = text.len() == 6 && text.chars().all(|c| c.is_ascii_hexdigit());
        formed.then_some(Self(text)).ok_or_else(|| serde::de::Error::custom("no code"))
    }
}
fn code() -> Code {
    Code("0000ab".to_owned())
}
fn is_code(given: &Code) -> bool {
    *given == code()
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
enum Shape {
    #[default]
    Point,
    Line,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Strict {
    #[serde(default = "half", skip_serializing_if = "is_half")]
    half: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    zero: f64,
    #[serde(default = "tenth", skip_serializing_if = "is_tenth")]
    tenth: f32,
    #[serde(default = "large", skip_serializing_if = "is_large")]
    large: f64,
    #[serde(default = "euros", skip_serializing_if = "is_euros")]
    set: HashSet<String>,
    #[serde(default = "five_euro", skip_serializing_if = "is_five_euro")]
    sum: (u32, String),
    #[serde(default = "localhost", skip_serializing_if = "is_localhost")]
    address: IpAddr,
    #[serde(default = "anywhere", skip_serializing_if = "is_anywhere")]
    from: IpAddr,
    #[serde(default = "code", skip_serializing_if = "is_code")]
    code: Code,
    #[serde(default, skip_serializing_if = "is_default")]
    shape: Shape,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct FlatStrict {
    #[serde(flatten)]
    strict: Strict,
}

#[tokio::test]
async fn the_default_of_any_type_is_taken_where_it_is_left_out_for_nothing_else() {
    let strict = taker::<Strict>().await;
    for sent in [
        r#""half":0.5"#,
        r#""half":5e-1"#,
        r#""zero":0"#,
        r#""zero":0.0"#,
        r#""tenth":0.1"#,
        r#""large":1e18"#,
        r#""large":1000000000000000000"#,
        r#""set":["EUR"]"#,
        r#""sum":[5,"EUR"]"#,
        r#""address":"127.0.0.1""#,
        r#""from":"::""#,
        r#""code":"0000ab""#,
        r#""code":"0000AB""#,
        r#""shape":{"kind":"Point"}"#,
    ] {
        assert_eq!(strict.shown(&format!("{{{sent}}}")).await, "{}", "{sent}");
    }
    for kept in [
        r#"{"half":0.25}"#,
        r#"{"set":["EUR","USD"]}"#,
        r#"{"sum":[5,"USD"]}"#,
        r#"{"shape":{"kind":"Line"}}"#,
    ] {
        assert_eq!(strict.shown(kept).await, kept);
    }
    let error = strict.refused(r#"{"zero":-0.0}"#).await;
    assert_eq!((error.kind(), error.path()), (UnknownField, "value.zero"));
    // Serde buffers what is flattened, and rounds numbers that are not exact.
    let flat = taker::<FlatStrict>().await;
    for sent in [r#""large":1e18"#, r#""large":1000000000000000000"#, r#""tenth":0.1"#] {
        assert_eq!(flat.shown(&format!("{{{sent}}}")).await, "{}", "{sent}");
    }
    let all = r#"{"half":0.5,"tenth":0.1,"large":1e18,"set":["EUR"],"sum":[5,"EUR"],
        "address":"127.0.0.1","from":"::","code":"0000ab","shape":{"kind":"Point"}}"#;
    assert_eq!(strict.shown(all).await, "{}");
}

#[tokio::test]
async fn an_explicit_null_means_the_default_below_a_key_of_a_map() {
    let map = taker::<BTreeMap<String, Nullable>>().await;
    assert_eq!(
        map.shown(r#"{"k":{"limit":null,"needed":1}}"#).await,
        r#"{"k":{"limit":5,"most":5,"needed":1,"plain":5}}"#
    );
    let counts = taker::<BTreeMap<String, u32>>().await;
    let error = counts.refused(r#"{"k":null}"#).await;
    assert_eq!((error.kind(), error.path()), (WrongType, "value.k"));
}
