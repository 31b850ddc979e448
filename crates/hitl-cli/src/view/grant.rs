//! Grants: a line of the listing, one grant, and the preview of one.

use std::fmt::Write as _;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::approval::terminal::Style;
use hitl_core::grant::GrantStatus;
use hitl_wire::GrantSummary;
use hitl_wire::grant::SavedGrant;
use serde::Serialize;

use super::{CallLine, Cell, Column, Screen, Table, exactly, relative, state_line};
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
pub(crate) fn grants_table(grants: &[GrantSummary], now: Timestamp, screen: Screen) -> String {
    let has_sums = grants.iter().any(|grant| grant.sum.is_some());
    let spent_column = Column::new("SPENT").left_out_at(2);
    let columns = [
        Column::new("ID"),
        Column::new("STANDING").left_out_at(5),
        Column::new("TOOL").shortened_to(12),
        Column::new("ASKED BY").shortened_to(12).left_out_at(3),
        Column::new("RUNS"),
        if has_sums { spent_column } else { spent_column.hidden() },
        Column::new("ENDS").left_out_at(4),
        Column::new("GIVEN BY").shortened_to(12).left_out_at(1),
    ];
    let rows = grants.iter().map(|grant| {
        [
            short_id(&grant.id).into(),
            Cell::styled(standing_style(grant), standing(grant)),
            word(&grant.tool).into(),
            word(grant.principal.as_str()).into(),
            drawn(grant).into(),
            spent(grant).into(),
            grant.until.map_or_else(|| "never".to_owned(), |until| relative(until, now)).into(),
            word(grant.by.as_str()).into(),
        ]
    });
    Table::with(columns, rows).text(screen)
}

/// Returns a grant's standing, and that it was given by breaking the glass.
fn standing(grant: &GrantSummary) -> String {
    match grant.break_glass {
        None => grant.standing.to_string(),
        Some(_) => format!("{} BREAK-GLASS", grant.standing),
    }
}

/// Returns the style of a grant's standing: good while it permits calls.
fn standing_style(grant: &GrantSummary) -> Style {
    if grant.standing == GrantStatus::Live { Style::Good } else { Style::Faint }
}

/// Renders one grant for people: the rule, its giver, and the draws on it.
pub(crate) fn grant_text(grant: &GrantSummary, now: Timestamp) -> String {
    let mut out = rule_text(&grant.rule);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "\n{} is {}, given by {} {} {}",
        short_id(&grant.id),
        grant.standing,
        word(grant.by.as_str()),
        exactly(grant.saved_at, now),
        given_on(grant),
    );
    if let Some(until) = grant.until {
        let _ = writeln!(out, "ends {}", exactly(until, now));
    }
    let _ = writeln!(out, "drawn: {} starts", drawn(grant));
    if grant.sum.is_some() {
        let _ = writeln!(out, "drawn: {}", spent(grant));
    }
    if let Some(revoked) = &grant.revoked {
        let why = revoked.reason.as_deref().map(|why| format!(": {}", visible(why)));
        let (by, why) = (word(revoked.by.as_str()), why.unwrap_or_default());
        let _ = writeln!(out, "revoked by {by} {}{why}", exactly(revoked.at, now));
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
pub(crate) fn grant_result_text(given: &GrantResult, now: Timestamp) -> String {
    let mut out = grant_text(&given.grant, now);
    for call in &given.allowed {
        let _ = writeln!(out, "{}", state_line(call, now));
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
