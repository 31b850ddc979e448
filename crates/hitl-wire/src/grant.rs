//! Grants: what a client sends to preview, save and revoke one, and what it gets.

use hitl_base::Timestamp;
use hitl_core::grant::{Amount, GrantStatus, GrantTerms, SumLimit};
use hitl_core::{BindingDigest, GrantId, GrantRecord, Principal, RequestId};
use serde::{Deserialize, Serialize};

use crate::CallSummary;
#[cfg(feature = "openapi")]
pub use crate::terms::TermsBody;

/// A grant, and what has been drawn on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = GrantView))]
#[serde(rename_all = "camelCase")]
pub struct GrantSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: GrantId,
    /// The number of changes of its record, from 1.
    pub version: u64,
    /// `live`, or why nothing more can be drawn on it: `revoked`, `over` (its time), `used`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub standing: GrantStatus,
    /// The exact rule, line by line, as it was shown before it was saved.
    pub rule: Vec<String>,
    /// The tool that it permits.
    pub tool: String,
    /// Whose calls it permits.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub principal: Principal,
    /// The run that it is limited to; left out: any run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The number of starts that were drawn on it.
    pub used: u64,
    /// The maximum number of starts; left out: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// The amount that was drawn on it, as decimal text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub spent: Amount,
    /// The maximum amount: `path` (of the argument), `atMost` (decimal text); left out: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub sum: Option<SumLimit>,
    /// When it ends; left out: when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// Who gave it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: Principal,
    /// The call on which it was given.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request: RequestId,
    /// When it was given.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub saved_at: Timestamp,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
    /// Its revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// Why it was given by breaking the glass; left out for a standing permission.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub break_glass: Option<BreakGlassSummary>,
}

/// Why somebody broke the glass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BreakGlassView))]
#[serde(rename_all = "camelCase")]
pub struct BreakGlassSummary {
    /// Why.
    pub reason: String,
}

/// Who revoked a grant, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RevokedView))]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: Principal,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// A page of grants.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = GrantPageView))]
#[serde(rename_all = "camelCase")]
pub struct GrantPage {
    /// In the order in which they were given.
    pub grants: Vec<GrantSummary>,
    /// Where the next page begins: the parameter `after`. Left out on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next: Option<GrantId>,
    /// The present, by the clock that grants are judged by. A client can do without it.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required))]
    pub now: Option<Timestamp>,
}

/// A call as it was shown, and what is to run without asking.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PreviewBody))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantPreviewBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// The terms; left out, the very same arguments, in this run.
    #[serde(default, deserialize_with = "crate::terms::strictly")]
    #[cfg_attr(feature = "openapi", schema(value_type = TermsBody))]
    pub terms: GrantTerms,
}

/// A call and terms as they were shown, and the digest of the preview.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SaveBody))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantSaveBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// The terms; left out, the very same arguments, in this run.
    #[serde(default, deserialize_with = "crate::terms::strictly")]
    #[cfg_attr(feature = "openapi", schema(value_type = TermsBody))]
    pub terms: GrantTerms,
    /// The preview's `digest`.
    pub preview: String,
}

/// Why a grant is revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeBody {
    /// Why.
    pub reason: String,
}

/// A preview of a grant. Nothing is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Previewed))]
#[serde(rename_all = "camelCase")]
pub struct GrantPreview {
    /// The exact rule, line by line.
    pub rule: Vec<String>,
    /// Identifies all of it, to the letter of the rule: a save must name it.
    pub digest: String,
    /// The number of pending calls that would run at once; the call itself is among them.
    pub waiting: usize,
    /// The first twenty of them. A client can do without them.
    #[serde(default, deserialize_with = "calls")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub calls: Vec<CallSummary>,
}

/// A grant that was saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Saved))]
#[serde(rename_all = "camelCase")]
pub struct SavedGrant {
    /// The grant.
    pub grant: GrantSummary,
    /// The calls that were pending and that it let run, as they are now.
    pub allowed: Vec<CallSummary>,
}

impl GrantSummary {
    /// Creates a summary of the grant at `now`, by the store's clock.
    pub fn new(record: &GrantRecord, now: Timestamp) -> Self {
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
            revoked: record.revoked.as_ref().map(|revoked| Revocation {
                by: revoked.by.clone(),
                reason: revoked.reason.clone(),
                at: revoked.at,
            }),
            break_glass: grant
                .break_glass
                .as_ref()
                .map(|glass| BreakGlassSummary { reason: glass.reason.clone() }),
        }
    }
}

/// Reads the calls of a preview. Returns none if this version cannot read them.
fn calls<'de, D>(from: D) -> Result<Vec<CallSummary>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(crate::lenient::optional(from)?.unwrap_or_default())
}
