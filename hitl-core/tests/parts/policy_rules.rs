//! Rules: the syntax of a file, the messages about its mistakes, and that rules only tighten.

use std::sync::Arc;
use std::time::Instant;

use hitl_base::json::parse_json;
use hitl_base::{Json, Timestamp};
use hitl_core::policy::{
    Argument, Comparison, Operand, Rule, RuleConditions, RuleEffect, RuleErrorKind, RuleSet,
    RuleTest, RuleWarningKind, TimeWindow, Weekday,
};
use hitl_core::{
    ApprovalLevel, Assessment, CallContext, CallView, Effect, Policy, Risk, Signals, ToolConfig,
    VerdictKind, assess, route,
};
use proptest::prelude::*;

fn mistakes(text: &str) -> Vec<String> {
    RuleSet::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let text = r#"schema = 2
name = 7
rules = []

[[rule]]
name = "a"
effect = "denny"
tol = "pay"
risk = "high"
hints = { destuctive = true, read_only = "yes" }
argument = [{ gt = 5 }, { path = "a[", gt = "x" }, { path = "b", gtt = 5 }]
time = { days = ["mon", "mno"], from = "18:00", offset = "Europe/Berlin" }

[[rule]]
effect = "auto"

[[rule]]
name = "c"
effect = "auto"
unless = {}

[[rule]]
name = "c"
effect = "full"
risk_at_most = "low"

[[test]]
expect = "maybe"
arguments = '{"a": 1, "a": 2}'
"#;
    let found = mistakes(text);
    let expected = [
        "line 1, column 1: `version` is missing: what you call this version, in quotes",
        "line 1, column 10: this version of hitl reads `schema = 1`",
        "line 2, column 8: expected text in quotes, found a value of type integer",
        "line 3, column 1: `rules` means nothing here; did you mean `rule`?",
        "line 7, column 10: `denny` is no effect; did you mean `deny`?",
        "line 8, column 1: `tol` means nothing here; did you mean `tool`?",
        "line 9, column 1: write `risk_at_least` in a rule that tightens, `risk_at_most` in one that relaxes",
        "line 10, column 11: `destuctive` means nothing here; did you mean `destructive`?",
        "line 10, column 42: expected `true` or `false`, found a value of type string",
        "line 11, column 13: `path` is missing: which argument is meant, like `amount`",
        "line 11, column 66: `gtt` means nothing here; did you mean `gt`?",
        "line 12, column 25: `mno` is no day; did you mean `mon`?",
        "line 12, column 8: `from` or `to` is missing: a stretch of the day has both",
        "line 14, column 1: `name` is missing: what reviewers and the audit call it",
        "line 17, column 1: the rule `c` would let every call run; say which with conditions",
        "line 17, column 1: the rule `c` has an `unless` without conditions, so it never applies",
        "line 22, column 1: the rule `c` would become laxer as the risk rises; use `risk_at_least` here",
        "line 22, column 1: two rules are named `c`",
        "line 27, column 1: `tool` is missing: which tool is called",
        "line 28, column 10: `maybe` is no effect; known are `deny`, `full`, `quick`, `auto`, `none`",
        "line 29, column 13: these arguments are not JSON: line 1, column 13 (at `a`): the same key",
    ];
    for (line, expected) in expected.iter().enumerate() {
        // The TOML parser's wording may vary.
        assert!(
            found.iter().any(|found| found.starts_with(expected)),
            "{line}: {expected}\n{found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn conditions_with_mistakes_are_refused_with_the_rule() {
    let found = mistakes(
        "schema = 1\nversion = '1'\n\n[[rule]]\nname = 'a'\neffect = 'full'\n\
         argument = [{ path = 'a[', gt = 5 }, { path = 'b', gt = 'x' }, { path = 'c', matches = '(' }]\n\
         time = { from = '9:00', to = '10:00', offset = 'Europe/Berlin' }\n",
    );
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found.iter().all(|line| line.starts_with("line 4, column 1: the rule `a`: ")),
        "{found:#?}"
    );
}

#[test]
fn text_that_is_not_toml_says_where() {
    let errors = RuleSet::parse("schema = 1\nversion = \"1\n").unwrap_err();
    assert_eq!(
        (errors.kind(), errors.iter().next().unwrap().line()),
        (RuleErrorKind::Syntax, Some(2))
    );
    for nasty in
        ["", "\u{feff}", "[[[", "a = 1e999999999", "schema = nan", "\0", "rule = 5\ntest = [1]"]
    {
        assert!(RuleSet::parse(nasty).is_err(), "{nasty:?}");
    }
}

#[test]
fn a_file_that_fails_its_own_tests_says_which_and_denies_everything() {
    let text = "schema = 1\nversion = '1'\n[[rule]]\nname = 'a'\neffect = 'full'\ntool = 'x'\n\
                [[test]]\ntool = 'x'\nexpect = 'deny'\n[[test]]\ntool = 'y'\nexpect = 'none'\n";
    let rules = RuleSet::parse(text).unwrap();
    let reports: Vec<String> = rules.self_test().iter().map(ToString::to_string).collect();
    assert_eq!(
        reports,
        [
            "the test `line 7` expected deny, but the rules say full, by the rule `a`",
            "the test `line 10` holds: none",
        ]
    );
    let error = rules.clone().tested().unwrap_err();
    assert_eq!((error.kind(), error.iter().count()), (RuleErrorKind::SelfTest, 1));
    let (arguments, cx) = (Json::Object(Vec::new()), CallContext::new("ann"));
    let view = CallView::new("z", &ToolConfig::DEFAULT, &arguments, &cx);
    let assessment = assess(&view, &Signals::none());
    assert_eq!(rules.rule(&view, &assessment).map(|ruling| ruling.effect), Some(Effect::Deny));
    assert_eq!(route(&view, &assessment, &[Arc::new(rules)]).verdict.kind(), VerdictKind::Deny);
}

#[test]
fn a_host_that_asks_for_the_ruling_alone_gets_that_of_the_answer() {
    let text = "schema = 1\nversion = '1'\n[[rule]]\nname = 'a'\neffect = 'full'\ntool = 'pay'\n";
    let rules = RuleSet::parse(text).unwrap();
    let (arguments, cx) = (Json::Object(Vec::new()), CallContext::new("ann"));
    for (tool, effect) in [("pay", Some(Effect::AtLeast(ApprovalLevel::Full))), ("look", None)] {
        let view = CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx);
        let assessment = assess(&view, &Signals::none());
        let ruling = rules.rule(&view, &assessment);
        assert_eq!(ruling.as_ref().map(|ruling| ruling.effect), effect, "{tool}");
        assert_eq!(Ok(ruling), rules.answer(&view, &assessment).ruling, "{tool}");
    }
}

