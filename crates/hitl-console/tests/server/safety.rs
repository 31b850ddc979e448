//! Access control; each refusal leaves everything unchanged.

use crate::support;

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use futures::future::{BoxFuture, FutureExt as _, ready};
use hitl::Gate;
use hitl_console::{
    Auth, AuthError, Console, LimitedListener, Peer, Reviewer, SignIn, Tasks, Token, Tokens, router,
};
use serde_json::{Value, json};
use support::ask::{ANN, Events, get, listen, post};
use support::tools::{self, note, record};
use tokio::net::TcpListener;

async fn console() -> (Gate, Tokens, Router) {
    let gate = tools::gate().await;
    let tokens = Tokens::new().with("ann", &Token::from_secret(ANN));
    (gate.clone(), tokens.clone(), router(gate, Tasks::none(), tokens))
}

/// Returns the path and the body of a request that would change something.
fn approval(request: &hitl::ApprovalRequest) -> (String, Value) {
    let binding = request.binding.to_string();
    let body = json!({ "revision": request.revision, "binding": binding, "answer": "approve" });
    (format!("/api/calls/{}/decide", request.id), body)
}

#[tokio::test]
async fn nobody_gets_anything_without_a_token() {
    let (gate, _, console) = console().await;
    let request = note(&gate).await;
    let call = format!("/api/calls/{}", request.id);
    for path in [
        "/api/me",
        "/api/calls",
        &call,
        &format!("{call}/audit"),
        "/api/tasks",
        "/api/stats",
        "/api/events",
        "/api/grants",
        &format!("/api/grants/{}", request.id),
    ] {
        let refused = get(path).of(&console).await;
        assert_eq!(refused.refused(), (401, "unauthorized".into()), "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        let refused = get(path).by("wrong").of(&console).await;
        assert_eq!(refused.refused(), (401, "invalidToken".into()), "{path}");
    }
    let (path, body) = approval(&request);
    for path in [
        path.as_str(),
        &format!("{call}/cancel"),
        &format!("{call}/resolve"),
        &format!("{call}/grant"),
        &format!("{call}/grant/preview"),
        &format!("/api/grants/{}/revoke", request.id),
        "/api/bulk",
    ] {
        let refused = post(path, &body).header("x-hitl-console", "1").of(&console).await;
        assert_eq!(refused.refused(), (401, "unauthorized".into()), "{path}");
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
}

#[tokio::test]
async fn invariant_7_a_body_cannot_say_who_decides() {
    let (gate, _, console) = console().await;
    let request = note(&gate).await;
    let (path, body) = approval(&request);
    for key in ["by", "principal", "approver", "tenant", "user"] {
        let mut body = body.clone();
        body[key] = json!("mallory");
        let refused = post(&path, &body).by(ANN).of(&console).await;
        assert_eq!(refused.status.as_u16(), 422, "{key}");
    }
    for header in ["x-forwarded-user", "x-user", "from"] {
        let refused = post(&path, &body).header(header, "ann").header("x-hitl-console", "1");
        assert_eq!(refused.of(&console).await.status.as_u16(), 401, "{header}");
    }
    post(&path, &body).by(ANN).of(&console).await.ok();
    assert_eq!(record(&gate, request.id).await.decision().unwrap().by.as_str(), "ann");
}

#[tokio::test]
async fn another_host_name_is_refused_everywhere() {
    let (gate, tokens, console) = console().await;
    let request = note(&gate).await;
    let (path, body) = approval(&request);
    for host in
        ["evil.example", "127.0.0.1.evil.example:7171", "localhost.evil", "", "0.0.0.0:7171"]
    {
        for page in ["/", "/assets/hitl.js", "/openapi.json", "/api/sign-in", "/api/calls"] {
            let refused = get(page).by(ANN).host(host).of(&console).await;
            assert_eq!(refused.refused(), (421, "host".into()), "{host} {page}");
        }
        let refused = post(&path, &body).by(ANN).host(host).of(&console).await;
        assert_eq!(refused.refused(), (421, "host".into()), "{host}");
    }
    assert_eq!(get("/").without("host").of(&console).await.refused().0, 421);
    for host in ["localhost", "localhost:1", "127.0.0.1:7171", "[::1]:7171"] {
        assert_eq!(get("/").host(host).of(&console).await.status.as_u16(), 200, "{host}");
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
    let named = Console::new(gate, Tasks::none(), tokens).host("Review.example.com").router();
    assert_eq!(get("/").host("review.example.com:443").of(&named).await.status.as_u16(), 200);
    assert_eq!(get("/").host("evil.example").of(&named).await.status.as_u16(), 421);
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let (gate, _, console) = console().await;
    let request = note(&gate).await;
    let (path, body) = approval(&request);
    let ask = || post(&path, &body).by(ANN);
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:9999",
        "http://localhost:7171",
        "file://",
        "",
    ] {
        let refused = ask().header("origin", origin).of(&console).await;
        assert_eq!(refused.refused(), (403, "origin".into()), "{origin}");
    }
    for site in ["cross-site", "same-site", "none"] {
        let refused = ask().header("sec-fetch-site", site).of(&console).await;
        assert_eq!(refused.refused(), (403, "origin".into()), "{site}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let refused = ask().header("content-type", kind).of(&console).await;
        assert_eq!(refused.refused(), (415, "contentType".into()), "{kind}");
    }
    let refused = ask().without("content-type").of(&console).await;
    assert_eq!(refused.refused(), (415, "contentType".into()));
    assert_eq!(record(&gate, request.id).await.version(), 1);
    // No response is readable across origins: no such header is ever set.
    let preflight = get(&path).method("OPTIONS").header("origin", "https://evil.example");
    let refused = preflight.header("access-control-request-method", "POST").of(&console).await;
    assert!(!refused.status.is_success());
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let ours =
        ask().header("origin", "http://127.0.0.1:7171").header("sec-fetch-site", "same-origin");
    let done = ours.of(&console).await;
    assert_eq!(done.header("access-control-allow-origin"), "");
    done.ok();
}

/// The host knows its users by a cookie, which browsers send by themselves.
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
        SignIn::Page("/login".to_owned())
    }
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let gate = tools::gate().await;
    let console = router(gate.clone(), Tasks::none(), Cookies);
    let request = note(&gate).await;
    let (path, body) = approval(&request);
    assert_eq!(
        get("/api/me").header("cookie", "user=ann").of(&console).await.ok()["principal"],
        "ann"
    );
    assert_eq!(get("/api/sign-in").of(&console).await.ok()["page"], "/login");
    let ask = || post(&path, &body).header("cookie", "user=ann");
    assert_eq!(ask().of(&console).await.refused(), (403, "csrf".into()));
    // Credentials that a browser sends by itself are no token.
    let basic = ask().header("authorization", "Basic YW5uOmFubg==").of(&console).await;
    assert_eq!(basic.refused(), (403, "csrf".into()));
    // Nor can it save or revoke a grant; not even from our own page of another origin.
    let call = format!("/api/calls/{}", request.id);
    let revoke = format!("/api/grants/{}/revoke", request.id);
    for path in [format!("{call}/grant"), format!("{call}/grant/preview"), revoke] {
        let ask = || post(&path, &body).header("cookie", "user=ann");
        assert_eq!(ask().of(&console).await.refused(), (403, "csrf".into()), "{path}");
        let foreign = ask().header("x-hitl-console", "1").header("origin", "https://evil.example");
        assert_eq!(foreign.of(&console).await.refused(), (403, "origin".into()), "{path}");
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
    ask().header("x-hitl-console", "1").of(&console).await.ok();
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let (gate, _, console) = console().await;
    let request = note(&gate).await;
    let document = get("/openapi.json").of(&console).await.ok();
    let id = request.id.to_string();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &id);
        if methods.get("get").is_none() {
            for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
                let refused = post(&path, &json!({})).method(method).by(ANN).of(&console).await;
                assert_eq!(refused.status.as_u16(), 405, "{method} {path}");
            }
        } else if path != "/api/events" {
            let query = "?answer=approve&revision=1&reason=x";
            let _any = get(format!("{path}{query}")).by(ANN).of(&console).await;
            let _any = get(&path).by(ANN).of(&console).await;
        }
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
    assert_eq!(gate.unscoped().last_history_seq().await.unwrap(), 1);
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let (gate, tokens, console) = console().await;
    let request = note(&gate).await;
    let (path, mut body) = approval(&request);
    body["answer"] = json!("reject");
    body["reason"] = json!("x".repeat(70_000));
    assert_eq!(post(&path, &body).by(ANN).of(&console).await.status.as_u16(), 413);
    assert_eq!(record(&gate, request.id).await.version(), 1);
    let larger = Console::new(gate, Tasks::none(), tokens).max_body_bytes(100_000).router();
    post(&path, &body).by(ANN).of(&larger).await.ok();
}

