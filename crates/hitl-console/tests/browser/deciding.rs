//! Reviewers decide: each button does what it says, and nothing else.

use hitl::approval::{DecisionKind, RepeatPolicy};
use hitl::audit::MemoryAudit;
use hitl::prelude::*;
use hitl::{CallState, Gate};
use hitl_console::{Console, Reviewer, Tasks, Token, Tokens, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::{ANN, BOB};
use crate::support::tools::{self, book_trip, contract, deletion, note, record, submit};

#[tokio::test]
async fn approve_and_reject_with_a_reason() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (plain, signed) = (note(&gate).await, contract(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;

    screen.open("Send \"Lunch?\" to \"bob\"").await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    let decided = record(&gate, plain.id).await;
    assert_eq!(decided.state(), CallState::Approved);
    assert_eq!(decided.decision().unwrap().by.as_str(), "ann");

    screen.open("Sign contract C-7").await;
    screen.see(&format!("{CARD}.contract"), "$5,000.00").await;
    screen.see(&format!("{CARD}.approve"), "Sign Contract").await;
    assert!(!screen.text("body").await.contains("secret-pin"));
    screen.click(&format!("{CARD}.reject")).await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.see(&format!("{CARD}.note"), "Enter a reason first").await;
    assert_eq!(record(&gate, signed.id).await.state(), CallState::Pending);
    screen.one(&format!("{CARD}textarea")).await.send_keys("too dear").await.unwrap();
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.see(&format!("{CARD}.outcome"), "too dear").await;
    assert_eq!(record(&gate, signed.id).await.state(), CallState::Rejected);
    screen.see(&format!("{QUEUE}.empty"), "Nothing is pending").await;
    browser.close().await;
}

#[tokio::test]
async fn who_rejects_says_whether_the_model_may_ask_again_and_the_card_who_did_what() {
    let Some(browser) = start(Window::Desk).await else { return };
    let audit = MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).build().await.unwrap();
    let request = note(&gate).await;
    let console = Console::new(gate.clone(), Tasks::none(), tokens()).audit(audit);
    let server = Server::start(console.router()).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Send \"Lunch?\" to \"bob\"").await;
    screen.click_text(&format!("{CARD}.others button"), "Reject with a reason").await;
    screen.one(&format!("{CARD}textarea")).await.send_keys("not now").await.unwrap();
    screen.click(&format!("{CARD}.again")).await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.see(&format!("{CARD}.outcome"), "may ask for it again").await;
    let answer = record(&gate, request.id).await.decision().unwrap().answer.clone();
    assert!(
        matches!(answer, DecisionKind::Reject { again: RepeatPolicy::Allowed, .. }),
        "{answer:?}"
    );
    screen.click(&format!("{CARD}.audit summary")).await;
    let told = format!("{CARD}.audit");
    screen.see(&told, "From the audit log").await;
    for line in ["Shown by ann", "Decided by ann", "rejected: not now"] {
        screen.see(&told, line).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn without_its_audit_a_card_says_that_it_shows_the_history() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Send \"Lunch?\" to \"bob\"").await;
    screen.click(&format!("{CARD}.audit summary")).await;
    screen.see(&format!("{CARD}.audit"), "not from the audit log").await;
    screen.see(&format!("{CARD}.audit"), "Submitted").await;
    browser.close().await;
}

#[tokio::test]
async fn a_deletion_needs_its_exact_name() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = deletion(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Delete project \"apollo\"").await;
    let (button, field) = (format!("{CARD}.approve"), format!("{CARD}.confirm"));
    for typed in ["", "apoll", "oo", " "] {
        screen.one(&field).await.send_keys(typed).await.unwrap();
        if screen.one(&field).await.prop("value").await.unwrap().as_deref() != Some("apollo") {
            assert!(!screen.one(&button).await.is_enabled().await.unwrap(), "{typed}");
        }
    }
    // Neither the shortcut nor the return key bypasses it.
    screen.one(&field).await.send_keys("\u{e007}").await.unwrap();
    browser.client.execute("document.activeElement.blur()", vec![]).await.unwrap();
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    screen.one(&field).await.clear().await.unwrap();
    screen.one(&field).await.send_keys("apollo").await.unwrap();
    screen.click(&button).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    browser.close().await;
}

#[tokio::test]
async fn an_edit_is_checked_shown_and_approved() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.5, true, "economy", "")).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Book \"JFK\"").await;
    screen.press("e").await;
    screen.see(&format!("{CARD}.diff"), "No changes yet").await;
    // What leads is first: traveller, origin, destination and price. Bags follow.
    let bags = screen.all(&format!("{CARD}.field input")).await.remove(4);
    bags.clear().await.unwrap();
    bags.send_keys("many").await.unwrap();
    screen.see(&format!("{CARD}.field .note"), "bags must be a number").await;
    let send = format!("{CARD}form button[type=submit]");
    assert!(!screen.one(&send).await.is_enabled().await.unwrap());
    bags.clear().await.unwrap();
    bags.send_keys("3").await.unwrap();
    screen.see(&format!("{CARD}.diff del"), "1").await;
    screen.see(&format!("{CARD}.diff ins"), "3").await;
    screen.see(&format!("{CARD}.edit-preview .then"), "Book \"JFK\"").await;
    screen.click(&send).await;
    screen.until("the edit", "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot.querySelector('.identity').textContent.includes('revision 2')").await;
    let edited = record(&gate, request.id).await;
    assert_eq!(edited.request().revision, 2);
    assert!(edited.request().arguments.as_str().contains("\"bags\":3"));
    assert!(edited.request().arguments.as_str().contains("99.5"), "the rest is as it was");
    browser.close().await;
}

