//! A long queue: dense rows, groups, search, filters, ranges, the next call, and the focus.

use hitl::{CallContext, CallState, Tenant};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{
    self, note, record, refund, reservation, send_email, send_note, submit, submit_as, submit_in,
};

#[tokio::test]
async fn many_calls_have_rows_of_at_most_36_pixels_and_the_tab_says_how_many() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    for at in 0..30 {
        let to = format!("somebody-with-a-long-name-{at}@example.com, and others");
        submit(&gate, send_note(to, "a text that would never fit into one line of the list")).await;
    }
    submit(&gate, send_note("bob\u{202e}", "odd")).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "31 pending").await;
    let heights = "
        const lines = [...document.querySelector('hitl-queue').shadowRoot.querySelectorAll('.line')];
        return [lines.length, Math.max(...lines.map((line) => line.getBoundingClientRect().height))];
    ";
    let seen = browser.client.execute(heights, vec![]).await.unwrap();
    assert_eq!(seen[0], 31);
    assert!(seen[1].as_f64().unwrap() <= 36.0, "{seen}");
    let title = browser.client.title().await.unwrap();
    assert!(title.starts_with("(31) Queue"), "{title}");
    // A reviewer's choice is kept.
    screen.press("v").await;
    let seen = browser.client.execute(heights, vec![]).await.unwrap();
    assert!(seen[1].as_f64().unwrap() > 40.0, "{seen}");
    screen.0.refresh().await.unwrap();
    screen.see(&format!("{QUEUE}.counts"), "31 pending").await;
    let seen = browser.client.execute(heights, vec![]).await.unwrap();
    assert!(seen[1].as_f64().unwrap() > 40.0, "{seen}");
    browser.close().await;
}

#[tokio::test]
async fn arguments_are_searched_and_agents_and_runs_are_filtered() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    reservation(&gate, 5).await;
    let by = |agent: &str| CallContext::new("ann-owner").submitted_by(format!("agent:{agent}"));
    submit_in(&gate, refund(5.0, "c_1", "o-1", "late \"again\""), by("web"), ("run-1", 0)).await;
    submit_in(&gate, refund(6.0, "c_2", "o-2", "late"), by("mail"), ("run-2", 0)).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let (counts, rows) = (format!("{QUEUE}.counts"), format!("{QUEUE}.row .name"));
    screen.see(&counts, "3 pending").await;
    let search = screen.one(&format!("{QUEUE}input[type=search]")).await;
    for (text, found) in [("credit_CARD", "Book"), ("\"again\"", "c_1"), ("c_2", "c_2")] {
        search.clear().await.unwrap();
        search.send_keys(text).await.unwrap();
        screen.see(&counts, "1 of 3 pending").await;
        screen.see(&rows, found).await;
    }
    // What arrives is looked at in the same way.
    submit_in(&gate, send_note("eve", "about c_2"), by("mail"), ("run-2", 1)).await;
    submit_in(&gate, send_note("eve", "about c_9"), by("mail"), ("run-2", 2)).await;
    screen.see(&counts, "2 of 5 pending").await;
    search.clear().await.unwrap();
    search.send_keys("x\u{e003}").await.unwrap();
    let all = "return document.querySelector('hitl-queue').shadowRoot.querySelector('.counts').textContent.startsWith('5 pending')";
    screen.until("all calls", all).await;
    screen.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    for (label, option, count) in [
        ("Agent", "agent:mail", "3 of 5"),
        ("Run", "run-2", "3 of 5"),
        ("Agent", "agent:web", "0 of 5"),
    ] {
        let select = screen.one(&format!("{QUEUE}select[aria-label={label}]")).await;
        select.select_by_label(option).await.unwrap();
        screen.see(&counts, count).await;
    }
    screen.see(&format!("{QUEUE}.first"), "Filters (2)").await;
    browser.close().await;
}

