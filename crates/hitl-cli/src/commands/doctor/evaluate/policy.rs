//! The rule file. Pure.

use super::super::facts::PolicyFacts;
use super::super::finding::Finding;

const AREA: &str = "policy";
/// The number of mistakes that are listed.
const LISTED: usize = 3;

pub(super) fn findings(policy: Option<&PolicyFacts>) -> Vec<Finding> {
    let Some(policy) = policy else {
        let advice = "if the host has a rule file, name it: --policy FILE";
        return vec![Finding::warning(AREA, "no rule file was named, so none was checked", advice)];
    };
    let file = &policy.file;
    if let Some(why) = &policy.unreadable {
        let advice = "a host whose rule file cannot be read denies every call";
        return vec![Finding::problem(AREA, format!("{file}: {why}"), advice)];
    }
    let mut found = Vec::new();
    for mistake in policy.mistakes.iter().take(LISTED) {
        let advice = "correct it: until then the rules in force are older than the file";
        found.push(Finding::problem(AREA, format!("{file}: {mistake}"), advice));
    }
    for test in policy.failed_tests.iter().take(LISTED) {
        let advice = "the rules do not do what their own test says: correct one of them";
        found.push(Finding::problem(AREA, format!("{file}: {test}"), advice));
    }
    for warning in policy.warnings.iter().take(LISTED) {
        found.push(Finding::warning(AREA, format!("{file}: {warning}"), "see `hitl policy test`"));
    }
    if let Some(waiting) = &policy.waiting {
        found.push(Finding::warning(
            AREA,
            format!("{waiting} waits to be accepted"),
            "look at it, and accept it: `hitl policy accept FILE`; without an accepted version a host \
             that waits for one denies every call",
        ));
    }
    match &policy.in_force {
        _ if !policy.mistakes.is_empty() => {}
        Some(version) => {
            found.push(Finding::ok(AREA, format!("{version} is in force, {} tests", policy.tests)));
        }
        None if policy.waiting.is_some() => {}
        None => found.push(Finding::warning(
            AREA,
            "no person has accepted a version of it",
            "a host that waits for that denies every call: `hitl policy accept FILE`; one that \
             takes signatures needs none",
        )),
    }
    found
}
