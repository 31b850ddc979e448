//! Bad files: each gives a clear error of its kind, nothing is lost, and a file that is not ours is
//! left alone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use hitl_core::store::suite::{Draft, fixture, sealed, tenant};
use hitl_core::store::{EventPayload, PageRequest, StoreError, StoreErrorKind as Kind};
use hitl_core::{CallRecord, HostKey, Store};
use hitl_store::SqliteStore;
use rusqlite::Connection;

async fn refused(path: &Path) -> StoreError {
    let options = SqliteStore::options().busy_timeout(Duration::from_millis(20));
    let error = options.open(path).await.expect_err("it must not open");
    let said = error.to_string();
    assert!(said.contains("hitl.db"), "it names the path: {said}");
    assert!(said.contains(';') || said.contains("check"), "it says what to do: {said}");
    error
}

/// Creates a file with `count` calls in it, and closes it.
async fn filled(path: &Path, count: u64) {
    let store = SqliteStore::open(path).await.unwrap();
    for position in 0..count {
        let draft = Draft::new("run", position).argument("a rather long argument of some call");
        store.submit(draft.call(), sealed(&[7; 500])).await.unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_alone() {
    let long = "dear diary, ".repeat(1000);
    for text in ["x", "dear diary", &long, &format!("SQLite format 3\0{long}")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        fs::write(&path, text).unwrap();
        let error = refused(&path).await;
        assert_eq!(error.kind(), Kind::Corrupt, "{error}");
        assert!(!error.to_string().contains("diary"), "nothing is quoted");
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
        assert_eq!(names(folder.path()), ["hitl.db"], "nothing is made beside it");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(refused(&path).await.kind(), Kind::Corrupt);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["hitl.db"]);
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    fs::write(&path, "").unwrap();
    filled(&path, 1).await;
    assert_eq!(
        SqliteStore::open(&path).await.unwrap().history(0, 9).await.unwrap().entries.len(),
        1
    );
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    filled(&path, 100).await;
    let whole = fs::read(&path).unwrap();
    let (middle, length) = (whole.len() / 2 / 4096 * 4096, whole.len());
    let mut garbage = whole.clone();
    garbage[middle..middle + 8192].fill(0x5a);
    let mut header = whole.clone();
    header[..64].fill(0x5a);
    let mut emptied = whole.clone();
    emptied[4096..].fill(0);
    for damaged in
        [&garbage, &header, &emptied, &whole[..length / 2].to_vec(), &whole[..700].to_vec()]
    {
        fs::write(&path, damaged).unwrap();
        let error = refused(&path).await;
        assert_eq!(error.kind(), Kind::Corrupt, "{error}");
        assert_eq!(&fs::read(&path).unwrap(), damaged, "nothing is repaired in secret");
    }
    fs::write(&path, &whole).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.list(&tenant(), PageRequest::all()).await.unwrap().len(), 100);
}

#[tokio::test]
async fn invariant_5_a_record_that_cannot_be_read_is_damage_and_nothing_happens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let draft = Draft::new("run", 1);
    store.submit(draft.call(), sealed(b"x")).await.unwrap();
    let vandal = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE calls SET version = 7",
        "UPDATE calls SET version = 1, record = replace(record, '\"version\":1', '\"version\":2')",
        "UPDATE calls SET record = '{\"secret\": \"hunter2\"}'",
    ] {
        vandal.execute_batch(sql).unwrap();
        let error = store.get(&tenant(), draft.id()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "nothing is quoted");
        let event = fixture::host("no");
        let answer =
            store.apply(&tenant(), draft.id(), event, EventPayload::none()).await.unwrap_err();
        assert!(
            matches!(answer, hitl_core::store::ApplyError::Store(e) if e.kind() == Kind::Corrupt)
        );
    }
    assert_eq!(store.history(0, 10).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    filled(&path, 1).await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&path).await;
    assert_eq!(error.kind(), Kind::NewerSchema);
    assert!(error.to_string().contains("99"), "{error}");
}

