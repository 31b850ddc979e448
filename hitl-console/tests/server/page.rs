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
