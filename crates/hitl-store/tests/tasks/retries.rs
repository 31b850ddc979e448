//! Retries of a failed task, in processes that are killed at every named place.

use hitl_tasks::{Journal, TaskErrorKind};
use serde_json::Value;

use crate::life::{End, Life, Random};
use crate::place::{self, Place};
use crate::tasks::{self, REPAIRED, id};
use crate::worker::RETRY;

/// The task that fails.
const TASK: u64 = 2;

async fn kinds(journal: &dyn Journal) -> Vec<String> {
    let entries = journal.load(id(TASK)).await.unwrap();
    let kind = |entry: &Vec<u8>| {
        let entry: Value = serde_json::from_slice(entry).unwrap();
        entry["type"].as_str().unwrap().to_owned()
    };
    entries.iter().map(kind).collect()
}

fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

/// Kills a retry at one place, and checks that the failure is either untouched or begun again, and
/// that the next process completes it. Returns whether the retry had begun.
async fn killed_at(at: &Place, end: End, random: &mut Random) -> bool {
    let failed = format!("{:?}", TaskErrorKind::Failed);
    assert_eq!(Life::start(at, End::Random, &[RETRY]).hear_some("task"), failed);
    let before = tasks::ran(at.folder());
    std::fs::write(at.folder().join(REPAIRED), "").unwrap();
    Life::start(at, end, &[RETRY]).until_killed(random);
    let begun = {
        let journal = at.journal().await;
        let recorded = kinds(&*journal).await;
        let begun = count(&recorded, "retried");
        let listed = journal.failed(None, 9).await.unwrap();
        if begun == 0 {
            assert_eq!(listed, [id(TASK)], "{end:?}: {recorded:?}");
            assert_eq!(
                tasks::ran(at.folder()),
                before,
                "{end:?}: what is not recorded did not run"
            );
        } else {
            assert!(begun == 1 && listed.is_empty(), "{end:?}: {recorded:?}");
        }
        begun == 1
    };
    assert_eq!(Life::start(at, End::Random, &[RETRY]).hear_some("task"), "completed", "{end:?}");
    let recorded = kinds(&*at.journal().await).await;
    assert_eq!((count(&recorded, "retried"), count(&recorded, "terminal")), (1, 2), "{recorded:?}");
    let ran = tasks::ran(at.folder());
    let task = id(TASK);
    assert_eq!(count(&ran, &format!("{task} 0 do")), 1, "it was not undone: {ran:?}");
    for step in 1..4 {
        let runs = count(&ran, &format!("{task} {step} do"));
        assert!((2..=3).contains(&runs), "once more, or twice if it was interrupted: {ran:?}");
        assert_eq!(count(&ran, &format!("{task} {step} undo")), 1, "{ran:?}");
    }
    begun
}

async fn killed_everywhere(
    places: &[&'static str],
    visits: std::ops::Range<u64>,
    make: impl Fn() -> Option<Place>,
) {
    let (mut random, mut begun, mut deaths) = (Random(7), 0, 0);
    // A task that completes is not undone.
    for place in places.iter().filter(|place| !place.ends_with("undo")) {
        for visit in visits.clone() {
            let Some(at) = make() else { return };
            deaths += 1;
            begun += usize::from(killed_at(&at, End::At { place, visit }, &mut random).await);
        }
    }
    assert!(begun > 3 && deaths - begun > 0, "{begun} of {deaths}");
}

#[tokio::test]
async fn invariant_10_a_retry_begins_once_wherever_its_process_dies() {
    killed_everywhere(place::SQLITE, 0..3, || Some(Place::file())).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn invariant_10_a_retry_begins_once_wherever_its_process_dies_on_postgres() {
    killed_everywhere(place::POSTGRES, 0..2, Place::schema).await;
}
