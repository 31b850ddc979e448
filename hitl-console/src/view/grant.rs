//! A grant: what it permits, and what has been drawn on it.

use hitl_base::Timestamp;
use hitl_core::grant::{Amount, GrantStatus, SumLimit};
use hitl_core::{GrantId, GrantRecord, Principal, RequestId};
use serde::Serialize;
use utoipa::ToSchema;

/// A grant as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantView {
    /// Its id.
    #[schema(value_type = String)]
    id: GrantId,
    /// Counts the changes of its record.
    version: u64,
    /// `live`, or why nothing more can be drawn on it: `revoked`, `over` (its time), `used`.
    #[schema(value_type = String)]
    standing: GrantStatus,
    /// The exact rule, line by line, as it was shown before it was saved.
    rule: Vec<String>,
    /// Of which tool.
    tool: String,
    /// Whose calls.
    #[schema(value_type = String)]
    principal: Principal,
    /// Only under this run; left out: in any.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// How many starts were drawn on it.
    used: u64,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
    /// How much was drawn on it, as text.
    #[schema(value_type = String)]
    spent: Amount,
    /// At most so much: `path`, `atMost`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<SumLimit>,
    /// Until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// Who gave it.
    #[schema(value_type = String)]
    by: Principal,
    /// On which request.
    #[schema(value_type = String)]
    request: RequestId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    saved_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Who took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<RevokedView>,
}

/// Why and by whom a grant was taken back.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RevokedView {
    /// By whom.
    #[schema(value_type = String)]
    by: Principal,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl GrantView {
    /// As it stands at `now`, by the store's clock.
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
            revoked: record.revoked.as_ref().map(|revoked| RevokedView {
                by: revoked.by.clone(),
                reason: revoked.reason.clone(),
                at: revoked.at,
            }),
        }
    }
}