#[tokio::test]
async fn a_locked_file_is_unavailable_and_then_available() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    filled(&path, 1).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    assert_eq!(refused(&path).await.kind(), Kind::Unavailable);
    drop(other);
    let options = SqliteStore::options().busy_timeout(Duration::from_millis(20));
    let store = options.open(&path).await.unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let draft = Draft::new("run", 9);
    let error = store.submit(draft.call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(
        store.get_by_key(draft.key()).await.unwrap(),
        None,
        "reading goes on, and it is not there"
    );
    other.execute_batch("ROLLBACK").unwrap();
    store.submit(draft.call(), sealed(b"x")).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_writes_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let store = SqliteStore::options().max_pages(50).open(&path).await.unwrap();
    let mut kept = Vec::new();
    let error = loop {
        let draft = Draft::new("run", kept.len() as u64);
        match store.submit(draft.call(), sealed(&[7; 5000])).await {
            Ok(_) => kept.push(draft.id()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Full, "{error}");
    assert!(!kept.is_empty());
    let listed = store.list(&tenant(), PageRequest::all()).await.unwrap();
    assert_eq!(listed.iter().map(CallRecord::id).collect::<Vec<_>>(), kept);
    // The other operations of a group do not fail with the one that does not fit.
    let tenant = tenant();
    let small = store.apply(&tenant, kept[0], fixture::host("no"), EventPayload::none());
    let large = store.submit(Draft::new("large", 1).call(), sealed(&vec![7; 100_000]));
    let (small, large) = tokio::join!(small, large);
    assert!(small.is_ok(), "{small:?}");
    assert_eq!(large.unwrap_err().kind(), Kind::Full);
    store.check().await.unwrap();
    drop(store);
    let roomy = SqliteStore::open(&path).await.unwrap();
    roomy.submit(Draft::new("large", 1).call(), sealed(&vec![7; 100_000])).await.unwrap();
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("hitl.db");
    fs::create_dir(&there).unwrap();
    assert!(refused(&there).await.to_string().contains("folder"));
    let missing = refused(&folder.path().join("no/such/hitl.db")).await;
    assert!(missing.to_string().contains("create it first"), "{missing}");
    assert!(SqliteStore::open("").await.is_err());
}

#[tokio::test]
async fn a_lost_or_foreign_key_is_refused_until_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let key_path = folder.path().join("hitl.db.key");
    filled(&path, 1).await;
    let key = fs::read(&key_path).unwrap();

    let foreign = SqliteStore::options().key(HostKey::from_bytes([9; 32]));
    let error = foreign.clone().open(&path).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Key);

    fs::remove_file(&key_path).unwrap();
    let error = refused(&path).await;
    assert_eq!(error.kind(), Kind::Key);
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!key_path.exists(), "no new key is made in secret");

    write_private(&key_path, b"not a key\n");
    assert_eq!(refused(&path).await.kind(), Kind::Key);
    write_private(&key_path, &key);
    let store = SqliteStore::open(&path).await.unwrap();
    drop(store);

    fs::remove_file(&key_path).unwrap();
    let store = SqliteStore::options().replace_lost_key().open(&path).await.unwrap();
    assert_ne!(fs::read(&key_path).unwrap(), key);
    assert_eq!(store.list(&tenant(), PageRequest::all()).await.unwrap().len(), 1);
    drop(store);
    SqliteStore::open(&path).await.unwrap();
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn invariant_8_its_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.submit(Draft::new("run", 1).call(), sealed(b"x")).await.unwrap();
    for name in ["hitl.db", "hitl.db-wal", "hitl.db-shm", "hitl.db.key"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} can be read by others");
    }
    drop(store);
    let key = folder.path().join("hitl.db.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(refused(&path).await.kind(), Kind::Key);
}

#[cfg(unix)]
#[tokio::test]
async fn one_file_reached_by_two_paths_has_one_set_of_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("hitl.db"), folder.path().join("link.db"));
    let store = SqliteStore::open(&path).await.unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let linked = SqliteStore::open(&link).await.unwrap();
    assert_eq!(store.path(), linked.path());
    assert!(!folder.path().join("link.db.sessions").exists());
}

/// A file without write permission is refused. Root may write anything, so the attempt is made by
/// another process, as the user nobody.
#[cfg(unix)]
mod unprivileged {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    const FILE: &str = "HITL_TEST_UNPRIVILEGED_FILE";
    const NOBODY: u32 = 65_534;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Opens the file. Not a test of its own: the tests below run it as nobody.
    #[tokio::test]
    async fn attempt() {
        let Ok(path) = std::env::var(FILE) else { return };
        match SqliteStore::open(&path).await {
            Ok(_) => println!("@@opened@@"),
            Err(error) => println!("@@{:?} {error}@@", error.kind()),
        }
    }

    /// Opens `path` as a user who is not its owner; returns the result.
    fn open_as_nobody(folder: &Path, path: &Path) -> String {
        // A copy of this program that the user nobody may run, regardless of the owner of the
        // folders above it. Another process writes it: a concurrent test that starts a process in
        // the meantime would pass it our open file, and a file that is open for writing cannot be
        // run.
        let program = folder.join("attempt");
        let copied =
            Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
        assert!(copied.unwrap().success());
        mode(&program, 0o755);
        let mut command = Command::new(&program);
        command
            .args(["--exact", "bad_files::unprivileged::attempt", "--nocapture"])
            .env(FILE, path);
        command.current_dir(folder);
        let is_root = fs::metadata("/proc/self").is_ok_and(|me| {
            use std::os::unix::fs::MetadataExt as _;
            me.uid() == 0
        });
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split("@@").nth(1).unwrap_or_else(|| panic!("no answer: {text}")).to_owned()
    }

    #[tokio::test]
    async fn a_folder_that_may_not_be_written_is_read_only() {
        let outer = tempfile::tempdir().unwrap();
        mode(outer.path(), 0o755);
        let folder = outer.path().join("data");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("hitl.db");
        mode(&folder, 0o555);
        let answer = open_as_nobody(outer.path(), &path);
        assert!(answer.starts_with("ReadOnly"), "{answer}");
        assert!(answer.contains("permissions"), "it says what to do: {answer}");
        mode(&folder, 0o755);
        filled(&path, 1).await;
        mode(&path, 0o644);
        mode(&folder, 0o555);
        let answer = open_as_nobody(outer.path(), &path);
        assert!(answer.starts_with("ReadOnly"), "{answer}");
        mode(&folder, 0o755);
    }

    #[tokio::test]
    async fn a_file_that_may_not_be_written_is_read_only() {
        let outer = tempfile::tempdir().unwrap();
        mode(outer.path(), 0o755);
        let folder = outer.path().join("data");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("hitl.db");
        filled(&path, 1).await;
        mode(&folder, 0o777);
        mode(&folder.join("hitl.db.sessions"), 0o777);
        mode(&path, 0o444);
        let answer = open_as_nobody(outer.path(), &path);
        assert!(answer.starts_with("ReadOnly"), "{answer}");
    }
}
