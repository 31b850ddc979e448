//! The views beside the card: the queue's filters and counts, tasks, the history.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitl::GateInTask as _;
use hitl::tasks::{
    EventLog, MemoryJournal, StepContext, Task, TaskHandle, TaskId, TaskManager, TaskStep,
};
use hitl_console::{Console, Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;
use tokio::sync::Notify;

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::shots::scene;
use crate::support::ask::{ANN, BOB};
use crate::support::tools::{self, contract, deletion, note};

#[tokio::test]
async fn the_queue_is_filtered_counted_and_says_what_arrives() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    contract(&gate).await;
    deletion(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let counts = format!("{QUEUE}.counts");
    screen.see(&counts, "3 pending · 1 quick, 2 full").await;
    let rows = format!("{QUEUE}.row .title");
    screen.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    let choose = async |label: &str, option: &str| {
        let select = format!("{QUEUE}select[aria-label=\"{label}\"]");
        screen.one(&select).await.select_by_label(option).await.unwrap();
    };
    choose("Risk", "High risk").await;
    screen.see(&counts, "2 of 3 pending").await;
    assert!(!screen.text(&rows).await.contains("Lunch"));
    choose("Tool", "Delete project").await;
    screen.see(&counts, "1 of 3 pending").await;
    choose("Risk", "Low risk").await;
    screen.see(&format!("{QUEUE}.empty"), "No pending call matches the filter").await;
    choose("Tool", "All tools").await;
    choose("Risk", "All risks").await;
    screen.one(&format!("{QUEUE}input[type=search]")).await.send_keys("APOLLO").await.unwrap();
    screen.see(&counts, "1 of 3 pending").await;
    assert_eq!(screen.text(&rows).await, "Delete project \"apollo\"");
    screen.press(&"\u{e003}".repeat("APOLLO".len())).await;
    choose("Order", "Oldest first").await;
    let first = "return document.querySelector('hitl-queue').shadowRoot.querySelector('.title')?.textContent.startsWith('Send')";
    screen.until("the oldest first", first).await;
    // A screen reader announces new calls.
    note(&gate).await;
    screen.see(&format!("{QUEUE}[role=status]"), "New: Send \"Lunch?\" to \"bob\", low risk").await;
    screen.see(&counts, "4 pending · 2 quick, 2 full").await;
    browser.close().await;
}

#[tokio::test]
async fn a_task_shows_how_far_it_is_and_is_cancelled_and_dismissed() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let log = EventLog::new(1000);
    let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
    let work = |share: f64, ends: bool| {
        move |cx: StepContext| async move {
            cx.progress(share);
            cx.message("412 of 640 rows");
            if !ends {
                std::future::pending::<()>().await;
            }
            Ok::<(), String>(())
        }
    };
    let console = router(gate, Tasks::new(manager.clone(), log), tokens());
    let server = Server::start(console).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click_text("nav a", "Tasks").await;
    screen.see("hitl-tasks >>> .empty", "No tasks are running").await;
    let second = work(0.5, false);
    let task = Task::new("Export")
        .step(TaskStep::new("Read", work(1.0, true)))
        .step(TaskStep::new("Convert", move |cx: StepContext, (): ()| second(cx)).weight(3));
    let handle = manager.submit(task).unwrap();
    let card = "hitl-tasks >>> hitl-task-card >>> ";
    // One step of four parts is done, and half of the other three.
    screen.see(&format!("{card}.percent"), "63 %").await;
    screen.see(&format!("{card}.step"), "Step 2 of 2: Convert · 412 of 640 rows").await;
    screen.see(&format!("{card}.badge"), "Running").await;
    screen.see(&format!("{card}.times"), "so far").await;
    let bar = screen.one(&format!("{card}.bar")).await;
    assert_eq!(bar.attr("aria-valuenow").await.unwrap().as_deref(), Some("63"));
    screen.click(&format!("{card}summary")).await;
    let steps = screen.text(&format!("{card}.steps")).await;
    assert!(steps.contains("Read") && steps.contains("50 %"), "{steps}");
    // Cancelling asks first.
    screen.click_text(&format!("{card}.act"), "Cancel").await;
    screen.see(&format!("{card}.cancelling"), "Cancel “Export”?").await;
    screen.click_text(&format!("{card}.cancelling button"), "Let it run").await;
    screen.click_text(&format!("{card}.act"), "Cancel").await;
    let reason = screen.one(&format!("{card}.cancelling input")).await;
    reason.send_keys("wrong month").await.unwrap();
    screen.click_text(&format!("{card}.cancelling button"), "Cancel the task").await;
    handle.wait().await.unwrap_err();
    screen.see(&format!("{card}.badge"), "Cancelled").await;
    screen.see(&format!("{card}.times"), "took").await;
    // The bar does not fall.
    screen.see(&format!("{card}.percent"), "63 %").await;
    screen.click_text(&format!("{card}.act"), "Dismiss").await;
    screen.see("hitl-tasks >>> .empty", "No tasks are running").await;
    // The dismissed card stays away.
    screen.0.refresh().await.unwrap();
    screen.see("hitl-tasks >>> .empty", "No tasks are running").await;
    browser.close().await;
}

