//! The in-memory store fulfils the contract, and the list of checks is complete.

use std::collections::BTreeSet;

use hitl_base::clock::ManualClock;
use hitl_core::MemoryStore;
use hitl_core::store::suite::Subject;

#[expect(clippy::unused_async, reason = "other stores are opened by IO")]
async fn make_store(clock: ManualClock) -> Subject {
    Subject::new(MemoryStore::with_clock(clock.clone()), clock)
}

hitl_core::store_contract!(make_store);
hitl_core::store_contract!(@retention make_store);
hitl_core::store_contract!(@clock make_store);

#[test]
fn every_check_is_on_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/suite");
    let list = std::fs::read_to_string(format!("{folder}/checks.rs")).unwrap();
    let listed: BTreeSet<&str> =
        list.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.ends_with("(s: Subject) {")) {
            let name = line.trim_start_matches("pub async fn ").trim_end_matches("(s: Subject) {");
            assert!(listed.contains(name), "the check {name} is not in checks.rs");
            count += 1;
        }
    }
    assert!(count > 60, "only {count} checks were found");
}

#[tokio::test]
async fn invariant_13_old_history_leaves_behind_a_marked_gap() {
    use hitl_core::store::suite::{Draft, sealed};
    let store = MemoryStore::new();
    for position in 0..10_001 {
        let call = Draft::new("run", position).call();
        hitl_core::Store::submit(&store, call, sealed(b"")).await.unwrap();
    }
    let history = hitl_core::Store::history(&store, 0, 2).await.unwrap();
    assert!(history.gap, "the first entry has left");
    assert_eq!(history.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2, 3]);
    let later = hitl_core::Store::history(&store, 1, 1).await.unwrap();
    assert!(!later.gap, "a reader that was there before it left misses nothing");
}