#[test]
fn numbers_in_a_file_are_exact() {
    let text = "schema = 1\nversion = '1'\n[[rule]]\nname = 'a'\neffect = 'full'\n\
                argument = { path = 'n', gt = 9_007_199_254_740_992 }\n\
                [[rule]]\nname = 'b'\neffect = 'quick'\nargument = { path = 'n', eq = 0.10000000000000000001 }\n\
                [[rule]]\nname = 'c'\neffect = 'quick'\nargument = { path = 'n', eq = 0xff }\n";
    let rules = RuleSet::parse(text).unwrap();
    let decided = |n: &str| {
        let (arguments, cx) =
            (parse_json(&format!("{{\"n\": {n}}}")).unwrap(), CallContext::new("ann"));
        let view = CallView::new("t", &ToolConfig::DEFAULT, &arguments, &cx);
        rules.deciding(&view).map(|rule| rule.name().to_owned())
    };
    assert_eq!(decided("9007199254740993").as_deref(), Some("a"));
    assert_eq!(decided("9007199254740992"), None);
    assert_eq!(decided("0.10000000000000000001").as_deref(), Some("b"));
    assert_eq!(decided("0.1"), None);
    assert_eq!(decided("2.55e2").as_deref(), Some("c"));
}

/// Returns the code blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_file_on_the_page_loads_and_so_does_the_example() {
    let page = include_str!("../../../docs/policy.md");
    let files = blocks(page, "toml");
    assert_eq!(files.len(), 8);
    for file in files {
        RuleSet::parse(&file).unwrap_or_else(|errors| panic!("{errors}\n{file}")).tested().unwrap();
    }
    let example = RuleSet::parse(include_str!("../../../examples/policy.toml")).unwrap();
    assert_eq!(example.self_test().len(), 11);
    example.tested().unwrap();
}

