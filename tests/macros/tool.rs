//! The output of `#[hitl_tool]`: the constructor, the arguments and their schema, the spec.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hitl::call::{Thresholds, ToolConfig, ToolSpec};
use hitl::prelude::*;
use hitl::{Risk, RunContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug)]
struct Ledger;

#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    by: String,
}

/// Sign a contract on behalf
/// of the workspace.
///
/// Only once.
#[hitl_tool(
    approval_type = "contract",
    risk = "high",
    base_confidence = 50,
    auto_threshold = 95,
    quick_threshold = 70,
    requires_reason,
    expires = "10m",
    timeout = "1500ms",
    destructive,
    approve_label = "Sign Contract",
    reject_label = "Cancel",
    describe = "Sign contract {contract_id} for ${amount}"
)]
async fn sign_contract(
    #[hitl(state)] ledger: Arc<Ledger>,
    #[hitl(context)] cx: &CallContext,
    /// The contract's id,
    /// like C-1042.
    contract_id: String,
    amount: f64,
    #[hitl(sensitive)] pin: String,
) -> Result<Signature, std::fmt::Error> {
    let _ = (ledger, contract_id, amount, pin);
    Ok(Signature { by: cx.principal.to_string() })
}

/// Orders.
#[hitl_tool]
async fn order(
    #[hitl(amount)] total: f64,
    #[hitl(amount, limit = 2_500)] r#type: u32,
    #[hitl(limit = 7, amount)]
    #[cfg(any())]
    left_out: u32,
    plain: u32,
) {
    let _ = (total, r#type, plain);
}

#[test]
fn amounts_have_their_limits() {
    let amounts = Order::SPEC.config.amounts.iter().map(|spec| (spec.argument, spec.limit));
    assert_eq!(amounts.collect::<Vec<_>>(), [("total", 1000), ("type", 2500)]);
}

fn schema<T: Tool>() -> Value {
    schemars::schema_for!(T).to_value()
}

fn parse<T: Tool>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn the_schema_has_the_arguments_and_nothing_of_the_host() {
    let schema = schema::<SignContract>();
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["description"], "Sign a contract on behalf of the workspace.\n\nOnly once.");
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["contract_id", "amount", "pin"]));
    assert_eq!(
        schema["properties"],
        json!({
            "contract_id": { "type": "string", "description": "The contract's id, like C-1042." },
            "amount": { "type": "number", "format": "double" },
            "pin": { "type": "string", "writeOnly": true },
        })
    );
}

#[test]
fn the_spec_says_what_the_attribute_says() {
    const SPEC: ToolSpec = SignContract::SPEC;
    const { assert!(SPEC.check().is_ok()) };
    assert_eq!(SPEC.name, "sign_contract");
    assert_eq!(SPEC.description, "Sign a contract on behalf of the workspace.\n\nOnly once.");
    let parameters: Vec<_> = SPEC.parameters.iter().map(|p| (p.name, p.sensitive)).collect();
    assert_eq!(parameters, [("contract_id", false), ("amount", false), ("pin", true)]);
    let states: Vec<_> = SPEC.states.iter().map(hitl::call::StateRequirement::type_name).collect();
    assert_eq!(states, ["alloc::sync::Arc<macros::tool::Ledger>"]);
    let config = ToolConfig::DEFAULT
        .approval_type("contract")
        .risk(Risk::High)
        .base_confidence(50)
        .auto_threshold(95)
        .quick_threshold(70)
        .requires_reason()
        .expires(Duration::from_secs(600))
        .timeout(Duration::from_millis(1500))
        .destructive()
        .labels("Sign Contract", "Cancel")
        .describe("Sign contract {contract_id} for ${amount}");
    assert_eq!(SPEC.config, config);
}

