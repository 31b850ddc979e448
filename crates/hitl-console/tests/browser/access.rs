//! axe-core finds no violation, on any view, in light and dark.

use std::path::PathBuf;

use hitl_console::{Tasks, router};
use serde_json::{Value, json};

use crate::driver::{Window, skip, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::shots::{scene, scheme};
use crate::support::ask::ANN;

/// Returns axe-core's source, which `cargo xtask test` has installed.
fn axe() -> Option<String> {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = target.parent()?.join("browser/axe.min.js");
    std::fs::read_to_string(path).ok()
}

const RUN: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => done(violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map((node) => [String(node.target), node.failureSummary]) }))),
        (error) => done([{ id: 'axe itself', help: String(error) }]),
    );
";

async fn check(screen: &Screen<'_>, axe: &str, view: &str) {
    for colours in ["light", "dark"] {
        scheme(screen, colours).await;
        screen.0.execute(&format!("if (!window.axe) {{ {axe} }}"), vec![]).await.unwrap();
        let found = screen.0.execute_async(RUN, vec![]).await.unwrap();
        assert_eq!(found, json!([]), "{view}, {colours}: {}", pretty(&found));
    }
    scheme(screen, "light").await;
}

fn pretty(found: &Value) -> String {
    serde_json::to_string_pretty(found).unwrap()
}

#[tokio::test]
async fn axe_finds_no_violations() {
    let Some(axe) = axe() else {
        return skip("axe-core is missing from target/browser");
    };
    let Some(browser) = start(Window::Desk).await else { return };
    let scene = scene().await;
    let server = Server::start(router(scene.gate.clone(), scene.tasks(), tokens())).await;
    let screen = Screen(&browser.client);
    browser.client.goto(&server.url()).await.unwrap();
    screen.one("hitl-sign-in >>> input").await;
    check(&screen, &axe, "signing in").await;
    screen.sign_in(&server.url(), ANN).await;
    screen.one(&format!("{QUEUE}.row")).await;
    check(&screen, &axe, "the queue").await;
    for title in ["Sign contract", "Delete project", "Book", "Send"] {
        screen.open(title).await;
        check(&screen, &axe, title).await;
    }
    screen.open("Sign contract").await;
    screen.click(&format!("{CARD}.reject")).await;
    screen.one(&format!("{CARD}form")).await;
    check(&screen, &axe, "saying why").await;
    screen.open("Book").await;
    screen.click_text(&format!("{CARD}.others button"), "Always allow").await;
    screen.click(&format!("{CARD}input[value=chosen]")).await;
    check(&screen, &axe, "the terms of a grant").await;
    screen.click(&format!("{CARD}input[value=exact]")).await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.one(&format!("{CARD}.rule")).await;
    check(&screen, &axe, "the rule of a grant").await;
    screen.settle().await;
    screen.click_text(&format!("{CARD}form button"), "Allow this").await;
    screen.see(&format!("{CARD}.outcome"), "Allowed by a grant").await;
    screen.click_text("nav a", "Grants").await;
    screen.one("hitl-grants >>> .rule").await;
    check(&screen, &axe, "grants").await;
    screen.click_text("nav a", "Tasks").await;
    screen.one("hitl-tasks >>> hitl-task-card >>> .badge").await;
    check(&screen, &axe, "tasks").await;
    screen.click_text("nav a", "History").await;
    screen.one("hitl-history >>> figure").await;
    check(&screen, &axe, "history").await;
    browser.close().await;
    drop(scene);
}

#[tokio::test]
async fn an_empty_console_has_no_violations() {
    let Some(axe) = axe() else {
        return skip("axe-core is missing from target/browser");
    };
    let Some(browser) = start(Window::Phone).await else { return };
    let gate = crate::support::tools::gate().await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.empty"), "Nothing is pending").await;
    check(&screen, &axe, "an empty queue on a phone").await;
    browser.close().await;
}