#[tokio::test(start_paused = true)]
async fn guessing_is_slowed_down_and_the_right_token_is_not() {
    let (_, _, console) = console().await;
    for n in 0..10 {
        let refused = get("/api/me").by(&format!("guess {n}")).of(&console).await;
        assert_eq!(refused.refused(), (401, "invalidToken".into()));
    }
    for n in 0..40 {
        let before = tokio::time::Instant::now();
        let refused = get("/api/me").by(&format!("guess {n}")).of(&console).await;
        assert_eq!(refused.refused(), (429, "tooMany".into()));
        assert_eq!(refused.header("retry-after"), (60 - n).to_string());
        assert_eq!(before.elapsed(), Duration::from_secs(1));
        get("/api/me").by(ANN).of(&console).await.ok();
        assert_eq!(before.elapsed(), Duration::from_secs(1), "the right one is not held up");
    }
    // A request without a token is no guess.
    assert_eq!(get("/api/me").of(&console).await.refused(), (401, "unauthorized".into()));
    tokio::time::advance(Duration::from_secs(61)).await;
    let refused = get("/api/me").by("a guess").of(&console).await;
    assert_eq!(refused.refused(), (401, "invalidToken".into()));
}

#[tokio::test]
async fn every_answer_has_a_strict_policy() {
    let (_, _, console) = console().await;
    for (path, status) in [
        ("/", 200),
        ("/assets/hitl.js", 200),
        ("/api/me", 401),
        ("/nowhere", 404),
        ("/openapi.json", 200),
    ] {
        let answer = get(path).of(&console).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.split("; ").any(|there| there == part), "{path}: {part}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        if path.starts_with("/api") {
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn a_revoked_token_loses_its_stream_within_five_seconds() {
    let (gate, tokens, console) = console().await;
    let address = listen(console).await;
    let mut events = Events::open(address, ANN, None).await;
    assert_eq!(events.next().await.unwrap().kind, "hello");
    note(&gate).await;
    assert_eq!(events.next_of("call").await.data["event"], "submitted");
    let revoked = std::time::Instant::now();
    assert_eq!(tokens.revoke("ann"), 1);
    let ended = async { while events.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends in time");
    assert!(revoked.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn streams_are_capped() {
    let (gate, tokens, _) = console().await;
    let console = Console::new(gate, Tasks::none(), tokens).max_streams(2).router();
    let address = listen(console.clone()).await;
    let (mut one, mut two) =
        (Events::open(address, ANN, None).await, Events::open(address, ANN, None).await);
    assert!(one.next().await.is_some() && two.next().await.is_some());
    let refused = get("/api/events").by(ANN).of(&console).await;
    assert_eq!(refused.refused(), (429, "tooMany".into()));
}

#[tokio::test]
async fn connections_are_capped_and_who_comes_later_waits_for_a_place() {
    let (gate, _, console) = console().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = console.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(LimitedListener::new(listener, 2), service).await });
    let mut one = Events::open(address, ANN, None).await;
    let two = Events::open(address, ANN, None).await;
    assert_eq!(one.next().await.unwrap().kind, "hello");
    let three = tokio::spawn(Events::open(address, ANN, None));
    // A client with a place is served as usual; the third one is not, even with many attempts.
    for _ in 0..20 {
        note(&gate).await;
        one.next_of("call").await;
    }
    assert!(!three.is_finished());
    drop(two);
    let mut three = three.await.unwrap();
    assert_eq!(three.next().await.unwrap().kind, "hello");
}

#[tokio::test]
async fn errors_quote_nothing() {
    let (gate, _, console) = console().await;
    let request = tools::contract(&gate).await;
    let (path, mut body) = approval(&request);
    body["answer"] = json!("1234-secret-pin");
    let refused = post(&path, &json!("1234-secret-pin")).by(ANN).of(&console).await;
    assert!(
        refused.status.is_client_error() && !refused.text.contains("secret-pin"),
        "{}",
        refused.text
    );
    let refused = get("/api/calls/1234-secret-pin").by(ANN).of(&console).await;
    assert!(refused.status.is_client_error() && !refused.text.contains("secret-pin"));
    let refused = get("/api/me").by("1234-secret-pin").of(&console).await;
    assert!(!refused.text.contains("secret-pin"));
}
