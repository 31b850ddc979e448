//! A worker on three long-running tasks: it takes them over, reads their progress, and continues.

use std::path::{Path, PathBuf};

use hitl_store::SqliteStore;
use hitl_tasks::{Journal, TaskId};

use crate::check::lines;
use crate::database;
use crate::desk::acknowledged;
use crate::worker::say;

/// Returns the tasks, the same in every life.
fn tasks() -> [TaskId; 3] {
    [1, 2, 3].map(|number| format!("01890000-0000-7000-8000-00000000000{number}").parse().unwrap())
}

pub(crate) async fn work(folder: PathBuf) {
    let store = SqliteStore::open(database(&folder)).await.unwrap();
    let acks = acknowledged(&folder);
    say("ready");
    let mut going = tokio::task::JoinSet::new();
    for task in tasks() {
        let (store, acks) = (store.clone(), acks.clone());
        going.spawn(async move {
            let epoch = store.claim(task).await.unwrap();
            let done = store.load(task).await.unwrap().len();
            for step in done.. {
                store.append(task, epoch, step.to_string().into_bytes()).await.unwrap();
                acks.add(&format!("{task} {step}"));
            }
        });
    }
    going.join_all().await;
}

/// Checks that every acknowledged step is present, in order, once, and no other but those in
/// progress at a death. Returns their number.
pub(crate) async fn after_a_death(folder: &Path) -> usize {
    let store = SqliteStore::open(database(folder)).await.unwrap();
    let acknowledged = lines(folder, "acknowledged");
    let mut steps = 0;
    for task in tasks() {
        let entries = store.load(task).await.unwrap();
        for (step, entry) in entries.iter().enumerate() {
            assert_eq!(entry, step.to_string().as_bytes(), "in order and without a hole");
        }
        let mine = format!("{task} ");
        let last = acknowledged.iter().filter_map(|line| line.strip_prefix(&mine)).next_back();
        let acknowledged = last.map_or(0, |step| step.parse::<usize>().unwrap() + 1);
        let found = entries.len();
        assert!(found >= acknowledged, "{acknowledged} were acknowledged, {found} are there");
        // At most one append of each task was in progress at each death; lives that got no answer
        // at all may follow each other.
        steps += found;
    }
    steps
}
