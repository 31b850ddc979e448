//! Freezes: what is frozen, and what a client sends to freeze and to thaw.

use hitl_base::Timestamp;
use hitl_core::{Freeze, FreezeScope, Principal};
use serde::{Deserialize, Serialize};

/// The word that is typed to thaw.
pub const THAW: &str = "thaw";

/// The freezes that stop the reviewer's calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FreezeList {
    /// In the order in which they began; empty if calls may start.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub freezes: Vec<FreezeView>,
}

/// A freeze: until it is thawed, no call that it reaches starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FreezeView {
    /// What it stops.
    pub reach: FreezeReach,
    /// Who froze.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: Principal,
    /// Why.
    pub reason: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// What a freeze stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum FreezeReach {
    /// Every call of the store: only somebody who decides for all tenants thaws it.
    All,
    /// The calls of the reviewer's tenant.
    Tenant,
}

impl From<&Freeze> for FreezeView {
    fn from(freeze: &Freeze) -> Self {
        let reach = match freeze.scope {
            FreezeScope::All => FreezeReach::All,
            FreezeScope::Tenant(_) => FreezeReach::Tenant,
        };
        let (by, reason, at) = (freeze.by.clone(), freeze.reason.clone(), freeze.at);
        Self { reach, by, reason, at }
    }
}

/// Freezes the reviewer's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FreezeBody {
    /// Why.
    pub reason: String,
}

/// Thaws the reviewer's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThawBody {
    /// The word `thaw`, typed.
    pub confirm: String,
}
