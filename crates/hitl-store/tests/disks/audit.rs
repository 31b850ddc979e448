//! The disk of the audit.

use std::path::Path;

use hitl_core::audit::{JsonlAudit, Verifier};
use hitl_core::{CallState, GateErrorKind, MemoryStore};

use crate::world::{World, act, look, make_read_only, make_writable, record};

/// A full disk: no intent, no run, the claim is given back; with room again it continues.
pub(crate) async fn full(disk: &Path) {
    let (world, path) = (World::on(disk), disk.join("audit.jsonl"));
    let audit = JsonlAudit::open(&path).unwrap();
    let gate = world.gate().store(MemoryStore::new()).audit(audit).build().await.unwrap();
    gate.call(act()).by("ann").key("run", 0).await.unwrap();
    gate.flush_audit().await.unwrap();
    world.fill();
    // The page that the log ends in has room for a few more records.
    let mut next = 1;
    while gate.submit(act()).by("ann").key("run", next).await.is_ok() {
        next += 1;
        assert!(next < 50, "the disk is full");
    }
    let ran = world.ran();
    for _ in 0..3 {
        let error = gate.submit(act()).by("ann").key("run", next).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Audit, "{error}");
        let kept = record(&gate, next).await.unwrap();
        assert_eq!((kept.state(), kept.attempts()), (CallState::Approved, 0));
    }
    let error = gate.submit(look()).by("ann").await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Audit, "a read-only call: {error}");
    assert_eq!((world.ran() as u64, ran as u64), (next, next), "each body had its intent");
    world.make_room();
    gate.call(act()).by("ann").key("run", next).await.unwrap();
    assert_eq!((world.ran(), gate.audit_debt()), (ran + 1, 0));
    gate.flush_audit().await.unwrap();
    assert_sound(&path);
}

/// A disk that is full when the body returns: the outcome is kept, nothing else runs, and the
/// missing records are written first.
pub(crate) async fn full_after_the_act(disk: &Path) {
    let (world, path) = (World::on(disk), disk.join("audit.jsonl"));
    let audit = JsonlAudit::open(&path).unwrap();
    let gate = world.gate().store(MemoryStore::new()).audit(audit).build().await.unwrap();
    // The last page of the log may have room for the records after the act: fill it up.
    let mut next = 0;
    while gate.audit_debt() == 0 {
        world.let_bodies_fill();
        let output = gate.call(act()).by("ann").key("run", next).await.unwrap();
        assert_eq!(output, act().text, "the outcome stands");
        assert_eq!(record(&gate, next).await.unwrap().state(), CallState::Executed);
        next += 1;
        assert!(next < 1_000, "the disk is full");
        if gate.audit_debt() == 0 {
            world.make_room();
        }
    }
    gate.submit(act()).by("ann").key("run", next).await.unwrap_err();
    assert_eq!(world.ran() as u64, next, "debt stops further bodies");
    world.make_room();
    gate.call(act()).by("ann").key("run", next).await.unwrap();
    assert_eq!((world.ran() as u64, gate.audit_debt()), (next + 1, 0));
    gate.flush_audit().await.unwrap();
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!(log.matches(r#""event":"executed""#).count(), world.ran());
    assert_sound(&path);
}

/// A disk that becomes read-only halfway: the log cannot continue in a new file, nothing runs, no
/// other log opens.
pub(crate) async fn read_only(disk: &Path) {
    let (world, path) = (World::on(disk), disk.join("audit.jsonl"));
    let audit = JsonlAudit::open(&path).unwrap().rotate_at(1);
    let gate = world.gate().store(MemoryStore::new()).audit(audit).build().await.unwrap();
    gate.call(act()).by("ann").key("run", 0).await.unwrap();
    gate.flush_audit().await.unwrap();
    make_read_only(disk);
    assert!(JsonlAudit::open(disk.join("other.jsonl")).is_err());
    assert!(JsonlAudit::in_folder(disk).is_err());
    let error = gate.submit(act()).by("ann").key("run", 1).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Audit, "{error}");
    let kept = record(&gate, 1).await.unwrap();
    assert_eq!((kept.state(), kept.attempts(), world.ran()), (CallState::Approved, 0, 1));
    make_writable(disk);
    gate.call(act()).by("ann").key("run", 1).await.unwrap();
    assert_eq!((world.ran(), gate.audit_debt()), (2, 0));
    gate.flush_audit().await.unwrap();
    assert_sound(&path);
}

/// A file that may not grow: the write that hits the limit is short. From then on nothing runs, and
/// the written part is a complete chain.
pub(crate) async fn limited(disk: &Path) {
    let (world, path) = (World::on(disk), disk.join("audit.jsonl"));
    let audit = JsonlAudit::open(&path).unwrap();
    let gate = world.gate().store(MemoryStore::new()).audit(audit).build().await.unwrap();
    let mut worked = 0;
    while gate.call(act()).by("ann").key("run", worked).await.is_ok() {
        worked += 1;
        assert!(worked < 1_000, "the limit is met");
    }
    assert!(worked > 2, "{worked}");
    for position in worked..worked + 3 {
        let error = gate.submit(act()).by("ann").key("run", position).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Audit, "{error}");
    }
    assert_eq!(u64::try_from(world.ran()).unwrap(), worked, "each body had its intent");
    drop(gate);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!((4_096..=8_192).contains(&size), "{size}");
    assert_sound(&path);
}

#[track_caller]
fn assert_sound(path: &Path) {
    let report = Verifier::new().file(path).unwrap().finish();
    assert!(report.is_sound() && report.records > 0, "{report:?}");
}
