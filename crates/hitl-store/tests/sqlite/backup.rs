//! A copy of a store in use, and the calls that a restored store holds for review by a human.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitl_core::audit::{AuditError, AuditEvent, AuditRecord};
use hitl_core::grant::{GrantRefusal, GrantUse};
use hitl_core::machine::{CallState, Event, Refusal};
use hitl_core::store::suite::{
    Draft, Subject, approved, claimed, fixture, refused, sealed, start_clock, tenant,
    unknown_outcome,
};
use hitl_core::store::{EventPayload, GrantQuery, PageRequest, StoreErrorKind, SubmitResult};
use hitl_core::{AuditSink, CallKey, ClaimToken, Gate, MemoryAudit, Principal, RunId, Store};
use hitl_store::SqliteStore;

async fn open(path: &std::path::Path) -> Subject {
    let clock = start_clock();
    Subject::new(SqliteStore::options().clock(clock.clone()).open(path).await.unwrap(), clock)
}

/// Copies a backup's key, which is kept elsewhere, to the file.
fn bring_key(from: &std::path::Path, to: &std::path::Path) {
    std::fs::copy(from.with_extension("db.key"), to.with_extension("db.key")).unwrap();
}

#[tokio::test]
async fn a_restored_store_holds_what_could_run_for_a_human() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("copy.db"));
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store.clone(), clock);
    let pending = s.create(&Draft::new("run", 1)).await;
    let waits = approved(&s, &Draft::new("run", 2)).await;
    let (runs, token, _) = claimed(&s, &Draft::new("run", 3)).await;
    let (parked, _) = unknown_outcome(&s, &Draft::new("run", 4)).await;
    let ended = s.create(&Draft::new("run", 5)).await;
    let ended = s.withdraw(ended.id()).await;
    let before = s.store.history(0, 100).await.unwrap().entries;
    store.back_up(&copy).await.unwrap();
    assert!(store.back_up(&copy).await.is_err(), "nothing is written over");

    // Later changes are not in the copy.
    let decision = pending.request().approve().by("alice");
    s.apply(pending.id(), Event::Decide(decision.clone())).await;
    let lost = s.create(&Draft::new("run", 6)).await;
    s.apply(runs.id(), Event::Succeed { token }).await;
    assert_eq!(store.epoch().await.unwrap(), 1);

    bring_key(&path, &copy);
    let restored = SqliteStore::options().clock(start_clock()).open(&copy).await.unwrap();
    assert_eq!(restored.epoch().await.unwrap(), 2);
    let r = Subject::new(restored.clone(), start_clock());
    for id in [pending.id(), waits.id()] {
        let held = r.get(id).await;
        assert_eq!((held.state(), held.request().revision), (CallState::Pending, 2));
        assert!(held.request().reasons.last().unwrap().contains("restored from a backup"));
        assert!(held.decision().is_none() && r.has_payload(id).await);
    }
    let again = restored
        .apply(&tenant(), pending.id(), Event::Decide(decision), EventPayload::none())
        .await;
    assert_eq!(refused(again).0, Refusal::Stale, "a decision from before does not count");
    assert_eq!(r.state(runs.id()).await, CallState::OutcomeUnknown);
    assert_eq!(r.get(parked.id()).await, parked);
    assert_eq!(r.get(ended.id()).await, ended);
    assert_eq!(restored.get(&tenant(), lost.id()).await.unwrap(), None);
    let history = restored.history(0, 100).await.unwrap().entries;
    assert_eq!(history[..before.len()], before[..], "history goes on");
    assert_eq!(history.len(), before.len() + 3);
    assert!(restored.approved(None, 10).await.unwrap().is_empty(), "nothing can run");
    drop((r, restored));
    let later = SqliteStore::open(&copy).await.unwrap();
    assert_eq!(later.epoch().await.unwrap(), 2, "once");
}

