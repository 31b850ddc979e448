//! Numbers are compared by value, in any spelling.

use std::collections::{BTreeMap, HashMap};

use hitl_base::JsonText;
use hitl_core::{ArgumentErrorKind, DynArguments, DynSpec, DynTool, Gate, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, taker};

async fn shown<T: Argument>(value: &str) -> String {
    taker::<T>().await.shown(value).await
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
enum Tagged {
    Count { n: u64, share: f64 },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Flat {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Inner {
    n: i32,
    all: Vec<u8>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Either {
    Whole(u64),
    Share(f64),
}

#[tokio::test]
async fn whole_numbers_are_taken_however_they_are_written() {
    for text in
        ["5", "5.0", "50e-1", "0.5e1", "5.000000000000000000000000000000000000000000000", "5E0"]
    {
        assert_eq!(shown::<u8>(text).await, "5", "{text}");
        assert_eq!(shown::<i64>(text).await, "5", "{text}");
        assert_eq!(shown::<i128>(text).await, "5", "{text}");
    }
    assert_eq!(shown::<u32>("1e2").await, "100");
    assert_eq!(shown::<i8>("-1.28e2").await, "-128");
    assert_eq!(shown::<u8>("-0.0").await, "0");
    assert_eq!(shown::<u64>("0e1000000000").await, "0");
    assert_eq!(shown::<u64>("9007199254740993.0").await, "9007199254740993");
    assert_eq!(shown::<u64>("18446744073709551615.0").await, "18446744073709551615");
    assert_eq!(shown::<i64>("-9223372036854775808.00").await, "-9223372036854775808");
    let max = u128::MAX.to_string();
    assert_eq!(shown::<u128>(&format!("{max}.0")).await, max);
    let min = i128::MIN.to_string();
    assert_eq!(shown::<i128>(&format!("{min}.0")).await, min);
}

#[tokio::test]
async fn whole_numbers_are_taken_at_any_depth() {
    assert_eq!(shown::<Vec<Option<u8>>>("[1.0,null,2e1]").await, "[1,null,20]");
    assert_eq!(shown::<HashMap<String, i16>>(r#"{"a":3.0}"#).await, r#"{"a":3}"#);
    assert_eq!(shown::<BTreeMap<u8, u8>>(r#"{"7":3.0}"#).await, r#"{"7":3}"#);
    let tagged = r#"{"kind":"Count","n":5.0,"share":2.0}"#;
    assert_eq!(shown::<Tagged>(tagged).await, r#"{"kind":"Count","n":5,"share":2.0}"#);
    assert_eq!(shown::<Flat>(r#"{"n":-2e2,"all":[1.0,2]}"#).await, r#"{"n":-200,"all":[1,2]}"#);
    // A type that accepts both keeps the original spelling.
    assert_eq!(shown::<Either>("5.0").await, "5.0");
    assert_eq!(shown::<Either>("5").await, "5");
    assert_eq!(shown::<f64>("5").await, "5.0");
}

#[tokio::test]
async fn invariant_2_what_is_not_whole_or_does_not_fit_is_refused_and_says_why() {
    async fn refused<T: Argument>(value: &str, says: &str) {
        let error = taker::<T>().await.refused(value).await;
        let text = error.to_string();
        assert_eq!(error.path(), "value", "{text}");
        assert!(text.contains(says), "{value}: {text}");
    }
    let fraction = "found a number with a fraction";
    refused::<u8>("5.5", fraction).await;
    refused::<i64>("5e-1", fraction).await;
    refused::<i64>("1e-400", fraction).await;
    refused::<u64>("9007199254740993.5", fraction).await;
    refused::<u64>("5.000000000000000000000000000000000000000000000001", fraction).await;
    let range = "this whole number is out of range";
    refused::<u8>("256", range).await;
    refused::<u8>("2.56e2", range).await;
    refused::<u8>("-1.0", range).await;
    refused::<i64>("9223372036854775808.0", range).await;
    refused::<i64>("9223372036854775808", range).await;
    refused::<u64>("18446744073709551616", range).await;
    refused::<u64>("1e30", range).await;
    refused::<u128>("340282366920938463463374607431768211456", range).await;
    refused::<u128>("1e300", range).await;
    refused::<i128>("-170141183460469231731687303715884105729", range).await;
    refused::<String>("5.0", "expected a string, found a number").await;
    refused::<bool>("5.5", "expected true or false, found a number").await;
    let error = taker::<u64>().await.refused("1e400").await;
    assert_eq!(error.kind(), ArgumentErrorKind::NotFinite);
    let error = taker::<Tagged>().await.refused(r#"{"kind":"Count","n":5.5,"share":1}"#).await;
    assert!(error.to_string().contains("fraction"), "{error}");
}

#[tokio::test]
async fn typed_and_run_time_tools_agree_about_whole_numbers() {
    let body = |permit: Permit<DynArguments>| async move {
        JsonText::new(permit.open().0.json().to_owned())
    };
    let schema = r#"{"type":"object","properties":{"value":{"type":"integer"}}}"#;
    let tool = DynTool::new(DynSpec::new("t", "T."), schema, body).unwrap();
    let gate = Gate::builder().dyn_tool(tool).tool::<super::Take<i128>>().build().await.unwrap();
    for (value, whole) in [
        ("5", true),
        ("5.0", true),
        ("1e2", true),
        ("50e-1", true),
        ("-0.0", true),
        ("0e1000000000", true),
        ("5.5", false),
        ("5e-1", false),
        ("1e-1000000000", false),
        ("9007199254740993.00000000000000000001", false),
        ("1e400", false),
        ("\"5\"", false),
    ] {
        let text = format!("{{\"value\":{value}}}");
        for tool in ["t", "take"] {
            let read = gate.assess_json(tool, &text, "ann");
            assert_eq!(read.is_ok(), whole, "{tool} {value}: {:?}", read.err());
        }
    }
    let error = gate.assess_json("t", r#"{"value":5.5}"#, "ann").unwrap_err();
    assert!(
        error.to_string().contains("expected a whole number, found a number with a fraction"),
        "{error}"
    );
}

/// A decimal of 28 digits, as text.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
struct Decimal(String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Ok(Self(text.chars().take(30).collect()))
    }
}

#[tokio::test]
async fn invariant_2_a_number_as_text_is_compared_too() {
    let fits = r#""0.1234567890123456789012345678""#;
    assert_eq!(shown::<Decimal>(fits).await, fits);
    let long = r#""0.12345678901234567890123456789012345""#;
    let error = taker::<Decimal>().await.refused(long).await;
    assert_eq!((error.kind(), error.path()), (ArgumentErrorKind::Inexact, "value"));
    assert!(!error.to_string().contains("0.123"), "{error}");
    let error = taker::<Vec<Decimal>>().await.refused(&format!("[{fits},{long}]")).await;
    assert_eq!(error.path(), "value[1]");
}
