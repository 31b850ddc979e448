//! The tasks: their bodies leave lines in a file, by a single write each, which a killed process
//! either made or did not.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitl_tasks::{StepContext, Task, TaskId, TaskStep};

use crate::worker::reach;

/// Returns the id of a task, the same in every life.
pub(crate) fn id(number: u64) -> TaskId {
    format!("01890000-0000-7000-8000-{number:012}").parse().unwrap()
}

/// A file with which tasks that fail no longer do.
pub(crate) const REPAIRED: &str = "repaired";

/// Returns whether a task fails: every third one fails at its last step, and is undone.
pub(crate) fn fails(number: u64) -> bool {
    number % 3 == 2
}

/// Returns the output of a task that completes.
pub(crate) fn output(number: u64) -> String {
    format!("{} {}", number + 11, number + 101)
}

/// Appends a line to a file.
pub(crate) fn add(folder: &Path, name: &str, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join(name)).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Returns the complete lines of a file.
pub(crate) fn lines(folder: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Returns the lines that the bodies have left: `<task> <step> do|undo <attempt>`.
pub(crate) fn ran(folder: &Path) -> Vec<String> {
    lines(folder, "ran")
}

fn note(folder: &Path, cx: &StepContext, what: &str) {
    let (task, step) = (cx.task_id(), cx.step_index());
    assert!(cx.idempotency_key().starts_with(&format!("{task}/{step}")));
    add(folder, "ran", &format!("{task} {step} {what} {}", cx.attempt()));
}

fn step(folder: &Arc<PathBuf>, name: &'static str, plus: u64) -> TaskStep<u64, u64> {
    let (does, undoes) = (Arc::clone(folder), Arc::clone(folder));
    TaskStep::new(name, move |cx: StepContext, n: u64| {
        let folder = Arc::clone(&does);
        async move {
            reach("in-body");
            note(&folder, &cx, "do");
            tokio::task::yield_now().await;
            reach("after-body");
            Ok::<_, String>(n + plus)
        }
    })
    .undo(move |cx: StepContext, _: u64| {
        let folder = Arc::clone(&undoes);
        async move {
            reach("in-undo");
            note(&folder, &cx, "undo");
            reach("after-undo");
            Ok::<_, String>(())
        }
    })
    .durable()
}

/// Defines two steps, then two at once, then one that adds up or fails.
pub(crate) fn task(folder: &Path, number: u64, version: u32) -> Task<String> {
    let folder = Arc::new(folder.to_owned());
    let begins = Arc::clone(&folder);
    let first = TaskStep::new("first", move |cx: StepContext| {
        reach("in-body");
        note(&begins, &cx, "do");
        async move { Ok::<_, String>(number) }
    });
    let ends = Arc::clone(&folder);
    let last = TaskStep::new("last", move |cx: StepContext, (a, b): (u64, u64)| {
        note(&ends, &cx, "do");
        let broken = fails(number) && !ends.join(REPAIRED).exists();
        async move { if broken { Err("no".to_owned()) } else { Ok(format!("{a} {b}")) } }
    });
    Task::new("killed")
        .id(id(number))
        .version(version)
        .step(first.durable())
        .step(step(&folder, "a", 1))
        .parallel((step(&folder, "b", 10), step(&folder, "c", 100)))
        .step(last.durable())
        .journaled()
}