#[tokio::test]
async fn a_restored_store_takes_every_grant_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("copy.db"));
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store.clone(), clock);
    let mut draft = fixture::grant(Some(2), None);
    draft.grant.tenant = "another".into();
    let theirs = store.save_grant(draft).await.unwrap();
    let revoked = store.save_grant(fixture::grant(None, None)).await.unwrap();
    let by = Principal::new("bob");
    let revoked = store.revoke_grant(&tenant(), revoked.id(), &by, Some("enough")).await.unwrap();
    let mut live = Vec::new();
    for _ in 0..1_100 {
        live.push(store.save_grant(fixture::grant(Some(1), None)).await.unwrap().id());
    }
    store.back_up(&copy).await.unwrap();
    // Later draws are not in the copy.
    let session = store.open_session().await.unwrap();
    let drawn = GrantUse::new(live[0], 1.into());
    let admit = |position| Draft::new("run", position).admitted(ClaimToken::new(), session);
    s.create(&admit(1).granted(drawn)).await;

    bring_key(&path, &copy);
    let restored = open(&copy).await;
    let store = &restored.store;
    assert!(store.grants(&tenant(), GrantQuery::live()).await.unwrap().is_empty());
    let left = store.grant(&"another".into(), theirs.id()).await.unwrap().unwrap();
    for left in [left, store.grant(&tenant(), live[1_099]).await.unwrap().unwrap()] {
        let why = left.revoked.unwrap();
        assert_eq!(why.by.as_str(), "restore");
        assert_eq!(why.reason.as_deref(), Some("the store was restored from a backup"));
    }
    let kept = store.grant(&tenant(), revoked.as_ref().unwrap().id()).await.unwrap();
    assert_eq!(kept, revoked, "the first revocation stands");
    let again = store.submit(admit(2).granted(drawn).call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::NotGranted(GrantRefusal::Revoked)), "{again:?}");
}

/// An audit that fails until the flag is set.
#[derive(Clone, Default)]
struct Moody(MemoryAudit, Arc<AtomicBool>);

impl AuditSink for Moody {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        if self.1.load(Ordering::SeqCst) {
            return self.0.append(record);
        }
        Err(AuditError::new("the disk is full"))
    }
}

#[tokio::test]
async fn what_a_restore_moved_is_audited_by_the_next_gate_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("copy.db"));
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store.clone(), clock);
    let pending = s.create(&Draft::new("run", 1)).await;
    let (running, ..) = claimed(&s, &Draft::new("run", 2)).await;
    store.back_up(&copy).await.unwrap();
    bring_key(&path, &copy);
    let restored = SqliteStore::options().clock(start_clock()).open(&copy).await.unwrap();
    let audit = Moody::default();
    let build = || Gate::builder().store(restored.clone()).audit(audit.clone()).build();
    // The sink accepts nothing: the changes stay with the store.
    let gate = build().await.unwrap();
    assert_eq!(gate.audit_debt(), 2);
    drop(gate);
    // Until its session has ended, the changes are its own to audit.
    let me = restored.open_session().await.unwrap();
    let mut left = Vec::new();
    while left.len() < 2 {
        left.extend(restored.outbox_take(me, 10).await.unwrap());
    }
    restored.close_session(me).await.unwrap();
    audit.1.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let gate = build().await.unwrap();
        gate.flush_audit().await.unwrap();
        drop(gate);
        let records = audit.0.records();
        let said: Vec<_> =
            records.iter().map(|record| (record.call.unwrap(), record.event)).collect();
        let expected = [(pending.id(), AuditEvent::Reopened), (running.id(), AuditEvent::Unknown)];
        assert_eq!(said, expected);
        assert!(records.iter().all(|r| r.note.as_deref().unwrap().contains("restored")));
    }
    let me = restored.open_session().await.unwrap();
    assert!(restored.outbox_take(me, 10).await.unwrap().is_empty());
}

/// Returns a run id that contains its begin, in milliseconds since 1970.
fn run(millis: i64) -> RunId {
    let (high, low) = (millis >> 16, millis & 0xffff);
    RunId::new(format!("{high:08x}-{low:04x}-7000-8000-000000000001"))
}

#[tokio::test]
async fn a_call_that_a_restore_has_lost_does_not_look_new() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("copy.db"));
    let store = SqliteStore::options().clock(start_clock()).open(&path).await.unwrap();
    store.back_up(&copy).await.unwrap();
    let now = store.now().await.unwrap().as_millis();
    let lost = Draft::new(run(now - 1000).as_str(), 1);
    store.submit(lost.call(), sealed(b"x")).await.unwrap();
    bring_key(&path, &copy);
    let restored = open(&copy).await;
    let again = restored.store.submit(lost.again().call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(again.kind(), StoreErrorKind::RunForgotten);
    restored.create(&Draft::new(run(now + 1000).as_str(), 1)).await;
}

