//! Screenshots of every card and view, in light and dark, in `target/screenshots`.

use std::path::PathBuf;
use std::time::Duration;

use hitl::Gate;
use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl_console::{Tasks, router};

use crate::driver::{Window, start};
use crate::screen::{CARD, QUEUE, Screen};
use crate::server::{Server, tokens};
use crate::support::ask::ANN;
use crate::support::tools::{self, book_trip, deletion, note, sign_contract, submit};

/// A console with an example of everything.
pub(crate) struct Scene {
    pub(crate) gate: Gate,
    manager: TaskManager,
    log: EventLog,
}

impl Scene {
    pub(crate) fn tasks(&self) -> Tasks {
        Tasks::new(self.manager.clone(), self.log.clone())
    }
}

pub(crate) async fn scene() -> Scene {
    let gate = tools::gate().await;
    let log = EventLog::new(1000);
    let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
    let step = |share: f64, ends: bool| {
        move |cx: StepContext| async move {
            cx.progress(share);
            cx.message("412 of 640 rows");
            if !ends {
                std::future::pending::<()>().await;
            }
            Ok::<(), String>(())
        }
    };
    let after = |share: f64, ends: bool| {
        let body = step(share, ends);
        move |cx: StepContext, (): ()| body(cx)
    };
    let export = Task::new("Nightly export")
        .step(TaskStep::new("Read", step(1.0, true)))
        .step(TaskStep::new("Convert", after(0.64, false)).weight(6))
        .step(TaskStep::new("Upload", after(0.0, true)));
    manager.submit(export).unwrap().detach();
    let done = Task::new("Mail the invoices").step(TaskStep::new("Send", step(1.0, true)));
    manager.submit(done).unwrap().wait().await.unwrap();
    let fails = |_: StepContext| std::future::ready(Err::<(), _>("the disk is full".to_owned()));
    let failed = Task::new("Back up").step(TaskStep::new("Copy", fails));
    manager.submit(failed).unwrap().wait().await.unwrap_err();

    for at in 0..12 {
        let request = note(&gate).await;
        let decision = if at % 3 == 0 { request.reject("not today") } else { request.approve() };
        gate.decide(decision.by("bob")).await.unwrap();
    }
    let terms = "Net 30. Either side may end it at the end of a quarter.";
    submit(&gate, sign_contract("C-1042", 48_500.0, "Maria Okafor", terms, "4711-pin")).await;
    deletion(&gate).await;
    let remarks = "window seat, vegetarian";
    submit(&gate, book_trip("Ann Lee", "JFK", "SFO", 2, 1_280.5, true, "business", remarks)).await;
    note(&gate).await;
    Scene { gate, manager, log }
}

/// Shows the page in a light or dark colour scheme.
pub(crate) async fn scheme(screen: &Screen<'_>, colours: &str) {
    let script = "document.documentElement.style.colorScheme = arguments[0]";
    screen.0.execute(script, vec![colours.into()]).await.unwrap();
}

pub(crate) async fn shoot(screen: &Screen<'_>, name: &str) {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.parent().unwrap().join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for colours in ["light", "dark"] {
        scheme(screen, colours).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let picture = screen.0.screenshot().await.unwrap();
        assert!(picture.len() > 5_000, "{name} is blank");
        std::fs::write(folder.join(format!("{name}-{colours}.png")), picture).unwrap();
    }
    scheme(screen, "light").await;
}