#[tokio::test]
async fn a_bar_never_falls_a_task_leads_to_its_call_and_a_failed_one_is_tried_again() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let log = EventLog::new(1000);
    let manager =
        TaskManager::builder().journal(MemoryJournal::new()).emitter(log.clone()).build().unwrap();
    let (fixed, go) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let back_up = {
        let fixed = Arc::clone(&fixed);
        move |id: TaskId| {
            let fixed = Arc::clone(&fixed);
            let copy = move |cx: StepContext| {
                let fixed = fixed.load(Ordering::SeqCst);
                async move {
                    cx.progress(0.8);
                    if fixed { Ok(()) } else { Err("the disk is full".to_owned()) }
                }
            };
            Task::new("Back up").id(id).step(TaskStep::new("Copy", copy).durable()).journaled()
        }
    };
    let falls = {
        let go = Arc::clone(&go);
        move |cx: StepContext| {
            let go = Arc::clone(&go);
            async move {
                cx.progress(0.6);
                go.notified().await;
                cx.progress(0.2);
                go.notified().await;
                cx.progress(0.4);
                std::future::pending::<()>().await;
                Ok::<(), String>(())
            }
        }
    };
    let asks = {
        let gate = gate.clone();
        move |cx: StepContext| {
            let gate = gate.clone();
            async move {
                let call = tools::send_note("bob", "from a task");
                gate.call_in(&cx, call).by("agent").await.map(drop).map_err(|e| e.to_string())
            }
        }
    };
    manager.submit(Task::new("Falls").step(TaskStep::new("Work", falls))).unwrap().detach();
    manager.submit(Task::new("Asks").step(TaskStep::new("Ask", asks))).unwrap().detach();
    manager.submit(back_up(TaskId::new())).unwrap().wait().await.unwrap_err();
    let tasks = Tasks::new(manager, log).retry_with(move |manager, failed| {
        let task = (&*failed.task_name == "Back up").then(|| back_up(failed.task_id))?;
        Some(manager.retry(task).map(TaskHandle::detach))
    });
    let server = Server::start(router(gate, tasks, tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click_text("nav a", "Tasks").await;
    let card = "hitl-tasks >>> hitl-task-card:not([hidden]) >>> ";
    screen.see(&format!("{card}h3"), "Back up").await;
    let choose = async |state: &str| {
        let select = screen.one("hitl-tasks >>> select[aria-label=State]").await;
        select.select_by_label(state).await.unwrap();
    };
    choose("Running").await;
    assert_eq!(screen.text(&format!("{card}h3")).await, "Falls");
    let bar = "return document.querySelector('hitl-tasks').shadowRoot.querySelector('hitl-task-card:not([hidden])').shadowRoot.querySelector('.bar').getAttribute('aria-valuenow')";
    screen.see(&format!("{card}.percent"), "60 %").await;
    for (words, far) in [("0 % of what is left", "60"), ("25 % of what is left", "60")] {
        go.notify_one();
        screen.see(&format!("{card}.percent"), words).await;
        assert_eq!(browser.client.execute(bar, vec![]).await.unwrap(), json!(far));
    }
    // A failed one, once its cause is gone.
    choose("Failed").await;
    screen.see(&format!("{card}.note"), "the disk is full").await;
    fixed.store(true, Ordering::SeqCst);
    screen.click(&format!("{card}.retry")).await;
    screen.see("hitl-tasks >>> .empty", "No task matches").await;
    choose("Completed").await;
    screen.see(&format!("{card}h3"), "Back up").await;
    assert_eq!(screen.all(&format!("{card}h3")).await.len(), 1, "it is listed once");
    // The call that a task waits for is one click away.
    choose("Waiting for a human").await;
    screen.click_text(&format!("{card}.waits-for a"), "from a task").await;
    screen.see(&format!("{CARD}h2"), "from a task").await;
    browser.close().await;
}

#[tokio::test]
async fn the_history_is_searched_and_narrowed_by_tool_by_reviewer_and_by_outcome() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    for (at, by) in [(0, "bob"), (1, "bob"), (2, "eve")] {
        let request = tools::submit(&gate, tools::send_note(format!("person {at}"), "hi")).await;
        let decision = if at == 0 { request.reject("no") } else { request.respond("later") };
        gate.decide(decision.by(by)).await.unwrap();
    }
    let refund = tools::submit(&gate, tools::refund(5.0, "c_1", "o-1", "late")).await;
    gate.decide(refund.reject("no").by("eve")).await.unwrap();
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click_text("nav a", "History").await;
    let view = "hitl-history >>> ";
    screen.see(&format!("{view}.facts"), "99 in 100 within").await;
    for (tally, row) in [("By tool", "Send note\t3\t0 %"), ("By reviewer", "bob\t2\t0 %")] {
        screen.see(&format!("{view}.tally[aria-label=\"{tally}\"]"), row).await;
    }
    let heading = format!("{view}h3");
    screen.see(&heading, "The last 4 calls that ended").await;
    // Colours are those of the outcome.
    assert_eq!(screen.all(&format!("{view}.line.tone-no")).await.len(), 2);
    assert_eq!(screen.all(&format!("{view}.line.tone-other")).await.len(), 2);
    let choose = async |label: &str, option: &str, count: &str| {
        let select = screen.one(&format!("{view}select[aria-label={label}]")).await;
        select.select_by_label(option).await.unwrap();
        screen.see(&heading, count).await;
    };
    choose("Reviewer", "eve", "The last 2 calls").await;
    choose("Outcome", "Rejected", "The last 1 call ").await;
    choose("Tool", "Send note", "The last 0 calls").await;
    screen.see(&format!("{view}.empty"), "No call of these days matches").await;
    choose("Tool", "All tools", "The last 1 call ").await;
    choose("Outcome", "Every outcome", "The last 2 calls").await;
    choose("Reviewer", "All reviewers", "The last 4 calls").await;
    screen.one(&format!("{view}input[type=search]")).await.send_keys("o-1").await.unwrap();
    screen.see(&heading, "The last 1 call ").await;
    browser.close().await;
}

