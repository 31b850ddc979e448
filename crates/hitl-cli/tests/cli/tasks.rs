//! Tasks in the journal of a store.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hitl::prelude::*;
use hitl::tasks::{Shutdown, TaskId};
use serde_json::json;

use crate::house::{House, hitl, said};

fn work(
    result: Result<u32, String>,
) -> impl Fn(StepContext) -> std::future::Ready<Result<u32, String>> {
    move |_| std::future::ready(result.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_tells_of_tasks_what_its_journal_knows() {
    let house = House::new().await;
    assert!(house.hitl(&["tasks", "--json"]).ended(0).out.is_empty());
    let db = house.path("hitl.db");
    let store = SqliteStore::open(&db).await.unwrap();
    let manager = TaskManager::builder().journal(store).build().unwrap();
    let done = Task::new("Mail").step(TaskStep::new("Send", work(Ok(1))).durable()).journaled();
    manager.submit(done).unwrap().wait().await.unwrap();
    let no_disk = work(Err("no disk".to_owned()));
    let failed = Task::new("Back up").tenant("acme").step(TaskStep::new("Copy", no_disk).durable());
    manager.submit(failed.journaled()).unwrap().wait().await.unwrap_err();
    let hangs = |_: StepContext, _: u32| std::future::pending::<Result<u32, String>>();
    let begun = Task::new("Export")
        .step(TaskStep::new("Read", work(Ok(7))).durable())
        .step(TaskStep::new("Write", hangs).durable())
        .journaled();
    let handle = manager.submit(begun).unwrap();
    // Until its second step is in the journal.
    let listed = loop {
        let listed = house.hitl(&["tasks", "--json"]).ended(0).json();
        if listed.len() == 3 && listed[0]["currentStep"] == 1 {
            break listed;
        }
    };
    let told = |at: usize| {
        let task = &listed[at];
        json!([task["taskName"], task["status"], task["percent"], task["stepsCompleted"]])
    };
    assert_eq!(told(0), json!(["Export", "running", 50, 1]));
    assert_eq!(told(1), json!(["Back up", "failed", 0, 0]));
    assert_eq!(told(2), json!(["Mail", "completed", 100, 1]));
    let table = house.hitl(&["tasks"]).ended(0).out;
    assert!(table.contains("2 of 2: Write") && table.contains("no disk"), "{table}");
    let one = house.hitl(&["tasks", "--limit", "1"]).ended(0);
    assert!(one.out.lines().count() == 2 && one.err.contains("--limit"), "{one:?}");
    // Only the tenant's own tasks.
    let theirs = hitl(&["--db", &said(&db), "--tenant", "acme", "tasks", "--json"]).ended(0).json();
    assert_eq!((theirs.len(), &theirs[0]["taskName"]), (1, &json!("Back up")));
    let id = handle.id();
    manager.shutdown(Shutdown::cancel(Duration::from_secs(5))).await;
    handle.wait().await.unwrap_err();
    let over = house.hitl(&["tasks", "--json"]).ended(0).json();
    assert_eq!((&over[0]["status"], &over[0]["state"]), (&json!("pending"), &json!("interrupted")));
    let table = house.hitl(&["tasks"]).ended(0).out;
    assert!(table.lines().nth(1).unwrap().contains("interrupted"), "{table}");
    let shown = house.hitl(&["tasks", "--id", &id.to_string()]).ended(0).out;
    assert!(shown.contains("Export: interrupted, 50 %") && shown.contains("no result"), "{shown}");
}

/// A task that fails until this file exists.
fn export(id: TaskId, repaired: PathBuf, ran: PathBuf) -> Task<Vec<u32>> {
    let collect = move |_: StepContext| {
        let mut file = std::fs::File::options().create(true).append(true).open(&ran).unwrap();
        file.write_all(b"collect\n").unwrap();
        std::future::ready(Ok::<_, String>(7_u32))
    };
    let send = move |_: StepContext, number: u32| {
        let sent = if repaired.exists() { Ok(vec![number, 1]) } else { Err("offline".to_owned()) };
        std::future::ready(sent)
    };
    Task::new("Export")
        .id(id)
        .tenant("acme")
        .step(TaskStep::new("Collect", collect).durable())
        .step(TaskStep::new("Send", send).durable())
        .journaled()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_is_listed_and_marked_and_its_result_shown() {
    let house = House::new().await;
    let (db, repaired, ran) = (house.path("hitl.db"), house.path("repaired"), house.path("ran"));
    let (id, text) = (TaskId::new(), |id: TaskId| id.to_string());
    let manager = || async {
        let store = SqliteStore::open(&db).await.unwrap();
        TaskManager::builder().journal(store).build().unwrap()
    };
    let work = || export(id, repaired.clone(), ran.clone());
    manager().await.submit(work()).unwrap().wait().await.unwrap_err();
    let other = Task::new("Mail").step(TaskStep::new("Send", self::work(Ok(1))).durable());
    manager().await.submit(other.journaled()).unwrap().wait().await.unwrap();

    let failed = house.hitl(&["tasks", "--failed", "--json"]).ended(0).json();
    assert_eq!((failed.len(), &failed[0]["taskId"]), (1, &json!(text(id))));
    assert_eq!(failed[0]["state"], "failed");
    let shown = house.hitl(&["tasks", "--id", &text(id)]).ended(0).out;
    assert!(shown.contains("no result: Step 'Send' failed: offline"), "{shown}");
    // Not another tenant's, nor an unknown one.
    let theirs = ["--db", &said(&db), "--tenant", "rival", "tasks"];
    assert!(hitl(&[&theirs[..], &["--failed", "--json"]].concat()).ended(0).out.is_empty());
    for option in ["--id", "--retry"] {
        let asked = hitl(&[&theirs[..], &[option, &text(id)]].concat());
        assert!(asked.ended(3).err.contains("is not in the journal"));
        house.hitl(&["tasks", option, &text(TaskId::new())]).ended(3);
    }

    let marked = house.hitl(&["tasks", "--retry", &text(id)]).ended(0).out;
    assert!(marked.contains("continues when its program submits it"), "{marked}");
    let again = house.hitl(&["tasks", "--retry", &text(id)]).ended(1);
    assert!(again.err.contains("nothing to retry"), "{again:?}");
    assert!(house.hitl(&["tasks", "--failed", "--json"]).ended(0).out.is_empty());
    let shown = house.hitl(&["tasks", "--id", &text(id)]).ended(0).out;
    assert!(shown.contains("Export: interrupted, 50 %"), "{shown}");

    // The program only submits it, and it continues.
    std::fs::write(&repaired, "").unwrap();
    manager().await.submit(work()).unwrap().wait().await.unwrap();
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "collect\n");
    let shown = house.hitl(&["tasks", "--id", &text(id)]).ended(0).out;
    assert!(shown.contains("result: [7,1]") && shown.contains("2. Send: completed"), "{shown}");
    let shown = house.hitl(&["tasks", "--id", &text(id), "--json"]).ended(0).json();
    assert_eq!((&shown[0]["result"], &shown[0]["state"]), (&json!([7, 1]), &json!("completed")));
    house.hitl(&["tasks", "--retry", &text(id)]).ended(1);
}