#[tokio::test]
async fn every_card_and_view_is_pictured() {
    let Some(browser) = start(Window::Desk).await else { return };
    let scene = scene().await;
    let server = Server::start(router(scene.gate.clone(), scene.tasks(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "4 pending").await;
    for (title, name) in [
        ("Sign contract", "contract"),
        ("Delete project", "deletion"),
        ("Book", "booking"),
        ("Send", "note"),
    ] {
        screen.open(title).await;
        shoot(&screen, name).await;
    }
    screen.click_text(&format!("{CARD}.others button"), "Reject with a reason").await;
    shoot(&screen, "reject").await;
    screen.click_text(&format!("{CARD}form button"), "Back").await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.outcome"), "Approved by ann").await;
    screen.click(&format!("{CARD}.audit summary")).await;
    screen.see(&format!("{CARD}.audit"), "Decide").await;
    shoot(&screen, "approved").await;
    screen.open("Book").await;
    screen.click(&format!("{CARD}.edit")).await;
    screen.one(&format!("{CARD}form input")).await;
    shoot(&screen, "edit").await;
    let bags = screen.all(&format!("{CARD}.field input")).await.remove(4);
    bags.send_keys("1").await.unwrap();
    screen.see(&format!("{CARD}.edit-preview .then"), "Book").await;
    shoot(&screen, "edit-result").await;
    screen.press("\u{e00c}").await;
    screen.click_text(&format!("{CARD}.others button"), "Always allow").await;
    screen.click(&format!("{CARD}input[value=chosen]")).await;
    let select = format!("{CARD}select[aria-label=\"What origin may be\"]");
    screen.one(&select).await.select_by_label("exactly as here").await.unwrap();
    let select = format!("{CARD}select[aria-label=\"What price may be\"]");
    screen.one(&select).await.select_by_label("at most").await.unwrap();
    screen.one(&format!("{CARD}input[type=number]")).await.send_keys("5").await.unwrap();
    screen.click(&format!("{CARD}input[value=durable]")).await;
    shoot(&screen, "allow").await;
    screen.click(&format!("{CARD}form button[type=submit]")).await;
    screen.one(&format!("{CARD}.rule")).await;
    shoot(&screen, "rule").await;
    screen.settle().await;
    screen.click_text(&format!("{CARD}form button"), "Allow this").await;
    screen.see(&format!("{CARD}.outcome"), "Allowed by a grant").await;
    screen.click_text("nav a", "Grants").await;
    screen.one("hitl-grants >>> .rule").await;
    shoot(&screen, "grants").await;
    screen.click_text("nav a", "Tasks").await;
    screen.see("hitl-tasks >>> hitl-task-card >>> .step", "Convert").await;
    shoot(&screen, "tasks").await;
    screen.click_text("nav a", "History").await;
    screen.one("hitl-history >>> figure").await;
    shoot(&screen, "history").await;
    browser.close().await;
}

#[tokio::test]
async fn a_phone_is_pictured() {
    let Some(browser) = start(Window::Phone).await else { return };
    let scene = scene().await;
    let server = Server::start(router(scene.gate.clone(), scene.tasks(), tokens())).await;
    let screen = Screen(&browser.client);
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "4 pending").await;
    shoot(&screen, "phone-queue").await;
    screen.open("Sign contract").await;
    shoot(&screen, "phone-contract").await;
    browser.close().await;
}

#[tokio::test]
async fn what_is_seldom_seen_is_pictured() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    let mut server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    browser.client.goto(&server.url()).await.unwrap();
    screen.one("hitl-sign-in >>> input").await;
    shoot(&screen, "sign-in").await;
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.empty"), "Nothing is pending").await;
    shoot(&screen, "empty").await;
    screen.press("?").await;
    screen.one("hitl-help >>> dialog").await;
    shoot(&screen, "keys").await;
    screen.press("\u{e00c}").await;
    screen.click_text("nav a", "Grants").await;
    screen.see("hitl-grants >>> .empty", "No grant is in force").await;
    shoot(&screen, "no-grants").await;
    screen.click_text("nav a", "Tasks").await;
    screen.see("hitl-tasks >>> .empty", "No tasks are running").await;
    shoot(&screen, "no-tasks").await;
    screen.click_text("nav a", "Queue").await;
    note(&gate).await;
    screen.open("Send").await;
    server.stop();
    screen.see(".lost", "The connection is lost").await;
    screen.click(&format!("{CARD}.approve")).await;
    screen.see(&format!("{CARD}.note"), "cannot be reached").await;
    shoot(&screen, "lost").await;
    browser.close().await;
}

