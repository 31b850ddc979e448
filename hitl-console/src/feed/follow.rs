//! What happens to calls and tasks becomes events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hitl_core::{Gate, GateError, RequestId};
use hitl_tasks::{Happening, Logged, TaskId};
use serde::Serialize;

use super::Feed;
use crate::tasks::{Board, Tasks};
use crate::view::{CallEvent, CallSummary};

/// How many changes are read at once.
const PAGE: usize = 500;
/// How often the store is read although no hint came, and again after it failed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);
/// How often the progress of running tasks is told.
const PACE: Duration = Duration::from_millis(150);

#[derive(Serialize)]
struct Empty {}

/// Tells every change of every call, for as long as it is polled.
pub(crate) async fn follow_calls(gate: Gate, feed: Arc<Feed>) {
    let mut hint = gate.watch();
    let mut last = None;
    loop {
        match told(&gate, &feed, &mut last).await {
            Ok(()) => {
                tokio::select! {
                    () = hint.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the console cannot follow the store; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Puts in order what nobody looks at: what has run out of its time expires, or somebody else is
/// asked. Without it a call that escalates would wait for a process that serves. Runs nothing.
pub(crate) async fn keep_in_order(gate: Gate) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Err(error) = gate.recover().await {
            tracing::warn!(%error, "the console cannot put calls in order; trying again");
        }
    }
}

/// Tells everything after `last`, which moves on only when it was told.
async fn told(gate: &Gate, feed: &Feed, last: &mut Option<u64>) -> Result<(), GateError> {
    let Some(mut after) = *last else {
        *last = Some(gate.last_history_seq().await?);
        return Ok(());
    };
    loop {
        let stretch = gate.history(after, PAGE).await?;
        if stretch.gap {
            feed.tell("gap", None, &Empty {});
        }
        let Some((end, _)) = stretch.entries.last() else { return Ok(()) };
        let end = *end;
        // Of several changes to one call the record shows the last; told at its place.
        let mut newest: HashMap<RequestId, usize> = HashMap::new();
        for (at, (_, entry)) in stretch.entries.iter().enumerate() {
            newest.insert(entry.id, at);
        }
        for (at, (_, entry)) in stretch.entries.iter().enumerate() {
            if newest.get(&entry.id) != Some(&at) {
                continue;
            }
            let tenant = &entry.key.tenant;
            // A call that has been forgotten since has nothing to show.
            let Some(record) = gate.get(tenant, entry.id).await? else { continue };
            let event = CallEvent::of(entry, CallSummary::of(&record));
            feed.tell("call", Some(tenant.clone()), &event);
        }
        after = end;
        *last = Some(end);
    }
}

/// Tells what happens to tasks: progress at a bounded pace, everything else at once.
pub(crate) async fn follow_tasks(tasks: Tasks, board: Arc<Board>, feed: Arc<Feed>) {
    let Some(log) = tasks.log() else { return };
    let mut reader = log.read(None);
    let mut moved: HashSet<TaskId> = HashSet::new();
    let mut tick = tokio::time::interval(PACE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let tell = |id: TaskId| {
        if let Some((tenant, view)) = board.view(&tasks, id) {
            feed.tell("task", Some(tenant), &view);
        }
    };
    loop {
        tokio::select! {
            logged = reader.next() => match logged {
                None => return,
                Some(Logged::Gap) => {
                    board.catch_up(&tasks);
                    feed.tell("gap", None, &Empty {});
                }
                Some(Logged::Event(_, event)) => {
                    let id = event.task.id();
                    board.learn(&event);
                    if matches!(event.what, Happening::Progress { .. }) {
                        moved.insert(id);
                    } else {
                        moved.remove(&id);
                        tell(id);
                    }
                }
                Some(_) => {}
            },
            _ = tick.tick(), if !moved.is_empty() => moved.drain().for_each(&tell),
        }
    }
}
