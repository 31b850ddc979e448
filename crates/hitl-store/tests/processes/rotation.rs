//! The key beside a store is replaced: by a process that is killed at any moment, and while others
//! use the store.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hitl_core::store::StoreErrorKind as Kind;
use hitl_core::{
    DynArguments, DynSpec, DynTool, Gate, HostKey, HostKeys, KeyId, Outcome, Permit, RequestId,
    Risk, Store as _, StoreError, Submission, Tenant, ToolConfig,
};
use hitl_store::SqliteStore;

use crate::child::{Child, Role, say, wait_for_go};

const SCHEMA: &str = r#"{"type": "object", "properties": {"pin": {"type": "string"}},
    "required": ["pin"], "additionalProperties": false}"#;
const CALLS: u64 = 5;

fn tool() -> DynTool {
    let spec = DynSpec::new("open_door", "Opens the door.").sensitive("pin");
    let spec = spec.config(ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High));
    DynTool::new(spec, SCHEMA, |permit: Permit<DynArguments>| async move {
        let (arguments, _cx) = permit.open();
        assert_eq!(arguments.json(), r#"{"pin":"1234"}"#);
        Ok::<_, String>(hitl_base::JsonText::new("true".to_owned()).unwrap())
    })
    .unwrap()
}

async fn gate(store: &SqliteStore) -> Gate {
    Gate::builder().store(store.clone()).dyn_tool(tool()).build().await.unwrap()
}

/// Submits calls with a secret, and approves them.
async fn approved(gate: &Gate, run: &str, count: u64) -> Vec<RequestId> {
    let mut ids = Vec::new();
    for position in 0..count {
        let key = hitl_core::CallKey::new(run, position);
        let submitted = gate
            .submit_json("open_door", r#"{"pin": "1234"}"#, "ann", key.run.clone(), key.position)
            .await;
        let Submission::Pending(ticket) = submitted.unwrap() else { panic!("it is asked about") };
        gate.decide(ticket.request().approve().by("dora")).await.unwrap();
        ids.push(ticket.request().id);
    }
    ids
}

async fn runs(gate: &Gate, id: RequestId) -> bool {
    let ran = gate.adopt(&Tenant::default(), id).await;
    matches!(ran, Ok(Outcome::Executed(_)))
}

/// Waits until the session of a dropped gate is closed.
async fn closed(store: SqliteStore) {
    let path = store.path().to_owned();
    drop(store);
    let (folder, log) = (path.with_extension("db.sessions"), path.with_extension("db-wal"));
    until("the store closes", async || {
        let mut locks = std::fs::read_dir(&folder).unwrap();
        !log.exists() && !locks.any(|it| it.unwrap().path().extension().is_some())
    })
    .await;
}

/// Waits until a condition of this process's other tasks holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::task::yield_now().await;
    }
}

/// Waits until no session seals under a key other than this store's.
async fn alone(store: &SqliteStore) {
    until("the others end", async || store.sessions_under_other_keys().await.unwrap() == 0).await;
}

async fn refused(options: hitl_store::SqliteOptions, path: &Path) -> StoreError {
    let error = options.open(path).await.expect_err("it must not open");
    assert_eq!(error.kind(), Kind::Key, "{error}");
    error
}

/// Runs the other process: replaces the key and seals under the new one. It stops at each named
/// place, and reports it, until it receives `go`.
pub(crate) async fn rotate(file: &Path) {
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    hitl_store::on_failpoint(|place| {
        let nth = REACHED.fetch_add(1, Ordering::SeqCst);
        say(format!("{nth} {place}"));
        wait_for_go();
    });
    SqliteStore::rotate_key_file(file).unwrap();
    let store = SqliteStore::open(file).await.unwrap();
    let gate = gate(&store).await;
    gate.reseal().await.unwrap();
    gate.retire_keys().await.unwrap();
    store.retire_key_file().await.unwrap();
    say("done");
    // The rest of the process does not concern keys.
    std::process::exit(0);
}

