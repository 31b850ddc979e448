//! The page and its files, and how they nest.

use crate::support;

use axum::Router;
use hitl_console::{Tasks, Token, Tokens, router};
use support::ask::{ANN, get};
use support::tools;

async fn console() -> Router {
    router(tools::gate().await, Tasks::none(), Tokens::new().with("ann", &Token::from_secret(ANN)))
}

#[tokio::test]
async fn the_page_nests_under_any_path() {
    let inner = console().await;
    for app in [
        inner.clone(),
        Router::new().nest("/a/review/", inner.clone()),
        Router::new().nest("/a/review", inner.clone()),
        Router::new().nest_service("/a/review", inner.clone()),
    ] {
        let mut found = None;
        for start in ["/", "/a/review", "/a/review/"] {
            let answer = get(start).of(&app).await;
            if answer.status.is_success() {
                let (_, rest) = answer.text.split_once("script type=\"module\" src=\"").unwrap();
                let (script, _) = rest.split_once('"').unwrap();
                let folder = &start[..=start.rfind('/').unwrap()];
                let script = get(format!("{folder}{script}")).of(&app).await;
                assert_eq!(script.status.as_u16(), 200, "{start}");
                found = Some(start);
            }
        }
        let path = format!("{}/", found.expect("the page is there").trim_end_matches('/'));
        get(format!("{path}api/me")).by(ANN).of(&app).await.ok();
    }
}

#[tokio::test]
async fn files_are_sent_again_only_when_they_have_changed() {
    let console = console().await;
    let file = get("/assets/hitl.css").of(&console).await;
    assert_eq!(file.header("content-type"), "text/css; charset=utf-8");
    let tag = file.header("etag").to_owned();
    let again = get("/assets/hitl.css").header("if-none-match", &tag).of(&console).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    for path in ["/assets/", "/assets/../Cargo.toml", "/assets/nothing.js", "/assets/%2e%2e%2fx"] {
        assert_eq!(get(path).of(&console).await.status.as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn files_are_compressed_for_who_reads_gzip_and_answers_of_the_api_never_are() {
    let console = console().await;
    let asked = |path| get(path).header("accept-encoding", "gzip, br");
    for path in ["/", "/assets/hitl.css", "/assets/page.js"] {
        let (plain, compressed) = (get(path).of(&console).await, asked(path).of(&console).await);
        assert_eq!(plain.headers.get("content-encoding"), None, "{path}");
        assert_eq!(plain.text, compressed.text, "{path}");
        assert_eq!(compressed.header("content-encoding"), "gzip", "{path}");
        for answer in [&plain, &compressed] {
            assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
        }
        assert_eq!(plain.header("content-type"), compressed.header("content-type"));
        // A cache that holds one form must not serve it for the other.
        let tag = plain.header("etag").to_owned();
        assert_ne!(tag, compressed.header("etag"), "{path}");
        let again = asked(path).header("if-none-match", &tag).of(&console).await;
        assert_eq!(again.status.as_u16(), 200, "{path}");
        let tag = compressed.header("etag").to_owned();
        let again = asked(path).header("if-none-match", &tag).of(&console).await;
        assert_eq!(again.status.as_u16(), 304, "{path}");
    }
    for path in ["/api/me", "/api/calls", "/openapi.json"] {
        let answer = asked(path).by(ANN).of(&console).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        assert_eq!(answer.headers.get("content-encoding"), None, "{path}");
    }
}