#[tokio::test]
async fn calls_are_grouped_folded_and_selected_by_group_and_by_range() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    for at in 0..3_u64 {
        let cx = CallContext::new("agent");
        submit_in(&gate, send_note("all", "We open at nine."), cx.clone(), ("run-1", at)).await;
        submit_in(&gate, refund(5.0, "c_1", format!("o-{at}"), "late"), cx, ("run-2", at)).await;
    }
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "6 pending").await;
    screen.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    let group = screen.one(&format!("{QUEUE}select[aria-label=Group]")).await;
    let heads = format!("{QUEUE}.group .name");
    for (by, names) in [
        ("By tool", vec!["Refund", "Send note"]),
        ("By run", vec!["Run run-1", "Run run-2"]),
        // Calls that are like no other have no heading.
        ("Same arguments", vec!["Send \"We open at nine.\" to \"all\""]),
    ] {
        group.select_by_label(by).await.unwrap();
        let mut seen: Vec<String> = screen.text(&heads).await.lines().map(str::to_owned).collect();
        seen.sort_unstable();
        assert_eq!(seen, names, "{by}");
    }
    // A folded group hides its calls, and its box selects them all.
    screen.click(&format!("{QUEUE}.group .heading")).await;
    assert_eq!(screen.all(&format!("{QUEUE}.line")).await.len(), 3);
    screen.click(&format!("{QUEUE}.group .heading")).await;
    screen.click(&format!("{QUEUE}.group > input")).await;
    screen.see(&format!("{QUEUE}.bulk"), "3 calls selected · 3 Send note").await;
    screen.click(&format!("{QUEUE}.group > input")).await;
    assert!(!screen.one(&format!("{QUEUE}.bulk")).await.is_displayed().await.unwrap());
    // A range: from the box that was ticked last to the one that is clicked with shift.
    group.select_by_label("No groups").await.unwrap();
    let range = "
        const boxes = [...document.querySelector('hitl-queue').shadowRoot.querySelectorAll('.line > input')];
        boxes[1].click();
        boxes[4].dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }));
        return boxes.map((box) => box.checked);
    ";
    let seen = browser.client.execute(range, vec![]).await.unwrap();
    assert_eq!(seen, json!([false, true, true, true, true, false]));
    screen.see(&format!("{QUEUE}.bulk"), "4 calls selected").await;
    // And with keys: select, move, and select up to there.
    browser.client.execute("document.activeElement.blur()", vec![]).await.unwrap();
    screen.click_text(&format!("{QUEUE}.bulk button"), "None").await;
    for key in ["j", "x", "j", "j", "X"] {
        screen.press(key).await;
    }
    screen.see(&format!("{QUEUE}.bulk"), "3 calls selected").await;
    browser.close().await;
}

#[tokio::test]
async fn after_a_decision_one_key_leads_to_the_next_call_and_the_focus_is_never_lost() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let mut ids = Vec::new();
    for at in 0..4 {
        ids.push(submit(&gate, send_note(format!("person {at}"), "hello")).await);
    }
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "4 pending").await;
    let focused = "
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return at?.tagName !== 'BODY';
    ";
    screen.press("j").await;
    screen.press("j").await;
    screen.see(&format!("{CARD}h2"), "person 1").await;
    screen.settle().await;
    screen.press("a").await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;
    screen.until("the focus", focused).await;
    screen.press("n").await;
    screen.see(&format!("{CARD}h2"), "person 2").await;
    screen.settle().await;
    screen.press("r").await;
    // The button that leads on has the focus.
    screen.see(&format!("{CARD}.outcome"), "Rejected by ann").await;
    let on_next = focused.replace("at?.tagName !== 'BODY'", "Boolean(at?.matches('.next'))");
    screen.until("the focus on it", &on_next).await;
    screen.press("\u{e007}").await;
    screen.see(&format!("{CARD}h2"), "person 3").await;
    // By itself, where a reviewer has chosen that.
    screen.click_text(&format!("{QUEUE}.first button"), "View").await;
    screen.click_text(&format!("{QUEUE}.looks label"), "Open the next call").await;
    browser.client.execute("document.activeElement.blur()", vec![]).await.unwrap();
    screen.settle().await;
    screen.press("a").await;
    screen.see(&format!("{CARD}h2"), "person 0").await;
    screen.until("the focus", focused).await;
    for (at, state) in
        [(1, CallState::Approved), (2, CallState::Rejected), (3, CallState::Approved)]
    {
        assert_eq!(record(&gate, ids[at].id).await.state(), state);
    }
    // The card of a call that somebody else decides keeps the focus.
    screen.click(&format!("{CARD}.edit")).await;
    screen.one(&format!("{CARD}form input")).await;
    gate.decide(ids[0].reject("no").by("bob")).await.unwrap();
    screen.see(&format!("{CARD}.outcome"), "Rejected by bob").await;
    screen.until("the focus", focused).await;
    browser.close().await;
}

