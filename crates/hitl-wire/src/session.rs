//! The signed-in reviewer, and the ways to sign in.

use hitl_core::{Principal, Tenant};
use serde::{Deserialize, Serialize};

/// The reviewer that a request's credentials name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The name under which their decisions are kept.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub principal: Principal,
    /// The tenant whose calls they see.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required))]
    pub tenant: Tenant,
    /// Their other tenants: a request names one in the header `Hitl-Tenant`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, required))]
    pub other_tenants: Vec<Tenant>,
    /// The number of rule files that `api/policies` lists.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub policies: usize,
    /// The actions that need a one-time code beside the token. Never missing: a console that
    /// checked no codes must not pass for one that does.
    pub code_for: CodeFor,
}

/// The actions that need a one-time code beside the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CodeFor {
    /// Nothing.
    Nothing,
    /// To loosen: to give a grant, to accept a policy.
    Loosening,
    /// To loosen, and each answer.
    Answers,
}

/// A way to sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HowToSignIn))]
#[serde(rename_all = "camelCase")]
pub struct SignInMethod {
    /// `token` or `page`.
    pub with: String,
    /// The address of the host's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The path to which the page posts when somebody signs out, where that ends something on the
    /// host's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_out: Option<String>,
}
