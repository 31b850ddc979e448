//! The page without a mouse.

use hitl::CallState;
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, contract, deletion, note, record};

const TAB: &str = "\u{e004}";
const RETURN: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const CONTROL_RETURN: &str = "\u{e009}\u{e007}";

#[tokio::test]
async fn the_whole_job_is_done_with_keys() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (dear, gone, plain) = (contract(&gate).await, deletion(&gate).await, note(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    // The token's field has the focus.
    browser.client.goto(&server.url()).await.unwrap();
    screen.one("hitl-sign-in >>> input").await;
    screen.until("the focus", "return document.querySelector('hitl-sign-in')?.shadowRoot.activeElement?.type === 'password'").await;
    screen.press(&format!("{ANN}{RETURN}")).await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;

    // The most urgent call comes first: the contract. It requires a reason.
    screen.press("j").await;
    screen.see(&format!("{CARD}h2"), "Sign contract").await;
    screen.settle().await;
    screen.press("r").await;
    screen.one(&format!("{CARD}textarea")).await;
    screen.press("not now").await;
    screen.press(CONTROL_RETURN).await;
    screen.see(&format!("{CARD}.outcome"), "not now").await;
    assert_eq!(record(&gate, dear.id).await.state(), CallState::Rejected);
    // The same key decides nothing else: the card stays until the reviewer moves on.
    screen.press("a").await;
    screen.settle().await;
    assert_eq!(record(&gate, gone.id).await.version(), 1);

    // The deletion: the key leads to the field, and text typed there is no command.
    screen.see(&format!("{QUEUE}.counts"), "2 pending").await;
    screen.press("j").await;
    screen.see(&format!("{CARD}h2"), "Delete project").await;
    screen.settle().await;
    screen.press("a").await;
    screen.press("apollo").await;
    screen.press(RETURN).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, gone.id).await.state(), CallState::Approved);

    // One key for a simple call; before that the help, which closes again.
    screen.see(&format!("{QUEUE}.counts"), "1 pending").await;
    screen.press("?").await;
    screen.see("hitl-help >>> dialog", "approve").await;
    screen.press(ESCAPE).await;
    screen.until("no dialog", "return document.querySelector('hitl-help') === null").await;
    screen.press("k").await;
    screen.see(&format!("{CARD}h2"), "Send").await;
    screen.settle().await;
    screen.press("a").await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, plain.id).await.state(), CallState::Approved);
    browser.close().await;
}

#[tokio::test]
async fn every_control_is_reached_by_tab_and_shows_it() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    contract(&gate).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Sign contract").await;
    browser.client.execute("document.activeElement.blur()", vec![]).await.unwrap();
    let focused = "
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const style = at ? getComputedStyle(at) : {};
        const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        return [at?.className || at?.tagName, shown];
    ";
    let mut seen = Vec::new();
    for _ in 0..40 {
        screen.press(TAB).await;
        let at = browser.client.execute(focused, vec![]).await.unwrap();
        let name = at[0].as_str().unwrap_or_default().to_owned();
        if name != "BODY" {
            assert_eq!(at[1], true, "{name} does not show its focus");
        }
        seen.push(name);
    }
    for control in ["row", "act approve main", "act reject"] {
        assert!(seen.iter().any(|name| name.trim() == control), "{control}: {seen:?}");
    }
    browser.close().await;
}

#[tokio::test]
async fn a_card_that_has_just_appeared_takes_no_decision() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.one(&format!("{QUEUE}.row")).await;
    // All at once, faster than anyone reads.
    let hasty = "
        const queue = document.querySelector('hitl-queue');
        const card = queue.shadowRoot.querySelector('hitl-approval-card');
        queue.shadowRoot.querySelector('.row').click();
        return new Promise((done) => {
            const look = setInterval(() => {
                const button = card.shadowRoot.querySelector('.approve');
                if (!button) return;
                clearInterval(look);
                button.click();
                done(card.shadowRoot.querySelector('.note').textContent);
            }, 1);
        });
    ";
    let said = browser.client.execute(hasty, vec![]).await.unwrap();
    assert!(said.as_str().unwrap().contains("Read it first"), "{said}");
    assert_eq!(record(&gate, request.id).await.version(), 1);
    browser.close().await;
}
