//! Outputs that cannot be read back from a journal fail their step at once, and completed steps are
//! undone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use hitl_tasks::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Faulty, Log, count, kinds, manager, note, runtime};
use crate::support::settle;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Reading {
    Ledger { by_account: BTreeMap<u64, u128> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Session {
    user: String,
    #[serde(skip)]
    cache: Vec<u8>,
}

/// Returns two steps with an undo; the second returns this output.
fn task<O>(id: TaskId, log: &Log, output: O) -> Task<O>
where
    O: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let undo = |name: &'static str| {
        let log = Arc::clone(log);
        move || note(&log, format!("undo {name}"))
    };
    let (undo_first, undo_second, does) = (undo("first"), undo("second"), Arc::clone(log));
    let first = TaskStep::new("first", |_: StepContext| async { Ok::<_, String>(1_u8) })
        .undo(move |_: StepContext, _: u8| {
            undo_first();
            async { Ok::<_, String>(()) }
        })
        .durable();
    let second = TaskStep::new("second", move |_: StepContext, _: u8| {
        note(&does, "do second");
        std::future::ready(Ok::<_, String>(output.clone()))
    })
    .undo(move |_: StepContext, _: O| {
        undo_second();
        async { Ok::<_, String>(()) }
    })
    .retry(Retry::times(3))
    .durable();
    Task::new("t").id(id).step(first).step(second).journaled()
}

async fn refused<O>(output: O, why: &str)
where
    O: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
    let (first, events) = manager(journal.clone());
    let error =
        first.submit(task(id, &log, output.clone())).unwrap().wait().await.map(drop).unwrap_err();
    assert_eq!(
        (error.kind(), error.failure(), error.failed_step()),
        (TaskErrorKind::Failed, Some(FailureKind::NotDurable), Some(1))
    );
    let text = error.to_string();
    assert!(text.starts_with("Step 'second' cannot be journaled: its output "), "{text}");
    assert!(text.contains(why), "{text}");
    // Fails at once and is not retried; both are undone, the last first, and no partial output is
    // recorded.
    assert_eq!(*log.lock().unwrap(), ["do second", "undo second", "undo first"]);
    let undone: Vec<_> = error.undo_results().iter().map(|undone| undone.step).collect();
    assert_eq!(undone, [1, 0]);
    let kinds = kinds(&journal, id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "stepDone").count(), 1, "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("terminal"));
    events.assert_one_end(id);
    // A later process gets the same error, and runs nothing.
    let (second, _) = manager(journal);
    let again = second.submit(task(id, &log, output)).unwrap().wait().await.map(drop).unwrap_err();
    assert_eq!((again.to_string(), again.failure()), (text, Some(FailureKind::NotDurable)));
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_cannot_be_given_back_fails_its_step_at_once_and_is_undone() {
    refused(vec![0.5, f64::NAN], "cannot be read back").await;
    refused(Some(None::<u8>), "another value").await;
    let by_account = BTreeMap::from([(7, 1)]);
    refused(Reading::Ledger { by_account }, "cannot be read back").await;
    refused(BTreeMap::from([(vec![1_u8], 1_u8)]), "cannot be written").await;
}

#[tokio::test(start_paused = true)]
async fn an_output_that_panics_when_it_is_read_fails_its_step() {
    #[derive(Clone, Serialize)]
    struct Trap(u8);
    impl<'de> Deserialize<'de> for Trap {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("a trap")
        }
    }
    let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
    let (manager, _) = manager(journal);
    let error =
        manager.submit(task(id, &log, Trap(1))).unwrap().wait().await.map(drop).unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::Panicked));
    assert_eq!((count(&log, "undo second"), count(&log, "undo first")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_next_step_gets_what_a_later_life_would_get() {
    let seen = Log::default();
    let task = |id, fails_once: bool| {
        let seen = Arc::clone(&seen);
        let login = |_: StepContext| async {
            Ok::<_, String>(Session { user: "ann".into(), cache: vec![1, 2, 3] })
        };
        let use_it = move |cx: StepContext, session: Session| {
            note(&seen, format!("{session:?}"));
            async move {
                if fails_once && cx.attempt() == 1 {
                    cx.cancelled().await;
                }
                Ok::<_, String>(session)
            }
        };
        Task::new("t")
            .id(id)
            .step(TaskStep::new("login", login).durable())
            .step(TaskStep::new("use", use_it).durable())
            .journaled()
    };
    let (journal, id) = (MemoryJournal::new(), TaskId::new());
    let (first, _) = manager(journal.clone());
    let handle = first.submit(task(id, true)).unwrap();
    settle().await;
    first.shutdown(Shutdown::cancel(std::time::Duration::from_secs(1))).await;
    assert!(handle.wait().await.is_err());
    let (second, _) = manager(journal);
    let made = second.submit(task(id, true)).unwrap().wait().await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!((seen.len(), &seen[0]), (2, &seen[1]), "the same with and without a restart");
    assert_eq!(made, Session { user: "ann".into(), cache: Vec::new() });
}

#[tokio::test(start_paused = true)]
async fn in_a_group_every_member_that_is_done_is_undone() {
    let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
    let member = |name: &'static str, output: f64| {
        let log = Arc::clone(&log);
        TaskStep::new(name, move |_: StepContext| std::future::ready(Ok::<_, String>(output)))
            .undo(move |_: StepContext, _: f64| {
                note(&log, format!("undo {name}"));
                async { Ok::<_, String>(()) }
            })
            .durable()
    };
    let (manager, _) = manager(journal);
    let group = vec![member("a", 1.0), member("b", f64::NAN), member("c", f64::INFINITY)];
    let task = Task::new("t").id(id).parallel(group).journaled();
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::NotDurable));
    let done = ["a", "b", "c"].map(|name| count(&log, &format!("undo {name}")));
    assert!(done.iter().all(|undone| *undone <= 1) && done[1] == 1, "{done:?}");
}

/// The process dies at every call of the journal from the failure on; a later process undoes the
/// recorded steps, and reports that the output that is gone was not undone.
#[test]
fn invariant_10_a_crash_while_it_is_undone_leaves_nothing_unsaid() {
    for dies_at in 5..14 {
        let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
        let dead = Arc::<tokio::sync::Notify>::default();
        let faulty = Faulty {
            journal: journal.clone(),
            calls: std::sync::atomic::AtomicU64::new(0),
            dies_at,
            after: false,
            dead: Arc::clone(&dead),
            error: None,
        };
        {
            let runtime = runtime();
            let (manager, _) = manager(faulty);
            runtime.block_on(async {
                let handle = manager.submit(task(id, &log, f64::NAN)).unwrap();
                tokio::select! {
                    biased;
                    () = dead.notified() => {}
                    _ = handle.wait() => {}
                }
            });
        }
        let (manager, _) = manager(journal.clone());
        let error = runtime().block_on(async {
            manager.submit(task(id, &log, f64::NAN)).unwrap().wait().await.unwrap_err()
        });
        assert_eq!(error.failure(), Some(FailureKind::NotDurable), "{dies_at}: {error}");
        assert!(count(&log, "undo first") >= 1, "{dies_at}");
        let second = error.undo_results().iter().find(|undone| undone.step == 1);
        let undone_here = second.is_none_or(|second| second.error.is_none());
        assert!(!undone_here || count(&log, "undo second") >= 1, "{dies_at}: {error:?}");
    }
}
