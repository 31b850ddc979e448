//! Results that are read by id, and failed tasks that are listed and retried.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hitl_tasks::*;

use crate::support::{self, Events, S, settle, spend};

type Log = Arc<Mutex<Vec<String>>>;

fn said(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

fn manager(journal: &MemoryJournal) -> (TaskManager, Events) {
    support::watched(|b| b.journal(journal.clone()).max_concurrent(2))
}

fn step<O>(name: &'static str, output: O) -> TaskStep<(), O>
where
    O: Clone + Send + Sync + 'static + serde::Serialize + serde::de::DeserializeOwned,
{
    let body = move |_: StepContext| std::future::ready(Ok::<_, String>(output.clone()));
    TaskStep::new(name, body).durable()
}

async fn kind_of<T: serde::de::DeserializeOwned + std::fmt::Debug>(
    manager: &TaskManager,
    id: TaskId,
) -> ResultErrorKind {
    manager.result::<T>(id).await.unwrap_err().kind()
}

#[tokio::test(start_paused = true)]
async fn a_result_is_read_by_id_after_a_restart() {
    let journal = MemoryJournal::new();
    let (first, _) = manager(&journal);
    let ids: [TaskId; 4] = std::array::from_fn(|_| TaskId::new());
    let one = Task::new("one").id(ids[0]).step(step("s", 1.5_f64)).journaled();
    let pair = Task::new("pair").id(ids[1]).parallel((step("a", 1_u8), step("b", true)));
    let list = Task::new("list").id(ids[2]).parallel(vec![step("only", "x".to_owned())]);
    let none = Task::new("none").id(ids[3]).journaled();
    first.submit(one).unwrap().wait().await.unwrap();
    first.submit(pair.journaled()).unwrap().wait().await.unwrap();
    first.submit(list.journaled()).unwrap().wait().await.unwrap();
    first.submit(none).unwrap().wait().await.unwrap();
    drop(first);

    let (second, events) = manager(&journal);
    assert_eq!(second.result::<f64>(ids[0]).await.unwrap().to_bits(), 1.5_f64.to_bits());
    assert_eq!(second.result::<(u8, bool)>(ids[1]).await.unwrap(), (1, true));
    assert_eq!(second.result::<Vec<String>>(ids[2]).await.unwrap(), ["x"]);
    second.result::<()>(ids[3]).await.unwrap();
    assert!(events.all().is_empty(), "to read a result runs nothing");
    // It is read, not taken.
    second.result::<(u8, bool)>(ids[1]).await.unwrap();

    assert_eq!(kind_of::<f32>(&second, ids[0]).await, ResultErrorKind::WrongType);
    assert_eq!(kind_of::<bool>(&second, ids[1]).await, ResultErrorKind::WrongType);
    assert_eq!(kind_of::<u8>(&second, TaskId::new()).await, ResultErrorKind::Unknown);
    let json = journal::read_result_json(&journal.load(ids[1]).await.unwrap()).unwrap();
    assert_eq!(json.get(), "[1,true]");
    assert!(journal.erase(ids[0]).await.unwrap());
    assert_eq!(kind_of::<f64>(&second, ids[0]).await, ResultErrorKind::Erased);
    let (alone, _) = support::watched(|b| b);
    assert_eq!(kind_of::<u8>(&alone, ids[1]).await, ResultErrorKind::Journal);
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_result_says_why() {
    let journal = MemoryJournal::new();
    let (manager, _) = manager(&journal);
    let slow = |cx: StepContext| async move {
        cx.off_clock(std::future::pending::<()>()).await;
        Ok::<_, String>(1_u8)
    };
    let task = |id| Task::new("slow").id(id).step(TaskStep::new("s", slow).durable());
    let (cancelled, plain, stopped) = (TaskId::new(), TaskId::new(), TaskId::new());
    let handle = manager.submit(task(cancelled).journaled()).unwrap();
    let _plain = manager.submit(task(plain)).unwrap();
    settle().await;
    assert_eq!(kind_of::<u8>(&manager, cancelled).await, ResultErrorKind::NotEnded);
    assert_eq!(kind_of::<u8>(&manager, plain).await, ResultErrorKind::NotEnded);
    handle.cancel("enough");
    handle.wait().await.unwrap_err();
    let error = manager.result::<u8>(cancelled).await.unwrap_err();
    assert_eq!(error.kind(), ResultErrorKind::Cancelled);
    assert_eq!(error.end().unwrap().reason(), Some("enough"));
    // It was cancelled on purpose, and is no failure.
    assert!(manager.failed(None, 10).await.unwrap().is_empty());
    let retry = manager.retry(task(cancelled).journaled()).unwrap().wait().await.unwrap_err();
    assert_eq!(retry.kind(), TaskErrorKind::NotFailed);

    let _stopped = manager.submit(task(stopped).journaled()).unwrap();
    settle().await;
    manager.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(kind_of::<u8>(&manager, stopped).await, ResultErrorKind::NotEnded);
}

/// Reads, charges (with an undo that may fail), and sends, which fails while `offline`.
fn export(id: TaskId, log: &Log, offline: &Arc<AtomicBool>, keeps: bool) -> Task<String> {
    let note = |what: &'static str| {
        let log = Arc::clone(log);
        move |cx: &StepContext| {
            let line = format!("{what} {} {}", cx.idempotency_key(), cx.attempt());
            log.lock().unwrap().push(line);
        }
    };
    let (reads, charges, refunds, sends) =
        (note("read"), note("charge"), note("refund"), note("send"));
    let read = TaskStep::new("Read", move |cx: StepContext| {
        reads(&cx);
        async { Ok::<u32, String>(7) }
    });
    let charge = TaskStep::new("Charge", move |cx: StepContext, n: u32| {
        charges(&cx);
        async move { Ok::<u32, String>(n + cx.attempt()) }
    });
    let charge = charge.undo(move |cx: StepContext, _: u32| {
        refunds(&cx);
        async move { if keeps { Err("not refunded") } else { Ok(()) } }
    });
    let offline = Arc::clone(offline);
    let send = TaskStep::new("Send", move |cx: StepContext, n: u32| {
        sends(&cx);
        let sent =
            if offline.load(Ordering::SeqCst) { Err("offline") } else { Ok(format!("sent {n}")) };
        async move { sent }
    });
    let send = send.retry(Retry::times(1).delay(S)).durable();
    Task::new("Export").id(id).step(read.durable()).step(charge.durable()).step(send).journaled()
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_is_listed_and_continues_after_its_completed_steps() {
    for keeps in [false, true] {
        let (journal, log, id) = (MemoryJournal::new(), Log::default(), TaskId::new());
        let offline = Arc::new(AtomicBool::new(true));
        let (first, _) = manager(&journal);
        first.submit(export(id, &log, &offline, keeps)).unwrap().wait().await.unwrap_err();
        drop(first);
        let lines = |lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| line.replace("ID", &id.to_string())).collect()
        };
        let begin = ["read ID/0 1", "charge ID/1 1", "send ID/2 1", "send ID/2 2"];
        assert_eq!(said(&log), lines(&[&begin[..], &["refund ID/1/undo 1"]].concat()));

        let (second, events) = manager(&journal);
        let failed = second.failed(None, 10).await.unwrap();
        let told = &failed[0].progress;
        assert_eq!((failed.len(), told.task_id, &*told.task_name), (1, id, "Export"));
        assert_eq!(told.error.as_deref(), Some("Step 'Send' failed: offline"));
        assert_eq!(kind_of::<String>(&second, id).await, ResultErrorKind::Failed);
        // It fails again, with all its retries.
        let handle = second.retry(export(id, &log, &offline, keeps)).unwrap();
        assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Failed);
        events.assert_one_end(id);
        let again: &[&str] = if keeps {
            &["send ID/2 3", "send ID/2 4", "refund ID/1/undo 2"]
        } else {
            // What was undone is another effect the next time.
            &["charge ID/1/r1 2", "send ID/2 3", "send ID/2 4", "refund ID/1/r1/undo 2"]
        };
        assert_eq!(said(&log), lines(again), "{keeps}");
        offline.store(false, Ordering::SeqCst);
        let handle = second.retry(export(id, &log, &offline, keeps)).unwrap();
        let sent = if keeps { "sent 8" } else { "sent 10" };
        assert_eq!(handle.wait().await.unwrap(), sent);
        let last: &[&str] =
            if keeps { &["send ID/2 5"] } else { &["charge ID/1/r2 3", "send ID/2 5"] };
        assert_eq!(said(&log), lines(last), "{keeps}");
        assert_eq!(second.result::<String>(id).await.unwrap(), sent);
        assert!(second.failed(None, 10).await.unwrap().is_empty());
        // Submitted once more it gives its end, and cannot be retried.
        let handle = second.submit(export(id, &log, &offline, keeps)).unwrap();
        assert_eq!(handle.wait().await.unwrap(), sent);
        let handle = second.retry(export(id, &log, &offline, keeps)).unwrap();
        assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::NotFailed);
        assert!(said(&log).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_11_of_many_retries_one_runs_and_the_others_do_not_disturb_it() {
    let (journal, log, id) = (MemoryJournal::new(), Log::default(), TaskId::new());
    let offline = Arc::new(AtomicBool::new(true));
    let (first, _) = manager(&journal);
    first.submit(export(id, &log, &offline, true)).unwrap().wait().await.unwrap_err();
    offline.store(false, Ordering::SeqCst);
    said(&log);
    let managers: Vec<_> = (0..8).map(|_| manager(&journal).0).collect();
    let retries = managers.iter().map(|manager| {
        let handle = manager.retry(export(id, &log, &offline, true)).unwrap();
        async move { handle.wait().await.map_err(|error| error.kind()) }
    });
    let ends: Vec<_> = futures::future::join_all(retries).await;
    assert_eq!(ends.iter().filter(|end| end.as_deref() == Ok("sent 8")).count(), 1, "{ends:?}");
    let refused = ends.iter().filter(|end| **end == Err(TaskErrorKind::NotFailed)).count();
    assert_eq!(refused, 7, "{ends:?}");
    assert_eq!(said(&log).len(), 1, "only the failed step ran, once");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_interrupted_or_queued_loses_nothing() {
    let (journal, log, id) = (MemoryJournal::new(), Log::default(), TaskId::new());
    let offline = Arc::new(AtomicBool::new(true));
    let (first, _) = manager(&journal);
    first.submit(export(id, &log, &offline, true)).unwrap().wait().await.unwrap_err();
    drop(first);
    // Never started: the task is as failed as before.
    let (busy, _) = support::watched(|b| b.journal(journal.clone()).max_concurrent(1));
    let hold = Task::new("hold").step(TaskStep::new("s", support::for_ever));
    let _hold = busy.submit(hold).unwrap();
    let queued = busy.retry(export(id, &log, &offline, true)).unwrap();
    busy.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(queued.wait().await.unwrap_err().kind(), TaskErrorKind::Interrupted);
    let (second, _) = manager(&journal);
    assert_eq!(second.failed(None, 10).await.unwrap().len(), 1);
    // Interrupted between two attempts: it is no longer failed, and a plain submission continues.
    let handle = second.retry(export(id, &log, &offline, true)).unwrap();
    spend(S / 2).await;
    assert_eq!(second.shutdown(Shutdown::cancel(S)).await.interrupted, [id]);
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Interrupted);
    offline.store(false, Ordering::SeqCst);
    let (third, _) = manager(&journal);
    assert!(third.failed(None, 10).await.unwrap().is_empty());
    let handle = third.submit(export(id, &log, &offline, true)).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "sent 8");
    let ran = said(&log);
    assert_eq!(ran.iter().filter(|line| line.starts_with("charge")).count(), 1, "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_needs_the_same_definition_and_tenant() {
    let journal = MemoryJournal::new();
    let (manager, _) = manager(&journal);
    let id = TaskId::new();
    let task = |tenant: &'static str| {
        let body = |_: StepContext| async { Err::<u8, _>("no".to_owned()) };
        Task::new("t").tenant(tenant).step(TaskStep::new("s", body).durable())
    };
    let refused = |task: Task<u8>, what: &str| {
        let error = manager.retry(task).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(task("acme").journaled(), "id must be that of the task which failed");
    refused(task("acme").id(id), "journaled must be set");
    let (acme, rival) = (manager.for_tenant("acme"), manager.for_tenant("rival"));
    acme.submit(task("acme").id(id).journaled()).unwrap().wait().await.unwrap_err();
    let before = journal.load(id).await.unwrap();
    let error = rival.retry(task("").id(id).journaled()).unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::DefinitionChanged);
    assert!(!error.to_string().contains("acme"), "{error}");
    assert_eq!(journal.load(id).await.unwrap(), before, "nothing has changed");
    assert_eq!(rival.result::<u8>(id).await.unwrap_err().kind(), ResultErrorKind::Unknown);
    assert!(rival.failed(None, 10).await.unwrap().is_empty());
    assert_eq!(acme.result::<u8>(id).await.unwrap_err().kind(), ResultErrorKind::Failed);
    assert_eq!(acme.failed(None, 10).await.unwrap().len(), 1);
    let error = acme.retry(task("").id(id).journaled()).unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Failed);
}

#[tokio::test(start_paused = true)]
async fn failed_tasks_are_listed_page_by_page_and_by_tenant() {
    let journal = MemoryJournal::new();
    let (manager, _) = manager(&journal);
    let body = |_: StepContext| async { Err::<(), _>("no".to_owned()) };
    let mut ids = Vec::new();
    for number in 0..250 {
        let id = TaskId::new();
        let tenant = if number % 50 == 0 { "rare" } else { "other" };
        let task = Task::new("t").id(id).tenant(tenant).step(TaskStep::new("s", body).durable());
        manager.submit(task.journaled()).unwrap().wait().await.unwrap_err();
        ids.insert(0, (id, tenant));
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = manager.failed(before, 120).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 120);
        before = Some(last.progress.task_id);
        seen.extend(page.iter().map(|task| task.progress.task_id));
    }
    assert!(seen.iter().eq(ids.iter().map(|(id, _)| id)));
    let rare = manager.for_tenant("rare").failed(None, 3).await.unwrap();
    let expected = ids.iter().filter(|(_, tenant)| *tenant == "rare").take(3);
    assert!(rare.iter().map(|task| task.progress.task_id).eq(expected.map(|(id, _)| *id)));
}
