//! The document that describes the routes, made from the routes.

use axum::Json;
use hitl_wire::event::{CallEvent, PresenceEvent};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    absence, assign, audit, bulk, calls, decide, edits, events, extend, freeze, grants, health,
    presence, resolve, session, stats, take_back, tasks, uncover,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hitl console",
        description = "A human in the loop of AI agents: list, show and decide gated calls, and follow what happens. \
                       Every change is `application/json`; a decision names the id, revision and binding that were shown."
    ),
    paths(
        session::me, session::sign_in, calls::list, calls::show, audit::audit, decide::decide,
        edits::preview, uncover::uncover, extend::extend, take_back::take_back, assign::assign,
        absence::list, absence::set, absence::end,
        resolve::cancel, resolve::resolve, bulk::decide, grants::preview, grants::save, grants::list,
        grants::show, grants::revoke, tasks::list, tasks::cancel, tasks::retry, presence::set_presence,
        stats::stats, events::events, health::health, health::ready,
        freeze::list, freeze::freeze, freeze::thaw,
    ),
    components(schemas(CallEvent, PresenceEvent)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Returns the document.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    let document = Document::openapi();
    #[cfg(feature = "policy-files")]
    let document = document.merge_from(super::policies::PolicyDocument::openapi());
    Json(document)
}
