//! What is risky does not go by one key, and nothing that was typed is lost.

use hitl::CallState;
use hitl::approval::DecisionKind;
use hitl_console::{Console, Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::{ANN, BOB};
use crate::support::tools::{self, contract, note, record, refund, send_note, submit};

const ESCAPE: &str = "\u{e00c}";

#[tokio::test]
async fn a_risky_call_takes_two_keys_and_a_plain_one_takes_one() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let full = contract(&gate).await;
    let large = submit(&gate, refund(1_500.0, "cust_1", "ord-1", "late")).await;
    let odd = submit(&gate, send_note("bob", "pay\u{200b}pal")).await;
    let plain = note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    for (title, id, why) in [
        ("Sign contract", full.id, "it needs a full review"),
        ("Refund", large.id, "an amount is above its limit"),
        ("pay", odd.id, "it has a warning"),
    ] {
        screen.open(title).await;
        screen.see(&format!("{CARD}.why-twice"), why).await;
        screen.press("a").await;
        screen.see(&format!("{CARD}.armed"), "Once more").await;
        // A key that bounces is no second step, and Escape takes the first one back.
        screen.press("a").await;
        assert_eq!(record(&gate, id).await.state(), CallState::Pending, "{title}");
        screen.press(ESCAPE).await;
        screen.until("no first step", "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot.querySelector('.armed') === null").await;
        screen.press("a").await;
        screen.see(&format!("{CARD}.armed"), "Once more").await;
        assert_eq!(record(&gate, id).await.state(), CallState::Pending, "{title}");
        screen.settle().await;
        screen.press("a").await;
        screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    }
    screen.open("Lunch").await;
    assert!(screen.all(&format!("{CARD}.why-twice")).await.is_empty());
    screen.press("a").await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, plain.id).await.state(), CallState::Approved);
    browser.close().await;
}

#[tokio::test]
async fn a_held_key_is_a_second_step_and_its_first_repetitions_are_not() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = contract(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Sign contract").await;
    let press = "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', repeat: arguments[0], bubbles: true }))";
    screen.0.execute(press, vec![false.into()]).await.unwrap();
    for _ in 0..5 {
        screen.0.execute(press, vec![true.into()]).await.unwrap();
    }
    screen.see(&format!("{CARD}.armed"), "Once more").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    screen.settle().await;
    screen.settle().await;
    screen.0.execute(press, vec![true.into()]).await.unwrap();
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    browser.close().await;
}

#[tokio::test]
async fn a_warning_is_marked_in_its_row_and_is_not_approved_in_bulk() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let odd = submit(&gate, send_note("bob\u{202e}", "hi")).await;
    let large = submit(&gate, refund(1_500.0, "cust_1", "ord-1", "late")).await;
    let plain = note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;
    assert_eq!(screen.all(&format!("{QUEUE}.warned")).await.len(), 1);
    assert_eq!(screen.all(&format!("{QUEUE}.line > input")).await.len(), 1);
    screen.press("*").await;
    screen.see(&format!("{QUEUE}.bulk"), "1 call selected").await;
    screen.press("A").await;
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Approve these 1").await;
    screen.see(&format!("{QUEUE}.counts"), "2 pending").await;
    assert_eq!(record(&gate, plain.id).await.state(), CallState::Approved);
    for id in [odd.id, large.id] {
        assert_eq!(record(&gate, id).await.state(), CallState::Pending);
    }
    browser.close().await;
}

