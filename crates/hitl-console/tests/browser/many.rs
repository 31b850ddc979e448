//! A long queue, and a small screen.

use hitl_console::{Tasks, router};
use serde_json::json;

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, contract, note, record};

#[tokio::test]
async fn a_thousand_calls_scroll_smoothly() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    for _ in 0..1000 {
        note(&gate).await;
    }
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "1,000 pending").await;
    let scroll = "
        const side = document.querySelector('hitl-queue').shadowRoot.querySelector('.side');
        const rows = () => side.querySelectorAll('.row').length;
        const frames = [];
        const long = [];
        new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)))
            .observe({ type: 'longtask' });
        return new Promise((done) => {
            let before = performance.now();
            const start = before;
            const idle = [];
            const rest = (now) => {
                idle.push(now - before);
                before = now;
                requestAnimationFrame(idle.length < 60 ? rest : step);
            };
            const step = (now) => {
                frames.push(now - before);
                before = now;
                side.scrollTop += 600;
                const end = rows() >= 1000 && side.scrollTop + side.clientHeight >= side.scrollHeight - 2;
                if (end || now - start > 20000) {
                    const half = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
                    done([rows(), half(frames), half(idle), frames.length, long]);
                } else requestAnimationFrame(step);
            };
            requestAnimationFrame(rest);
        });
    ";
    let seen = browser.client.execute(scroll, vec![]).await.unwrap();
    println!(
        "rows, median frame when scrolling and at rest in ms, frames, long tasks in ms: {seen}"
    );
    assert_eq!(seen[0], 1000);
    // Compared with the same page at rest, which shows the load of the machine.
    let (scrolling, rest) = (seen[1].as_f64().unwrap(), seen[2].as_f64().unwrap());
    assert!(scrolling < rest * 2.0 + 8.0, "frames took {scrolling} ms, at rest {rest} ms");
    browser.close().await;
}

#[tokio::test]
async fn the_first_paint_is_small() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.one(&format!("{QUEUE}.row")).await;
    let sizes = "
        const entries = [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')];
        const files = new Map(entries.map((entry) => [entry.name, entry.encodedBodySize]));
        return [[...files.values()].reduce((sum, size) => sum + size, 0), files.size];
    ";
    let seen = browser.client.execute(sizes, vec![]).await.unwrap();
    println!("bytes and files until the queue is there: {seen}");
    assert!(seen[0].as_u64().unwrap() < 65_000, "{seen}");
    assert!(seen[0].as_u64().unwrap() > 10_000, "the sizes were not measured: {seen}");
    browser.close().await;
}

#[tokio::test]
async fn a_phone_shows_the_list_or_the_card_and_nothing_is_cut_off() {
    let Some(browser) = start(Window::Phone).await else { return };
    let gate = tools::gate().await;
    let request = contract(&gate).await;
    note(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    browser.client.goto(&server.url()).await.unwrap();
    screen.one("hitl-sign-in >>> input").await.send_keys(ANN).await.unwrap();
    // A button must be large enough for fingers, and visible.
    let height = screen.one("hitl-sign-in >>> button").await.rectangle().await.unwrap().3;
    assert!(height >= 40.0, "{height}");
    screen.click("hitl-sign-in >>> button").await;
    let wide = "return document.documentElement.scrollWidth <= innerWidth && innerWidth < 400";
    screen.until("a list that fits", wide).await;
    screen.open("Sign contract").await;
    assert_eq!(browser.client.execute(wide, vec![]).await.unwrap(), json!(true));
    assert!(!screen.one(&format!("{QUEUE}.list")).await.is_displayed().await.unwrap());
    let height = screen.one(&format!("{CARD}.reject")).await.rectangle().await.unwrap().3;
    assert!(height >= 44.0, "{height}");
    // The rarer actions leave the card its room until they are asked for.
    let withdraw = format!("{CARD}.do-withdraw");
    assert!(!screen.one(&withdraw).await.is_displayed().await.unwrap());
    screen.click(&format!("{CARD}.unfold")).await;
    assert!(screen.one(&withdraw).await.is_displayed().await.unwrap());
    screen.click(&format!("{QUEUE}.backward")).await;
    screen
        .until(
            "the list again",
            "return document.querySelector('hitl-queue').hasAttribute('showing') === false",
        )
        .await;
    assert!(screen.one(&format!("{QUEUE}.list")).await.is_displayed().await.unwrap());
    screen.open("Sign contract").await;
    screen.approve().await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    assert_eq!(record(&gate, request.id).await.version(), 2);
    browser.close().await;
}
