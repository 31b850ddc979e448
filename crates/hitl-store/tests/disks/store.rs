//! The disk of the store.

use std::path::Path;

use hitl_core::{CallState, MemoryAudit};
use hitl_store::SqliteStore;

use crate::world::{World, act, make_read_only, record};

/// A full disk: nothing is claimed, and nothing runs; with room again the same key runs once.
pub(crate) async fn full(disk: &Path) {
    let world = World::on(disk);
    let store = SqliteStore::open(disk.join("calls.db")).await.unwrap();
    let gate = world.gate().store(store).audit(MemoryAudit::new()).build().await.unwrap();
    gate.call(act()).by("ann").key("run", 0).await.unwrap();
    gate.flush_audit().await.unwrap();
    world.fill();
    // A file that has grown may have room left: these calls use it up.
    let mut position = 1;
    while gate.call(act()).by("ann").key("run", position).await.is_ok() {
        position += 1;
        assert!(position < 10_000, "the disk is full");
    }
    let ran = world.ran();
    assert!(ran as u64 == position || ran as u64 == position + 1, "{ran} of {position}");
    for _ in 0..3 {
        assert!(gate.call(act()).by("ann").key("run", 20_000).await.is_err());
    }
    assert_eq!(world.ran(), ran, "nothing runs that was not claimed");
    world.make_room();
    gate.call(act()).by("ann").key("run", 20_000).await.unwrap();
    assert_eq!(world.ran(), ran + 1);
}

/// A disk that is full when the body returns: its result is kept as soon as there is room, and it
/// is not run again.
pub(crate) async fn full_after_the_act(disk: &Path) {
    let world = World::on(disk);
    let path = disk.join("calls.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let gate = world.gate().store(store).audit(MemoryAudit::new()).build().await.unwrap();
    gate.call(act()).by("ann").key("run", 0).await.unwrap();
    world.let_bodies_fill();
    let caller = tokio::spawn({
        let gate = gate.clone();
        async move { gate.call(act()).by("ann").key("run", 1).await }
    });
    world.filled().await;
    assert_eq!(world.ran(), 2);
    world.make_room();
    assert_eq!(caller.await.unwrap().unwrap(), act().text);
    assert_eq!(record(&gate, 1).await.unwrap().state(), CallState::Executed);
    let _again = gate.call(act()).by("ann").key("run", 1).await;
    assert_eq!(world.ran(), 2, "not run again");
    drop(gate);
    let store = SqliteStore::open(&path).await.unwrap();
    let gate = world.gate().store(store).audit(MemoryAudit::new()).build().await.unwrap();
    let _again = gate.call(act()).by("ann").key("run", 1).await;
    assert_eq!(world.ran(), 2, "nor by the next process");
}

/// A read-only disk: no store opens, neither a new nor an existing one, and so there is no gate.
pub(crate) async fn read_only(disk: &Path) {
    let world = World::on(disk);
    let path = disk.join("calls.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let gate = world.gate().store(store).audit(MemoryAudit::new()).build().await.unwrap();
    gate.call(act()).by("ann").key("run", 0).await.unwrap();
    drop(gate);
    make_read_only(disk);
    assert!(SqliteStore::open(disk.join("new.db")).await.is_err());
    if let Ok(store) = SqliteStore::open(&path).await {
        let built = world.gate().store(store).audit(MemoryAudit::new()).build().await;
        if let Ok(gate) = built {
            assert!(gate.call(act()).by("ann").key("run", 1).await.is_err());
        }
    }
    assert_eq!(world.ran(), 1);
}
