//! A worker that submits, decides and executes is killed, again and again, at random moments and at
//! every named place; everything that was acknowledged to it holds afterwards.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper fails as its test does")]

mod check;
mod desk;
mod grants;
mod journal;
mod life;
mod place;
mod watched;
mod worker;

use std::path::Path;

use crate::check::Checked;
use crate::life::{End, Life, Random};

/// The number of lives that are killed at random moments; with those that end at a named place they
/// are a thousand.
const RANDOM: u64 = 1_000 - AT_PLACES;
/// The number of lives that end at each place.
const EACH: u64 = 8;
const AT_PLACES: u64 = EACH * place::COUNT as u64;
/// The number of lives per file.
const LIVES: u64 = 20;
/// The number of files in use at a time.
const LANES: u64 = 4;

/// Runs the worker. Not a test of its own: the other tests start it as another process.
#[test]
fn worker_process() {
    worker::run_if_asked();
}

/// Runs lives one after the other, each checked after its death.
fn lives(ends: &[End], seed: u64) -> Checked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random(seed);
    let mut all = Checked::default();
    for ends in ends.chunks(usize::try_from(LIVES).unwrap()) {
        let folder = tempfile::tempdir().unwrap();
        for (number, end) in ends.iter().enumerate() {
            Life::start(folder.path(), number as u64, *end).until_killed(&mut random);
            all.add(runtime.block_on(check::after_a_death(folder.path())));
        }
        runtime.block_on(check::whole_file(folder.path()));
    }
    all
}

#[test]
fn invariant_10_nothing_acknowledged_is_lost_in_a_thousand_deaths() {
    let mut ends: Vec<End> = (0..RANDOM).map(|_| End::Random).collect();
    for (index, place) in place::all().enumerate() {
        // Later visits find a worker in the middle of its work.
        let visit = |nth| if place == place::ONCE { 0 } else { nth * 3 };
        let visits = (0..EACH).map(|nth| End::At { place, visit: visit(nth) });
        let before = index * usize::try_from(EACH * 4).unwrap() % ends.len();
        ends.splice(before..before, visits);
    }
    assert_eq!(ends.len(), 1000);
    let lane = ends.len().div_ceil(usize::try_from(LANES).unwrap());
    let checked: Vec<Checked> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0u64..)
            .zip(ends.chunks(lane))
            .map(|(seed, ends)| scope.spawn(move || lives(ends, seed + 1)))
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    let mut all = Checked::default();
    for one in checked {
        all.add(one);
    }
    println!("{all:?}");
    assert_eq!(all.deaths, 1000);
    // The deaths came at critical moments: otherwise this test shows nothing.
    assert!(all.acknowledged > 5_000, "{all:?}");
    assert!(all.interrupted > 50, "{all:?}");
    assert!(all.audited_late > 100, "{all:?}");
    assert!(all.ran > 1_000, "{all:?}");
}

#[test]
fn a_first_life_may_end_at_every_step_of_opening() {
    for place in place::OPENING {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random(7);
        Life::start(folder.path(), 0, End::At { place, visit: 0 }).until_killed(&mut random);
        Life::start(folder.path(), 1, End::At { place: "after-record", visit: 2 })
            .until_killed(&mut random);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let checked = runtime.block_on(check::after_a_death(folder.path()));
        assert!(checked.acknowledged > 0, "{place}: {checked:?}");
    }
}

#[test]
fn invariant_10_no_step_of_a_task_is_lost_wherever_its_worker_dies() {
    let mut random = Random(11);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut ends = vec![End::Random; 20];
    for place in place::JOURNAL {
        ends.extend([0, 3, 11].map(|visit| End::At { place, visit }));
    }
    let mut steps = 0;
    for (number, end) in (0..).zip(ends) {
        Life::start_task(folder.path(), number, end).until_killed(&mut random);
        steps = runtime.block_on(journal::after_a_death(folder.path()));
    }
    assert!(steps > 200, "only {steps} steps");
}

#[test]
fn invariant_10_what_was_drawn_is_what_was_claimed_wherever_its_worker_dies() {
    let mut random = Random(13);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut ends = vec![End::Random; 20];
    for place in place::GRANTS {
        ends.extend([1, 4, 11, 30].map(|visit| End::At { place, visit }));
    }
    let mut drawn = 0;
    for (number, end) in (0..).zip(ends) {
        Life::start_grants(folder.path(), number, end).until_killed(&mut random);
        drawn = runtime.block_on(grants::after_a_death(folder.path()));
    }
    runtime.block_on(check::whole_file(folder.path()));
    assert!(drawn > 50, "only {drawn} calls ran on a grant");
}

/// Returns the path of a folder's database.
fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("hitl.db")
}
