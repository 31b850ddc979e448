//! The search for the rule of a policy that decides about a call.

use hitl::call::ToolConfig;
use hitl::confidence::CallView;
use hitl::policy::{Argument, Comparison, Rule, RuleConditions, RuleSet};
use hitl::{CallContext, json};
use serde_json::Value;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::repeat;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "the same comparisons by hand, rule after rule";
    [10, 1_000]
        .into_iter()
        .map(|rules| {
            let path = format!("policy of {rules} rules");
            Pair::timed(path, move || deciding(rules), against, move || by_hand(rules))
        })
        .collect()
}

const ARGUMENTS: &str = r#"{"customer":"C-1042","amount":250.5,"note":"for the second leg"}"#;

/// Measures one rule for each tool, and one in ten for every tool: similar to a company's file.
fn deciding(rules: usize) -> Run {
    let mut set = RuleSet::builder("bench", "1");
    for n in 0..rules {
        let when = RuleConditions::tool(&tool(n))
            .argument(Argument::at("amount").is(Comparison::Gt, i64::from(limit(n))));
        set = set.rule(Rule::full(format!("rule {n}")).when(when));
    }
    let set = set.build().expect("rules");
    let (arguments, context) =
        (json::parse_json(ARGUMENTS).expect("JSON"), CallContext::new("ann"));
    repeat(move || {
        let view = CallView::new("tool_7", &ToolConfig::DEFAULT, &arguments, &context);
        set.deciding(&view).map(|rule| rule.name().len())
    })
}

fn by_hand(rules: usize) -> Run {
    struct Plain {
        tool: String,
        prefix: bool,
        limit: f64,
    }
    let rules: Vec<Plain> = (0..rules)
        .map(|n| {
            let tool = tool(n);
            let prefix = tool.ends_with('*');
            let limit = f64::from(limit(n));
            Plain { tool: tool.trim_end_matches('*').to_owned(), prefix, limit }
        })
        .collect();
    let arguments: Value = serde_json::from_str(ARGUMENTS).expect("JSON");
    repeat(move || {
        let meant = |rule: &&Plain| {
            let named =
                if rule.prefix { "tool_7".starts_with(&rule.tool) } else { "tool_7" == rule.tool };
            named && arguments["amount"].as_f64().is_none_or(|amount| amount > rule.limit)
        };
        rules.iter().filter(meant).map(|rule| rule.tool.len()).next()
    })
}

fn tool(n: usize) -> String {
    if n % 10 == 9 { "tool_*".to_owned() } else { format!("tool_{n}") }
}

/// Returns a limit that no amount exceeds, so that every rule has to be examined.
fn limit(n: usize) -> u32 {
    1_000 + u32::try_from(n).unwrap_or(u32::MAX)
}