#[tokio::test]
async fn rows_say_how_long_they_wait_and_only_what_is_late_is_red() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    tools::contract(&gate).await;
    note(&gate).await;
    submit(&gate, send_email("Hello", "Order", "c@example.com")).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.waits"), " s").await;
    assert!(screen.text(&format!("{QUEUE}.meta")).await.contains("Urgent"));
    assert!(screen.all(&format!("{QUEUE}.late")).await.is_empty(), "nothing is late yet");
    // Both clocks, because the page follows the server's.
    let later = "
        const first = window.shift === undefined;
        window.shift = (window.shift ?? 0) + arguments[0] * 60000;
        if (!first) return;
        const { now } = Date;
        const { json } = Response.prototype;
        Date.now = () => now() + window.shift;
        Response.prototype.json = async function () {
            const body = await json.call(this);
            if (body?.now) body.now = new Date(Date.parse(body.now) + window.shift).toISOString();
            return body;
        };
    ";
    // A contract is due in four hours: near its time it is amber, and late it is red.
    for (minutes, class) in [(200, "soon"), (60, "late")] {
        browser.client.execute(later, vec![minutes.into()]).await.unwrap();
        let wait = format!(
            "return document.querySelector('hitl-queue').shadowRoot.querySelectorAll('.when.{class}').length === 1"
        );
        screen.until(class, &wait).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn a_reviewer_is_told_of_new_calls_by_a_sound_where_they_have_asked_for_it() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let listen = "
        window.heard = 0;
        const { start } = OscillatorNode.prototype;
        OscillatorNode.prototype.start = function (...at) { window.heard += 1; return start.apply(this, at); };
    ";
    browser.client.execute(listen, vec![]).await.unwrap();
    note(&gate).await;
    screen.see(&format!("{QUEUE}.counts"), "1 pending").await;
    assert_eq!(browser.client.execute("return window.heard", vec![]).await.unwrap(), json!(0));
    screen.click_text(&format!("{QUEUE}.first button"), "View").await;
    screen.click_text(&format!("{QUEUE}.looks label"), "Sound").await;
    screen.until("its sample", "return window.heard === 1").await;
    note(&gate).await;
    screen.until("the sound", "return window.heard === 2").await;
    browser.close().await;
}