#[test]
fn debug_shows_no_secret() {
    let call = sign_contract("C-7", 5000.0, "1234");
    let shown = format!("{call:?} {call:#?}");
    assert!(shown.starts_with("SignContract({"), "{shown}");
    assert!(shown.contains(r#""contract_id":"C-7""#), "{shown}");
    assert!(shown.contains("5000.0"), "{shown}");
    assert!(!shown.contains("1234"), "{shown}");
}

#[test]
fn arguments_are_read_strictly() {
    let same = parse::<SignContract>(r#"{"pin":"1","amount":2.5,"contract_id":"C-7"}"#).unwrap();
    assert_eq!(format!("{same:?}"), format!("{:?}", sign_contract("C-7", 2.5, "1")));
    let given = r#"{"contract_id":"C-7","amount":1.0,"pin":"1","cx":{}}"#;
    assert!(parse::<SignContract>(given).unwrap_err().contains("unknown field `cx`"));
    let given = r#"{"contract_id":"C-7","amount":1.0}"#;
    assert!(parse::<SignContract>(given).unwrap_err().contains("missing field `pin`"));
}

/// Lists what there is.
#[hitl_tool(read_only)]
async fn list_all() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_tool_that_says_little_has_the_defaults() {
    assert_eq!(ListAll::SPEC.config, ToolConfig::DEFAULT.read_only());
    // The macro checks thresholds against these.
    assert_eq!(ListAll::SPEC.config.thresholds(), Thresholds { auto: 85, quick: 60 });
    assert!(ListAll::SPEC.parameters.is_empty());
    assert!(ListAll::SPEC.states.is_empty());
    assert_eq!(schema::<ListAll>()["additionalProperties"], false);
    let call = parse::<ListAll>("{}").unwrap();
    assert_eq!(format!("{call:?}"), "ListAll({})");
    assert_eq!(format!("{:?}", list_all()), "ListAll({})");
    assert!(parse::<ListAll>(r#"{"x":1}"#).is_err());
}

/// Says its version.
#[hitl_tool(version = "2026-11.b")]
async fn versioned() {}

/// Says that it has none.
#[hitl_tool(version = "any")]
async fn of_any_version() {}

#[test]
fn a_tool_has_the_version_that_it_says_or_that_of_its_crate() {
    assert_eq!(ListAll::SPEC.version, Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(Versioned::SPEC.version, Some("2026-11.b"));
    assert_eq!(OfAnyVersion::SPEC.version, None);
    for (version, check) in [
        ("1.2.3", Ok(())),
        ("any", Ok(())),
        ("", Err(hitl::call::InvalidSpec::Version)),
        ("1 2", Err(hitl::call::InvalidSpec::Version)),
        ("1\u{200b}", Err(hitl::call::InvalidSpec::Version)),
    ] {
        assert_eq!(ToolSpec::new("a", "A.").version(version).check(), check, "{version}");
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Channel {
    #[default]
    Mail,
    Chat,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Person {
    /// How to address them.
    name: String,
}

fn three() -> u8 {
    3
}

/// Not what it says.
#[hitl_tool(
    name = "Send-News",
    description = "Send news.",
    idempotent,
    open_world,
    reject_label = "Not now",
    describe = "Send {{news}} to {to} by {channel}, {to}"
)]
async fn send_news(
    to: &str,
    people: &[Person],
    subject: Option<String>,
    #[hitl(default)] channel: Channel,
    #[hitl(default = three())] attempts: u8,
    #[hitl(default = "en")] mut language: String,
    #[hitl(default = vec![1, 2])] weights: &[u32],
    #[hitl(default, sensitive)] token: &str,
    r#type: BTreeMap<String, Vec<u8>>,
) {
    language.push_str(to);
    let _ = (people, subject, channel, attempts, weights, token, r#type);
}

#[test]
fn optional_and_defaulted_parameters_need_not_be_given() {
    let schema = schema::<SendNews>();
    assert_eq!(schema["required"], json!(["to", "people", "type"]));
    let properties = &schema["properties"];
    assert_eq!(properties["to"], json!({ "type": "string" }));
    assert_eq!(properties["people"]["type"], "array");
    assert_eq!(properties["subject"]["type"], json!(["string", "null"]));
    assert_eq!(properties["channel"]["default"], "mail");
    assert_eq!(properties["attempts"]["default"], 3);
    assert_eq!(properties["language"]["default"], "en");
    assert_eq!(properties["weights"]["default"], json!([1, 2]));
    assert_eq!(properties["token"]["writeOnly"], true);

    let call = parse::<SendNews>(r#"{"to":"all","people":[{"name":"Ann"}],"type":{}}"#).unwrap();
    let made = send_news(
        "all",
        [Person { name: "Ann".to_owned() }],
        None,
        Channel::Mail,
        3,
        "en",
        vec![1, 2],
        "",
        BTreeMap::new(),
    );
    assert_eq!(format!("{call:?}"), format!("{made:?}"));
    assert!(format!("{made:?}").contains(r#""subject":null"#), "{made:?}");
    assert!(parse::<SendNews>(r#"{"to":"a","people":[{"name":"A","x":1}],"type":{}}"#).is_err());
}

#[test]
fn keys_override_what_the_fn_says() {
    assert_eq!(SendNews::SPEC.name, "Send-News");
    assert_eq!(SendNews::SPEC.description, "Send news.");
    assert_eq!(schema::<SendNews>()["description"], "Send news.");
    let names: Vec<_> = SendNews::SPEC.parameters.iter().map(|p| p.name).collect();
    assert_eq!(names.last(), Some(&"type"));
    let config = ToolConfig::DEFAULT
        .idempotent()
        .open_world()
        .labels("Approve", "Not now")
        .describe("Send {{news}} to {to} by {channel}, {to}");
    assert_eq!(SendNews::SPEC.config, config);
}

/// Has many switches.
#[hitl_tool]
async fn set_switches(
    switch_a: bool,
    switch_b: bool,
    switch_c: bool,
    switch_d: bool,
    #[hitl(state)] limit: u32,
) -> u32 {
    u32::from(switch_a && switch_b && switch_c && switch_d).min(limit)
}

type Ledgered<T> = Result<T, String>;

/// Fails under another name.
#[hitl_tool(fallible)]
async fn aliased() -> Ledgered<u8> {
    Err(String::new())
}

/// A path to a result.
#[hitl_tool]
async fn by_path() -> std::io::Result<u8> {
    Ok(1)
}

/// Does not fail in spite of its name.
#[hitl_tool(infallible)]
async fn found() -> module::FoundResult {
    module::FoundResult(1)
}

mod module {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct FoundResult(pub(super) u8);
}

/// Takes what the gate has, by reference and by value.
#[hitl_tool]
async fn injected(
    #[hitl(state)] ledger: &Ledger,
    #[hitl(state)] limit: u32,
    #[hitl(context)] run: RunContext,
) -> (String, u32) {
    let _ = ledger;
    (run.key().to_string(), limit)
}

#[test]
fn return_types_are_projected() {
    fn returns<T: Tool<Output = O, Error = E>, O, E>() {}
    returns::<SignContract, Signature, std::fmt::Error>();
    returns::<ListAll, Vec<String>, std::convert::Infallible>();
    returns::<SendNews, (), std::convert::Infallible>();
    returns::<Aliased, u8, String>();
    returns::<ByPath, u8, std::io::Error>();
    returns::<Found, module::FoundResult, std::convert::Infallible>();
    returns::<Injected, (String, u32), std::convert::Infallible>();
    assert_eq!(Injected::SPEC.states.len(), 2);
    let _: (Aliased, ByPath, Found, Injected) = (aliased(), by_path(), found(), injected());
}

/// Counts down, each step through the gate.
#[hitl_tool]
async fn count_down(from: u8) -> Option<String> {
    // The fn's name is the constructor: this makes a call and runs nothing.
    let next: CountDown = count_down(from.checked_sub(1)?);
    Some(format!("{next:?}"))
}

#[test]
fn a_tool_can_be_made_inside_a_fn() {
    /// Stays inside.
    #[hitl_tool]
    async fn inner(#[hitl(default = 7)] n: i64) -> i64 {
        n
    }
    assert_eq!(format!("{:?}", parse::<Inner>("{}").unwrap()), r#"Inner({"n":7})"#);
    assert_eq!(
        format!("{:?} {:?}", inner(1), count_down(2)),
        r#"Inner({"n":1}) CountDown({"from":2})"#
    );
}

macro_rules! tool_of {
    ($name:ident, $ty:ty, $risk:expr, $default:expr) => {
        /// Made by a macro.
        #[hitl_tool(risk = $risk)]
        async fn $name(text: &str, value: $ty, #[hitl(default = $default)] other: $ty) -> $ty {
            let _ = (text, other);
            value
        }
    };
}
tool_of!(of_strings, String, "low", "x");

#[test]
fn a_macro_can_make_tools() {
    assert_eq!(OfStrings::SPEC.config.risk, Risk::Low);
    let call = parse::<OfStrings>(r#"{"text":"a","value":"b"}"#).unwrap();
    assert_eq!(format!("{call:?}"), format!("{:?}", of_strings("a", "b", "x")));
}

/// Wire money.
#[hitl_tool(
    risk = "high",
    decisions = ["approve", "reject"],
    stages = ["2 of finance", "director", "2"],
    four_eyes,
    expires = "10m",
    escalate_to = "board",
    escalate_within = "1h",
    idempotent,
    attempts = 5
)]
async fn wire_money(amount: u64) -> u64 {
    amount
}

/// Move a card.
#[hitl_tool(requester_may_decide, services_may_decide)]
async fn move_card(to: String) -> String {
    to
}

/// Merge a branch.
#[hitl_tool(four_eyes, requester_may_decide, agents_may_decide)]
async fn merge_branch(name: String) -> String {
    name
}

#[test]
fn who_decides_and_how_is_said_in_the_attribute() {
    use hitl::approval::Choice;
    use hitl::call::{EscalationSpec, StageSpec};
    use hitl::policy::{Deciders, RequesterRule};
    let mild = <MoveCard as Tool>::SPEC.config;
    let deciders = Deciders { agents: false, services: true };
    assert_eq!((mild.eyes, mild.deciders), (RequesterRule::MayApprove, deciders));
    let strict = <MergeBranch as Tool>::SPEC.config;
    let deciders = Deciders { agents: true, services: false };
    assert_eq!(
        (strict.eyes, strict.deciders),
        (RequesterRule::MayNotApprove, deciders),
        "the stricter of the two"
    );
    let config = <WireMoney as Tool>::SPEC.config;
    assert_eq!(config.decisions, [Choice::Approve, Choice::Reject]);
    let stages =
        [StageSpec::role("finance", 2), StageSpec::role("director", 1), StageSpec::people(2)];
    assert_eq!(config.stages, stages);
    assert_eq!(config.eyes, RequesterRule::MayNotApprove);
    let within = std::time::Duration::from_secs(3600);
    assert_eq!(config.escalate, Some(EscalationSpec { role: Some("board"), within }));
    assert_eq!(config.attempts, 5);
}
