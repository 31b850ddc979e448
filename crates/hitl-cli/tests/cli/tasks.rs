//! Tasks in the journal of a store.

use hitl::prelude::*;
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
    handle.cancel("enough");
    handle.wait().await.unwrap_err();
    let over = house.hitl(&["tasks", "--json"]).ended(0).json();
    assert_eq!(over[0]["status"], "cancelled");
}
