//! Rules that take channels away: in a file, with its mistakes, its warnings and its tests.

use hitl_base::Json;
use hitl_core::approval::DecisionChannel;
use hitl_core::policy::{DecisionChannels, RuleSet, RuleWarningKind};
use hitl_core::{CallContext, CallView, ToolConfig};

fn only(names: &[&str]) -> DecisionChannels {
    DecisionChannels::only(names.iter().map(|name| DecisionChannel::new(name).unwrap()))
}

fn file(rules: &str) -> RuleSet {
    RuleSet::parse(&format!("schema = 1\nversion = '1'\n{rules}")).unwrap()
}

/// Returns the channels that a policy leaves for a call of this tool by somebody with this role.
fn left(rules: &RuleSet, tool: &str, role: &str) -> DecisionChannels {
    let (arguments, cx) = (Json::Object(Vec::new()), CallContext::new("ann").role(role));
    let call = CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx);
    rules.channels_for(&call)
}

const DESK: &str = "
    [[rule]]
    name = 'at the desk'
    effect = 'full'
    channels = ['console', 'terminal']
    tool = 'deploy'

    [[rule]]
    name = 'not from a terminal'
    effect = 'quick'
    channels = 'console'
    role = 'contractor'
    unless = { tool = 'note' }

    [[rule]]
    name = 'pager'
    effect = 'quick'
    channels = ['pager', 'console']
    tool = 'page'
";

#[test]
fn every_rule_that_applies_takes_its_channels_away() {
    let rules = file(DESK);
    assert_eq!(left(&rules, "deploy", "staff"), only(&["console", "terminal"]));
    // Also a rule that does not decide.
    assert_eq!(left(&rules, "deploy", "contractor"), only(&["console"]));
    assert_eq!(left(&rules, "page", "staff"), only(&["console", "pager"]));
    assert_eq!(left(&rules, "note", "contractor"), DecisionChannels::ANY);
    assert_eq!(left(&rules, "other", "staff"), DecisionChannels::ANY);
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
}

#[test]
fn a_mistake_in_channels_has_its_place() {
    let wrong = |keys: &str| {
        let text = format!("schema = 1\nversion = '1'\n[[rule]]\nname = 'r'\n{keys}\n");
        let found = RuleSet::parse(&text).unwrap_err();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (keys, says) in [
        (
            "effect = 'quick'\nchannels = 'The console'",
            "line 6, column 12: not the name of a channel",
        ),
        (
            "effect = 'quick'\nchannels = ['console', 7]",
            "line 6, column 24: expected text in quotes",
        ),
        ("effect = 'quick'\nchannels = []", "line 6, column 12: this list is empty"),
        ("effect = 'deny'\nchannels = 'console'", "`channels` belong to quick and full"),
        (
            "effect = 'auto'\ntool = 'x'\nchannels = 'console'",
            "`channels` belong to quick and full",
        ),
        ("effect = 'quick'\nchanels = 'console'", "did you mean `channels`?"),
        ("effect = 'quick'\nunless = { channels = 'console' }", "`channels` means nothing here"),
    ] {
        let found = wrong(keys);
        assert!(found.contains(says), "{keys}: {found}");
    }
}

#[test]
fn invariant_5_calls_that_no_channel_is_left_for_are_said_when_the_file_loads() {
    let rule = |name: &str, keys: &str| format!("[[rule]]\nname = '{name}'\n{keys}\n");
    let warned = |rules: &[String]| -> Vec<String> {
        let rules = file(&rules.join("\n"));
        let found = rules.warnings().iter();
        let found = found.filter(|warning| warning.kind == RuleWarningKind::NoChannel);
        found.map(|warning| warning.rule.to_string()).collect()
    };
    let console = "effect = 'quick'\nchannels = 'console'\n";
    let chat = "effect = 'full'\nchannels = 'chat'\n";
    let both = "effect = 'quick'\nchannels = ['console', 'chat']\n";
    let tool = |keys: &str, name: &str| format!("{keys}tool = '{name}'");
    let all = [
        (vec![rule("a", &tool(console, "x")), rule("b", &tool(chat, "x"))], vec!["b"]),
        (vec![rule("a", console), rule("b", &tool(chat, "x"))], vec!["b"]),
        (vec![rule("a", &tool(chat, "x")), rule("b", console)], vec!["a"]),
        (vec![rule("a", &tool(console, "x")), rule("b", &tool(chat, "y"))], vec![]),
        (vec![rule("a", &tool(console, "x")), rule("b", &tool(both, "x"))], vec![]),
        (vec![rule("a", "effect = 'full'\nchannels = 'elicitation'")], vec!["a"]),
        (vec![rule("a", "effect = 'quick'\nchannels = 'elicitation'")], vec![]),
    ];
    for (rules, expected) in all {
        assert_eq!(warned(&rules), expected, "{rules:?}");
    }
    let text = [rule("a", &tool(console, "x")), rule("b", &tool(chat, "x"))].join("");
    let said = file(&text).warnings()[0].to_string();
    assert!(said.starts_with("line 8, column 1: the rule `b`: no channel is left"), "{said}");
}

#[test]
fn a_file_tests_its_channels() {
    let test = |channels: &str| {
        format!("{DESK}\n[[test]]\nname = 't'\ntool = 'deploy'\nexpect = 'full'\n{channels}\n")
    };
    for holds in ["", "channels = ['console', 'terminal']"] {
        assert!(file(&test(holds)).tested().is_ok(), "{holds}");
    }
    let failed = file(&test("channels = ['console']")).tested().unwrap_err();
    let said = failed.iter().next().unwrap().to_string();
    assert!(said.contains("expected full through console, but"), "{said}");
    assert!(said.contains("the rules say full through console, terminal"), "{said}");
}
