//! Extractors that read requests strictly and report what is wrong as a [`Problem`].

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use hitl_core::{CallRecord, RequestId};

use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::State;

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Body<T>(pub(super) T);

/// A query string.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(super) struct Query<T>(pub(super) T);

/// A part of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

/// Errors of serde quote values, and a value may be a secret.
const BODY: &str = "the body is not what this takes: a field is missing, unknown or of another \
                    type; see openapi.json";

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let why = match &rejection {
            JsonRejection::JsonDataError(_) => BODY,
            JsonRejection::JsonSyntaxError(_) => "the body is not JSON",
            JsonRejection::MissingJsonContentType(_) => "set `Content-Type: application/json`",
            _ => "the body cannot be read, or is too large",
        };
        Self::new(rejection.status(), "badRequest", why)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let why = "the query is not what this takes: a parameter is unknown or of another type; see \
                   openapi.json";
        Self::new(rejection.status(), "badRequest", why)
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::bad("this is not an id: ids are UUIDs")
    }
}

impl State {
    /// Returns a call of the reviewer's tenant. A call of another tenant looks like one that does
    /// not exist.
    pub(super) async fn call(
        &self,
        reviewer: &Reviewer,
        id: RequestId,
    ) -> Result<CallRecord, Problem> {
        let found = self.gate.scoped_to(reviewer.authority()).get(&reviewer.tenant, id).await?;
        found.ok_or_else(|| Problem::not_found("call"))
    }
}
