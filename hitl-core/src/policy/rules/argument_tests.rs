//! Conditions on arguments.

use super::super::RuleEffect;
use super::*;
use crate::call::{CallContext, ToolConfig};
use hitl_base::json::parse_json;

fn holds(argument: &Argument, arguments: &str) -> (bool, bool) {
    assert_eq!(argument.mistakes().count(), 0);
    let tree = parse_json(arguments).unwrap();
    let cx = CallContext::new("ann");
    let call = CallView::new("t", &ToolConfig::DEFAULT, &tree, &cx);
    let (tightens, relaxes) = (Side::new(RuleEffect::Deny), Side::new(RuleEffect::Auto));
    (argument.holds(&call, tightens), argument.holds(&call, relaxes))
}

const YES: (bool, bool) = (true, true);
const NO: (bool, bool) = (false, false);
/// The condition holds where it tightens, and not where it relaxes.
const UNSURE: (bool, bool) = (true, false);

#[test]
fn numbers_compare_exactly() {
    let large = Argument::at("n").is(Comparison::Gt, Operand::number("9007199254740992"));
    assert_eq!(holds(&large, r#"{"n": 9007199254740993}"#), YES);
    assert_eq!(holds(&large, r#"{"n": 9007199254740992.0}"#), NO);
    let cents = Argument::at("n").is(Comparison::Eq, Operand::number("0.1"));
    assert_eq!(holds(&cents, r#"{"n": 1e-1}"#), YES);
    assert_eq!(holds(&cents, r#"{"n": 0.1000000000000000055511151231257827}"#), NO);
    for (compare, less, same, more) in [
        (Comparison::Lt, YES, NO, NO),
        (Comparison::Le, YES, YES, NO),
        (Comparison::Ge, NO, YES, YES),
        (Comparison::Gt, NO, NO, YES),
        (Comparison::Eq, NO, YES, NO),
        (Comparison::Ne, YES, NO, YES),
    ] {
        let argument = Argument::at("n").is(compare, 5);
        assert_eq!(holds(&argument, r#"{"n": 4.9}"#), less);
        assert_eq!(holds(&argument, r#"{"n": 5.0}"#), same);
        assert_eq!(holds(&argument, r#"{"n": 50e-1}"#), same);
        assert_eq!(holds(&argument, r#"{"n": 5.1}"#), more);
    }
}

#[test]
fn invariant_5_a_number_in_text_tightens_and_never_relaxes() {
    let large = Argument::at("n").is(Comparison::Gt, 1000);
    let small = Argument::at("n").is(Comparison::Le, 1000);
    for (text, is_large, is_small) in [
        ("5000", UNSURE, NO),
        ("500", NO, UNSURE),
        ("1,001", UNSURE, UNSURE),
        ("lots", UNSURE, UNSURE),
    ] {
        let call = format!(r#"{{"n": "{text}"}}"#);
        assert_eq!(holds(&large, &call), is_large, "{text}");
        assert_eq!(holds(&small, &call), is_small, "{text}");
    }
    let other = Argument::at("n").is(Comparison::Ne, 5);
    assert_eq!(holds(&other, r#"{"n": "5"}"#), UNSURE);
}

#[test]
fn invariant_5_what_cannot_be_decided_tightens_and_never_relaxes() {
    let path = || Argument::at("a");
    for argument in [
        path().is(Comparison::Eq, "x"),
        path().is(Comparison::Ne, "x"),
        path().is(Comparison::Lt, 5),
        path().is(Comparison::Ne, true),
        path().one_of(["x", "y"]),
        path().contains("x"),
        path().matches("x"),
        path().length(Comparison::Gt, 3),
    ] {
        for call in ["{}", r#"{"a": null}"#, r#"{"a": {"b": 1}}"#, r#"{"b": 1}"#, "[]"] {
            assert_eq!(holds(&argument, call), UNSURE, "{argument:?} {call}");
        }
        let there =
            Argument { checks: [vec![Check::Exists], argument.checks].concat(), ..argument };
        assert_eq!(holds(&there, "{}"), NO);
    }
    assert_eq!(holds(&path().missing(), "{}"), YES);
    assert_eq!(holds(&path().missing(), r#"{"a": 1}"#), NO);
    assert_eq!(holds(&path().exists(), r#"{"a": null}"#), NO);
}

#[test]
fn one_value_is_enough_to_tighten_and_all_are_needed_to_relax() {
    let each = |compare| Argument::at("p[*].n").is(compare, 100);
    assert_eq!(holds(&each(Comparison::Gt), r#"{"p": [{"n": 1}, {"n": 200}]}"#), UNSURE);
    assert_eq!(holds(&each(Comparison::Le), r#"{"p": [{"n": 1}, {"n": 2}]}"#), YES);
    assert_eq!(holds(&each(Comparison::Le), r#"{"p": [{"n": 1}, {}]}"#), UNSURE);
    assert_eq!(holds(&each(Comparison::Gt), r#"{"p": [{"n": 1}, {"n": 2}]}"#), NO);
    assert_eq!(holds(&each(Comparison::Le), r#"{"p": []}"#), UNSURE);
    let deep = Argument::at("**.n").is(Comparison::Gt, 100);
    assert_eq!(holds(&deep, r#"{"p": [{"q": {"n": 101}}]}"#), YES);
}

#[test]
fn lists_and_texts() {
    let contains = Argument::at("a").contains("x");
    assert_eq!(holds(&contains, r#"{"a": "axb"}"#), YES);
    assert_eq!(holds(&contains, r#"{"a": ["y", "x"]}"#), YES);
    assert_eq!(holds(&contains, r#"{"a": ["xx"]}"#), NO);
    assert_eq!(holds(&Argument::at("a").contains(5), r#"{"a": [5.0]}"#), YES);
    let matches = Argument::at("a").matches("/tmp/.*");
    assert_eq!(holds(&matches, r#"{"a": "/tmp/x\n/etc"}"#), UNSURE);
    assert_eq!(holds(&matches.clone().inert(), r#"{"a": "/tmp/x\n/etc"}"#), YES);
    assert_eq!(holds(&matches, r#"{"a": "/etc;/tmp/x"}"#), NO);
    assert_eq!(holds(&Argument::at("a").matches("x|y"), r#"{"a": "xz"}"#), NO);
    assert_eq!(holds(&Argument::at("a").length(Comparison::Ge, 2), r#"{"a": [1, 2]}"#), YES);
    assert_eq!(holds(&Argument::at("a").one_of(["x", "y"]), r#"{"a": "y"}"#), YES);
    for bad in [
        Argument::at("a").matches("("),
        Argument::at("a").matches("x)|(y"),
        Argument::at("a").is(Comparison::Gt, "x"),
        Argument::at("a").is(Comparison::Eq, Operand::number("x")),
        Argument::at("a").one_of(Vec::<Operand>::new()),
        Argument::at("a"),
        Argument::at("a[").exists(),
    ] {
        assert!(bad.mistakes().count() >= 1, "{bad:?}");
    }
}
