//! A `TaskManager` over a durable journal, in a process that is killed at every named place, again
//! and again: each life continues where the last one stopped.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper fails as its test does")]

mod check;
mod life;
mod place;
mod retries;
mod tasks;
mod worker;

use hitl_store::SqliteStore;
use hitl_tasks::TaskErrorKind;

use crate::check::Known;
use crate::life::{End, Life, Random};
use crate::place::Place;

/// Runs the worker. Not a test of its own: the other tests start it as another process.
#[test]
fn worker_process() {
    worker::run_if_asked();
}

/// Runs lives one after the other, each checked after its death.
async fn lives(at: &Place, ends: &[End]) -> Known {
    let (mut random, mut known) = (Random(23), Known::default());
    for end in ends {
        Life::start(at, *end, &[]).until_killed(&mut random);
        known.check(at, &*at.journal().await).await;
    }
    known
}

fn ends(places: &[&'static str], visits: &[u64], at_random: usize) -> Vec<End> {
    let mut ends = Vec::new();
    for (number, place) in places.iter().enumerate() {
        ends.extend(visits.iter().map(|visit| End::At { place, visit: *visit }));
        let so_far = at_random * (number + 1) / places.len();
        ends.resize(ends.len() + so_far - at_random * number / places.len(), End::Random);
    }
    ends
}

#[tokio::test]
async fn invariant_10_a_task_goes_on_wherever_its_process_dies() {
    let at = Place::file();
    let known = lives(&at, &ends(place::SQLITE, &[0, 5, 12], 25)).await;
    known.assert_much_happened();
    SqliteStore::open(at.file_path()).await.unwrap().check().await.unwrap();
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn invariant_10_a_task_goes_on_wherever_its_process_dies_on_postgres() {
    let Some(at) = Place::schema() else { return };
    let known = lives(&at, &ends(place::POSTGRES, &[0, 7], 10)).await;
    known.assert_something_happened();
}

/// Checks a takeover: the first process holds the task in the middle of a step; another one takes
/// it over and ends it; results of the first one no longer count.
async fn two_at_once(at: &Place) {
    let mut first = Life::start(at, End::At { place: "in-body", visit: 2 }, &[worker::ONE_TASK]);
    first.hear("at in-body");
    let mut second = Life::start(at, End::Random, &[worker::ONE_TASK]);
    assert_eq!(second.hear_some("task"), "completed");
    first.go_on();
    assert_eq!(first.hear_some("task"), format!("{:?}", TaskErrorKind::TakenOver));
    let mut known = Known::default();
    known.check(at, &*at.journal().await).await;
    assert_eq!(known.ended(), 1);
}

#[tokio::test]
async fn invariant_10_of_two_processes_at_once_the_later_one_holds_the_task() {
    two_at_once(&Place::file()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn invariant_10_of_two_processes_at_once_the_later_one_holds_the_task_on_postgres() {
    let Some(at) = Place::schema() else { return };
    two_at_once(&at).await;
}

/// Checks that the definition of a task may not change while it is in progress.
async fn changed(at: &Place) {
    let mut random = Random(3);
    let until = End::At { place: "after-body", visit: 2 };
    Life::start(at, until, &[worker::ONE_TASK]).until_killed(&mut random);
    let mut known = Known::default();
    known.check(at, &*at.journal().await).await;
    let ran = tasks::ran(at.folder());
    let mut other = Life::start(at, End::Random, &[worker::ONE_TASK, worker::CHANGED]);
    assert_eq!(other.hear_some("task"), format!("{:?}", TaskErrorKind::DefinitionChanged));
    assert_eq!(tasks::ran(at.folder()), ran, "nothing ran");
    // The definition that began it still continues it.
    let mut same = Life::start(at, End::Random, &[worker::ONE_TASK]);
    assert_eq!(same.hear_some("task"), "completed");
    known.check(at, &*at.journal().await).await;
    assert_eq!(known.ended(), 1);
}

#[tokio::test]
async fn a_changed_definition_is_refused_in_another_process_too() {
    changed(&Place::file()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_changed_definition_is_refused_in_another_process_too_on_postgres() {
    let Some(at) = Place::schema() else { return };
    changed(&at).await;
}