fn copy(from: &Path, to: &Path) {
    for name in ["hitl.db", "hitl.db.key", "hitl.db.head"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_process_killed_while_the_key_is_replaced_leaves_every_text_readable() {
    let first = tempfile::tempdir().unwrap();
    let path = first.path().join("hitl.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let old = store.host_key().unwrap().id();
    let calls = approved(&gate(&store).await, "run", CALLS).await;
    closed(store).await;
    let mut places: Vec<String> = Vec::new();
    // It dies at the critical places.
    let wanted = ["key-half-written", "key-written", "before-commit", "after-commit"];
    let is_enough = |places: &[String], wanted: &str| {
        places.iter().filter(|place| *place == wanted).count() >= 2
    };
    let (mut nth, mut rounds) = (0, 0);
    loop {
        let folder = tempfile::tempdir().unwrap();
        copy(first.path(), folder.path());
        let path = folder.path().join("hitl.db");
        let mut child = Child::start(Role::Rotate, &path, &[]);
        let mut place = child.hear();
        for _ in 0..nth {
            if place == "done" {
                break;
            }
            child.go();
            place = child.hear();
        }
        child.kill();
        places.push(place.split(' ').next_back().unwrap().to_owned());
        let store = SqliteStore::open(&path).await.unwrap();
        let keys = store.host_keys().unwrap();
        let gate = gate(&store).await;
        for used in gate.key_uses().await.unwrap() {
            assert!(keys.knows(used.key.unwrap()), "{place}: {used:?} of {keys:?}");
        }
        for id in &calls {
            let ran = gate.adopt(&Tenant::default(), *id).await;
            assert!(matches!(ran, Ok(Outcome::Executed(_))), "{place}: {ran:?}");
        }
        let done = gate.reseal().await.unwrap();
        assert_eq!((done.left, done.unreadable), (0, 0), "{place}");
        nth += 1;
        if place == "done" {
            assert!(!keys.knows(old), "the former key is gone");
            // Transactions are grouped by chance, so a place may be passed over near the end.
            rounds += 1;
            if rounds == 5 || wanted.iter().all(|place| is_enough(&places, place)) {
                break;
            }
            nth -= 6;
        }
    }
    for place in wanted {
        assert!(is_enough(&places, place), "{place}: {places:?}");
    }
    assert!(places.len() > 20, "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_key_is_dropped_only_once_nothing_is_sealed_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let (one, two) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
    let with = |keys: HostKeys| SqliteStore::options().key(keys);
    let both = || HostKeys::new(two.clone()).with_previous(one.clone());
    let first = with(one.clone().into()).open(&path).await.unwrap();
    let calls = approved(&gate(&first).await, "run", 3).await;
    closed(first).await;
    // The store was never opened with both: it could be any key.
    let error = refused(with(two.clone().into()), &path).await;
    assert!(error.to_string().contains("another key"), "{error}");

    let store = with(both()).open(&path).await.unwrap();
    let error = refused(with(two.clone().into()), &path).await;
    assert!(error.to_string().contains("3 texts"), "{error}");
    assert!(error.to_string().contains(&one.id().to_string()), "{error}");
    // A process that has only the former key is refused as well, and changes nothing.
    let error = refused(with(one.clone().into()), &path).await;
    assert!(error.to_string().contains(&two.id().to_string()), "{error}");
    // A replica that still seals under the former key, and knows the new one, continues.
    let late =
        with(HostKeys::new(one.clone()).with_previous(two.clone())).open(&path).await.unwrap();
    let of_late = gate(&late).await;
    approved(&of_late, "late", 1).await;
    let new = gate(&store).await;
    assert_eq!(store.sessions_under_other_keys().await.unwrap(), 1);
    assert_eq!(new.reseal().await.unwrap().left, 0);
    let error = new.retire_keys().await.unwrap_err();
    assert!(error.to_string().contains("1 other processes"), "{error}");
    assert!(runs(&of_late, calls[0]).await, "it opens what the new key seals");
    drop(of_late);
    alone(&store).await;
    // The result of the call that it ran is sealed under its key.
    let error = new.retire_keys().await.unwrap_err();
    assert_eq!(error.store().map(StoreError::kind), Some(Kind::Key), "{error}");
    assert_eq!(new.reseal().await.unwrap().left, 0);
    new.retire_keys().await.unwrap();
    // It opened before the key was retired, and may no longer seal under it.
    let error = late.open_session().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Key, "{error}");
    drop((late, new));
    closed(store).await;

    let store = with(two.clone().into()).open(&path).await.unwrap();
    let only = gate(&store).await;
    // An earlier call is found again without the former key, and runs.
    let key = hitl_core::CallKey::new("run", 1);
    let again = only
        .submit_json("open_door", r#"{"pin": "1234"}"#, "ann", key.run.clone(), key.position)
        .await
        .unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Executed(_), .. }), "{again:?}");
    let key = hitl_core::CallKey::new("run", 2);
    let other = only
        .submit_json("open_door", r#"{"pin": "1235"}"#, "ann", key.run.clone(), key.position)
        .await;
    assert_eq!(other.unwrap_err().kind(), hitl_core::GateErrorKind::KeyConflict);
    assert!(runs(&only, calls[2]).await);
    let error = refused(with(one.into()), &path).await;
    assert!(error.to_string().contains("retired"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_is_rotated_beside_a_store_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let running = SqliteStore::open(&path).await.unwrap();
    let old = gate(&running).await;
    let calls = approved(&old, "run", 2).await;
    let id: KeyId = SqliteStore::rotate_key_file(&path).unwrap();
    // A running process continues with the key that it has read.
    assert!(runs(&old, calls[0]).await);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.host_key().unwrap().id(), id);
    let new = gate(&store).await;
    let sealed = approved(&new, "new", 1).await;
    let error = old.adopt(&Tenant::default(), sealed[0]).await.unwrap_err();
    assert_eq!(error.store().map(StoreError::kind), Some(Kind::Key), "{error}");
    let error = store.retire_key_file().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Key, "{error}");
    assert_eq!(SqliteStore::open(&path).await.unwrap().host_keys().unwrap().previous().len(), 1);
    drop(old);
    drop(running);
    alone(&store).await;
    assert_eq!(new.reseal().await.unwrap().left, 0);
    new.retire_keys().await.unwrap();
    store.retire_key_file().await.unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.host_keys().unwrap().previous().len(), 0);
    let gate = gate(&store).await;
    assert!(runs(&gate, calls[1]).await && runs(&gate, sealed[0]).await);
    // A store whose host keeps the key has no file to rotate.
    let own = folder.path().join("own.db");
    let key = HostKey::from_bytes([3; 32]);
    drop(SqliteStore::options().key(key).open(&own).await.unwrap());
    assert_eq!(SqliteStore::rotate_key_file(&own).unwrap_err().kind(), Kind::Key);
}
