//! Refusals, in the form in which every route answers them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hitl_core::grant::GrantError;
use hitl_core::{GateError, GateErrorKind, Refusal};
use hitl_wire::CallSummary;
use hitl_wire::error::ErrorDetail;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::AuthError;

/// A refusal. Tells what to do next; quotes nothing secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    error: ErrorDetail,
    #[serde(skip)]
    status: u16,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let error = ErrorDetail { kind: kind.into(), message: message.into(), current: None };
        Self { error, status: status.as_u16(), retry_after: None }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "badRequest", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", format!("there is no such {what}"))
    }

    pub(crate) fn forbidden(kind: &'static str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, kind, message)
    }

    pub(crate) fn busy(message: &str, seconds: u64) -> Self {
        Self::later("tooMany", message, seconds)
    }

    /// Creates a refusal after too many attempts; a new one is allowed in this many seconds.
    pub(crate) fn later(kind: &'static str, message: impl Into<String>, seconds: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, kind, message);
        Self { retry_after: Some(seconds), ..problem }
    }

    pub(crate) fn kind(&self) -> &str {
        &self.error.kind
    }

    pub(crate) fn message(&self) -> &str {
        &self.error.message
    }
}

impl From<AuthError> for Problem {
    fn from(why: AuthError) -> Self {
        match why {
            AuthError::Nobody => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", why.to_string())
            }
            AuthError::Wrong => {
                Self::new(StatusCode::UNAUTHORIZED, "invalidToken", why.to_string())
            }
            AuthError::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why.to_string())
            }
        }
    }
}

impl From<GateError> for Problem {
    fn from(error: GateError) -> Self {
        let (status, kind) = match error.kind() {
            GateErrorKind::NotFound => (StatusCode::NOT_FOUND, "notFound"),
            GateErrorKind::Refused => refused(error.refusal()),
            GateErrorKind::InvalidArguments => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalidArguments")
            }
            GateErrorKind::InvalidQuery => (StatusCode::BAD_REQUEST, "badRequest"),
            GateErrorKind::Forbidden => (StatusCode::FORBIDDEN, "notEntitled"),
            GateErrorKind::NotInBulk => (StatusCode::FORBIDDEN, "notQuick"),
            GateErrorKind::NotGranted => not_granted(error.grant()),
            GateErrorKind::InvalidAbsence => (StatusCode::UNPROCESSABLE_ENTITY, "invalidAbsence"),
            GateErrorKind::NotUncovered => (StatusCode::UNPROCESSABLE_ENTITY, "notUncovered"),
            GateErrorKind::EditDenied => (StatusCode::UNPROCESSABLE_ENTITY, "editDenied"),
            GateErrorKind::Store => (StatusCode::SERVICE_UNAVAILABLE, "store"),
            GateErrorKind::Audit => (StatusCode::SERVICE_UNAVAILABLE, "audit"),
            GateErrorKind::UnknownTool => (StatusCode::CONFLICT, "unknownTool"),
            GateErrorKind::ToolChanged => (StatusCode::CONFLICT, "toolChanged"),
            GateErrorKind::Frozen => (StatusCode::CONFLICT, "frozen"),
            GateErrorKind::NotFrozen => (StatusCode::UNPROCESSABLE_ENTITY, "notFrozen"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "gate"),
        };
        let mut problem = Self::new(status, kind, error.to_string());
        problem.error.current = error.current().map(|call| Box::new(CallSummary::from(call)));
        problem
    }
}

fn refused(refusal: Option<Refusal>) -> (StatusCode, &'static str) {
    match refusal {
        Some(Refusal::Stale | Refusal::OtherResult) => (StatusCode::CONFLICT, "stale"),
        Some(Refusal::Expired) => (StatusCode::CONFLICT, "expired"),
        Some(Refusal::State { .. }) => (StatusCode::CONFLICT, "decided"),
        Some(Refusal::NotAllowed) => (StatusCode::UNPROCESSABLE_ENTITY, "notAllowed"),
        Some(Refusal::ReasonRequired) => (StatusCode::UNPROCESSABLE_ENTITY, "reasonRequired"),
        Some(
            Refusal::WrongTenant
            | Refusal::NotEntitled
            | Refusal::FourEyes
            | Refusal::NotHuman
            | Refusal::NotApprover
            | Refusal::AlreadyVoted,
        ) => (StatusCode::FORBIDDEN, "notEntitled"),
        Some(Refusal::Channel | Refusal::Elicitation) => (StatusCode::FORBIDDEN, "channel"),
        Some(Refusal::DecisionUsed) => (StatusCode::CONFLICT, "decisionUsed"),
        Some(Refusal::NoMoreTime) => (StatusCode::CONFLICT, "noMoreTime"),
        Some(Refusal::GraceOver) => (StatusCode::CONFLICT, "graceOver"),
        Some(Refusal::Unchanged | Refusal::TooManyEdits | Refusal::AlreadyTried) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "notEditable")
        }
        _ => (StatusCode::CONFLICT, "refused"),
    }
}

fn not_granted(why: Option<&GrantError>) -> (StatusCode, &'static str) {
    match why {
        Some(GrantError::Stale) => (StatusCode::CONFLICT, "stale"),
        Some(GrantError::Channel(refusal)) => refused(Some(*refusal)),
        Some(GrantError::WrongTenant | GrantError::FourEyes | GrantError::NotHuman) => {
            (StatusCode::FORBIDDEN, "notEntitled")
        }
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "notGranted"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
