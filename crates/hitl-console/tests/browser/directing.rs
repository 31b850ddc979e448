//! To whom a call is assigned, who is away, and who has broken the glass.

use std::time::Duration;

use hitl::grant::{BreakGlassOrder, Envelope};
use hitl::{Gate, Tenant};
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::{ANN, BOB};
use crate::support::tools::{self, note, record, send_note, submit};

#[tokio::test]
async fn a_call_is_assigned_on_its_card_and_found_among_ones_own() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = note(&gate).await;
    submit(&gate, send_note("eve", "something else")).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Lunch").await;
    let assigned = format!("{CARD}.assigned");
    screen.see(&assigned, "Assigned to nobody").await;
    screen.click(&format!("{CARD}.do-assign")).await;
    // Escape leaves the form, and not the card.
    screen.press("\u{e00c}").await;
    screen.see(&assigned, "Assigned to nobody").await;
    screen.click(&format!("{CARD}.do-assign")).await;
    screen.press("bob\u{e007}").await;
    screen.see(&assigned, "Assigned to bob by ann").await;
    let kept = record(&gate, request.id).await;
    assert_eq!((kept.request().revision, kept.request().binding), (1, request.binding));
    // The requester of a call with four eyes, and nobody, cannot be named here; ann can.
    screen.click(&format!("{CARD}.do-assign")).await;
    screen.click_text(&format!("{CARD}.assigning button"), "To me").await;
    screen.see(&assigned, "Assigned to ann by ann").await;
    screen.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    let mine = format!("{QUEUE}select[aria-label=Assigned]");
    screen.one(&mine).await.select_by_label("Assigned to me").await.unwrap();
    screen.see(&format!("{QUEUE}.counts"), "1 of 2 pending").await;
    screen.see(&format!("{QUEUE}.row .name"), "Lunch").await;
    browser.close().await;
}

#[tokio::test]
async fn a_deputy_sees_the_calls_of_who_is_away() {
    let (Some(one), Some(two)) = (start(Window::Desk).await, start(Window::Desk).await) else {
        return;
    };
    let gate = tools::gate().await;
    let request = note(&gate).await;
    gate.assign(&Tenant::default(), request.id, Some("ann".into()), "bob").await.unwrap();
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let (ann, bob) = (Screen(&one.client), Screen(&two.client));
    ann.sign_in(&server.url(), ANN).await;
    ann.click(".top .who").await;
    let dialog = "hitl-away >>> dialog";
    ann.see(dialog, "Nobody is away").await;
    let deputy = ann.all(&format!("{dialog} input")).await.remove(1);
    deputy.send_keys("bob").await.unwrap();
    ann.click_text(&format!("{dialog} button"), "I am away").await;
    ann.see(dialog, "bob stands in").await;
    bob.sign_in(&server.url(), BOB).await;
    bob.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    let mine = format!("{QUEUE}select[aria-label=Assigned]");
    bob.one(&mine).await.select_by_label("Assigned to me").await.unwrap();
    bob.open("Lunch").await;
    bob.see(&format!("{CARD}.assigned"), "Assigned to ann, away until").await;
    ann.click_text(&format!("{dialog} button"), "I am back").await;
    ann.see(dialog, "Nobody is away").await;
    tokio::join!(one.close(), two.close());
}

#[tokio::test]
async fn a_banner_says_who_has_broken_the_glass_until_it_is_over() {
    let Some(browser) = start(Window::Desk).await else { return };
    let envelope = Envelope::new(["send_note"]).person("ann").uses(2);
    let envelope = envelope.longest(Duration::from_secs(3600));
    let gate = tools::register(Gate::builder()).break_glass(envelope).build().await.unwrap();
    let call = note(&gate).await;
    let order = BreakGlassOrder::new("send_note", call.principal.clone());
    let order = order.uses(2).because("it burns").by("ann");
    let given = gate.break_glass(order).await.unwrap();
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), BOB).await;
    let banner = format!("{QUEUE}.broken-glass");
    screen.see(&banner, "Break-glass is in force. ann lets send_note run").await;
    screen.see(&banner, "it burns").await;
    screen.click_text(".top nav a", "Grants").await;
    screen.see("hitl-grants >>> .rule", "it burns").await;
    let (tenant, why) = (Tenant::default(), Some("it is out"));
    gate.revoke_grant(&tenant, given.record.id(), "bob", why).await.unwrap();
    screen.0.refresh().await.unwrap();
    screen.click_text(".top nav a", "Queue").await;
    screen.see(&format!("{QUEUE}.counts"), "0 pending").await;
    assert_eq!(screen.text(&banner).await, "");
    browser.close().await;
}
