//! Calls that are stuck. Pure.

use super::super::facts::CallFacts;
use super::super::finding::Finding;

const AREA: &str = "calls";

pub(super) fn findings(calls: Option<&Result<CallFacts, String>>) -> Vec<Finding> {
    let calls = match calls {
        None => return Vec::new(),
        Some(Err(why)) => return vec![Finding::problem(AREA, why.as_str(), "see the message")],
        Some(Ok(calls)) => calls,
    };
    let mut found = vec![Finding::ok(AREA, format!("{} wait for a decision", calls.pending))];
    for freeze in &calls.freezes {
        found.push(Finding::warning(
            AREA,
            format!("FROZEN, nothing starts: {freeze}"),
            "decide as always; once it is over, a person says `hitl thaw`",
        ));
    }
    for grant in &calls.broken_glass {
        found.push(Finding::warning(
            AREA,
            format!("BREAK-GLASS is in force: {grant}"),
            "look at `hitl grants`; `hitl revoke GRANT` ends it",
        ));
    }
    if calls.expired > 0 {
        found.push(Finding::warning(
            AREA,
            format!("{} have expired and were not ended yet", calls.expired),
            "start the program with the tools, which ends them",
        ));
    }
    if calls.claimed_by_dead > 0 {
        found.push(Finding::problem(
            AREA,
            format!("{} were started by a program that died", calls.claimed_by_dead),
            "start the program with the tools: it finds out, or parks them with an unknown outcome",
        ));
    }
    if let Some(unknown) = &calls.unknown {
        found.push(Finding::problem(
            AREA,
            format!("{unknown} have an unknown outcome"),
            "look what each did, and say so: `hitl queue --state outcomeUnknown`, `hitl resolve ID`",
        ));
    }
    match calls.orphaned.len() {
        0 => found.push(Finding::ok(AREA, "no approved call lacks a program that runs it")),
        orphaned => {
            let some: Vec<_> = calls.orphaned.iter().take(3).map(String::as_str).collect();
            let minutes = calls.oldest_orphan.as_secs() / 60;
            found.push(Finding::problem(
                AREA,
                format!(
                    "{orphaned} of {} approved calls have no program that runs them, for up to \
                     {minutes} min: {}",
                    calls.approved,
                    some.join(", ")
                ),
                "start the program with the tools, in the version for which they were approved",
            ));
        }
    }
    found
}
