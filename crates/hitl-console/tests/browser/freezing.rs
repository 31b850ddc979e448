//! Freezing and thawing on the page, and an approval that is taken back.

use hitl::prelude::*;
use hitl::{CallState, MemoryAudit};
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, note, record, submit};

const ENTER: &str = "\u{e007}";

/// Deploys a version.
#[hitl_tool(risk = "low", base_confidence = 70, grace = "2m", describe = "Deploy {version}")]
async fn deploy(version: String) -> String {
    format!("deployed {version}")
}

#[tokio::test]
async fn every_view_says_who_froze_and_only_the_typed_word_thaws() {
    let Some(browser) = start(Window::Desk).await else { return };
    let audit = MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).build().await.unwrap();
    note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Lunch").await;
    screen.see(".top", "Freeze …").await;
    screen.click_text(".top button", "Freeze …").await;
    screen.see(".frozen h3", "Freeze: stop everything").await;
    screen.click(".frozen .main").await;
    screen.see(".frozen .note", "Say why").await;
    assert!(gate.freezes().await.unwrap().is_empty());
    screen.click(".frozen textarea").await;
    screen.press("an incident").await;
    screen.click(".frozen .main").await;
    screen.see(".frozen", "Your tenant is frozen").await;
    screen.see(".frozen", "By ann").await;
    screen.see(".frozen", "an incident").await;
    assert_eq!(gate.freezes().await.unwrap().len(), 1);
    for view in ["Tasks", "History", "Queue"] {
        screen.click_text(".top nav a", view).await;
        screen.see(".frozen", "an incident").await;
    }
    screen.click_text(".frozen button", "Thaw …").await;
    screen.press("yes").await;
    screen.press(ENTER).await;
    screen.see(".frozen .note", "Type the word").await;
    assert_eq!(gate.freezes().await.unwrap().len(), 1);
    let clear = "document.querySelector('.frozen input').value = ''; return true";
    screen.until("an empty field", clear).await;
    screen.press("thaw").await;
    screen.press(ENTER).await;
    screen.until("no banner", "return !document.querySelector('.frozen.is-frozen')").await;
    assert!(gate.freezes().await.unwrap().is_empty());
    // What another one freezes is shown without a reload.
    gate.freeze(hitl::store::FreezeScope::All, "from afar", "eve").await.unwrap();
    screen.see(".frozen", "Everything is frozen").await;
    screen.see(".frozen", "from afar").await;
    screen.until("no thaw", "return !document.querySelector('.frozen > button')").await;
    browser.close().await;
}

#[tokio::test]
async fn an_approval_is_taken_back_while_its_call_does_not_start() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::register(Gate::builder()).tool::<Deploy>().build().await.unwrap();
    let request = submit(&gate, deploy("7".to_owned())).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Deploy 7").await;
    screen.settle().await;
    screen.press("a").await;
    screen.see(&format!("{CARD}.taking"), "It starts in").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    screen.press("b").await;
    screen.see(&format!("{CARD}.decide"), "Approve").await;
    let asked = record(&gate, request.id).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    browser.close().await;
}