fn call(n: u64) -> Json {
    parse_json(&format!(r#"{{"amount": {n}, "to": "x", "list": [{n}, 2]}}"#)).unwrap()
}

#[test]
fn a_thousand_rules_cost_little() {
    let mut builder = RuleSet::builder("many", "1");
    for i in 0..900 {
        let argument = Argument::at("amount").is(Comparison::Gt, i64::from(i) + 100);
        builder = builder.rule(
            Rule::full(format!("exact {i}"))
                .when(RuleConditions::tool(&format!("tool_{i}")).argument(argument)),
        );
    }
    for i in 0..100 {
        let argument = Argument::at("amount").is(Comparison::Gt, i64::from(i) + 100);
        builder = builder.rule(
            Rule::quick(format!("glob {i}"))
                .when(RuleConditions::tool(&format!("*_{i}")).argument(argument)),
        );
    }
    let rules = builder.build().unwrap();
    let (arguments, cx) = (call(50), CallContext::new("ann"));
    let view = CallView::new("tool_7", &ToolConfig::DEFAULT, &arguments, &cx);
    let rounds = 1_000;
    let began = Instant::now();
    for _ in 0..rounds {
        assert!(rules.deciding(&view).is_none());
    }
    let each = began.elapsed() / rounds;
    // Far above the actual time, and far below that of checking every rule in full.
    assert!(each.as_micros() < 1_000, "{each:?}");
    println!("1,000 rules: {each:?} per call (unoptimised)");
}

#[test]
fn the_first_of_the_strictest_decides_whether_exact_or_not() {
    let rules = RuleSet::builder("p", "1")
        .rule(Rule::quick("glob quick").when(RuleConditions::tool("pa*")))
        .rule(Rule::full("exact full").when(RuleConditions::tool("pay")))
        .rule(Rule::full("glob full").when(RuleConditions::tool("p*")))
        .rule(Rule::deny("other").when(RuleConditions::tool("refund")))
        .build()
        .unwrap();
    let decided = |tool: &str| {
        let (arguments, cx) = (call(1), CallContext::new("ann"));
        let view = CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx);
        rules.deciding(&view).map(|rule| rule.name().to_owned())
    };
    assert_eq!(decided("pay").as_deref(), Some("exact full"));
    assert_eq!(decided("part").as_deref(), Some("glob full"));
    assert_eq!(decided("refund").as_deref(), Some("other"));
    assert_eq!(decided("x"), None);
}

#[test]
fn tests_in_code_are_those_of_a_file() {
    let rules = RuleSet::builder("p", "1")
        .rule(Rule::deny("r").when(RuleConditions::tool("pay")))
        .test(RuleTest::new("t", "pay").expects(RuleEffect::Deny).by_rule("r"))
        .test(RuleTest::new("u", "pay").expects(RuleEffect::Deny).by_rule("s"));
    let reports = rules.build().unwrap().self_test();
    assert!(reports[0].passed() && !reports[1].passed(), "{reports:?}");
}

// Property tests.

fn any_risk() -> impl Strategy<Value = Risk> {
    prop_oneof![Just(Risk::Low), Just(Risk::Medium), Just(Risk::High), Just(Risk::Critical)]
}

fn any_compare() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Eq),
        Just(Comparison::Ne),
        Just(Comparison::Lt),
        Just(Comparison::Le),
        Just(Comparison::Gt),
        Just(Comparison::Ge),
    ]
}