#[tokio::test]
async fn a_copy_that_somebody_else_made_is_restored_when_they_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = open(&path).await;
    let id = approved(&s, &Draft::new("run", 1)).await.id();
    drop(s);
    let options = SqliteStore::options().clock(start_clock()).restored();
    let store = options.open(&path).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), 2);
    assert_eq!(store.get(&tenant(), id).await.unwrap().unwrap().state(), CallState::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_writers_is_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, stopped) = (store.clone(), Arc::clone(&stop));
    let writing = tokio::spawn(async move {
        let mut position = 0;
        while !stopped.load(Ordering::Relaxed) {
            let draft = Draft::new("run", position);
            writer.submit(draft.call(), sealed(b"x")).await.unwrap();
            position += 1;
        }
    });
    for number in 0..5 {
        let key = CallKey::new("marker", number);
        let marker = Draft::new("marker", number);
        store.submit(marker.call(), sealed(b"x")).await.unwrap();
        let copy = folder.path().join(format!("copy-{number}.db"));
        store.back_up(&copy).await.unwrap();
        bring_key(&path, &copy);
        let restored = SqliteStore::open(&copy).await.unwrap();
        restored.check().await.unwrap();
        assert!(restored.get_by_key(&key).await.unwrap().is_some(), "it was acknowledged before");
        // Every call has its lines, and every line its call.
        let mut calls = Vec::new();
        loop {
            let mut page = PageRequest::all().limit(1000);
            page.after = calls.last().map(hitl_core::CallRecord::id);
            let page = restored.list(&tenant(), page).await.unwrap();
            if page.is_empty() {
                break;
            }
            calls.extend(page);
        }
        let versions: u64 = calls.iter().map(hitl_core::CallRecord::version).sum();
        let mut last = 0;
        while let Some((seq, _)) = restored.history(last, 1000).await.unwrap().entries.last() {
            last = *seq;
        }
        assert_eq!(last, versions);
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains("partial")));
}

/// Checks restored files, and that the restore is detected without a hint from the host.
#[tokio::test]
async fn invariant_3_an_older_copy_that_is_put_back_is_noticed_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("older.db"));
    let head = folder.path().join("hitl.db.head");
    let s = open(&path).await;
    let waits = approved(&s, &Draft::new("run", 1)).await;
    drop(s);
    std::fs::copy(&path, &copy).unwrap();
    let heads = std::fs::read(&head).unwrap();
    // The call runs, which is one commit more than the copy has.
    let s = open(&path).await;
    let session = s.store.open_session().await.unwrap();
    s.apply(waits.id(), fixture::claim(&waits, ClaimToken::new(), session)).await;
    drop(s);
    for (what, put_head) in [("older", None), ("garbage", Some(&b"garbage"[..])), ("gone", None)] {
        std::fs::copy(&copy, &path).unwrap();
        match put_head {
            Some(bytes) => std::fs::write(&head, bytes).unwrap(),
            None if what == "gone" => std::fs::remove_file(&head).unwrap(),
            None => {}
        }
        let s = open(&path).await;
        let waiting = s.get(waits.id()).await;
        assert_eq!(
            (waiting.state(), waiting.request().revision),
            (CallState::Pending, 2),
            "{what}"
        );
        drop(s);
    }
    // A file longer than a head is overwritten as a whole: it is not taken for an older copy again.
    std::fs::write(&head, "x".repeat(1_000)).unwrap();
    for _ in 0..2 {
        drop(open(&path).await);
    }
    let epochs = SqliteStore::open(&path).await.unwrap().epoch().await.unwrap();
    drop(open(&path).await);
    assert_eq!(SqliteStore::open(&path).await.unwrap().epoch().await.unwrap(), epochs);
    // A copy that is as new as its head is the file itself.
    std::fs::copy(&copy, &path).unwrap();
    std::fs::write(&head, heads).unwrap();
    assert_eq!(open(&path).await.get(waits.id()).await, waits);
}

#[tokio::test]
async fn invariant_3_an_empty_file_in_the_place_of_a_used_one_takes_no_older_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = open(&path).await;
    // A run that began in 1970, according to its id.
    let run = "00000000-03e8-7000-8000-000000000001";
    s.create(&Draft::new(run, 1)).await;
    drop(s);
    std::fs::remove_file(&path).unwrap();
    let s = open(&path).await;
    let again = s.store.submit(Draft::new(run, 1).call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(again.kind(), StoreErrorKind::RunForgotten);
}

#[tokio::test]
async fn invariant_3_epochs_only_rise() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hitl.db"), folder.path().join("older.db"));
    let s = open(&path).await;
    s.create(&Draft::new("run", 1)).await;
    drop(s);
    std::fs::copy(&path, &copy).unwrap();
    for epoch in 2..5 {
        let restored = SqliteStore::options().restored().open(&path).await.unwrap();
        assert_eq!(restored.epoch().await.unwrap(), epoch);
    }
    std::fs::copy(&copy, &path).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), 5, "not one of those that were");
}
