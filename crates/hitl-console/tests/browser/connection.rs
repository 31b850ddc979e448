//! The connection breaks and comes back.

use hitl::CallState;
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, note, record, send_note, submit};

#[tokio::test]
async fn the_page_comes_back_by_itself_after_a_restart() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let console = || router(gate.clone(), Tasks::none(), tokens());
    let mut server = Server::start(console()).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.empty"), "Nothing is pending").await;

    server.stop();
    screen.see(".lost", "The connection is lost").await;
    // Changes made meanwhile are not missed.
    let request = note(&gate).await;
    let again = Server::at(console(), server.address).await;
    screen
        .until("the connection", "return document.querySelector('.state.is-live') !== null")
        .await;
    assert_eq!(screen.text(".lost").await, "");
    screen.open("Send \"Lunch?\" to \"bob\"").await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    drop(again);
    browser.close().await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_sent_says_so_and_can_be_sent_again() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = submit(&gate, send_note("eve", "Hello")).await;
    let console = || router(gate.clone(), Tasks::none(), tokens());
    let mut server = Server::start(console()).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Send \"Hello\" to \"eve\"").await;
    server.stop();
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.note"), "cannot be reached").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    let _again = Server::at(console(), server.address).await;
    screen
        .until("the connection", "return document.querySelector('.state.is-live') !== null")
        .await;
    screen.settle().await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    browser.close().await;
}

#[tokio::test]
async fn a_revoked_reviewer_is_asked_to_sign_in() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    let tokens = tokens();
    let server = Server::start(router(gate, Tasks::none(), tokens.clone())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Send").await;
    tokens.revoke("ann");
    screen.see("hitl-sign-in >>> h1", "Sign in").await;
    assert!(screen.all(&format!("{QUEUE}.row")).await.is_empty(), "nothing is left to read");
    let kept = browser.client.execute("return sessionStorage.getItem('hitl-token')", vec![]).await;
    assert!(kept.unwrap().is_null());
    browser.close().await;
}
