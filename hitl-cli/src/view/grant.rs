//! Grants: a line of the listing, one of them, and what one would permit.

use std::fmt::Write as _;

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::grant::{Amount, GrantStatus, SumLimit};
use hitl_core::{GrantId, GrantRecord, Principal, RequestId};
use serde::{Deserialize, Serialize};

use super::{CallLine, state_line, table};

/// How many characters of a name are in a table.
const WORD: usize = 40;

/// A grant as it stands: what a listing says of it, and a console does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantLine {
    pub(crate) id: GrantId,
    version: u64,
    pub(crate) standing: GrantStatus,
    rule: Vec<String>,
    tool: String,
    principal: Principal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    used: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
    spent: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<SumLimit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    by: Principal,
    request: RequestId,
    saved_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedLine>,
}

/// Who took it back.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RevokedLine {
    by: Principal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    at: Timestamp,
}

/// A grant that was given, and the calls that go on by it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) grant: GrantLine,
    pub(crate) allowed: Vec<CallLine>,
}

/// What a grant would permit.
#[derive(Debug, Serialize)]
pub(crate) struct Terms {
    /// The exact rule, line by line.
    pub(crate) rule: Vec<String>,
    /// How many calls that wait now would go on at once.
    pub(crate) waiting: usize,
}

impl GrantLine {
    pub(crate) fn of(record: &GrantRecord, now: Timestamp) -> Self {
        let grant = &record.grant;
        Self {
            id: grant.id,
            version: record.version,
            standing: record.status(now),
            rule: grant.rule.clone(),
            tool: grant.tool.clone(),
            principal: grant.principal.clone(),
            run: grant.run.as_ref().map(ToString::to_string),
            used: record.used,
            uses: grant.uses,
            spent: record.spent,
            sum: grant.sum.clone(),
            until: grant.until,
            by: grant.by.clone(),
            request: grant.request,
            saved_at: record.saved_at,
            updated_at: record.updated_at,
            revoked: record.revoked.as_ref().map(|revoked| RevokedLine {
                by: revoked.by.clone(),
                reason: revoked.reason.clone(),
                at: revoked.at,
            }),
        }
    }

    /// Who took it back, when somebody did.
    pub(crate) fn revoked_by(&self) -> Option<&Principal> {
        self.revoked.as_ref().map(|revoked| &revoked.by)
    }

    fn drawn(&self) -> String {
        match self.uses {
            Some(uses) => format!("{} of {uses}", self.used),
            None => self.used.to_string(),
        }
    }

    fn spent(&self) -> String {
        let sum = self.sum.as_ref();
        let said =
            sum.map(|sum| format!("{} of {} in {}", self.spent, sum.at_most, word(&sum.path)));
        said.unwrap_or_default()
    }
}

/// Grants for people.
pub(crate) fn grants_table(grants: &[GrantLine]) -> String {
    let rows = grants.iter().map(|grant| {
        [
            grant.id.to_string(),
            grant.standing.to_string(),
            word(&grant.tool),
            word(grant.principal.as_str()),
            grant.drawn(),
            grant.spent(),
            grant.until.map(|until| until.to_string()).unwrap_or_default(),
            word(grant.by.as_str()),
        ]
    });
    let headings = ["ID", "STANDING", "TOOL", "ASKED BY", "RUNS", "SPENT", "UNTIL", "GIVEN BY"];
    table(headings, &rows.collect::<Vec<_>>())
}

/// One grant for people: the rule, who gave it, what was drawn on it.
pub(crate) fn grant_text(grant: &GrantLine) -> String {
    let mut out = rule_text(&grant.rule);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "\n{} is {}, given by {} at {} on {}",
        grant.id,
        grant.standing,
        word(grant.by.as_str()),
        grant.saved_at,
        grant.request
    );
    let _ = writeln!(out, "drawn: {} starts", grant.drawn());
    if grant.sum.is_some() {
        let _ = writeln!(out, "drawn: {}", grant.spent());
    }
    if let Some(revoked) = &grant.revoked {
        let why = revoked.reason.as_deref().map(|why| format!(": {}", visible(why)));
        let (by, why) = (word(revoked.by.as_str()), why.unwrap_or_default());
        let _ = writeln!(out, "revoked by {by} at {}{why}", revoked.at);
    }
    out
}

/// What a grant would permit, for people.
pub(crate) fn terms_text(terms: &Terms) -> String {
    let calls = match terms.waiting {
        1 => "1 call that waits goes on at once".to_owned(),
        calls => format!("{calls} calls that wait go on at once"),
    };
    format!("{}\n{calls}\n", rule_text(&terms.rule))
}

/// What was given, for people.
pub(crate) fn given_text(given: &Given) -> String {
    let mut out = grant_text(&given.grant);
    for call in &given.allowed {
        let _ = writeln!(out, "{}", state_line(call));
    }
    out
}

/// The rule, word for word; a terminal sees nothing that steers it.
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
