//! Grants: a line of the listing, one grant, and the preview of one.

use std::fmt::Write as _;

use hitl_base::display::{clip, visible};
use hitl_wire::GrantSummary;
use hitl_wire::grant::SavedGrant;
use serde::Serialize;

use super::{CallLine, state_line, table};
use crate::args::short_id;

/// The number of characters of a name in a table.
const WORD: usize = 40;

/// A saved grant, and the calls that it allowed.
#[derive(Debug, Serialize)]
pub(crate) struct GrantResult {
    pub(crate) grant: GrantSummary,
    pub(crate) allowed: Vec<CallLine>,
}

impl From<SavedGrant> for GrantResult {
    fn from(SavedGrant { grant, allowed }: SavedGrant) -> Self {
        Self { grant, allowed: allowed.into_iter().map(CallLine::from).collect() }
    }
}

/// A preview of a grant, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct PreviewReport {
    /// The exact rule, line by line.
    pub(crate) rule: Vec<String>,
    /// The number of waiting calls that would run at once.
    pub(crate) waiting: usize,
}

fn drawn(grant: &GrantSummary) -> String {
    match grant.uses {
        Some(uses) => format!("{} of {uses}", grant.used),
        None => grant.used.to_string(),
    }
}

fn spent(grant: &GrantSummary) -> String {
    let sum = grant.sum.as_ref();
    let said = sum.map(|sum| format!("{} of {} in {}", grant.spent, sum.at_most, word(&sum.path)));
    said.unwrap_or_default()
}

/// Renders grants for people.
pub(crate) fn grants_table(grants: &[GrantSummary]) -> String {
    let rows = grants.iter().map(|grant| {
        [
            short_id(&grant.id),
            match grant.break_glass {
                None => grant.standing.to_string(),
                Some(_) => format!("{} BREAK-GLASS", grant.standing),
            },
            word(&grant.tool),
            word(grant.principal.as_str()),
            drawn(grant),
            spent(grant),
            grant.until.map(|until| until.to_string()).unwrap_or_default(),
            word(grant.by.as_str()),
        ]
    });
    let headings = ["ID", "STANDING", "TOOL", "ASKED BY", "RUNS", "SPENT", "UNTIL", "GIVEN BY"];
    table(headings, &rows.collect::<Vec<_>>())
}

/// Renders one grant for people: the rule, its giver, and the draws on it.
pub(crate) fn grant_text(grant: &GrantSummary) -> String {
    let mut out = rule_text(&grant.rule);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "\n{} is {}, given by {} at {} {}",
        grant.id,
        grant.standing,
        word(grant.by.as_str()),
        grant.saved_at,
        given_on(grant),
    );
    let _ = writeln!(out, "drawn: {} starts", drawn(grant));
    if grant.sum.is_some() {
        let _ = writeln!(out, "drawn: {}", spent(grant));
    }
    if let Some(revoked) = &grant.revoked {
        let why = revoked.reason.as_deref().map(|why| format!(": {}", visible(why)));
        let (by, why) = (word(revoked.by.as_str()), why.unwrap_or_default());
        let _ = writeln!(out, "revoked by {by} at {}{why}", revoked.at);
    }
    out
}

/// Says on what a grant was given.
fn given_on(grant: &GrantSummary) -> String {
    match grant.break_glass {
        None => format!("on {}", grant.request),
        Some(_) => "by breaking the glass".to_owned(),
    }
}

/// Renders the preview of a grant.
pub(crate) fn preview_text(terms: &PreviewReport) -> String {
    let calls = match terms.waiting {
        1 => "1 pending call runs at once".to_owned(),
        calls => format!("{calls} pending calls run at once"),
    };
    format!("{}\n{calls}\n", rule_text(&terms.rule))
}

/// Renders a grant that was saved.
pub(crate) fn grant_result_text(given: &GrantResult) -> String {
    let mut out = grant_text(&given.grant);
    for call in &given.allowed {
        let _ = writeln!(out, "{}", state_line(call));
    }
    out
}

/// Renders the rule, word for word, without control characters for the terminal.
fn rule_text(rule: &[String]) -> String {
    rule.iter().fold(String::new(), |mut out, line| {
        let indent = if out.is_empty() { "" } else { "  " };
        let _ = writeln!(out, "{indent}{}", visible(line));
        out
    })
}

fn word(text: &str) -> String {
    visible(&clip(text, WORD)).into_owned()
}