#[tokio::test]
async fn a_reviewer_is_notified_of_new_calls_where_they_and_the_browser_allow_it() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let answer = |permission: &str| {
        format!(
            "
            window.shown = [];
            window.Notification = class {{
                constructor(title, {{ body }}) {{ window.shown.push([title, body]); }}
                static permission = '{permission}';
                static requestPermission = async () => '{permission}';
            }};
            Object.defineProperty(document, 'visibilityState', {{ get: () => 'hidden', configurable: true }});
            "
        )
    };
    let label = format!("{QUEUE}.looks label");
    let is_on = "
        const labels = document.querySelector('hitl-queue').shadowRoot.querySelectorAll('.looks label');
        return [...labels].find((label) => label.textContent.includes('Notify')).querySelector('input').checked;
    ";
    let shown = || browser.client.execute("return window.shown", vec![]);
    // A browser that refuses leaves it off.
    browser.client.execute(&answer("denied"), vec![]).await.unwrap();
    screen.click_text(&format!("{QUEUE}.first button"), "View").await;
    screen.click_text(&label, "Notify").await;
    screen.until("it is off", &format!("return !(() => {{ {is_on} }})()")).await;
    note(&gate).await;
    screen.see(&format!("{QUEUE}.counts"), "1 pending").await;
    assert_eq!(shown().await.unwrap(), json!([]));
    browser.client.execute(&answer("granted"), vec![]).await.unwrap();
    screen.click_text(&label, "Notify").await;
    screen.until("it is on", is_on).await;
    note(&gate).await;
    screen.until("the notification", "return window.shown.length === 1").await;
    let seen = shown().await.unwrap();
    assert_eq!(seen[0][0], json!("A call waits for a decision"));
    assert_eq!(seen[0][1], json!("Send \"Lunch?\" to \"bob\""));
    // Who looks at the page needs none.
    let look = "Object.defineProperty(document, 'visibilityState', { get: () => 'visible' });";
    browser.client.execute(look, vec![]).await.unwrap();
    note(&gate).await;
    screen.see(&format!("{QUEUE}.counts"), "3 pending").await;
    assert_eq!(shown().await.unwrap().as_array().unwrap().len(), 1);
    browser.close().await;
}

#[tokio::test]
async fn a_reviewer_of_several_tenants_chooses_one() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let of = |tenant: &str| CallContext::new("agent").tenant(tenant);
    submit_as(&gate, send_note("eve", "for acme"), of("acme")).await;
    let theirs = submit_as(&gate, send_note("eve", "for Übersee"), of("Übersee")).await;
    let ann = Reviewer::new("ann").of_tenant("acme").also_of_tenant("Übersee");
    let tokens = Tokens::new().with(ann, &Token::from_secret(ANN));
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens)).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let rows = format!("{QUEUE}.row .name");
    screen.see(&rows, "for acme").await;
    let choose = "
        const choice = document.querySelector('.top .tenant');
        choice.value = arguments[0];
        choice.dispatchEvent(new Event('change'));
    ";
    browser.client.execute(choose, vec![json!("Übersee")]).await.unwrap();
    screen.see(&rows, "for Übersee").await;
    assert!(!screen.text(&rows).await.contains("for acme"));
    // It is kept in this tab, and events are of this tenant.
    screen.0.refresh().await.unwrap();
    screen.see(&rows, "for Übersee").await;
    submit_as(&gate, send_note("eve", "more"), of("acme")).await;
    submit_as(&gate, send_note("eve", "more for Übersee"), of("Übersee")).await;
    screen.see(&format!("{QUEUE}.counts"), "2 pending").await;
    screen.open("for Übersee").await;
    screen.approve().await;
    let tenant = Tenant::new("Übersee");
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    let record = gate.unscoped().get(&tenant, theirs.id).await.unwrap().unwrap();
    assert_eq!(record.state(), CallState::Approved);
    browser.close().await;
}

#[tokio::test]
async fn the_help_lists_the_keys_and_the_digits_lead_to_the_views() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.press("?").await;
    let help = "hitl-help >>> dialog";
    for key in
        ["approve; what is risky: once more", "withdraw the question", "more time", "dense rows"]
    {
        screen.see(help, key).await;
    }
    screen.press("\u{e00c}").await;
    for (key, view) in
        [("5", "hitl-history"), ("2", "hitl-tasks"), ("3", "hitl-grants"), ("1", "hitl-queue")]
    {
        screen.press(key).await;
        screen.until(view, &format!("return document.querySelector('{view}') !== null")).await;
    }
    browser.close().await;
}
