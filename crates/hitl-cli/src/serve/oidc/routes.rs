//! The pages of a sign-in.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};

use super::desk::{ProviderAnswer, SignInDesk};
use super::error::SignInError;
use super::paths::{CALLBACK, SIGN_IN, SIGN_OUT};
use crate::serve::cookies::CookieName;

/// Returns the routes, for [`hitl_console::Console::sign_in_routes`].
pub(in crate::serve) fn routes(desk: Arc<SignInDesk>) -> Router {
    Router::new()
        .route(SIGN_IN, get(begin))
        .route(CALLBACK, get(complete))
        .route(SIGN_OUT, post(sign_out))
        .with_state(desk)
}

async fn begin(State(desk): State<Arc<SignInDesk>>) -> Response {
    match desk.begin().await {
        Ok(begun) => redirect(&begun.url, [Some(begun.cookie)]),
        Err(why) => refusal(why),
    }
}

async fn complete(
    State(desk): State<Arc<SignInDesk>>,
    headers: HeaderMap,
    answer: Result<Query<ProviderAnswer>, QueryRejection>,
) -> Response {
    let completed = match answer {
        Ok(Query(answer)) => desk.complete(&headers, answer).await,
        Err(_) => Err(SignInError::WrongState),
    };
    let over = desk.clear(CookieName::SignIn);
    match completed {
        Ok(cookie) => redirect("/", [Some(cookie), over]),
        Err(why) => with_cookies(refusal(why), [over]),
    }
}

async fn sign_out(State(desk): State<Arc<SignInDesk>>, headers: HeaderMap) -> Response {
    desk.end(&headers);
    with_cookies(StatusCode::NO_CONTENT.into_response(), [desk.clear(CookieName::Session)])
}

fn redirect<const N: usize>(to: &str, cookies: [Option<HeaderValue>; N]) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => {
            let response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
            with_cookies(response, cookies)
        }
        Err(_) => refusal(SignInError::ProviderDown),
    }
}

fn with_cookies<const N: usize>(
    mut response: Response,
    cookies: [Option<HeaderValue>; N],
) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Says why somebody is not signed in. The page is made of constants.
fn refusal(why: SignInError) -> Response {
    tracing::warn!(kind = why.kind(), "a sign-in failed");
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Not signed in</title>\n\
         <h1>You are not signed in</h1>\n<p>{}</p>\n<p><a href=\"{SIGN_IN}\">Sign in</a></p>\n</html>\n",
        why.advice()
    );
    (why.status(), Html(page)).into_response()
}
