//! Grants: saved with the exact rule in sight, listed in their own view, and revoked there.

use hitl::grant::GrantRecord;
use hitl::store::GrantQuery;
use hitl::{CallState, Gate, Submission, Tenant};
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, BookTrip, book_trip, contract, deletion, note, record, submit};

const TAB: &str = "\u{e004}";
const RETURN: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";

fn trip(price: f64) -> BookTrip {
    book_trip("Ann", "JFK", "SFO", 1, price, true, "economy", "")
}

async fn grants(gate: &Gate) -> Vec<GrantRecord> {
    gate.grants(&Tenant::default(), GrantQuery::all()).await.unwrap()
}

/// Chooses an option of the select that has this label.
async fn choose(screen: &Screen<'_>, path: &str, label: &str, option: &str) {
    let select = format!("{path}select[aria-label=\"{label}\"]");
    screen.one(&select).await.select_by_label(option).await.unwrap();
}

#[tokio::test]
async fn a_grant_is_given_seen_and_taken_back() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (request, sibling) = (submit(&gate, trip(99.5)).await, submit(&gate, trip(50.0)).await);
    let dear = submit(&gate, trip(500.0)).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.0.goto(&format!("{}#queue/{}", server.url(), request.id)).await.unwrap();
    screen.see(&format!("{CARD}.args"), "99.5").await;
    screen.click_text(&format!("{CARD}.others button"), "Always allow").await;
    screen.click(&format!("{CARD}input[value=chosen]")).await;

    // Nothing is chosen yet: the form says so, and sends no request.
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.see(&format!("{CARD}form .note"), "Choose what an argument must be").await;
    choose(&screen, CARD, "What origin may be", "exactly as here").await;
    choose(&screen, CARD, "What insurance may be", "exactly as here").await;
    choose(&screen, CARD, "What price may be", "at most").await;
    let most = screen.one(&format!("{CARD}input[aria-label=\"price at most\"]")).await;
    most.clear().await.unwrap();
    most.send_keys("120").await.unwrap();
    screen.click(&format!("{CARD}input[value=durable]")).await;
    screen.one(&format!("{CARD}input[type=number]")).await.send_keys("3").await.unwrap();
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    let rule = "Run `book_trip` without asking, when `agent` asks for it\n\
                in any run\n\
                where `origin` is \"JFK\"\n\
                where `price` is at most 120\n\
                where `insurance` is true\n\
                and with anything in `traveller`, `destination`, `bags`, `class`, `remarks`\n\
                at most 3 times\n\
                until it is revoked\n\
                while the tool, its schema and its description stay as they are";
    screen.see(&format!("{CARD}.rule"), "while the tool").await;
    assert_eq!(screen.text(&format!("{CARD}.rule")).await, rule);
    screen.see(&format!("{CARD}.goes-on"), "2 pending calls will run at once").await;
    assert!(grants(&gate).await.is_empty(), "it is shown, not given");
    screen.settle().await;
    screen.click_text(&format!("{CARD}form button"), "Allow this").await;
    screen.see(&format!("{CARD}.outcome"), "Allowed by a grant that ann gave").await;
    for (call, state) in [
        (request.id, CallState::Approved),
        (sibling.id, CallState::Approved),
        (dear.id, CallState::Pending),
    ] {
        assert_eq!(record(&gate, call).await.state(), state);
    }
    let given = grants(&gate).await;
    assert_eq!((given.len(), given[0].grant.rule.join("\n")), (1, rule.to_owned()));

    // The grant is listed; each call that runs on it is drawn, and shown at once.
    screen.click_text("nav a", "Grants").await;
    let view = "hitl-grants >>> ";
    screen.see(&format!("{view}.rule"), "where `price` is at most 120").await;
    screen.see(&format!("{view}.drawn"), "0 of 3").await;
    let ran = gate.submit(trip(20.0)).by("agent").await.unwrap();
    assert!(matches!(ran, Submission::Done { .. }));
    screen.see(&format!("{view}.drawn"), "1 of 3").await;

    screen.click_text(&format!("{view}button"), "Revoke").await;
    screen.click(&format!("{view}form button[type=submit]")).await;
    screen.see(&format!("{view}form .note"), "Enter a reason first").await;
    screen.one(&format!("{view}textarea")).await.send_keys("too many trips").await.unwrap();
    screen.click(&format!("{view}form button[type=submit]")).await;
    screen.see(&format!("{view}.empty"), "No grant is in force").await;
    let revoked = grants(&gate).await[0].revoked.clone().unwrap();
    assert_eq!((revoked.by.as_str(), revoked.reason.as_deref()), ("ann", Some("too many trips")));
    choose(&screen, view, "Which grants", "All grants").await;
    screen.see(&format!("{view}.grant"), "Revoked by ann").await;
    screen.see(&format!("{view}.grant"), "too many trips").await;
    let asked = gate.submit(trip(20.0)).by("agent").await.unwrap();
    assert!(matches!(asked, Submission::Pending(_)));
    browser.close().await;
}

