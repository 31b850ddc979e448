//! What would stop a decision right now. Pure.

use super::super::finding::Finding;

const AREA: &str = "decision";

/// Returns the conclusion from the other findings.
pub(super) fn finding(others: &[Finding]) -> Finding {
    let mut areas: Vec<&str> = others.iter().filter_map(Finding::preventing).collect();
    areas.dedup();
    if areas.is_empty() {
        return Finding::ok(AREA, "a decision would be taken right now");
    }
    let what = format!("no decision would be taken right now: {}", areas.join(", "));
    Finding::problem(AREA, what, "see above")
}