fn any_argument() -> impl Strategy<Value = Argument> {
    let path = prop_oneof![
        Just("amount"),
        Just("to"),
        Just("list[*]"),
        Just("**.amount"),
        Just("missing"),
        Just("list"),
    ];
    (path, any_compare(), 0_i64..6, 0_u8..6).prop_map(|(path, compare, n, kind)| {
        let at = Argument::at(path);
        match kind {
            0 => at.is(compare, n),
            1 => at.is(if n % 2 == 0 { Comparison::Eq } else { Comparison::Ne }, "x"),
            2 => at.length(compare, n.unsigned_abs()),
            3 => at.exists().is(compare, n),
            4 => at.one_of([Operand::from(n), Operand::from("x")]),
            _ => at.missing(),
        }
    })
}

fn any_when() -> impl Strategy<Value = (RuleConditions, u8, Risk)> {
    (any::<u8>(), any_risk(), proptest::collection::vec(any_argument(), 0..3), 0_u8..7).prop_map(
        |(bits, risk, arguments, day)| {
            let mut when = RuleConditions::tool(["pay", "p*", "*", "read"][usize::from(bits % 4)]);
            if bits & 4 != 0 {
                when = when.role("admin");
            }
            if bits & 8 != 0 {
                when = when.principal("a*");
            }
            if bits & 16 != 0 {
                when = when.time(
                    TimeWindow::on([Weekday::ALL[usize::from(day)]]).between("22:00", "10:00"),
                );
            }
            for argument in arguments {
                when = when.argument(argument);
            }
            (when, bits, risk)
        },
    )
}

/// Returns a strategy for valid rules: none depends on the risk in the wrong direction.
fn any_rule() -> impl Strategy<Value = Rule> {
    let effect = prop_oneof![
        Just(RuleEffect::Auto),
        Just(RuleEffect::Quick),
        Just(RuleEffect::Full),
        Just(RuleEffect::Deny),
    ];
    (effect, any_when(), proptest::option::of(any_when()), any::<u32>()).prop_map(
        |(effect, (when, bits, risk), unless, id)| {
            let relaxes = effect == RuleEffect::Auto;
            let with_risk = |when: RuleConditions, bits: u8, risk: Risk, relaxes: bool| match (
                bits & 32 != 0,
                relaxes,
            ) {
                (false, _) => when,
                (true, true) => when.risk_at_most(risk),
                (true, false) => when.risk_at_least(risk),
            };
            let rule =
                Rule::new(format!("rule {id}"), effect).when(with_risk(when, bits, risk, relaxes));
            match unless {
                Some((unless, bits, risk)) => rule.unless(with_risk(unless, bits, risk, !relaxes)),
                None => rule,
            }
        },
    )
}

fn set(rules: &[Rule]) -> Option<RuleSet> {
    // Names drawn twice are drawn again.
    rules
        .iter()
        .cloned()
        .fold(RuleSet::builder("p", "1"), hitl_core::policy::RuleSetBuilder::rule)
        .build()
        .ok()
}

