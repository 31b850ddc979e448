//! Publishes changes of calls and tasks as events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hitl_core::{Freeze, Gate, GateError, RequestId};
use hitl_tasks::{LogItem, TaskEventKind, TaskId};
use hitl_wire::{CallEvent, CallSummary};
use serde::Serialize;

use super::Feed;
use crate::tasks::{TaskBoard, Tasks};

/// The number of changes that are read at once.
const PAGE: usize = 500;
/// The interval at which the store is read without a hint, and the delay after a failure.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The interval at which the progress of running tasks is published.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(150);

#[derive(Serialize)]
struct Empty {}

/// Publishes every change of every call, as long as it is polled.
pub(crate) async fn publish_calls(gate: Gate, feed: Arc<Feed>) {
    let mut hint = gate.watch();
    let (mut last, mut freezes) = (None, Vec::new());
    loop {
        let published = async {
            publish_freezes(&gate, &feed, &mut freezes).await?;
            publish_changes(&gate, &feed, &mut last).await
        };
        match published.await {
            Ok(()) => {
                tokio::select! {
                    () = hint.changed() => {}
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the console cannot follow the store; trying again");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// Expires and escalates calls whose time has passed. Without it, a call that escalates would wait
/// for a process that serves. Runs nothing.
pub(crate) async fn recover_calls(gate: Gate) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        if let Err(error) = gate.recover().await {
            tracing::warn!(%error, "the console cannot put calls in order; trying again");
        }
    }
}

/// Publishes that something was frozen or thawed. Pages read what is frozen for their tenant.
async fn publish_freezes(
    gate: &Gate,
    feed: &Feed,
    last: &mut Vec<Freeze>,
) -> Result<(), GateError> {
    let now = gate.freezes().await?;
    // Before the first read, nothing is known to be frozen.
    if *last != now {
        feed.publish("freeze", None, &Empty {});
        *last = now;
    }
    Ok(())
}

/// Publishes everything after `last`, which advances only once it has been published.
async fn publish_changes(
    gate: &Gate,
    feed: &Feed,
    last: &mut Option<u64>,
) -> Result<(), GateError> {
    let Some(mut after) = *last else {
        *last = Some(gate.unscoped().last_history_seq().await?);
        return Ok(());
    };
    loop {
        let stretch = gate.unscoped().history(after, PAGE).await?;
        if stretch.gap {
            feed.publish("gap", None, &Empty {});
        }
        let Some((end, _)) = stretch.entries.last() else { return Ok(()) };
        let end = *end;
        // Of several changes to one call, the record shows the last; it is published at that
        // position.
        let mut newest: HashMap<RequestId, usize> = HashMap::new();
        for (at, (_, entry)) in stretch.entries.iter().enumerate() {
            newest.insert(entry.id, at);
        }
        for (at, (_, entry)) in stretch.entries.iter().enumerate() {
            if newest.get(&entry.id) != Some(&at) {
                continue;
            }
            let tenant = &entry.key.tenant;
            // A call that has been forgotten since cannot be shown.
            let Some(record) = gate.unscoped().get(tenant, entry.id).await? else { continue };
            let event = CallEvent::new(entry, CallSummary::from(&record));
            feed.publish("call", Some(tenant.clone()), &event);
        }
        after = end;
        *last = Some(end);
    }
}

/// Publishes changes of tasks: progress at a bounded rate, everything else at once.
pub(crate) async fn publish_tasks(tasks: Tasks, board: Arc<TaskBoard>, feed: Arc<Feed>) {
    let Some(log) = tasks.log() else { return };
    let mut reader = log.read(None);
    let mut moved: HashSet<TaskId> = HashSet::new();
    let mut tick = tokio::time::interval(PROGRESS_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let publish = |id: TaskId| {
        if let Some((tenant, view)) = board.view(&tasks, id) {
            feed.publish("task", Some(tenant), &view);
        }
    };
    loop {
        tokio::select! {
            logged = reader.next() => match logged {
                None => return,
                Some(LogItem::Gap) => {
                    board.catch_up(&tasks);
                    feed.publish("gap", None, &Empty {});
                }
                Some(LogItem::Event(_, event)) => {
                    let id = event.task.id();
                    board.apply(&event);
                    if matches!(event.kind, TaskEventKind::Progress { .. }) {
                        moved.insert(id);
                    } else {
                        moved.remove(&id);
                        publish(id);
                    }
                }
                Some(_) => {}
            },
            _ = tick.tick(), if !moved.is_empty() => moved.drain().for_each(&publish),
        }
    }
}