/// Pays a supplier.
#[hitl_tool(risk = "medium", stages = ["finance", "director"], describe = "Pay {amount} to {to}")]
async fn pay(amount: u32, to: String) -> String {
    format!("paid {amount} to {to}")
}

#[tokio::test]
async fn invariant_2_an_edit_is_sent_once_its_result_has_been_shown() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = Gate::builder().tool::<Pay>().build().await.unwrap();
    let request = submit(&gate, pay(100, "Initech")).await;
    let finance = Reviewer::new("ann").role("finance");
    let tokens = Tokens::new().with(finance, &Token::from_secret(ANN));
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens)).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Pay 100").await;
    screen.press("e").await;
    screen.see(&format!("{CARD}.diff"), "No changes yet").await;
    let field = screen.all(&format!("{CARD}.field input")).await.remove(0);
    let (then, send) = (format!("{CARD}.edit-preview"), format!("{CARD}form button[type=submit]"));
    // The page's schema allows it, and the gate does not.
    field.clear().await.unwrap();
    field.send_keys("5000000000").await.unwrap();
    screen.see(&then, "amount").await;
    assert!(!screen.one(&send).await.is_enabled().await.unwrap());
    field.clear().await.unwrap();
    field.send_keys("80").await.unwrap();
    screen.see(&then, "Pay 80 to \"Initech\"").await;
    screen.see(&then, "it still needs another approval").await;
    screen.see(&send, "Make these changes").await;
    assert_eq!(record(&gate, request.id).await.version(), 1, "nothing is sent yet");
    // What is typed next is not what was shown.
    field.send_keys("0").await.unwrap();
    let at_once =
        "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card')
        .shadowRoot.querySelector('form button[type=submit]').disabled";
    assert_eq!(browser.client.execute(at_once, vec![]).await.unwrap(), serde_json::json!(true));
    screen.see(&then, "Pay 800").await;
    screen.click(&send).await;
    screen.see(&format!("{CARD}.identity"), "revision 2").await;
    let edited = record(&gate, request.id).await;
    assert_eq!(edited.state(), CallState::Pending);
    assert_eq!(edited.request().title, "Pay 800 to \"Initech\"");
    browser.close().await;
}

#[tokio::test]
async fn of_two_reviewers_one_wins_and_the_other_sees_it() {
    let (Some(one), Some(two)) = (start(Window::Desk).await, start(Window::Desk).await) else {
        return;
    };
    let gate = tools::gate().await;
    let request = note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let (ann, bob) = (Screen(&one.client), Screen(&two.client));
    let url = server.url();
    tokio::join!(ann.sign_in(&url, ANN), bob.sign_in(&url, BOB));
    tokio::join!(ann.open("Send"), bob.open("Send"));
    ann.see(&format!("{CARD}.onlookers"), "bob is also looking").await;
    bob.see(&format!("{CARD}.onlookers"), "ann is also looking").await;
    let (approve, reject) = (format!("{CARD}.approve"), format!("{CARD}.reject"));
    let both = tokio::join!(ann.one(&approve), bob.one(&reject));
    let _raced = tokio::join!(both.0.click(), both.1.click());
    let winner = {
        let (on_one, on_two) = (format!("{CARD}.outcome"), format!("{CARD}.outcome"));
        ann.see(&on_one, "by ").await;
        bob.see(&on_two, "by ").await;
        let decided = record(&gate, request.id).await;
        assert_eq!(decided.version(), 2, "one decision");
        decided.decision().unwrap().by.to_string()
    };
    for screen in [&ann, &bob] {
        screen.see(&format!("{CARD}.outcome"), &format!("by {winner}")).await;
        assert!(screen.all(&approve).await.is_empty(), "nothing is left to decide");
    }
    tokio::join!(one.close(), two.close());
}

#[tokio::test]
async fn several_quick_calls_are_decided_together() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (one, two, full) = (note(&gate).await, note(&gate).await, contract(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;
    let boxes = screen.all(&format!("{QUEUE}.line > input")).await;
    assert_eq!(boxes.len(), 2, "what needs a full review cannot be selected");
    for one in boxes {
        one.click().await.unwrap();
    }
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Approve 2").await;
    screen.see(&format!("{QUEUE}.bulk .chosen"), "Send \"Lunch?\" to \"bob\"").await;
    assert_eq!(record(&gate, one.id).await.state(), CallState::Pending, "it is listed first");
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Approve these 2").await;
    screen.see(&format!("{QUEUE}.counts"), "1 pending").await;
    for id in [one.id, two.id] {
        assert_eq!(record(&gate, id).await.state(), CallState::Approved);
    }
    assert_eq!(record(&gate, full.id).await.state(), CallState::Pending);
    browser.close().await;
}
