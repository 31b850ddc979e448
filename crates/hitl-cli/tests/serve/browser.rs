//! One whole sign-in in a real browser.

use serde_json::json;

use crate::driver::{Window, start};
use crate::house::House;
use crate::screen::{CARD, Screen};
use crate::served::Served;
use crate::sign_in::Company;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_the_provider_decides_and_signs_out() {
    let Some(browser) = start(Window::Desk).await else { return };
    let company = Company::start().await;
    let call = company.house.wire("Initech", 120).await;
    let screen = Screen(&browser.client);
    // The link of a notice: after the sign-in its card is open.
    let link = format!("{}/#queue/{}", company.served.url, call.id);
    browser.client.goto(&link).await.unwrap();
    screen.click("hitl-sign-in >>> a").await;
    screen.click("#approve").await;
    screen
        .until("a live connection", "return document.querySelector('.state.is-live') !== null")
        .await;
    assert_eq!(screen.text(".who").await, "ann");
    screen.see(&format!("{CARD}h2"), "Wire 120 to \"Initech\"").await;
    // No script can read the session.
    let cookies = browser.client.execute("return document.cookie", vec![]).await.unwrap();
    assert_eq!(cookies, json!(""));
    let stored = "return JSON.stringify({ ...sessionStorage, ...localStorage })";
    let stored = browser.client.execute(stored, vec![]).await.unwrap();
    assert!(!stored.to_string().contains("hitl-token"), "{stored}");

    screen.settle().await;
    screen.approve().await;
    call.ticket.wait().await.unwrap();
    assert_eq!(company.house.state(&call.id), "executed");

    screen.click_text("header button", "Sign out").await;
    screen.one("hitl-sign-in >>> a").await;
    browser.client.refresh().await.unwrap();
    screen.one("hitl-sign-in >>> a").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_that_is_printed_signs_in_and_leaves_no_token_in_the_address() {
    let Some(browser) = start(Window::Desk).await else { return };
    let house = House::new().await;
    let served = Served::start(&house, &[]);
    let token = served.token.clone().unwrap();
    let screen = Screen(&browser.client);
    browser.client.goto(&format!("{}/#token={token}", served.url)).await.unwrap();
    screen
        .until("a live connection", "return document.querySelector('.state.is-live') !== null")
        .await;
    assert_eq!(screen.text(".who").await, "tester");
    let address = browser.client.current_url().await.unwrap();
    assert!(!address.as_str().contains(&token), "{address}");
    // Tasks of a journal say that they are not live.
    screen.click_text("nav a", "Tasks").await;
    screen.see("hitl-tasks >>> .tasks", "Not live").await;
    browser.close().await;
}
