//! The words in which arguments are refused: those of JSON, for a model that wrote JSON.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use hitl_core::dynamic::{DynSpec, DynTool};
use hitl_core::{Gate, GateErrorKind, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, taker};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    items: Vec<Item>,
    #[serde(default)]
    urgency: Option<Urgency>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    price: u32,
    #[serde(default)]
    label: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Urgency {
    Low,
    VeryHigh,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: f64 },
    Point,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Either {
    Text(String),
    Flag(bool),
}

/// Ignores unknown fields, which hitl does not.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Lax {
    price: u32,
    #[serde(default)]
    label: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Pair(u8, String);

async fn refused<T: Argument>(value: &str, says: &str) {
    let text = taker::<T>().await.refused(value).await.to_string();
    assert_eq!(text, says, "{value}");
    for rust in
        ["u8", "u32", "i64", "f64", "Option", "struct", "enum", "variant", "sequence", "map"]
    {
        let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
        assert!(!words.contains(&rust), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_place_and_what_json_would_fit() {
    let item = |item: &str| format!(r#"{{"items":[{{"price":1}},{{"price":2}},{item}]}}"#);
    refused::<Order>(
        &item(r#"{"price":"x"}"#),
        "at `value.items[2].price`: expected a whole number from 0 to 4294967295, found a string",
    )
    .await;
    refused::<Order>(
        &item(r#"{"price":4294967296}"#),
        "at `value.items[2].price`: this whole number is out of range; expected a whole number from 0 to \
         4294967295",
    )
    .await;
    refused::<Order>(&item("{}"), "the field `value.items[2].price` is missing").await;
    refused::<Order>("{}", "the field `value.items` is missing").await;
    refused::<Order>(
        &item(r#"{"price":1,"lable":"x"}"#),
        "at `value.items[2].lable`: there is no such field; did you mean `label`?",
    )
    .await;
    refused::<Lax>(
        r#"{"price":1,"lable":"x"}"#,
        "at `value.lable`: the tool does not keep this field: it is unknown or another name for one; did \
         you mean `label`?",
    )
    .await;
    refused::<Order>(
        r#"{"items":[],"urgency":"high"}"#,
        r#"at `value.urgency`: expected one of "low", "veryHigh", found another string"#,
    )
    .await;
    refused::<Order>(
        r#"{"items":[],"urgency":7}"#,
        r#"at `value.urgency`: expected one of "low", "veryHigh", found a number"#,
    )
    .await;
    refused::<Order>("[]", "at `value`: expected an object, found an array").await;
    refused::<Vec<u8>>("{}", "at `value`: expected an array, found an object").await;
    refused::<BTreeMap<String, u8>>("3", "at `value`: expected an object, found a number").await;
    refused::<bool>("\"yes\"", "at `value`: expected true or false, found a string").await;
    refused::<f64>("\"1\"", "at `value`: expected a number, found a string").await;
    refused::<String>("null", "at `value`: expected a string, found null").await;
    refused::<(u8, u8)>("[1]", "at `value`: expected an array of 2 items, found 1 item").await;
    refused::<Pair>("[1]", "at `value`: expected an array of 2 items, found 1 item").await;
    refused::<[u8; 3]>("[1,2]", "at `value`: expected an array of 3 items, found 2 items").await;
    refused::<char>("\"ab\"", "at `value`: expected a string of one character").await;
    refused::<NonZeroU8>(
        "0",
        "at `value`: this whole number is out of range; expected a whole number from 1 to 255",
    )
    .await;
    refused::<Shape>(r#"{"kind":"circle"}"#, "the field `value.radius` is missing").await;
    refused::<Shape>(
        r#"{"kind":"square"}"#,
        r#"at `value.kind`: expected one of "circle", "point", found another string"#,
    )
    .await;
    refused::<Either>("3", "at `value`: this fits none of the forms that are allowed here").await;
}

#[tokio::test]
async fn a_run_time_tool_refuses_in_the_same_words() {
    let body = |permit: Permit<hitl_core::DynArguments>| async move {
        hitl_base::JsonText::new(permit.open().0.json().to_owned())
    };
    let schema = r#"{"type":"object","additionalProperties":false,"required":["order"],"properties":{
        "order":{"type":"string"},"count":{"type":["integer","null"],"minimum":1},
        "how":{"enum":["fast","slow"]},"items":{"type":"array","items":{"type":"object",
        "required":["price"],"properties":{"price":{"type":"number"}}}}}}"#;
    let tool = DynTool::new(DynSpec::new("buy", "Buys."), schema, body).unwrap();
    let gate = Gate::builder().dyn_tool(tool).build().await.unwrap();
    for (text, says) in [
        ("{}", "the field `order` is missing"),
        (r#"{"order":3}"#, "at `order`: expected a string, found a number"),
        (
            r#"{"order":"a","count":1.5}"#,
            "at `count`: expected a whole number or null, found a number with a fraction",
        ),
        (r#"{"order":"a","count":0}"#, "at `count`: this must be at least 1"),
        (r#"{"order":"a","how":"x"}"#, r#"at `how`: expected one of "fast", "slow""#),
        (r#"{"order":"a","cuont":1}"#, "at `cuont`: there is no such field; did you mean `count`?"),
        (r#"{"order":"a","items":[{"price":1},{}]}"#, "the field `items[1].price` is missing"),
    ] {
        let error = gate.submit_json("buy", text, "ann", "run", 0).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the arguments were refused: {says}"));
        let told = error.for_model();
        assert!(told.text.ends_with(&format!("the arguments were refused: {says}")), "{told}");
    }
}

#[tokio::test]
async fn an_unknown_tool_says_which_one_may_be_meant() {
    let body = |permit: Permit<hitl_core::DynArguments>| async move {
        hitl_base::JsonText::new(permit.open().0.json().to_owned())
    };
    let mut builder = Gate::builder();
    for name in ["refund", "look_up_order", "send_mail"] {
        let tool =
            DynTool::new(DynSpec::new(name, "A tool."), r#"{"type":"object"}"#, body).unwrap();
        builder = builder.dyn_tool(tool);
    }
    let gate = builder.build().await.unwrap();
    for (name, says) in [
        ("refnd", "did you mean `refund`?"),
        ("Refund", "did you mean `refund`?"),
        ("lookUpOrder", "did you mean `look_up_order`?"),
        ("functions.send_mail", "did you mean `send_mail`?"),
        ("drop_tables", "known are `look_up_order`, `refund`, `send_mail`"),
    ] {
        let error = gate.submit_json(name, "{}", "ann", "run", 0).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::UnknownTool);
        let says = format!("no tool named `{name}` is registered with this gate; {says}");
        assert_eq!(error.to_string(), says);
        assert!(error.for_model().text.ends_with(&says));
    }
}
