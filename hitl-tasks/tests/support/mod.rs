//! Helpers that the integration tests share.
#![allow(dead_code, clippy::unused_async, reason = "every test binary uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_tasks::{
    ProgressEmitter, StepContext, TaskEvent, TaskEventKind, TaskId, TaskManager, TaskManagerBuilder,
};

/// An emitter that keeps every event.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<TaskEvent>>>);

impl ProgressEmitter for Events {
    fn emit(&self, event: &TaskEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Events {
    pub(crate) fn all(&self) -> Vec<TaskEvent> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, id: TaskId) -> Vec<TaskEvent> {
        self.all().into_iter().filter(|event| event.task.id() == id).collect()
    }

    pub(crate) fn kinds(&self, id: TaskId) -> Vec<&'static str> {
        self.of(id).iter().map(|event| event.kind.name()).collect()
    }

    /// Asserts invariant 11 for one task: one end, in the last place, and numbers without gaps.
    #[track_caller]
    pub(crate) fn assert_one_end(&self, id: TaskId) {
        let events = self.of(id);
        let ends = events.iter().filter(|event| event.is_end()).count();
        assert_eq!(ends, 1, "{events:#?}");
        assert!(events.last().unwrap().is_end(), "{events:#?}");
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    }

    /// Returns the maximum number of tasks that ran at once, according to the events.
    pub(crate) fn most_at_once(&self) -> usize {
        let mut running = 0_usize;
        let mut most = 0;
        let mut holding = std::collections::HashSet::new();
        for event in self.all() {
            let id = event.task.id();
            match event.kind {
                TaskEventKind::Started | TaskEventKind::Resumed { .. } => {
                    assert!(holding.insert(id), "{id} got a second slot");
                    running += 1;
                }
                TaskEventKind::Waiting { .. } | TaskEventKind::Ended { .. } => {
                    running -= usize::from(holding.remove(&id));
                }
                _ => {}
            }
            most = most.max(running);
        }
        assert!(holding.is_empty(), "{holding:?} never ended");
        most
    }
}

/// Returns a manager with a few slots, and all its events.
pub(crate) fn watched(
    configure: impl FnOnce(TaskManagerBuilder) -> TaskManagerBuilder,
) -> (TaskManager, Events) {
    let events = Events::default();
    let builder = TaskManager::builder().emitter(events.clone());
    (configure(builder).build().unwrap(), events)
}

/// Waits for this long, by tokio's (paused) clock.
pub(crate) async fn spend(time: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + time).await;
}

/// Lets everything else run until nothing is ready.
pub(crate) async fn settle() {
    spend(Duration::from_millis(1)).await;
}

pub(crate) async fn ok(_: StepContext) -> Result<&'static str, String> {
    Ok("ok")
}

pub(crate) async fn for_ever(_: StepContext) -> Result<(), String> {
    std::future::pending().await
}

pub(crate) async fn one_second(_: StepContext) -> Result<&'static str, String> {
    spend(Duration::from_secs(1)).await;
    Ok("ok")
}

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const S: Duration = Duration::from_secs(1);