#[tokio::test]
async fn a_bulk_rejection_asks_for_the_reason_and_invents_none() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (one, two, three) = (note(&gate).await, note(&gate).await, note(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;
    let boxes = screen.all(&format!("{QUEUE}.line > input")).await;
    boxes[0].click().await.unwrap();
    boxes[1].click().await.unwrap();
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Reject 2").await;
    screen.see(&format!("{QUEUE}.bulk label"), "Reason for rejecting 2 calls (optional)").await;
    screen.one(&format!("{QUEUE}.bulk textarea")).await.send_keys("not today").await.unwrap();
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Reject these 2").await;
    screen.see(&format!("{QUEUE}.counts"), "1 pending").await;
    // Without words there is no reason.
    screen.press("*").await;
    screen.press("R").await;
    screen.click_text(&format!("{QUEUE}.bulk .act"), "Reject these 1").await;
    screen.see(&format!("{QUEUE}.empty"), "Nothing is pending").await;
    let mut words = Vec::new();
    for id in [one.id, two.id, three.id] {
        let decided = record(&gate, id).await;
        assert_eq!(decided.state(), CallState::Rejected);
        let DecisionKind::Reject { reason, .. } = &decided.decision().unwrap().answer else {
            panic!("it was rejected")
        };
        words.push(reason.clone());
    }
    words.sort_unstable();
    let reason = Some("not today".to_owned());
    assert_eq!(words, [None, reason.clone(), reason]);
    browser.close().await;
}

#[tokio::test]
async fn what_was_typed_is_kept_when_somebody_else_decides_and_when_the_reviewer_looks_elsewhere() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = contract(&gate).await;
    note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Sign contract").await;
    screen.press("r").await;
    let words = format!("{CARD}textarea");
    screen.one(&words).await.send_keys("the price is twice that of last year").await.unwrap();
    // A look at another call loses nothing.
    screen.open("Lunch").await;
    screen.open("Sign contract").await;
    let typed = screen.one(&words).await.prop("value").await.unwrap();
    assert_eq!(typed.as_deref(), Some("the price is twice that of last year"));
    gate.decide(request.reject("no budget").by("bob")).await.unwrap();
    screen.see(&format!("{CARD}.kept"), "Your text was not sent").await;
    screen.see(&format!("{CARD}.kept"), "bob decided while you were typing").await;
    let kept = screen.one(&format!("{CARD}.kept textarea")).await.prop("value").await.unwrap();
    assert_eq!(kept.as_deref(), Some("the price is twice that of last year"));
    screen.see(&format!("{CARD}.outcome"), "no budget").await;
    screen.click_text(&format!("{CARD}.kept button"), "Discard it").await;
    assert!(screen.all(&format!("{CARD}.kept")).await.is_empty());
    browser.close().await;
}

#[tokio::test]
async fn rejecting_withdrawing_and_stopping_say_what_they_do() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (first, second) = (note(&gate).await, contract(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Lunch").await;
    // One primary action.
    assert_eq!(screen.all(&format!("{CARD}.decide .main")).await.len(), 1);
    for (key, title, says) in [
        ("R", "Reject this call", "goes on"),
        ("s", "Stop the whole run", "any other call of run"),
        ("w", "Withdraw the question", "Nobody has said yes or no"),
        ("i", "Answer instead of running it", "in place of a result"),
    ] {
        screen.press(key).await;
        screen.see(&format!("{CARD}.asking h3"), title).await;
        screen.see(&format!("{CARD}.asking"), says).await;
        assert_eq!(screen.all(&format!("{CARD}.decide .main")).await.len(), 1);
        screen.press(ESCAPE).await;
        screen.one(&format!("{CARD}.others")).await;
    }
    // A tool's own word for rejecting is explained.
    screen.open("Sign contract").await;
    screen.see(&format!("{CARD}.reject"), "Cancel… (reject)").await;
    for id in [first.id, second.id] {
        assert_eq!(record(&gate, id).await.version(), 1, "nothing was decided");
    }
    browser.close().await;
}

#[tokio::test]
async fn a_reviewer_gives_a_call_more_time_and_the_audit_says_so() {
    let Some(browser) = start(Window::Desk).await else { return };
    let audit = hitl::MemoryAudit::new();
    let gate = tools::register(hitl::Gate::builder()).audit(audit.clone()).build().await.unwrap();
    let request = note(&gate).await;
    let console = Console::new(gate.clone(), Tasks::none(), tokens()).audit(audit);
    let server = Server::start(console.router()).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Lunch").await;
    screen.press("t").await;
    screen.press("h").await;
    screen.see(&format!("{CARD}.audit"), "Extended by ann").await;
    let extended = record(&gate, request.id).await;
    assert_eq!((extended.state(), extended.request().revision), (CallState::Pending, 1));
    assert!(extended.request().expires_at > request.expires_at);
    // What was shown before can still be decided.
    screen.settle().await;
    screen.press("a").await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    browser.close().await;
}

#[tokio::test]
async fn a_call_that_has_run_shows_its_result_without_secrets() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let call = tools::send_email("Hello", "Order", "c0@example.com");
    let running = {
        let gate = gate.clone();
        tokio::spawn(async move { gate.call(call).by(hitl::CallContext::new("agent")).await })
    };
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), BOB).await;
    screen.open("E-mail").await;
    screen.approve().await;
    running.await.unwrap().unwrap();
    screen.see(&format!("{CARD}.outcome"), "Done").await;
    screen.see(&format!("{CARD}.result"), "went to c0@example.com").await;
    let shown = screen.text(&format!("{CARD}.result")).await;
    assert!(!shown.contains("4242424242424242") && shown.contains("redacted"), "{shown}");
    browser.close().await;
}
