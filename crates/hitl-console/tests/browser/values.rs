//! How arguments are shown and edited: text as text, tables, lists, and what cannot be seen.

use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, record, refund, reservation, send_email, send_note, submit};

#[tokio::test]
async fn text_is_shown_as_text_with_its_line_breaks_and_without_quotes() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let body = "Hello,\n\nyour \"order\" is late.\n\nAnn";
    submit(&gate, send_email(body, "About your order", "c0@example.com")).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("E-mail").await;
    // The subject and the recipient lead, as the title names them; the body follows.
    let shown = screen.text(&format!("{CARD}.args")).await;
    assert_eq!(
        shown.trim(),
        format!("subject\nAbout your order\nto\nc0@example.com\nbody\n{body}"),
        "{shown:?}"
    );
    browser.close().await;
}

#[tokio::test]
async fn objects_and_lists_are_tables_and_long_lists_are_folded_with_their_count() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    reservation(&gate, 23).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Book").await;
    let names = screen.text(&format!("{CARD}.args:not(.nested) > .arg > dt")).await;
    let names: Vec<&str> = names.lines().collect();
    assert_eq!(names[..4], ["destination", "origin", "payment_id", "user_id"], "{names:?}");
    // A list of like objects has a heading for each key, and says how many there are.
    let table = format!("{CARD}table.values");
    let heads = screen.text(&format!("{table} thead")).await;
    assert!(heads.contains("date") && heads.contains("flight_number"), "{heads}");
    assert_eq!(screen.all(&format!("{table} tbody tr")).await.len(), 8);
    screen.see(&format!("{CARD}.args"), "23 items").await;
    screen.click_text(&format!("{CARD}.fold"), "Show all 23").await;
    assert_eq!(screen.all(&format!("{table} tbody tr")).await.len(), 23);
    screen.see(&table, "HAT122").await;
    // An object is a table inside, and a text that reads like something else is tagged.
    let inside = screen.text(&format!("{CARD}.args.nested")).await;
    assert!(inside.contains("Mohamed Silva") && !inside.contains('{'), "{inside}");
    let items = screen.text(&format!("{CARD}.items")).await;
    assert_eq!(items.matches("text").count(), 2, "12 and null are texts here: {items}");
    browser.close().await;
}

#[tokio::test]
async fn invariant_9_what_cannot_be_seen_is_marked_and_an_escape_that_is_spelled_out_is_not() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let odd = format!("pay\u{200b}pal \\u{{200b}} {}end\u{a0}", " ".repeat(40));
    submit(&gate, send_note("bob", odd.as_str())).await;
    let far = format!("first{}last", "\n".repeat(30));
    submit(&gate, send_note("eve", far)).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("to \"bob\"").await;
    let marked = screen.text(&format!("{CARD}.args .unseen")).await;
    assert_eq!(marked, "\\u{200b}\n\\u{20*41}\n\\u{a0}");
    let all = screen.text(&format!("{CARD}.args")).await;
    assert_eq!(all.matches("\\u{200b}").count(), 2, "one is the model's own text: {all}");
    // Thirty empty lines do not push the rest out of sight.
    screen.open("to \"eve\"").await;
    screen.click(&format!("{CARD}.fold")).await;
    let shown = screen.text(&format!("{CARD}.args")).await;
    assert!(shown.contains("more empty lines") && shown.contains("last"), "{shown}");
    assert!(shown.lines().count() < 20, "{shown}");
    browser.close().await;
}

#[tokio::test]
async fn a_field_shows_beside_it_what_it_cannot_show_and_takes_it_out() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = submit(&gate, refund(12.5, "cust\u{200b}_1", "ord-1", "late")).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Refund").await;
    screen.press("e").await;
    screen.see(&format!("{CARD}.hidden-characters"), "1 place that the field does not show").await;
    screen.see(&format!("{CARD}.hidden-characters .unseen"), "\\u{200b}").await;
    screen.see(&format!("{CARD}.diff"), "No changes yet").await;
    screen.click_text(&format!("{CARD}.hidden-characters button"), "Take them out").await;
    screen.see(&format!("{CARD}.diff del"), "cust\\u{200b}_1").await;
    screen.see(&format!("{CARD}.diff ins"), "cust_1").await;
    assert_eq!(screen.text(&format!("{CARD}.hidden-characters")).await.trim(), "");
    screen.settle().await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.until("the edit", "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot.querySelector('.identity').textContent.includes('revision 2')").await;
    let edited = record(&gate, request.id).await;
    assert!(edited.request().arguments.as_str().contains("\"customer\":\"cust_1\""));
    browser.close().await;
}

#[tokio::test]
async fn a_list_is_edited_over_several_lines_and_sent_to_the_digit() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = reservation(&gate, 3).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Book").await;
    screen.press("e").await;
    screen.see(&format!("{CARD}.diff"), "No changes yet").await;
    let flights = "
        const card = document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot;
        const field = [...card.querySelectorAll('.field textarea')].find((one) => one.value.includes('HAT101'));
        const lines = field.value.split('\\n').length;
        field.value = field.value.replace('HAT101', 'HAT999');
        field.dispatchEvent(new Event('input', { bubbles: true }));
        return lines;
    ";
    let lines = browser.client.execute(flights, vec![]).await.unwrap();
    assert!(lines.as_u64().unwrap() >= 5, "{lines}");
    screen.see(&format!("{CARD}.diff"), "1 change").await;
    screen.settle().await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.until("the edit", "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot.querySelector('.identity').textContent.includes('revision 2')").await;
    let edited = record(&gate, request.id).await;
    assert!(edited.request().arguments.as_str().contains("HAT999"));
    browser.close().await;
}
