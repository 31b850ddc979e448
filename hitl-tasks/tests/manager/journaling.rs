//! Tasks that outlive their process, as far as a single process can show it.

#[path = "../not_durable/mod.rs"]
mod not_durable;
use crate::support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hitl_tasks::*;
use support::{Events, MS, S, settle, spend};
use tokio::sync::Notify;

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, what: impl Into<String>) {
    log.lock().unwrap().push(what.into());
}

fn count(log: &Log, what: &str) -> usize {
    log.lock().unwrap().iter().filter(|entry| *entry == what).count()
}

fn manager(journal: impl Journal) -> (TaskManager, Events) {
    support::watched(|b| b.journal(journal).max_concurrent(2))
}

/// Returns three steps and a group; the last one fails on demand.
fn task(id: TaskId, log: &Log, fails: bool) -> Task<String> {
    let step = |name: &'static str, add: u64| {
        let (does, undoes) = (Arc::clone(log), Arc::clone(log));
        TaskStep::new(name, move |_: StepContext, n: u64| {
            note(&does, format!("do {name}"));
            async move {
                tokio::task::yield_now().await;
                Ok::<_, String>(n + add)
            }
        })
        .undo(move |_: StepContext, n: u64| {
            note(&undoes, format!("undo {name} {n}"));
            async { Ok::<_, String>(()) }
        })
        .durable()
    };
    let first = TaskStep::new("first", |_: StepContext| async {
        Ok::<_, String>(9_007_199_254_740_993_u64)
    });
    let last = Arc::clone(log);
    let last = TaskStep::new("last", move |_: StepContext, (a, b): (u64, u64)| {
        note(&last, "do last");
        async move { if fails { Err("no".to_owned()) } else { Ok(format!("{a} {b}")) } }
    });
    Task::new("journaled")
        .id(id)
        .step(first.durable())
        .step(step("a", 1))
        .parallel((step("b", 10), step("c", 100)))
        .step(last.durable())
        .journaled()
}

const OUTPUT: &str = "9007199254741004 9007199254741094";

