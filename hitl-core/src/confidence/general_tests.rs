use std::fmt::Write as _;

use hitl_base::json::parse_json;

use super::super::{CallView, Signals, assess};
use super::*;
use crate::call::{CallContext, ToolConfig};
use crate::policy::{Verdict, route};

fn confidence(config: &ToolConfig, arguments: &str) -> u8 {
    let (arguments, cx) = (parse_json(arguments).unwrap(), CallContext::new("ann").role("admin"));
    assess(&CallView::new("act", config, &arguments, &cx), &Signals::standard()).confidence
}

fn verdict(config: &ToolConfig, amount: &str) -> String {
    let arguments = parse_json(&format!("{{\"amount\":{amount}}}")).unwrap();
    let cx = CallContext::new("ann").workspace_verified().time_sensitive();
    let call = CallView::new("act", config, &arguments, &cx);
    match route(&call, &assess(&call, &Signals::standard()), &[]).verdict {
        Verdict::Run => "Auto".to_owned(),
        Verdict::Ask(level) => format!("{level:?}"),
        Verdict::Deny(why) => why,
    }
}

/// Returns the rows of the guide's table.
fn table() -> String {
    let mut table = String::new();
    for risk in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
        let config = ToolConfig::DEFAULT.risk(risk);
        for (annotations, config) in [
            ("`read_only`", config.read_only()),
            ("`read_only`, `open_world`", config.read_only().open_world()),
            ("none", config),
            ("`open_world`", config.open_world()),
            ("`destructive`", config.destructive()),
            ("`destructive`, `open_world`", config.destructive().open_world()),
        ] {
            write!(table, "| {risk} | {annotations} |").unwrap();
            for amount in ["100", "1000", "10000", "100000", "1000000"] {
                write!(table, " {} |", verdict(&config, amount)).unwrap();
            }
            table.push('\n');
        }
    }
    table
}

#[test]
fn the_table_of_the_guide_is_what_the_code_does() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/levels.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = table();
    assert!(page.contains(&table), "the table of docs/guide/levels.md should be:\n{table}");
}

#[test]
fn a_large_amount_is_never_quick_whatever_the_tool_sets() {
    let eager = ToolConfig::DEFAULT.base_confidence(100).auto_threshold(90).quick_threshold(1);
    for amount in ["1000000", "-1000000", "\"USD 1,000,000\"", "\"2 million\"", "1e300"] {
        assert_eq!(verdict(&eager, amount), "Full", "{amount}");
    }
}

#[test]
fn an_amount_is_found_where_it_is() {
    let config = ToolConfig::DEFAULT;
    for (arguments, expected) in [
        (r"{}", 70),
        (r#"{"amount":100}"#, 70),
        (r#"{"amount":100.01}"#, 65),
        (r#"{"amount":1000}"#, 65),
        (r#"{"amount":1000.01}"#, 55),
        (r#"{"refund_amount":5000}"#, 55),
        (r#"{"totalAmount":"5.000,00"}"#, 55),
        (r#"{"AMOUNT":20000}"#, 30),
        (r#"{"lines":[{"amount":5},{"amount":{"value":20000,"currency":"EUR"}}]}"#, 30),
        (r#"{"amount":"all of it"}"#, 0),
        (r#"{"amount":["five million"]}"#, 0),
        (r#"{"amount":{"value":"５00000","currency":"USD"}}"#, 0),
        (r#"{"amount":"5-million"}"#, 0),
        (r#"{"amount":"2 lakh"}"#, 0),
        (r#"{"amount":""}"#, 70),
        (r#"{"amount":null}"#, 70),
        (r#"{"price":1000000}"#, 70),
        (r#"{"am\u006funt":1000000}"#, 0),
    ] {
        assert_eq!(confidence(&config, arguments), expected, "{arguments}");
    }
    assert_eq!(confidence(&config.read_only(), r#"{"min_amount":1000000}"#), 90);
}

#[test]
fn a_declared_amount_has_its_own_limit() {
    const CONFIG: ToolConfig = ToolConfig::DEFAULT.amounts(&[
        AmountSpec::new("price").limit(50),
        AmountSpec::new("amount").limit(1_000_000),
        AmountSpec::new("lines"),
    ]);
    for (arguments, expected) in [
        (r#"{"price":5}"#, 70),
        (r#"{"price":50}"#, 65),
        (r#"{"price":51}"#, 55),
        (r#"{"price":"501 EUR"}"#, 30),
        (r#"{"amount":100000}"#, 70),
        (r#"{"amount":1000001}"#, 55),
        (r#"{"amount":1000001,"price":501}"#, 30),
        (r#"{"lines":[{"count":2},{"count":1001}]}"#, 55),
        // Only the argument itself is declared.
        (r#"{"other":{"amount":100000}}"#, 30),
        (r#"{"other":{"price":1000}}"#, 70),
    ] {
        assert_eq!(confidence(&CONFIG, arguments), expected, "{arguments}");
    }
}

#[test]
fn a_base_of_the_tools_own_includes_its_annotations() {
    let config = ToolConfig::DEFAULT.base_confidence(75);
    for config in [config.read_only(), config.destructive(), config.open_world()] {
        assert_eq!(confidence(&config, "{}"), 75);
    }
}

proptest::proptest! {
    /// More is never less doubtful.
    #[test]
    fn invariant_5_a_larger_amount_is_never_laxer(amount in 0_u64..5_000_000, more in 0_u64..5_000_000) {
        let of = |amount: u64| confidence(&ToolConfig::DEFAULT, &format!("{{\"amount\":{amount}}}"));
        proptest::prop_assert!(of(amount + more) <= of(amount));
    }
}
