//! What the facts of an installation mean. Pure.
//!
//! One file for each area; a further area is a further file, and a line in [`store()`].

mod audit;
mod calls;
mod console;
mod decision;
mod executors;
mod key;
mod person;
mod policy;
mod store;
#[cfg(test)]
mod tests;

use super::facts::{ConsoleFacts, Facts};
use super::finding::Finding;

/// Returns the findings about an installation with a store, the foundations first.
pub(super) fn store(facts: &Facts) -> Vec<Finding> {
    let mut found = store::findings(&facts.store);
    found.extend(key::findings(facts.key.as_ref()));
    found.extend(audit::findings(facts));
    found.extend(policy::findings(facts.policy.as_ref()));
    found.extend(executors::findings(facts.executors.as_ref()));
    found.extend(calls::findings(facts.calls.as_ref()));
    found.extend(person::findings(&facts.person));
    found.push(decision::finding(&found));
    found
}

/// Returns the findings about a console.
pub(super) fn console(facts: &ConsoleFacts) -> Vec<Finding> {
    let mut found = console::findings(facts);
    found.push(decision::finding(&found));
    found
}
