//! Tools that are known only at run time.

use crate::support;

use std::sync::{Arc, Mutex};

use hitl_base::JsonText;
use hitl_core::dynamic::{AnnotationTrust, DynToolError, DynToolErrorKind, McpAnnotations};
use hitl_core::gate::BuildErrorKind;
use hitl_core::{
    ApprovalLevel, ArgumentErrorKind, CallKey, DynArguments, DynSpec, DynTool, Gate, GateErrorKind,
    Outcome, Permit, Risk, Store as _, Submission, Tenant, ToolConfig, Verdict,
};
use support::{bench_with, until};

const TRANSFER: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "to": {"$ref": "#/$defs/Account"},
        "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 100000000000000000},
        "memo": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}], "default": null},
        "login": {
            "type": "object",
            "properties": {"user": {"type": "string"}, "pin": {"type": "string", "minLength": 4}},
            "required": ["user", "pin"]
        },
        "cards": {"type": "array", "items": {"type": "object", "properties": {"number": {"type": "string"}}}},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "note": {"type": "string", "x-sensitive": true}
    },
    "required": ["to", "amount"],
    "additionalProperties": false,
    "$defs": {"Account": {"type": "string", "enum": ["ann", "bob"]}}
}"##;

/// The arguments that bodies received.
type Seen = Arc<Mutex<Vec<String>>>;

fn spec() -> DynSpec {
    DynSpec::new("transfer", "Transfers money.")
        .config(ToolConfig::DEFAULT.base_confidence(50).describe("Transfer {amount} to {to}"))
        .sensitive("login.pin")
        .sensitive("cards[].number")
        .sensitive("headers.*")
}

fn with_description(text: &str) -> DynSpec {
    let mut spec = spec();
    text.clone_into(&mut spec.description);
    spec
}