/// Two hundred calls of several agents and runs, some of them odd.
pub(crate) async fn long_queue(gate: &Gate) {
    for at in 0..200_u32 {
        let agent = ["support agent", "airline agent", "web form agent"];
        let cx = hitl::CallContext::new(agent[at as usize % 3]);
        let run = format!("run-{}", at / 12);
        let key = (run.as_str(), u64::from(at));
        let amount = 12.5 * f64::from(at % 40 + 1);
        let (customer, order) = (format!("cust_{}", at % 50), format!("ord-{}", 9000 + at % 50));
        match at % 8 {
            0 => {
                let body = "Hello,\n\nyour order is late. We are sorry.\n\nAnn";
                let to = format!("c{at}@example.com");
                let call = tools::send_email(body, "About your order", to);
                tools::submit_in(gate, call, cx, key).await;
            }
            1 => {
                let call = tools::send_note("all", "The shop opens at nine tomorrow.");
                tools::submit_in(gate, call, cx, key).await;
            }
            2 if at % 16 == 2 => {
                let call = tools::delete_project(format!("summer-{at}"));
                tools::submit_in(gate, call, cx, key).await;
            }
            3 if at % 24 == 3 => {
                let customer = format!("sara\u{200b}_doe_{at}");
                tools::submit_in(gate, tools::refund(amount, customer, order, "late"), cx, key)
                    .await;
            }
            5 if at % 16 == 5 => {
                let call = tools::refund(amount * 100.0, customer, order, "goodwill");
                tools::submit_in(gate, call, cx, key).await;
            }
            _ => {
                tools::submit_in(gate, tools::refund(amount, customer, order, "late"), cx, key)
                    .await;
            }
        }
    }
    tools::reservation(gate, 23).await;
}

#[tokio::test]
async fn two_hundred_calls_are_pictured() {
    let Some(browser) = start(Window::Desk).await else { return };
    let gate = tools::gate().await;
    long_queue(&gate).await;
    let server = Server::start(router(gate.clone(), Tasks::none(), tokens())).await;
    let screen = Screen(&browser.client);
    browser.client.set_window_size(1440, 900).await.unwrap();
    screen.sign_in(&server.url(), ANN).await;
    screen.see(&format!("{QUEUE}.counts"), "201 pending").await;
    screen.open("c0@example.com").await;
    shoot(&screen, "queue-200").await;
    screen.click_text(&format!("{QUEUE}.first button"), "Filters").await;
    let group = screen.one(&format!("{QUEUE}select[aria-label=Group]")).await;
    group.select_by_label("Same arguments").await.unwrap();
    shoot(&screen, "queue-200-groups").await;
    group.select_by_label("By run").await.unwrap();
    browser.client.execute("document.activeElement.blur()", vec![]).await.unwrap();
    screen.press("*").await;
    screen.one(&format!("{QUEUE}.bulk .main")).await;
    shoot(&screen, "queue-200-selected").await;
    screen.press("R").await;
    screen.one(&format!("{QUEUE}.bulk textarea")).await;
    shoot(&screen, "queue-200-reject").await;
    group.select_by_label("No groups").await.unwrap();
    screen.one(&format!("{QUEUE}input[type=search]")).await.send_keys("sara").await.unwrap();
    screen.see(&format!("{QUEUE}.counts"), "9 of 201").await;
    screen.open("sara").await;
    shoot(&screen, "odd").await;
    screen.press("e").await;
    screen.one(&format!("{CARD}.hidden-characters button")).await;
    shoot(&screen, "odd-edit").await;
    screen.press("\u{e00c}").await;
    let search = screen.one(&format!("{QUEUE}input[type=search]")).await;
    search.clear().await.unwrap();
    search.send_keys("HAT101").await.unwrap();
    screen.see(&format!("{QUEUE}.counts"), "1 of 201").await;
    screen.open("Book").await;
    shoot(&screen, "reservation").await;
    screen.press("e").await;
    screen.one(&format!("{CARD}form textarea")).await;
    shoot(&screen, "reservation-edit").await;
    browser.close().await;
}
