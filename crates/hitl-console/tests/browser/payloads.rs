//! All text from a model stays text, and all of it is visible.

use hitl_console::{Tasks, router};
use serde_json::json;

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, book_trip, send_note, submit};

const PAYLOADS: [&str; 8] = [
    "<img src=x onerror=\"window.pwned=1\">",
    "<script>window.pwned=1</script>",
    "</textarea><svg/onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "\"><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "'-window.pwned=1-'",
    "${window.pwned=1}",
];

#[tokio::test]
async fn markup_is_shown_and_does_nothing() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    for payload in PAYLOADS {
        submit(&gate, send_note(payload, payload)).await;
    }
    let first = PAYLOADS[0];
    submit(&gate, book_trip(first, first, first, 1, 1.0, true, first, first)).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "9 pending").await;
    for row in screen.all(&format!("{QUEUE}.row")).await {
        row.click().await.unwrap();
        screen.one(&format!("{CARD}.args")).await;
        screen.settle().await;
    }
    screen.see(&format!("{QUEUE}.list"), "<script>window.pwned=1</script>").await;
    let count = "
        const all = (root) => [...root.querySelectorAll('*')].flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
        return [window.pwned ?? 0, all(document).filter((one) => one.matches('img, iframe, script:not([src]), svg[onload]')).length];
    ";
    assert_eq!(browser.client.execute(count, vec![]).await.unwrap(), json!([0, 0]));
    browser.close().await;
}

#[tokio::test]
async fn what_hides_or_turns_text_around_is_seen_and_warned_of() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    submit(&gate, send_note("bob\u{202e}gro.live", "pay\u{200b}pal \u{2066}x\u{2069}")).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click(&format!("{QUEUE}.row")).await;
    screen.see(&format!("{CARD}.args"), "\\u{202e}").await;
    screen.see(&format!("{CARD}.args"), "\\u{200b}").await;
    screen.see(&format!("{CARD}.warnings"), "Look closely").await;
    let unseen = "
        const all = (root) => [...root.querySelectorAll('*')].flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
        const text = all(document).flatMap((one) => [...one.childNodes]).filter((node) => node.nodeType === 3).map((node) => node.data).join('');
        return /[\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069]/.test(text);
    ";
    assert_eq!(browser.client.execute(unseen, vec![]).await.unwrap(), json!(false));
    browser.close().await;
}

#[tokio::test]
async fn the_browser_itself_refuses_markup_and_inline_scripts() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let attempt = "
        const tried = [];
        const attempt = (what) => { try { what(); tried.push('done'); } catch (error) { tried.push(error.name); } };
        attempt(() => { document.createElement('div').innerHTML = '<b>x</b>'; });
        attempt(() => { window.trustedTypes.createPolicy('mine', { createHTML: (text) => text }); });
        attempt(() => { document.createElement('script').text = 'window.pwned=1'; });
        const button = document.createElement('button');
        button.setAttribute('onclick', 'window.pwned=1');
        document.body.append(button);
        button.click();
        button.remove();
        return [tried, window.pwned ?? 0];
    ";
    let refused = json!([["TypeError", "TypeError", "TypeError"], 0]);
    let tried = browser.client.execute(attempt, vec![]).await;
    // The browser may refuse to set an attribute that is a script.
    match tried {
        Ok(tried) => assert_eq!(tried, refused),
        Err(error) => assert!(error.to_string().contains("TrustedScript"), "{error}"),
    }
    browser.close().await;
}
