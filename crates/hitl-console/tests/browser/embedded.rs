//! The elements in a foreign front end: one script tag, and they work.

use axum::Router;
use axum::http::request::Parts;
use axum::response::Html;
use axum::routing::get;
use futures::future::{BoxFuture, FutureExt as _, ready};
use hitl::CallState;
use hitl_console::{Auth, AuthError, Reviewer, SignIn, Tasks, router};

use crate::driver::{Window, start};
use crate::screen::Screen;
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, contract, note, record};

const CARD: &str = "hitl-approval-card >>> ";

/// Returns a page of the host, with the given body of its own.
fn host(console: Router, body: String) -> Router {
    let page = format!(
        "<!doctype html><html lang=en><title>Ours</title><style>body, h2, p {{ color: red }} \
         button {{ display: none }}</style><main>{body}</main>\
         <script type=module src=/review/assets/hitl.js></script>"
    );
    Router::new()
        .route("/ours", get(|| async { ([("set-cookie", "user=ann")], Html(page)) }))
        .nest("/review/", console)
}

/// The host knows its users by its own cookie.
struct Cookies;

impl Auth for Cookies {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
        let cookie = request.headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
        let known = cookie.and_then(|cookie| cookie.strip_prefix("user=")).map(Reviewer::new);
        ready(known.ok_or(AuthError::Nobody)).boxed()
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Page("/ours".to_owned())
    }
}

#[tokio::test]
async fn one_script_tag_makes_a_card_where_the_host_signs_in() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = contract(&gate).await;
    let console = router(gate.clone(), Tasks::none(), Cookies);
    let body = format!("<hitl-approval-card call={}></hitl-approval-card>", request.id);
    let server = Server::start(host(console, body)).await;
    let screen = Screen(&browser.client);
    browser.client.goto(&format!("{}ours", server.url())).await.unwrap();
    screen.see(&format!("{CARD}h2"), "Sign contract C-7").await;
    // The host's styles stay outside, and hitl's inside.
    let colours = "
        const card = document.querySelector('hitl-approval-card');
        const title = card.shadowRoot.querySelector('h2');
        return getComputedStyle(title).color !== 'rgb(255, 0, 0)';
    ";
    screen.until("a style of its own", colours).await;
    screen.settle().await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.confirm(CARD).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    browser.close().await;
}

#[tokio::test]
async fn a_queue_elsewhere_shows_nothing_until_somebody_signs_in() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    let console = router(gate.clone(), Tasks::none(), tokens());
    let body = "<hitl-sign-in></hitl-sign-in><hitl-queue></hitl-queue>".to_owned();
    let server = Server::start(host(console, body)).await;
    let screen = Screen(&browser.client);
    browser.client.goto(&format!("{}ours", server.url())).await.unwrap();
    let token = screen.one("hitl-sign-in >>> input").await;
    assert!(screen.all("hitl-queue >>> .row").await.is_empty());
    token.send_keys(ANN).await.unwrap();
    token.send_keys("\u{e007}").await.unwrap();
    screen.see("hitl-queue >>> .row", "Send \"Lunch?\" to \"bob\"").await;
    browser.close().await;
}