#[tokio::test]
async fn a_grant_is_given_with_keys_alone() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let request = note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.one(&format!("{QUEUE}.row")).await;
    screen.press("j").await;
    screen.see(&format!("{CARD}h2"), "Send").await;
    screen.settle().await;
    tab_to(&screen, "Always allow").await;
    screen.press(RETURN).await;
    // The first choice has the focus; the arrow goes to the next one.
    screen.until("the form", &focused("return at?.value === 'exact'")).await;
    screen.press(DOWN).await;
    screen.press(DOWN).await;
    screen.until("any arguments", &focused("return at?.value === 'any' && at.checked")).await;
    tab_to(&screen, "Show the exact rule").await;
    screen.press(RETURN).await;
    // The screen reader's focus is on the rule.
    screen.until("the rule", &focused("return at?.matches('.rule') === true")).await;
    screen.see(&format!("{CARD}.rule"), "with any arguments: `to`, `text`").await;
    screen.settle().await;
    screen.press(TAB).await;
    screen.until("the button", &focused("return at?.innerText.includes('Allow this')")).await;
    screen.press(RETURN).await;
    screen.see(&format!("{CARD}.outcome"), "Allowed by a grant").await;
    assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    browser.close().await;
}

fn focused(then: &str) -> String {
    format!(
        "let at = document.activeElement;
         while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
         {then}"
    )
}

async fn tab_to(screen: &Screen<'_>, text: &str) {
    let script = focused("return at?.innerText ?? ''");
    for _ in 0..60 {
        let at = screen.0.execute(&script, vec![]).await.unwrap();
        if at.as_str().is_some_and(|at| at.contains(text)) {
            return;
        }
        screen.press(TAB).await;
    }
    panic!("{text} is not reached by tab")
}

#[tokio::test]
async fn where_there_is_no_grant_none_is_offered_or_the_reason_stands_there() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let (gone, dear) = (deletion(&gate).await, contract(&gate).await);
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.open("Delete project").await;
    let others = screen.text(&format!("{CARD}.decide")).await;
    assert!(others.contains("Withdraw") && !others.contains("Always allow"), "{others}");

    screen.open("Sign contract").await;
    screen.click_text(&format!("{CARD}.others button"), "Always allow").await;
    let pin = screen.all(&format!("{CARD}select[aria-label*=pin]")).await;
    assert!(pin.is_empty(), "what is hidden cannot be chosen");
    screen.click(&format!("{CARD}input[value=any]")).await;
    screen.click(&format!("{CARD}input[value=durable]")).await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.see(&format!("{CARD}form .note"), "too broad").await;
    // An invalid limit does not mean no limit.
    for wrong in ["0", "1.5", "-3"] {
        let uses = screen.one(&format!("{CARD}input[type=number]")).await;
        uses.clear().await.unwrap();
        uses.send_keys(wrong).await.unwrap();
        screen.click(&format!("{CARD}form button[type=submit]")).await;
        screen.see(&format!("{CARD}form .note"), "a whole number").await;
    }
    assert!(grants(&gate).await.is_empty());
    for call in [gone.id, dear.id] {
        assert_eq!(record(&gate, call).await.version(), 1);
    }
    // Escape returns to the card's buttons.
    screen.press("\u{e00c}").await;
    screen.see(&format!("{CARD}.acts"), "Sign Contract").await;
    browser.close().await;
}
