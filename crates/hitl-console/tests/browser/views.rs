//! The views beside the card: the queue's filters and counts, tasks, the history.

use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl_console::{Console, Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;

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
    screen.see("hitl-tasks", "No tasks are running").await;
    let second = work(0.5, false);
    let task = Task::new("Export")
        .step(TaskStep::new("Read", work(1.0, true)))
        .step(TaskStep::new("Convert", move |cx: StepContext, (): ()| second(cx)).weight(3));
    let handle = manager.submit(task).unwrap();
    let card = "hitl-task-card >>> ";
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
    screen.click_text(&format!("{card}.act"), "Cancel").await;
    assert!(handle.wait().await.is_err());
    screen.see(&format!("{card}.badge"), "Cancelled").await;
    screen.see(&format!("{card}.times"), "took").await;
    screen.click_text(&format!("{card}.act"), "Dismiss").await;
    screen.see("hitl-tasks", "No tasks are running").await;
    // The dismissed card stays away.
    screen.0.refresh().await.unwrap();
    screen.see("hitl-tasks", "No tasks are running").await;
    browser.close().await;
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
