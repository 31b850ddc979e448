//! The consumers of events.

use crate::support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use hitl_tasks::*;
use support::{Events, S, ok, spend, watched};

/// A writer whose content others can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lines(&self) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn told(cx: StepContext) -> Result<(), String> {
    cx.progress(0.5);
    cx.message("with password=hunter2hunter2 and Bearer abcdefgh12345678");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_tell_the_whole_story_in_order() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext, (): ()| async move {
        if cx.attempt() == 1 { Err("once") } else { Ok(()) }
    };
    let task = Task::new("t")
        .step(TaskStep::new("a", told))
        .step(TaskStep::new("b", body).retry(Retry::times(1).delay(S)));
    let handle = manager.submit(task).unwrap();
    handle.wait().await.unwrap();
    assert_eq!(
        events.kinds(handle.id()),
        [
            "submitted",
            "started",
            "stepStarted",
            "progress",
            "progress",
            "stepDone",
            "stepStarted",
            "stepRetrying",
            "stepStarted",
            "stepDone",
            "ended"
        ]
    );
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_when_the_whole_percentage_changes() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext| async move {
        for n in 0..=100_000_u32 {
            cx.progress(f64::from(n) / 100_000.0);
        }
        for nonsense in [f64::NAN, f64::NEG_INFINITY, -3.0] {
            cx.progress(nonsense);
        }
        Ok::<_, String>(())
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    handle.wait().await.unwrap();
    let told: Vec<_> = events
        .of(handle.id())
        .into_iter()
        .filter_map(|event| match event.kind {
            TaskEventKind::Progress { percent, .. } => Some(percent),
            _ => None,
        })
        .collect();
    assert_eq!(told, (1..=100).chain([0]).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn invariant_8_json_lines_are_flat_camel_case_and_hold_no_secret() {
    let out = Shared::default();
    let lines = JsonLines::new(out.clone()).unwrap();
    let manager = TaskManager::builder().emitter(lines).build().unwrap();
    let task = Task::new("Export").step(TaskStep::new("Write", told));
    let id = {
        let handle = manager.submit(task).unwrap();
        handle.wait().await.unwrap();
        handle.id()
    };
    drop(manager); // writes what is left
    let lines = out.lines();
    assert_eq!(lines.len(), 7);
    for (seq, line) in lines.iter().enumerate() {
        assert_eq!((&line["v"], &line["taskId"]), (&1.into(), &id.to_string().into()));
        assert_eq!((&line["seq"], &line["taskName"]), (&seq.into(), &"Export".into()));
        assert!(line["at"].as_str().unwrap().ends_with('Z'));
        assert!(!line.to_string().contains("abcdefgh12345678"), "{line}");
    }
    assert_eq!(lines[2]["type"], "stepStarted");
    assert_eq!((&lines[2]["stepName"], &lines[2]["attempt"]), (&"Write".into(), &1.into()));
    assert_eq!((&lines[3]["progress"], &lines[3]["percent"]), (&50.into(), &50.into()));
    assert_eq!((&lines[6]["type"], &lines[6]["state"]), (&"ended".into(), &"completed".into()));
}

#[test]
fn a_writer_that_is_stuck_or_broken_never_holds_up_a_task() {
    struct Stuck(Arc<Mutex<()>>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            drop(self.0.lock());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let gate = Arc::new(Mutex::new(()));
    let held = gate.lock().unwrap();
    let stuck = Arc::new(JsonLines::new(Stuck(Arc::clone(&gate))).unwrap());
    let broken = Arc::new(JsonLines::new(Broken).unwrap());
    let manager = TaskManager::builder()
        .emitter(Arc::clone(&stuck))
        .emitter(Arc::clone(&broken))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..2_000 {
            let task = Task::new("t").step(TaskStep::new("s", ok));
            manager.submit(task).unwrap().wait().await.unwrap();
        }
    });
    assert!(format!("{stuck:?}").contains("missed"));
    broken.flush();
    drop(held);
    stuck.flush();
}

#[test]
fn a_gap_in_the_lines_says_how_wide_it_is() {
    #[derive(Clone)]
    struct Gated(Arc<Mutex<()>>, Shared);
    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            drop(self.0.lock());
            self.1.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let gate = Arc::new(Mutex::new(()));
    let out = Shared::default();
    let held = gate.lock().unwrap();
    let lines = Arc::new(JsonLines::new(Gated(Arc::clone(&gate), out.clone())).unwrap());
    let manager = TaskManager::builder().emitter(Arc::clone(&lines)).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = || async {
        let task = Task::new("t").step(TaskStep::new("s", ok));
        manager.submit(task).unwrap().wait().await.unwrap();
    };
    runtime.block_on(async {
        for _ in 0..2_000 {
            run().await;
        }
    });
    drop(held);
    lines.flush();
    runtime.block_on(run());
    lines.flush();
    let lines = out.lines();
    let missed: u64 = lines.iter().filter_map(|line| line["missed"].as_u64()).sum();
    let told = lines.iter().filter(|line| line["taskId"].is_string()).count() as u64;
    assert!(missed > 0);
    assert_eq!(missed + told, 2_001 * 5);
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_panics_hurts_nobody() {
    struct Panics;
    impl ProgressEmitter for Panics {
        fn emit(&self, _: &TaskEvent) {
            panic!("in emit")
        }
    }
    let (manager, events) = watched(|b| b.emitter(Panics));
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", told))).unwrap();
    handle.wait().await.unwrap();
    events.assert_one_end(handle.id());

    let alone = TaskManager::builder().emitter(Panics).build().unwrap();
    alone.submit(Task::new("t").step(TaskStep::new("s", told))).unwrap().wait().await.unwrap();
    assert_eq!(alone.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_emitter_may_call_anything() {
    #[derive(Default)]
    struct Meddles(Mutex<Option<TaskManager>>, Events);
    impl ProgressEmitter for Meddles {
        fn emit(&self, event: &TaskEvent) {
            self.1.emit(event);
            let manager = self.0.lock().unwrap().clone();
            if let Some(manager) = manager {
                let _ = (manager.tasks(), manager.progress(event.task.id()));
                if event.kind == TaskEventKind::Submitted {
                    manager.cancel(event.task.id(), "meddling");
                }
            }
        }
    }
    let meddles = Arc::new(Meddles::default());
    let manager =
        TaskManager::builder().max_concurrent(1).emitter(Arc::clone(&meddles)).build().unwrap();
    *meddles.0.lock().unwrap() = Some(manager.clone());
    for _ in 0..3 {
        let handle = manager.submit(Task::new("t").step(TaskStep::new("s", ok))).unwrap();
        assert_eq!(handle.wait().await.unwrap_err().reason(), Some("meddling"));
        meddles.1.assert_one_end(handle.id());
    }
    *meddles.0.lock().unwrap() = None;
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_slow_subscriber_gets_a_marked_gap() {
    let events = Broadcast::new(4);
    let mut slow = events.subscribe();
    let manager = TaskManager::builder().emitter(events).build().unwrap();
    let body = |cx: StepContext| async move {
        for percent in 1..=20 {
            cx.progress(f64::from(percent) / 20.0);
            spend(S).await;
        }
        Ok::<_, String>(())
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    handle.wait().await.unwrap();
    drop(manager);
    drop(handle);
    let mut told = 0;
    let mut missed = 0;
    let mut ended = false;
    while let Some(update) = slow.recv().await {
        match update {
            BroadcastItem::Event(event) => {
                told += 1;
                ended = event.is_end();
            }
            BroadcastItem::Missed(n) => missed += n,
            _ => {}
        }
    }
    assert_eq!((told, missed, ended), (4, 21, true)); // 25 in all
}