fn tool_of(spec: DynSpec, schema: &str, seen: &Seen) -> Result<DynTool, DynToolError> {
    let seen = Arc::clone(seen);
    DynTool::new(spec, schema, move |permit: Permit<DynArguments>| {
        let seen = Arc::clone(&seen);
        async move {
            let (arguments, _cx) = permit.open();
            seen.lock().unwrap().push(arguments.json().to_owned());
            let tree = arguments.tree();
            if tree.get("memo").and_then(hitl_base::Json::as_str) == Some("fail") {
                return Err(format!("refused: {}", arguments.json()));
            }
            Ok(JsonText::new(r#"{"id": 12345678901234567890.10}"#.to_owned()).unwrap())
        }
    })
}

fn tool(seen: &Seen) -> DynTool {
    tool_of(spec(), TRANSFER, seen).unwrap()
}

fn key(n: u64) -> CallKey {
    CallKey::new("r", n)
}

#[tokio::test]
async fn invariant_2_what_the_model_wrote_is_shown_and_run_to_the_digit() {
    let seen = Seen::default();
    let b = bench_with(|g| g.dyn_tool(tool(&seen))).await;
    let text = r#"{ "to": "bob", "memo": "n\u00f6", "amount": 9007199254740993.10 }"#;
    let Submission::Pending(ticket) =
        b.gate.submit_json("transfer", text, "ann", "r", 0).await.unwrap()
    else {
        panic!("it needs a review")
    };
    let exact = r#"{"amount":9007199254740993.10,"memo":"nö","to":"bob"}"#;
    let shown = r#"{"to":"bob","amount":9007199254740993.10,"memo":"nö"}"#;
    assert_eq!(ticket.request().arguments.as_str(), shown, "in the order of the schema");
    assert_eq!(ticket.request().title, "Transfer 9,007,199,254,740,993.10 to \"bob\"");
    // The same in another order and spelling is the same call; another number is another call.
    let same = r#"{"amount":9007199254740993.10,"to":"bob","memo":"nö"}"#;
    assert!(matches!(
        b.gate.submit_json("transfer", same, "ann", "r", 0).await.unwrap(),
        Submission::Pending(_)
    ));
    let other = same.replace("993.10", "992.10");
    let error = b.gate.submit_json("transfer", &other, "ann", "r", 0).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::KeyConflict);
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("approved") };
    assert_eq!(output.json(), Some(r#"{"id": 12345678901234567890.10}"#));
    assert_eq!(*seen.lock().unwrap(), [exact]);
    // Submitted again, the answer comes from the store.
    let again = b.gate.call_json("transfer", same, "ann", "r", 0).await.unwrap();
    assert_eq!(again, Outcome::Executed(output));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn arguments_that_do_not_satisfy_the_schema_are_refused_and_nothing_runs() {
    use ArgumentErrorKind::{DuplicateKey, Invalid, Missing, UnknownField, WrongType};
    let seen = Seen::default();
    let b = bench_with(|g| g.dyn_tool(tool(&seen))).await;
    for (text, kind, path) in [
        (r#"{"to":"bob"}"#, Missing, "amount"),
        (r#"{"to":"bob","amount":"5"}"#, WrongType, "amount"),
        (r#"{"to":"eve","amount":5}"#, Invalid, "to"),
        (r#"{"to":"bob","amount":0.0}"#, Invalid, "amount"),
        (r#"{"to":"bob","amount":100000000000000000.1}"#, Invalid, "amount"),
        (r#"{"to":"bob","amount":5,"memo":"123456789012345678901"}"#, Invalid, "memo"),
        (r#"{"to":"bob","amount":5,"x":1}"#, UnknownField, "x"),
        (r#"{"to":"bob","to":"ann","amount":5}"#, DuplicateKey, "to"),
        (r#"{"to":"bob","amount":5,"cards":[{"number":7}]}"#, WrongType, "cards[0].number"),
        (
            r#"{"to":"bob","amount":5,"headers":{"h":{"secret":1,"secret":2}}}"#,
            DuplicateKey,
            "headers.h",
        ),
        (r"[]", WrongType, ""),
    ] {
        let error = b.gate.call_json("transfer", text, "ann", "r", 1).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{text}");
        let error = error.arguments().unwrap();
        assert_eq!((error.kind(), error.path()), (kind, path), "{text}");
    }
    assert!(seen.lock().unwrap().is_empty());
    assert!(b.events().is_empty());
}

#[tokio::test]
async fn invariant_8_secrets_of_a_dynamic_tool_are_seen_by_its_body_alone() {
    let seen = Seen::default();
    let b = bench_with(|g| g.dyn_tool(tool(&seen))).await;
    let text = r#"{"to":"bob","amount":5,"memo":"fail","login":{"user":"u","pin":"hunter2-a"},
        "cards":[{"number":"hunter2-b"},{"number":"hunter2-c"}],"headers":{"h":"hunter2-d"},"note":"hunter2-e"}"#;
    let Submission::Pending(ticket) =
        b.gate.submit_json("transfer", text, "ann", "r", 2).await.unwrap()
    else {
        panic!("it needs a review")
    };
    assert_eq!(
        ticket.request().arguments.as_str(),
        r#"{"to":"bob","amount":5,"memo":"fail","login":{"user":"u","pin":"[redacted]"},"cards":[{"number":"[redacted]"},{"number":"[redacted]"}],"headers":{"h":"[redacted]"},"note":"[redacted]"}"#
    );
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let Outcome::Failed(failure) = ticket.wait().await.unwrap() else { panic!("it fails") };
    assert!(seen.lock().unwrap()[0].contains("hunter2-e"));
    let records = b.audit.records();
    let record = b.gate.unscoped().get_by_key(&key(2)).await.unwrap().unwrap();
    let all = format!("{failure:?} {records:?} {record:?}");
    assert!(!all.contains("hunter2"), "{all}");
    // A wrong value inside a secret is not quoted, nor are its keys.
    let wrong = r#"{"to":"bob","amount":5,"login":{"user":"u","pin":{"hunter2":1}}}"#;
    let error = b.gate.call_json("transfer", wrong, "ann", "r", 3).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

fn refused(spec: DynSpec, schema: &str) -> DynToolError {
    tool_of(spec, schema, &Seen::default()).unwrap_err()
}

#[test]
fn invariant_5_a_schema_that_cannot_be_checked_whole_makes_no_tool() {
    for (schema, says) in [
        ("{", "not JSON"),
        ("true", "\"type\": \"object\""),
        (r#"{"type":"string"}"#, "\"type\": \"object\""),
        (
            r#"{"type":"object","properties":{"a":{"pattern":"^(?=x)"}}}"#,
            "`#/properties/a/pattern`",
        ),
        (
            r#"{"type":"object","properties":{"a":{"pattern":"^(?=x)"}}}"#,
            "`.unchecked(\"pattern\")`",
        ),
        (r#"{"type":"object","properties":{"a":{"pattern":7}}}"#, "expected a string"),
        (r#"{"type":"object","properties":{"a":{"items":[5]}}}"#, "a schema is an object"),
        (r#"{"type":"object","not":5}"#, "`#/not`"),
        (r#"{"type":"object","patternProperties":{"\\1":{}}}"#, "refers back"),
        (r#"{"type":"object","if":{},"then":7}"#, "`#/then`"),
        (r#"{"type":"object","dependentRequired":{"a":{}}}"#, "expected a list"),
        (r#"{"type":"object","dependentSchemas":{"a":["b"]}}"#, "a schema is an object"),
        (r#"{"type":"object","minContains":-1}"#, "whole number"),
        (r#"{"type":"object","properties":{"a":{"multipleOf":0}}}"#, "above 0"),
        (r#"{"type":"object","maxProperties":1.5}"#, "whole number"),
        (r#"{"type":"object","properties":{"a":{"minimum":"1"}}}"#, "a number"),
        (r#"{"type":"object","properties":{"a":{"type":"text"}}}"#, "no type of JSON Schema"),
        (r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/X"}}}"##, "`$ref`"),
        (r#"{"type":"object","properties":{"a":{"$ref":"https://x.example/s.json"}}}"#, "`$ref`"),
        (
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/X"}},"$defs":{"X":{"$ref":"#/$defs/X"}}}"##,
            "without end",
        ),
        (r#"{"type":"object","type":"string"}"#, "not JSON"),
        (r#"{"type":"object","anyOf":[]}"#, "empty"),
    ] {
        let error = refused(DynSpec::new("t", "T."), schema);
        assert_eq!(error.kind(), DynToolErrorKind::Schema, "{schema}");
        assert!(error.to_string().contains(says), "{schema}: {error}");
    }
    let spec = DynSpec::new("t", "T.").sensitive("login.pni");
    assert_eq!(refused(spec, TRANSFER).kind(), DynToolErrorKind::Sensitive);
    let error = refused(DynSpec::new("a b", "T."), r#"{"type":"object"}"#);
    assert!(matches!(error.kind(), DynToolErrorKind::Spec(_)), "{error}");
    let config = ToolConfig::DEFAULT.read_only().destructive();
    let error = refused(DynSpec::new("t", "T.").config(config), r#"{"type":"object"}"#);
    assert!(matches!(error.kind(), DynToolErrorKind::Spec(_)), "{error}");
}

/// Returns which of some values the property `a` of this schema accepts.
async fn taken(schema: &str, values: &[&str]) -> Vec<bool> {
    let whole = format!(r#"{{"type":"object","properties":{{"a":{schema}}}}}"#);
    let tool = tool_of(DynSpec::new("t", "T."), &whole, &Seen::default());
    let tool = tool.unwrap_or_else(|error| panic!("{schema}: {error}"));
    let b = bench_with(|g| g.dyn_tool(tool)).await;
    let takes =
        |value: &&str| b.gate.assess_json("t", &format!("{{\"a\":{value}}}"), "ann").is_ok();
    values.iter().map(takes).collect()
}

#[tokio::test]
async fn a_limit_of_draft_4_excludes_itself_where_it_says_so() {
    for schema in [
        r#"{"type":"number","minimum":0,"exclusiveMinimum":true}"#,
        r#"{"exclusiveMinimum":true,"minimum":0,"type":"number"}"#,
        r#"{"type":"number","exclusiveMinimum":0}"#,
        r#"{"type":"number","minimum":-5,"exclusiveMinimum":0}"#,
    ] {
        assert_eq!(taken(schema, &["-1", "0", "0.0", "1"]).await, [false, false, false, true]);
    }
    let inclusive = r#"{"type":"number","maximum":0,"exclusiveMaximum":false}"#;
    assert_eq!(taken(inclusive, &["-1", "0", "1"]).await, [true, true, false]);
    let both = r#"{"minimum":0,"maximum":9,"exclusiveMinimum":true,"exclusiveMaximum":true}"#;
    assert_eq!(taken(both, &["0", "1", "8", "9"]).await, [false, true, true, false]);
}

#[tokio::test]
async fn a_list_of_items_is_checked_one_by_one_in_every_draft() {
    let values = ["[1]", r#"["x",1]"#, r#"["x","y"]"#, r#"["x",1,2]"#, "[]"];
    let open = [false, true, false, true, true];
    let closed = [false, true, false, false, true];
    for (schema, expected) in [
        (r#"{"type":"array","items":[{"type":"string"},{"type":"integer"}]}"#, open),
        (r#"{"items":[{"type":"string"},{"type":"integer"}],"additionalItems":false}"#, closed),
        (r#"{"additionalItems":false,"items":[{"type":"string"},{"type":"integer"}]}"#, closed),
        (r#"{"prefixItems":[{"type":"string"},{"type":"integer"}]}"#, open),
        (r#"{"items":false,"prefixItems":[{"type":"string"},{"type":"integer"}]}"#, closed),
        (
            r#"{"items":[{"type":"string"},true],"additionalItems":{"type":"null"}}"#,
            [false, true, true, false, true],
        ),
    ] {
        assert_eq!(taken(schema, &values).await, expected, "{schema}");
    }
    // Beside a schema for all items it has no effect, as in its draft.
    let ignored = r#"{"items":{"type":"integer"},"additionalItems":false}"#;
    assert_eq!(taken(ignored, &["[1,2,3]", r#"["x"]"#]).await, [true, false]);
}

#[tokio::test]
async fn what_says_nothing_about_types_takes_any() {
    for schema in ["{}", "true", r#"{"description":"Anything."}"#] {
        assert_eq!(taken(schema, &["1", "\"x\"", "null", "[{}]"]).await, [true; 4], "{schema}");
    }
    assert_eq!(taken("false", &["1", "null"]).await, [false; 2]);
    let named = r#"{"propertyNames":{"type":"string","maxLength":2}}"#;
    assert_eq!(taken(named, &[r#"{"ab":1}"#, r#"{"abc":1}"#]).await, [true, false]);
    for root in [
        "{}",
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"type":["object","null"]}"#,
        r##"{"$ref":"#/definitions/A","definitions":{"A":{"type":"object"}}}"##,
        r#"{"id":"http://x.example/a","type":"object"}"#,
        r##"{"type":"object","properties":{"a":{"type":"string"},"b":{"$ref":"#/properties/a"}}}"##,
    ] {
        let tool = tool_of(DynSpec::new("t", "T."), root, &Seen::default()).unwrap();
        let b = bench_with(|g| g.dyn_tool(tool)).await;
        assert!(b.gate.assess_json("t", r#"{"a":"x"}"#, "ann").is_ok(), "{root}");
        assert!(b.gate.assess_json("t", "[]", "ann").is_err(), "{root}");
    }
}

#[test]
fn invariant_5_what_a_draft_says_unclearly_makes_no_tool() {
    for (schema, says) in [
        (r#"{"exclusiveMinimum":true}"#, "there is none"),
        (r#"{"exclusiveMaximum":true,"minimum":1}"#, "there is none"),
        (r#"{"prefixItems":[true],"items":[true]}"#, "keep one of them"),
        (r#"{"type":"string","required":true}"#, "draft 3"),
        (r#"{"type":"any"}"#, "no type of JSON Schema"),
        (r#"{"type":[{"type":"string"}]}"#, "no type of JSON Schema"),
        (r#"{"divisibleBy":2}"#, "`divisibleBy`"),
        (r#"{"id":"other","type":"string"}"#, "`id`"),
        (r#"{"dependencies":{"a":"b"}}"#, "a schema is an object"),
        (r#"{"contains":[{"type":"string"}]}"#, "a schema is an object"),
        (r#"{"unevaluatedItems":false}"#, "`unevaluatedItems`"),
        (r##"{"$ref":"#anchor"}"##, "`$ref`"),
        (r##"{"$ref":"#/required"}"##, "`$ref`"),
        (r##"{"$dynamicRef":"#x"}"##, "`$dynamicRef`"),
        (r#"{"items":5}"#, "a schema is an object"),
        (r#"{"items":[5]}"#, "a schema is an object"),
        (r#"{"prefixItems":{}}"#, "expected a list"),
        (r#"{"additionalItems":5,"items":[true]}"#, "a schema is an object"),
        (r#"{"uniqueItems":"yes"}"#, "true or false"),
    ] {
        let whole = format!(r#"{{"type":"object","required":[],"properties":{{"a":{schema}}}}}"#);
        let error = refused(DynSpec::new("t", "T."), &whole);
        assert_eq!(error.kind(), DynToolErrorKind::Schema, "{schema}");
        assert!(error.to_string().contains(says), "{schema}: {error}");
    }
}

#[tokio::test]
async fn invariant_8_secrets_in_a_list_of_items_are_hidden_one_by_one() {
    let schema = r#"{"type":"object","properties":{
        "one":{"items":[{"type":"string"},{"type":"string","writeOnly":true}]},
        "all":{"items":[{"type":"string"}],"additionalItems":{"type":"string"}}}}"#;
    let spec = DynSpec::new("t", "T.").sensitive("all[]");
    let tool = tool_of(spec, schema, &Seen::default()).unwrap();
    let b = bench_with(|g| g.dyn_tool(tool)).await;
    let text = r#"{"one":["user","hunter2-a"],"all":["hunter2-b","hunter2-c"]}"#;
    let shown = b.gate.assess_json("t", text, "ann").unwrap().arguments;
    assert_eq!(
        shown.as_str(),
        r#"{"one":["user","[redacted]"],"all":["[redacted]","[redacted]"]}"#
    );
}

#[tokio::test]
async fn a_keyword_is_left_unchecked_only_where_the_host_says_so() {
    let schema = r#"{"type":"object","properties":{
        "a":{"type":"string","pattern":"^(?=x)"},"b":{"type":"string","pattern":"^x$"}}}"#;
    let spec = DynSpec::new("t", "T.").unchecked("pattern");
    let b = bench_with(|g| g.dyn_tool(tool_of(spec, schema, &Seen::default()).unwrap())).await;
    assert!(b.gate.assess_json("t", r#"{"a":"y"}"#, "ann").is_ok());
    assert!(b.gate.assess_json("t", r#"{"a":1}"#, "ann").is_err());
    // What can be checked is.
    assert!(b.gate.assess_json("t", r#"{"b":"y"}"#, "ann").is_err());
}

#[tokio::test]
async fn a_schema_that_explodes_is_given_up_and_refused() {
    // Every level tries both alternatives to the bottom.
    let schema = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/N"}},"$defs":{"N":
        {"anyOf":[{"type":"array","items":{"$ref":"#/$defs/N"}},
                  {"type":"array","items":{"$ref":"#/$defs/N"}}]}}}"##;
    let tool = tool_of(DynSpec::new("t", "T."), schema, &Seen::default()).unwrap();
    let b = bench_with(|g| g.dyn_tool(tool)).await;
    let text = format!("{{\"a\":{}1{}}}", "[".repeat(50), "]".repeat(50));
    let error = b.gate.assess_json("t", &text, "ann").unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[tokio::test]
async fn typed_and_dynamic_tools_share_one_list_of_names() {
    let seen = Seen::default();
    let b = bench_with(|g| g.dyn_tool(tool(&seen))).await;
    let specs = b.gate.tools();
    let names: Vec<&str> = specs.iter().map(|info| &*info.name).collect();
    assert!(names.is_sorted() && names.contains(&"pay") && names.contains(&"transfer"));
    let info = specs.iter().find(|info| info.name == "transfer").unwrap();
    assert_eq!((info.schema.as_str(), &*info.description), (TRANSFER, "Transfers money."));
    for twice in ["pay", "transfer"] {
        let other = tool_of(DynSpec::new(twice, "T."), r#"{"type":"object"}"#, &seen).unwrap();
        let builder = support::tools(Gate::builder()).state(support::World::default());
        let error = builder.dyn_tool(tool(&seen)).dyn_tool(other).build().await.unwrap_err();
        assert_eq!(error.kind(), BuildErrorKind::DuplicateTool, "{error}");
    }
}

#[tokio::test]
async fn invariant_2_an_approval_is_void_when_a_dynamic_tool_has_changed() {
    let text = r#"{"to":"bob","amount":5}"#;
    let changed: [(DynSpec, String); 4] = [
        (with_description("Transfers money!"), TRANSFER.to_owned()),
        (spec(), TRANSFER.replace("\"eve\"", "\"mal\"").replace("[\"ann\"", "[\"eve\", \"ann\"")),
        (spec().sensitive("memo"), TRANSFER.to_owned()),
        (spec().config(ToolConfig::DEFAULT.base_confidence(50)), TRANSFER.to_owned()),
    ];
    for (spec, schema) in changed {
        let seen = Seen::default();
        let b = bench_with(|g| g.dyn_tool(tool(&seen))).await;
        let Submission::Pending(ticket) =
            b.gate.submit_json("transfer", text, "ann", "r", 0).await.unwrap()
        else {
            panic!("it needs a review")
        };
        b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        drop(ticket);
        let tool = tool_of(spec, &schema, &seen).unwrap();
        let next = support::tools(Gate::builder()).state(support::World::default()).dyn_tool(tool);
        let next = next.store(b.store.clone()).build().await.unwrap();
        // While the gate with the approved tool lives, the call is left to it.
        let record = b.gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
        let error = next.adopt(&Tenant::default(), record.id()).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::ToolChanged, "{schema}");
        drop(b.gate);
        until("its session ends", async || {
            let executors = b.store.executors().await.unwrap();
            executors.all().iter().filter(|executor| executor.is_alive).count() == 1
        })
        .await;
        let Submission::Pending(asked) =
            next.submit_json("transfer", text, "ann", "r", 0).await.unwrap()
        else {
            panic!("it is asked about again")
        };
        assert_eq!((asked.request().id, asked.request().revision), (record.id(), 2), "{schema}");
        assert!(seen.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn invariant_5_a_destructive_hint_of_a_server_raises_and_its_absence_does_not_lower() {
    let config = ToolConfig::DEFAULT.base_confidence(100).risk(Risk::Low);
    for (claimed, config, expected) in [
        ("{}", config, Verdict::Ask(ApprovalLevel::Quick)),
        (r#"{"destructiveHint":true}"#, config, Verdict::Ask(ApprovalLevel::Quick)),
        (r#"{"destructiveHint":false}"#, config, Verdict::Run),
        (r#"{"destructiveHint":false}"#, config.destructive(), Verdict::Ask(ApprovalLevel::Quick)),
        (r#"{"destructiveHint":true}"#, config.auto_threshold(90), Verdict::Run),
        (
            r#"{"destructiveHint":true}"#,
            config.auto_threshold(90).risk(Risk::High),
            Verdict::Ask(ApprovalLevel::Full),
        ),
    ] {
        let annotations: McpAnnotations = serde_json::from_str(claimed).unwrap();
        let spec = DynSpec::new("wipe", "Wipes.").config(config);
        let spec = spec.annotations(annotations, AnnotationTrust::OnlyTighten);
        let tool = tool_of(spec, r#"{"type":"object"}"#, &Seen::default()).unwrap();
        let b = bench_with(|g| g.dyn_tool(tool)).await;
        assert_eq!(b.gate.assess_json("wipe", "{}", "ann").unwrap().verdict, expected, "{claimed}");
    }
}

#[tokio::test]
async fn a_server_cannot_talk_its_tool_past_the_record() {
    let claimed: McpAnnotations = serde_json::from_str(r#"{"readOnlyHint":true}"#).unwrap();
    // Without a threshold of its own, a tool that may be destructive is asked about.
    let config = ToolConfig::DEFAULT.base_confidence(95).auto_threshold(90).risk(Risk::Low);
    for (trust, recorded) in
        [(AnnotationTrust::OnlyTighten, true), (AnnotationTrust::Believe, false)]
    {
        let seen = Seen::default();
        let spec =
            DynSpec::new("list", "Lists.").config(config).annotations(claimed.clone(), trust);
        let tool = tool_of(spec, r#"{"type":"object"}"#, &seen).unwrap();
        let b = bench_with(|g| g.dyn_tool(tool)).await;
        assert_eq!(b.gate.assess_json("list", "{}", "ann").unwrap().verdict, Verdict::Run);
        b.gate.call_json("list", "{}", "ann", "r", 0).await.unwrap();
        assert_eq!(
            b.gate.unscoped().get_by_key(&key(0)).await.unwrap().is_some(),
            recorded,
            "{trust:?}"
        );
    }
}

#[tokio::test]
async fn invariant_12_a_dynamic_body_outlives_its_caller() {
    let seen = Seen::default();
    let config = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);
    let (go, start) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (held, begun, log) = (Arc::clone(&go), Arc::clone(&start), Arc::clone(&seen));
    let body = move |permit: Permit<DynArguments>| {
        let (held, begun, log) = (Arc::clone(&held), Arc::clone(&begun), Arc::clone(&log));
        async move {
            begun.notify_one();
            held.notified().await;
            log.lock().unwrap().push(permit.open().0.json().to_owned());
            Ok::<_, String>(JsonText::null())
        }
    };
    let tool =
        DynTool::new(DynSpec::new("t", "T.").config(config), r#"{"type":"object"}"#, body).unwrap();
    let b = bench_with(|g| g.dyn_tool(tool)).await;
    let gate = b.gate.clone();
    let caller = tokio::spawn(async move { gate.call_json("t", "{}", "ann", "r", 0).await });
    start.notified().await;
    caller.abort();
    go.notify_one();
    until("the body ends", async || !seen.lock().unwrap().is_empty()).await;
}