#[tokio::test]
async fn dates_are_written_in_the_language_of_the_page() {
    let Some(browser) = start(Window::Desk).await else { return };
    let scene = scene().await;
    let server = Server::start(router(scene.gate.clone(), scene.tasks(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click_text("nav a", "History").await;
    let days = "hitl-history >>> figure:first-of-type tbody th";
    screen.one(days).await;
    let script = "return new Date().toLocaleDateString(arguments[0], { day: 'numeric', month: 'short', timeZone: 'UTC' })";
    for language in ["en", "de", "ja"] {
        let set = "document.documentElement.lang = arguments[0]; document.querySelector('hitl-history').load()";
        browser.client.execute(set, vec![language.into()]).await.unwrap();
        let today = browser.client.execute(script, vec![language.into()]).await.unwrap();
        let table = "return [...document.querySelector('hitl-history').shadowRoot.querySelectorAll('figure tbody th')].some((one) => one.textContent === arguments[0])";
        let wait = table.replace("arguments[0]", &today.to_string());
        screen.until(language, &wait).await;
    }
    browser.close().await;
    drop(scene);
}

#[tokio::test]
async fn the_history_draws_what_was_decided_and_says_it_as_tables() {
    let Some(browser) = start(Window::Desk).await else { return };
    let scene = scene().await;
    let server = Server::start(router(scene.gate.clone(), scene.tasks(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.click_text("nav a", "History").await;
    let view = "hitl-history >>> ";
    for title in ["Decisions per day, by outcome", "Time to decision", "by confidence"] {
        screen.see(&format!("{view}figcaption"), title).await;
    }
    assert_eq!(screen.all(&format!("{view}svg.plot[role=img]")).await.len(), 3);
    screen.see(&format!("{view}.facts"), "decided by people\n12").await;
    screen.see(&format!("{view}.facts"), "of these approved\n67 %").await;
    // Each plot has a table of the same numbers.
    let cells = "
        const figures = [...document.querySelector('hitl-history').shadowRoot.querySelectorAll('figure')];
        return figures.map((figure) => [...figure.querySelectorAll('tbody tr')]
            .map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent)))
            .reduce((sums, row) => row.map((value, at) => value + (sums[at] ?? 0)), []));
    ";
    let sums = browser.client.execute(cells, vec![]).await.unwrap();
    assert_eq!(sums, json!([[8, 4], [12], [8, 12]]), "approved and rejected; decided; of 12");
    let days = screen.one(&format!("{view}select[aria-label=Days]")).await;
    days.select_by_label("Last 7 days").await.unwrap();
    screen.see(&format!("{view}.facts"), "decided by people\n12").await;
    // Ended calls are shown here.
    screen.click(&format!("{view}.row")).await;
    screen.see(&format!("{view}hitl-approval-card >>> .outcome"), "by bob").await;
    browser.close().await;
}

#[tokio::test]
async fn nothing_moves_where_somebody_asked_for_less_motion() {
    let Some(browser) = start(Window::Still).await else { return };
    let gate = tools::gate().await;
    note(&gate).await;
    let server = Server::start(router(gate, Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    let asked = "return matchMedia('(prefers-reduced-motion: reduce)').matches";
    assert_eq!(browser.client.execute(asked, vec![]).await.unwrap(), json!(true));
    screen.open("Send").await;
    // A card that loads would pulse.
    let never = "
        const real = window.fetch;
        window.fetch = (url, ...rest) => String(url).includes('/api/calls/') ? new Promise(() => {}) : real(url, ...rest);
        const card = document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card');
        const id = card.callId;
        card.callId = null;
        card.callId = id;
    ";
    browser.client.execute(never, vec![]).await.unwrap();
    screen.one(&format!("{CARD}.skeleton i")).await;
    let moving = "return document.querySelector('hitl-queue').shadowRoot.querySelector('hitl-approval-card').shadowRoot.getAnimations({ subtree: true }).length + document.getAnimations().length";
    assert_eq!(browser.client.execute(moving, vec![]).await.unwrap(), json!(0));
    browser.close().await;
}

#[tokio::test]
async fn invariant_9_a_policy_that_waits_is_shown_line_by_line_and_its_state_is_true() {
    let Some(browser) = start(Window::Desk).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let rules = |effect: &str, more: &str| {
        let rule = format!("name = 'n'\neffect = '{effect}'\ntool = 'send_note'{more}\n");
        std::fs::write(&path, format!("schema = 1\nversion = '{effect}'\n[[rule]]\n{rule}"))
            .unwrap();
    };
    rules("deny", "");
    let file = hitl_core::RuleFile::open(&path);
    let gate = tools::register(hitl::Gate::builder()).policy(file.clone()).build().await.unwrap();
    let tokens = Tokens::new()
        .with(Reviewer::new("ann").role("admin"), &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB));
    let console = Console::new(gate, Tasks::none(), tokens).policy(file.clone(), "admin");
    let server = Server::start(console.router()).await;
    let screen = Screen(&browser.client);
    let (view, page) = ("hitl-policies >>> ", format!("{}#policies", server.url()));
    let open = async |token: Option<&str>| {
        if let Some(token) = token {
            screen.0.goto("about:blank").await.unwrap();
            screen.sign_in(&server.url(), token).await;
        }
        screen.0.goto(&page).await.unwrap();
        screen.0.refresh().await.unwrap();
    };
    // A text in the file that looks as if lines ended there and others followed.
    rules("auto", " # x\\n+ 9: effect = 'deny'");
    file.reload().unwrap();
    open(Some(ANN)).await;
    screen.see(&format!("{view}.badge"), "Waiting to be accepted").await;
    let changes = file.status().waiting.unwrap().changes;
    let lines = screen.all(&format!("{view}.changes li")).await;
    assert_eq!(lines.len(), changes.len(), "one line of the file is one item");
    let told = screen.text(&format!("{view}.changes")).await;
    assert!(told.lines().eq(changes.iter().map(String::as_str)), "{told}\n{changes:?}");

    std::fs::write(&path, "schema = 1\nnothing = 'x'").unwrap();
    file.reload().unwrap_err();
    open(None).await;
    screen.see(&format!("{view}.badge"), "The file does not load").await;
    screen.see(&format!("{view}.note"), "the version read before applies: ").await;
    screen.click_text("button", "Sign out").await;
    open(Some(BOB)).await;
    screen.see(&format!("{view}.badge"), "The file does not load").await;
    screen.see(&format!("{view}.note"), "the version read before applies.").await;
    browser.close().await;
}