async fn kinds(journal: &MemoryJournal, id: TaskId) -> Vec<String> {
    let entries = journal.load(id).await.unwrap();
    let kind = |entry: &Vec<u8>| {
        let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
        assert_eq!(entry["v"], 1);
        entry["type"].as_str().unwrap().to_owned()
    };
    entries.iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn every_step_is_recorded_before_the_next_and_an_ended_task_gives_its_end_again() {
    let journal = MemoryJournal::new();
    let (id, log) = (TaskId::new(), Log::default());
    let (first, _) = manager(journal.clone());
    assert_eq!(first.submit(task(id, &log, false)).unwrap().wait().await.unwrap(), OUTPUT);
    let kinds = kinds(&journal, id).await;
    assert_eq!(kinds[..5], ["defined", "stepStarted", "stepDone", "stepStarted", "stepDone"]);
    assert_eq!(kinds[kinds.len() - 3..], ["stepStarted", "stepDone", "terminal"]);
    let (second, events) = manager(journal.clone());
    let handle = second.submit(task(id, &log, false)).unwrap();
    assert_eq!(handle.wait().await.unwrap(), OUTPUT);
    assert_eq!((count(&log, "do a"), count(&log, "do last")), (1, 1));
    assert_eq!(handle.progress().percent(), 100);
    events.assert_one_end(id);

    let id = TaskId::new();
    let (first, _) = manager(journal.clone());
    let failed = first.submit(task(id, &log, true)).unwrap().wait().await.unwrap_err();
    let (second, events) = manager(journal);
    let again = second.submit(task(id, &log, true)).unwrap().wait().await.unwrap_err();
    assert_eq!((again.to_string(), again.failed_step()), (failed.to_string(), Some(4)));
    assert_eq!(count(&log, "undo a 9007199254740994"), 1);
    events.assert_one_end(id);
}

#[tokio::test(start_paused = true)]
async fn a_changed_definition_is_refused_and_nothing_runs() {
    let journal = MemoryJournal::new();
    let (id, log) = (TaskId::new(), Log::default());
    let (manager, events) = manager(journal.clone());
    manager.submit(task(id, &log, false)).unwrap().wait().await.unwrap();
    let before = journal.load(id).await.unwrap();
    let number = |_: StepContext| async { Ok::<_, String>(1_u64) };
    let other_type = |_: StepContext| async { Ok::<_, String>(1_u32) };
    let changed: Vec<(Task<()>, &str)> = vec![
        (Task::new("renamed").journaled(), "its name was 'journaled'"),
        (Task::new("journaled").journaled(), "it had 5 steps and has 0"),
        (Task::new("journaled").version(2).journaled(), "its version was 0 and is 2"),
        (Task::new("journaled").tenant("rival").journaled(), "it belongs to another tenant"),
    ];
    for (task, text) in changed {
        let error = manager.submit(task.id(id)).unwrap().wait().await.unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::DefinitionChanged);
        assert!(error.to_string().contains(text), "{error}");
    }
    let id = TaskId::new();
    let plain = Task::new("t").id(id).step(TaskStep::new("s", number).durable()).journaled();
    manager.submit(plain).unwrap().wait().await.unwrap();
    let typed = Task::new("t").id(id).step(TaskStep::new("s", other_type).durable()).journaled();
    let error = manager.submit(typed).unwrap().wait().await.unwrap_err();
    assert!(error.to_string().contains("(() to u64) and is 's' (() to u32)"), "{error}");
    assert_eq!(journal.load(events.all()[0].task.id()).await.unwrap(), before);
    assert_eq!(manager.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempts_count_on_and_a_shutdown_only_interrupts() {
    let journal = MemoryJournal::new();
    let (id, log) = (TaskId::new(), Log::default());
    let task = || {
        let log = Arc::clone(&log);
        let body = move |cx: StepContext| {
            note(&log, format!("{} {}", cx.attempt(), cx.idempotency_key()));
            async move {
                if cx.attempt() == 1 {
                    return Err("once".to_owned());
                }
                if cx.attempt() < 4 {
                    cx.cancelled().await;
                }
                Ok(cx.attempt())
            }
        };
        Task::new("t")
            .id(id)
            .step(TaskStep::new("s", body).retry(Retry::times(1)).durable())
            .journaled()
    };
    for round in 0..2 {
        let (manager, events) = manager(journal.clone());
        let handle = manager.submit(task()).unwrap();
        settle().await;
        if round == 0 {
            let report = manager.shutdown(Shutdown::cancel(10 * S)).await;
            assert_eq!(report.interrupted, [id]);
            assert_eq!(report.to_string(), "1 stopped and continues at the next start");
        } else {
            drop(manager);
        }
        let error = handle.wait().await.unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::Interrupted);
        assert_eq!(error.to_string(), "Task stopped; it continues at the next start");
        assert!(error.reason().unwrap().contains("the task manager"), "{error:?}");
        assert_eq!(handle.state(), TaskState::Interrupted);
        events.assert_one_end(id);
        // A reader of the events, a dashboard and a reader of the journal see the same.
        let mut seen = TaskProgress::new(id, "t", ["s"]);
        events.of(id).iter().for_each(|event| seen.apply(event));
        assert_eq!(seen.status, Status::Pending);
        assert_eq!(seen, handle.progress());
        let known = JournalSummary::read(id, &journal.load(id).await.unwrap()).unwrap().unwrap();
        assert_eq!((known.state, known.progress.percent()), (TaskState::Interrupted, 0));
        assert_eq!(journal.erase(id).await.unwrap_err().kind(), JournalErrorKind::Kept);
    }
    let (manager, _) = manager(journal.clone());
    assert_eq!(manager.submit(task()).unwrap().wait().await.unwrap(), 4);
    let key = format!("{id}/0");
    let expected: Vec<_> = (1..=4).map(|attempt| format!("{attempt} {key}")).collect();
    assert_eq!(*log.lock().unwrap(), expected);
    assert!(!kinds(&journal, id).await.contains(&"undoing".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn two_at_once_are_fenced() {
    let journal = MemoryJournal::new();
    let (id, log) = (TaskId::new(), Log::default());
    let go = Arc::new(Notify::new());
    let task = |wait: bool| {
        let (go, log) = (Arc::clone(&go), Arc::clone(&log));
        let first = TaskStep::new("first", move |_: StepContext| {
            let go = Arc::clone(&go);
            async move {
                if wait {
                    go.notified().await;
                }
                Ok::<_, String>(wait)
            }
        });
        let next = TaskStep::new("next", move |_: StepContext, slow: bool| {
            note(&log, format!("next {slow}"));
            async move { Ok::<_, String>(slow) }
        });
        let undo = |_: StepContext, _: bool| async { Err::<(), _>("the loser must not undo") };
        Task::new("t").id(id).step(first.undo(undo).durable()).step(next.durable()).journaled()
    };
    let ((one, events), (two, _)) = (manager(journal.clone()), manager(journal));
    let loser = one.submit(task(true)).unwrap();
    settle().await;
    let winner = two.submit(task(false)).unwrap();
    assert!(!winner.wait().await.unwrap());
    go.notify_one();
    let error = loser.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.undo_results().len()), (TaskErrorKind::TakenOver, 0));
    assert_eq!(*log.lock().unwrap(), ["next false"]);
    events.assert_one_end(id);
    assert_eq!(one.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_is_recorded_as_cancelled() {
    let journal = MemoryJournal::new();
    let id = TaskId::new();
    let (manager, _) = manager(journal.clone());
    let task = || {
        let step = TaskStep::new("s", |cx: StepContext| async move {
            cx.off_clock(std::future::pending::<()>()).await;
            Ok::<_, String>(())
        });
        Task::new("t").id(id).step(step.durable()).journaled()
    };
    let handle = manager.submit(task()).unwrap();
    spend(S).await;
    assert_eq!(handle.state(), TaskState::Waiting);
    assert!(handle.cancel("enough"));
    assert!(handle.wait().await.is_err());
    let again = manager.submit(task()).unwrap().wait().await.unwrap_err();
    assert_eq!((again.kind(), again.reason()), (TaskErrorKind::Cancelled, Some("enough")));
}

/// A journal that fails some calls before or after they take effect, or dies at one of them.
struct Faulty {
    journal: MemoryJournal,
    calls: AtomicU64,
    dies_at: u64,
    after: bool,
    dead: Arc<Notify>,
    error: Option<JournalErrorKind>,
}

impl Faulty {
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, JournalError>> + Send,
    ) -> Result<T, JournalError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let hit = match self.error {
            // At every third call.
            Some(_) => number % 3 == self.dies_at % 3,
            None => number >= self.dies_at,
        };
        if !hit {
            return call.await;
        }
        if self.after && (self.error.is_some() || number == self.dies_at) {
            call.await?;
        }
        if let Some(kind) = self.error {
            return Err(JournalError::new(kind, "hiccup"));
        }
        self.dead.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Journal for Faulty {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        self.call(self.journal.claim(task)).await
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        self.call(self.journal.append(task, epoch, entry)).await
    }

    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError> {
        self.call(self.journal.end(task, epoch, entry, state)).await
    }

    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError> {
        self.call(self.journal.reopen(task, entry)).await
    }

    async fn failed(&self, _: Option<TaskId>, _: usize) -> Result<Vec<TaskId>, JournalError> {
        unreachable!("a running task never asks")
    }

    async fn is_erased(&self, _: TaskId) -> Result<bool, JournalError> {
        unreachable!("a running task never asks")
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        self.call(self.journal.load(task)).await
    }

    async fn recent(&self, _: Option<TaskId>, _: usize) -> Result<Vec<TaskId>, JournalError> {
        unreachable!("a manager never asks")
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Runs until the journal dies at one call, and then again. Returns whether it did die.
fn crash(dies_at: u64, after: bool, fails: bool) -> bool {
    let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
    let dead = Arc::new(Notify::new());
    let faulty = Faulty {
        journal: journal.clone(),
        calls: AtomicU64::new(0),
        dies_at,
        after,
        dead: Arc::clone(&dead),
        error: None,
    };
    let died = {
        let runtime = runtime();
        let (manager, _) = manager(faulty);
        runtime.block_on(async {
            let handle = manager.submit(task(id, &log, fails)).unwrap();
            tokio::select! {
                biased;
                () = dead.notified() => true,
                _ = handle.wait() => false,
            }
        })
    };
    let recorded: Vec<_> = runtime().block_on(kinds(&journal, id));
    let before = log.lock().unwrap().clone();
    let (manager, events) = manager(journal.clone());
    runtime().block_on(async {
        let handle = manager.submit(task(id, &log, fails)).unwrap();
        let result = handle.wait().await;
        assert_eq!(result.is_err(), fails, "{dies_at} {after}: {result:?}");
        if let Ok(output) = result {
            assert_eq!(output, OUTPUT);
        }
        events.assert_one_end(id);
        assert_eq!(manager.running(), 0);
    });
    // Steps that were recorded as done are not done again; every step was done, and undone if the
    // task failed.
    let text =
        format!("{dies_at} {after} {fails}: {recorded:?} {before:?} {:?}", log.lock().unwrap());
    for (name, output) in [
        ("a", 9_007_199_254_740_994_u64),
        ("b", 9_007_199_254_741_004),
        ("c", 9_007_199_254_741_094),
    ] {
        let (does, undoes) =
            (count(&log, &format!("do {name}")), count(&log, &format!("undo {name} {output}")));
        assert!((1..=2).contains(&does), "{text}");
        assert_eq!(undoes > 0, fails, "{text}");
        assert!(undoes <= 2, "{text}");
    }
    if recorded.contains(&"undoing".to_owned()) {
        assert_eq!(count(&log, "do last"), 1, "the end was decided: {text}");
    }
    let repeated = log.lock().unwrap().iter().filter(|entry| entry.starts_with("do ")).count();
    assert!(repeated <= 4 + 2, "only what was under way is repeated: {text}");
    died
}

#[test]
fn invariant_10_a_crash_at_any_point_of_the_journal_loses_and_repeats_nothing_recorded() {
    for fails in [false, true] {
        for after in [false, true] {
            let mut points = 0;
            while crash(points, after, fails) {
                points += 1;
            }
            assert!(points > 12, "{points}");
        }
    }
}

#[test]
fn a_journal_that_does_not_know_or_cannot_be_reached_is_asked_again() {
    for kind in [JournalErrorKind::Ambiguous, JournalErrorKind::Unavailable] {
        for phase in 0..3 {
            let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
            let faulty = Faulty {
                journal: journal.clone(),
                calls: AtomicU64::new(0),
                dies_at: phase,
                after: kind == JournalErrorKind::Ambiguous,
                dead: Arc::default(),
                error: Some(kind),
            };
            let (manager, _) = manager(faulty);
            let made = runtime()
                .block_on(async { manager.submit(task(id, &log, false)).unwrap().wait().await });
            assert_eq!(made.unwrap(), OUTPUT);
            assert_eq!(count(&log, "do a"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_stays_away_stops_the_task_which_goes_on_later() {
    let (journal, id, log) = (MemoryJournal::new(), TaskId::new(), Log::default());
    let faulty = |dies_at, error| Faulty {
        journal: journal.clone(),
        calls: AtomicU64::new(0),
        dies_at,
        after: false,
        dead: Arc::default(),
        error,
    };
    // A journal that never answers is given up after some minutes; nothing is undone.
    let (stuck, events) = manager(faulty(6, None));
    let error = stuck.submit(task(id, &log, false)).unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Journal, "{error}");
    assert!(error.to_string().contains("does not answer"), "{error}");
    events.assert_one_end(id);
    assert!(!log.lock().unwrap().iter().any(|entry| entry.starts_with("undo")));
    // A task that is cancelled while the journal does not answer ends at once.
    let (stuck, _) = manager(faulty(0, None));
    let handle = stuck.submit(task(id, &log, false)).unwrap();
    settle().await;
    handle.cancel("enough");
    assert_eq!(handle.wait_for(MS).await.unwrap_err().kind(), TaskErrorKind::Cancelled);
    let (manager, _) = manager(journal.clone());
    assert_eq!(manager.submit(task(id, &log, false)).unwrap().wait().await.unwrap(), OUTPUT);
}
