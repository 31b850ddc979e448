//! What a console says of itself. Pure.

use std::time::Duration;

use super::super::facts::{ConsoleCounts, ConsoleFacts, ConsolePolicy};
use super::super::finding::Finding;
use super::person;

const AREA: &str = "console";
/// By how much the clocks may differ.
const SKEW: Duration = Duration::from_secs(60);

pub(super) fn findings(facts: &ConsoleFacts) -> Vec<Finding> {
    let (name, demand) = match &facts.owner {
        Ok(owner) => owner,
        Err(why) => {
            let advice = "check --url, that the console runs, and the token";
            return vec![Finding::problem(AREA, why.as_str(), advice).that_prevents_decisions()];
        }
    };
    let mut found = vec![Finding::ok(AREA, format!("it answers, and the token is {name}'s"))];
    if facts.clock_skew > SKEW {
        found.push(Finding::warning(
            AREA,
            format!("its clock differs from this machine's by {} s", facts.clock_skew.as_secs()),
            "set both right: expiry is judged by the console's",
        ));
    }
    found.push(match facts.tools {
        0 => Finding::warning(
            "executors",
            "the console's program has no tools",
            "what is approved runs in another program: check that one with --db",
        ),
        tools => Finding::ok("executors", format!("the console's program has {tools} tools")),
    });
    match &facts.counts {
        Ok(counts) => found.extend(calls(counts)),
        Err(why) => found.push(Finding::problem("calls", why.as_str(), "see the message")),
    }
    match &facts.policies {
        Ok(policies) => found.extend(policies.iter().map(policy)),
        Err(why) => found.push(Finding::problem("policy", why.as_str(), "see the message")),
    }
    // Who needs a code has enrolled it: a console demands it only then.
    let is_enrolled = demand.is_some();
    found.extend(facts.presence.as_ref().map(|here| person::answer(name, here, is_enrolled)));
    found
}

fn calls(counts: &ConsoleCounts) -> Vec<Finding> {
    let mut found = vec![Finding::ok("calls", format!("{} wait for a decision", counts.pending))];
    if let Some(overdue) = &counts.overdue {
        let advice = "decide them: `hitl next --order due`";
        found.push(Finding::warning("calls", format!("{overdue} are overdue"), advice));
    }
    if let Some(approved) = &counts.approved {
        let advice = "if that stays so, no program runs them: check the store with --db";
        let what = format!("{approved} are approved and have not started");
        found.push(Finding::warning("calls", what, advice));
    }
    if let Some(unknown) = &counts.unknown {
        let advice = "look what each did, and say so: `hitl resolve ID`";
        found.push(Finding::problem("calls", format!("{unknown} have an unknown outcome"), advice));
    }
    found
}

fn policy(policy: &ConsolePolicy) -> Finding {
    let ConsolePolicy { file, in_force, has_problem, waits } = policy;
    match (in_force, has_problem, waits) {
        (None, _, _) => {
            let what = format!("{file}: no version is in force, so every call is denied");
            Finding::problem("policy", what, "correct it, or accept it")
        }
        (Some(version), true, _) => {
            let what = format!("{file} has a mistake; {} is in force", version.version);
            Finding::problem("policy", what, "correct it: `hitl policy test FILE`")
        }
        (Some(version), false, true) => {
            let what = format!("{file}: a version waits; {} is in force", version.version);
            Finding::warning("policy", what, "look at it, and accept it")
        }
        (Some(version), false, false) => {
            Finding::ok("policy", format!("{file}: {} is in force", version.version))
        }
    }
}