fn any_arguments() -> impl Strategy<Value = Json> {
    let value = prop_oneof![
        Just("1"),
        Just("5"),
        Just("\"3\""),
        Just("\"x\""),
        Just("null"),
        Just("[1,5]"),
        Just("[]"),
        Just("{\"amount\":2}"),
    ];
    (value.clone(), value.clone(), value).prop_map(|(a, b, c)| {
        parse_json(&format!(r#"{{"amount": {a}, "to": {b}, "list": {c}}}"#)).unwrap()
    })
}

fn kind(
    config: &ToolConfig,
    arguments: &Json,
    cx: &CallContext,
    at: Option<Timestamp>,
    rules: RuleSet,
    assessment: &Assessment,
) -> VerdictKind {
    let mut view = CallView::new("pay", config, arguments, cx);
    view.at = at;
    let policies: [Arc<dyn Policy>; 1] = [Arc::new(rules)];
    route(&view, assessment, &policies).verdict.kind()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Over random rules, calls and contexts: another rule that does not relax, a higher risk, a
    /// higher threshold, or an unknown time never makes the verdict laxer.
    #[test]
    fn invariant_5_rules_risk_and_thresholds_only_tighten(
        rules in proptest::collection::vec(any_rule(), 0..6), added in any_rule(),
        arguments in any_arguments(), admin: bool, risk in any_risk(), riskier in any_risk(),
        base in 0_u8..=100, auto in proptest::option::of(0_u8..=100), higher in 0_u8..=100, hour in 0_i64..168,
    ) {
        let cx = if admin { CallContext::new("ann").role("admin") } else { CallContext::new("bob") };
        let mut config = ToolConfig::DEFAULT.base_confidence(base).risk(risk);
        let mut tighter = config.risk(risk.max(riskier));
        if let Some(auto) = auto {
            config = config.auto_threshold(auto);
            tighter = tighter.auto_threshold(auto.max(higher));
        }
        let at = Some(Timestamp::from_millis(hour * 3_600_000));
        let Some(before_rules) = set(&rules) else { return Ok(()) };
        let assessment = {
            let view = CallView::new("pay", &config, &arguments, &cx);
            assess(&view, &Signals::none())
        };
        let before = kind(&config, &arguments, &cx, at, before_rules.clone(), &assessment);
        let risen = kind(&tighter, &arguments, &cx, at, before_rules.clone(), &assessment);
        prop_assert!(risen >= before, "risk or threshold: {before} -> {risen}");
        let timeless = kind(&config, &arguments, &cx, None, before_rules, &assessment);
        prop_assert!(timeless >= before, "without a time: {before} -> {timeless}");
        if added.effect() != RuleEffect::Auto {
            let more: Vec<Rule> = rules.iter().cloned().chain([added]).collect();
            let Some(more) = set(&more) else { return Ok(()) };
            let after = kind(&config, &arguments, &cx, at, more, &assessment);
            prop_assert!(after >= before, "another rule: {before} -> {after}");
        }
    }

    /// Under any rules, critical risk is reviewed in full or denied, and only a deny rule denies.
    #[test]
    fn invariant_5_auto_never_beats_critical_or_another_rule(
        rules in proptest::collection::vec(any_rule(), 0..6), arguments in any_arguments(), base in 0_u8..=100,
    ) {
        let cx = CallContext::new("ann").role("admin");
        let Some(rules) = set(&rules) else { return Ok(()) };
        let critical = ToolConfig::DEFAULT.risk(Risk::Critical).base_confidence(base).auto_threshold(0).quick_threshold(0);
        let view = CallView::new("pay", &critical, &arguments, &cx);
        let assessment = assess(&view, &Signals::none());
        let without = rules.clone();
        let found = without.deciding(&view).map(Rule::effect);
        let verdict = kind(&critical, &arguments, &cx, None, rules, &assessment);
        prop_assert!(verdict >= VerdictKind::Full);
        prop_assert_eq!(found == Some(RuleEffect::Deny), verdict == VerdictKind::Deny);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
        let _ = RuleSet::parse(&text);
        let _ = RuleSet::parse(&format!("schema = 1\nversion = '1'\n[[rule]]\nname = 'a'\neffect = 'full'\n{text}"));
    }
}

/// Returns the effect of a rule file on a call of `tool` with one text under `key`.
fn said(rules: &RuleSet, tool: &str, key: &str, text: &str) -> Option<RuleEffect> {
    let arguments = Json::Object(vec![(key.to_owned(), Json::String(text.to_owned()))]);
    let cx = CallContext::new("ann");
    let call = CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx);
    rules.deciding(&call).map(Rule::effect)
}

fn file(rule: &str) -> RuleSet {
    RuleSet::parse(&format!("schema = 1\nversion = '1'\n[[rule]]\nname = 'r'\n{rule}\n")).unwrap()
}

/// Commands none of which is harmless, although a pattern for `git` may match them.
const COMMANDS: &[&str] = &[
    "git status; rm -rf x",
    "git status\nrm -rf x",
    "git status\r\nrm x",
    "git status && id",
    "git status || id",
    "git status | sh",
    "git status > /etc/x",
    "git status < x",
    "git $(id)",
    "git `id`",
    "git ${IFS}x",
    "git status & id",
    "git -c core.pager=id log",
    "git --exec-path=x x",
    "git clean -fdx",
    "git push --force",
    "git log --output=x",
    "git diff ../x",
    "git x\u{0}",
    "git x\u{202E}y",
    "git x\u{200B}y",
    "git %2e%2e",
    "git ..;/",
    "git ~/x",
    "git *",
    "git ?",
    "git [a]",
    "git {a,b}",
    "git 'x'",
    "git \"x\"",
    "git \\x",
    "git #x",
    "git !x",
    "git \u{FF1B}id",
    "git \u{37E}id",
    "git \u{2028}id",
    "git \u{85}id",
    "git x\u{2215}y",
    "git p\u{430}y",
    "git\tx",
    "git clean",
    "git commit",
];

#[test]
fn invariant_5_no_pattern_that_relaxes_takes_text_for_a_shell() {
    assert!(COMMANDS.len() >= 40);
    for condition in [
        "argument = { path = 'command', matches = 'git .*' }",
        "argument = { path = 'command', matches = '(?s)git.*' }",
        "argument = { path = 'command', contains = 'git' }",
        "argument = { path = 'command', ne = 'rm -rf /' }",
        "argument = { path = '**.command', matches = '.*' }",
    ] {
        let rules = file(&format!("effect = 'auto'\ntool = 'run'\n{condition}"));
        for command in COMMANDS {
            assert_eq!(said(&rules, "run", "command", command), None, "{condition} {command:?}");
        }
        assert!(!rules.warnings().is_empty(), "{condition}");
    }
    // Under a name without meaning, a sign is enough.
    let rules = file("effect = 'auto'\ntool = 't'\nargument = { path = 'x', matches = 'git .*' }");
    for command in &COMMANDS[..COMMANDS.len() - 2] {
        assert_eq!(said(&rules, "t", "x", command), None, "{command:?}");
    }
    // A listed value is exact for every reader.
    let rules = file(
        "effect = 'auto'\ntool = 'run'\none_of = { argument = 'command', values = ['git status'] }",
    );
    assert_eq!(said(&rules, "run", "command", "git status"), Some(RuleEffect::Auto));
    for command in COMMANDS {
        assert_eq!(said(&rules, "run", "command", command), None, "{command:?}");
    }
}

#[test]
fn invariant_5_what_is_excluded_is_excluded_in_every_form() {
    let rules = file(
        "effect = 'auto'\ntool = 'say'\nunless = { argument = { path = 'to', contains = 'boss' } }",
    );
    assert_eq!(said(&rules, "say", "to", "ann"), Some(RuleEffect::Auto));
    for to in ["the boss", "Boss", "b\u{43E}ss", "\u{FF42}oss", "bo\u{200B}ss", "b%6Fss", "x;y"] {
        assert_eq!(said(&rules, "say", "to", to), None, "{to:?}");
    }
    let rules = file("effect = 'auto'\ntool = 'say'\nargument = { path = 'to', ne = 'prod' }");
    assert_eq!(said(&rules, "say", "to", "test"), Some(RuleEffect::Auto));
    for to in ["prod", "PROD", "prod ", " prod", "pr\u{43E}d", "\u{FF50}rod", "prod\n"] {
        assert_eq!(said(&rules, "say", "to", to), None, "{to:?}");
    }
    // An exception to a rule that tightens relaxes too.
    let rules = file(
        "effect = 'deny'\ntool = 'say'\nunless = { argument = { path = 'to', matches = 'team-.*' } }",
    );
    assert_eq!(said(&rules, "say", "to", "team-a"), None);
    for to in ["team-a;x", "team-../x", "team-\u{202E}x", "team-\n"] {
        assert_eq!(said(&rules, "say", "to", to), Some(RuleEffect::Deny), "{to:?}");
    }
    let rules = file("effect = 'auto'\ntool = 'read_*'");
    assert_eq!(said(&rules, "read_x", "a", "b"), Some(RuleEffect::Auto));
    assert_eq!(said(&rules, "read_\u{445}", "a", "b"), None, "a name in letters of another script");
    // A rule that tightens matches any text.
    let rules =
        file("effect = 'deny'\nargument = { path = 'file', matches = '(/etc|/root)(/.*)?' }");
    assert_eq!(said(&rules, "t", "file", "/etc/x\ny"), Some(RuleEffect::Deny));
    let list = file("effect = 'auto'\ntool = 't'\nargument = { path = 'tags', contains = 'ok' }");
    let holds = |tags: &str| {
        let (arguments, cx) = (parse_json(tags).unwrap(), CallContext::new("ann"));
        list.deciding(&CallView::new("t", &ToolConfig::DEFAULT, &arguments, &cx)).is_some()
    };
    assert!(holds(r#"{"tags": ["ok", "fine"]}"#));
    assert!(!holds(r#"{"tags": ["ok", "$(id)"]}"#) && !holds(r#"{"tags": ["ok", {"a": 1}]}"#));
}

#[test]
fn typed_matchers_are_read_and_judged() {
    let auto = |condition: &str| file(&format!("effect = 'auto'\ntool = 't'\n{condition}"));
    let deny = |condition: &str| file(&format!("effect = 'deny'\n{condition}"));
    for (rules, key, text, expected) in [
        (
            auto("path = { argument = 'file', inside = '/srv', except = '**/.env' }"),
            "file",
            "/srv/x",
            true,
        ),
        (
            auto("path = { argument = 'file', inside = '/srv', except = '**/.env' }"),
            "file",
            "/srv/.env",
            false,
        ),
        (auto("path = { inside = '.', any = 'src/**' }"), "path", "src/main.rs", true),
        (auto("path = { inside = '.', any = 'src/**' }"), "path", "src/../x", false),
        (auto("path = { inside = '/srv' }"), "note", "hello", false),
        (
            auto("url = { argument = 'u', host = ['docs.rs', '*.rust-lang.org'] }"),
            "u",
            "https://doc.rust-lang.org/x",
            true,
        ),
        (auto("url = { scheme = 'https', host = 'docs.rs' }"), "url", "https://docs.rs/x", true),
        (
            auto("url = { scheme = 'https', host = 'docs.rs' }"),
            "url",
            "https://docs.rs@x.y/",
            false,
        ),
        (
            auto("url = { argument = 'u', host = 'h', port = 8080, path = '/api/**' }"),
            "u",
            "https://h:8080/api/x",
            true,
        ),
        (auto("number = { argument = 'n', max = 5 }"), "n", "3", false),
        (auto("one_of = { argument = 's', values = ['draft', 'note'] }"), "s", "draft", true),
        (auto("one_of = { argument = 's', values = ['draft', 'note'] }"), "s", "Draft", false),
    ] {
        let found = said(&rules, "t", key, text) == Some(RuleEffect::Auto);
        assert_eq!(found, expected, "{key} {text}");
    }
    let secrets = deny(
        "path = { any = ['~/.ssh/**', '**/.env', '/proc/*/environ'], except = '**/.env.example' }",
    );
    for (key, text, expected) in [
        ("path", "/home/ann/.ssh/id", true),
        ("anything", "/srv/%2eenv", true),
        ("file", "$HOME/x", true),
        ("note", "hello", false),
        ("note", "$HOME is a variable", false),
    ] {
        let found = said(&secrets, "t", key, text) == Some(RuleEffect::Deny);
        assert_eq!(found, expected, "{key} {text}");
    }
    let (arguments, cx) =
        (parse_json(r#"{"n": 3, "a": "/srv/x", "b": "/etc/y"}"#).unwrap(), CallContext::new("ann"));
    let call = CallView::new("t", &ToolConfig::DEFAULT, &arguments, &cx);
    let decides = |rules: &RuleSet| rules.deciding(&call).is_some();
    assert!(decides(&auto("number = { argument = 'n', max = 5 }")));
    assert!(!decides(&auto("number = { argument = 'n', min = 4, max = 5 }")));
    assert!(!decides(&auto("path = { inside = '/srv' }")), "another path is free");
    assert!(decides(&deny("path = { any = '/etc/**' }")));
    for (condition, says) in [
        ("path = { argument = 'f' }", "`inside` or `any`"),
        ("path = { argument = 'f', any = '~/x' }", "another folder for another user"),
        ("path = { argument = 'f', insde = '/x' }", "did you mean `inside`"),
        ("url = { argument = 'u' }", "needs `host`"),
        ("url = { argument = 'u', host = 'h', port = 70000 }", "a port is"),
        ("number = { max = 5 }", "`argument` is missing"),
        ("number = { argument = 'n', min = 5 }", "needs `max`"),
        ("one_of = { argument = 's' }", "`values` is missing"),
        ("argument = { path = 'x', inert = 'yes', eq = 'y' }", "`true` or `false`"),
    ] {
        let text = format!(
            "schema = 1\nversion = '1'\n[[rule]]\nname = 'r'\neffect = 'auto'\n{condition}\n"
        );
        let found = mistakes(&text).join("\n");
        assert!(found.contains(says), "{condition}: {found}");
    }
}

#[test]
fn what_matches_less_than_it_did_says_so() {
    let kinds = |rule: &str| -> Vec<RuleWarningKind> {
        file(rule).warnings().iter().map(|warning| warning.kind).collect()
    };
    let auto = |condition: &str| kinds(&format!("effect = 'auto'\ntool = 't'\n{condition}"));
    let plain = RuleWarningKind::PlainTextOnly;
    assert_eq!(auto("argument = { path = 'x', matches = 'a.*' }"), [plain]);
    assert_eq!(auto("argument = { path = 'x', matches = '/tmp/.*' }"), [RuleWarningKind::NeverMet]);
    assert_eq!(auto("argument = { path = 'cmd', matches = 'ls' }"), [RuleWarningKind::Interpreted]);
    assert_eq!(auto("argument = { path = 'x', matches = '/tmp/.*', inert = true }"), []);
    assert_eq!(auto("argument = { path = 'x', eq = '/tmp/x' }"), []);
    assert_eq!(auto("argument = { path = 'x', le = 5 }"), []);
    assert_eq!(kinds("effect = 'deny'\nargument = { path = 'x', matches = '/tmp/.*' }"), []);
    let unless = "effect = 'deny'\nunless = { argument = { path = 'x', matches = 'a.*' } }";
    assert_eq!(kinds(unless), [plain]);
    let warning = file(unless).warnings()[0].to_string();
    assert!(
        warning.starts_with("line 3, column 1: the rule `r`: what it says of `x`"),
        "{warning}"
    );
}
