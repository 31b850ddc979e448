//! Why a request was refused.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::CallSummary;

/// The body of every refusal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Why.
    pub error: ErrorDetail,
}

/// Why a request was refused, and what to do next. Quotes nothing secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Detail))]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// One word for programs, like `stale`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required))]
    pub kind: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
    /// The call as it is now, when somebody else was first.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<CallSummary>))]
    pub current: Option<Box<CallSummary>>,
}
