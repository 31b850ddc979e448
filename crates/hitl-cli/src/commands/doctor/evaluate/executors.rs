//! The programs that run calls. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::ExecutorFacts;
use super::super::finding::Finding;

const AREA: &str = "executors";

pub(super) fn findings(executors: Option<&Result<Vec<ExecutorFacts>, String>>) -> Vec<Finding> {
    let executors = match executors {
        None => return Vec::new(),
        Some(Err(why)) => return vec![Finding::problem(AREA, why.as_str(), "see the message")],
        Some(Ok(executors)) => executors,
    };
    let alive: Vec<_> = executors.iter().filter(|executor| executor.is_alive).collect();
    let dead = executors.len() - alive.len();
    let also = match dead {
        0 => String::new(),
        dead => format!("; {dead} that died are remembered"),
    };
    if alive.is_empty() {
        return vec![Finding::warning(
            AREA,
            format!("none is alive{also}"),
            "what is approved runs when the program with the tools comes back: start it",
        )];
    }
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (tool, version) in alive.iter().flat_map(|executor| &executor.tools) {
        versions.entry(tool).or_default().insert(version);
    }
    let tools = versions.len();
    let mut found = vec![Finding::ok(AREA, format!("{} alive, {tools} tools{also}", alive.len()))];
    let several = versions.iter().filter(|(_, versions)| versions.len() > 1);
    for (tool, versions) in several {
        found.push(Finding::warning(
            AREA,
            format!("`{tool}` is there in {} versions", versions.len()),
            "restart the programs that are older: a call runs only in the version it was approved for",
        ));
    }
    found
}
