//! The columns of a call repeat the content of its record, after every event.

use std::path::Path;

use hitl_core::ApprovalLevel;
use hitl_core::machine::{CallRecord, CallState, Event};
use hitl_core::queue::rank;
use hitl_core::store::suite::{
    Draft, Subject, approved, claimed, failure, fixture, host, start_clock,
};
use hitl_store::SqliteStore;
use rusqlite::Connection;
use rusqlite::types::Value;

async fn subject(path: &Path) -> Subject {
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(path).await.unwrap();
    Subject::new(store, clock)
}

/// Compares every call. Returns the calls' states.
fn compared(path: &Path) -> Vec<CallState> {
    let on = Connection::open(path).unwrap();
    let sql = "SELECT record, id, tenant, run, position, content, state, version, tool, priority, \
               created_at, due_at, expires_at, updated_at, claimant, principal, level, rank, root, \
               attachable FROM calls ORDER BY n";
    let mut statement = on.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let columns: Vec<Value> = (1..20).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        Ok((row.get::<_, String>(0)?, columns))
    });
    let mut states = Vec::new();
    for row in rows.unwrap() {
        let (text, columns) = row.unwrap();
        let record: CallRecord = serde_json::from_str(&text).unwrap();
        let (request, key) = (record.request(), record.key());
        let text = |text: &str| Value::Text(text.to_owned());
        let runs = record.claim().filter(|_| record.state() == CallState::Claimed);
        let expected = vec![
            text(&record.id().to_string()),
            text(key.tenant.as_str()),
            text(key.run.as_str()),
            Value::Integer(key.position.cast_signed()),
            text(&record.content().to_string()),
            text(record.state().name()),
            Value::Integer(record.version().cast_signed()),
            text(&request.tool),
            text(request.priority.name()),
            Value::Integer(request.created_at.as_millis()),
            Value::Integer(request.due_at.as_millis()),
            Value::Integer(request.expires_at.as_millis()),
            Value::Integer(record.updated_at().as_millis()),
            runs.map_or(Value::Null, |claim| text(&claim.session.to_string())),
            text(request.principal.as_str()),
            text(request.level.name()),
            Value::Integer(rank(request.priority)),
            text(record.context().root_of(&key.run).as_str()),
            Value::Integer(i64::from(record.is_attachable())),
        ];
        assert_eq!(columns, expected, "{:?}", record.state());
        states.push(record.state());
    }
    states
}

/// Changes are written in different ways: some change only a call's state, some also its request.
#[tokio::test]
async fn columns_repeat_the_record_after_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;

    // The state and nothing else.
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    assert_eq!(compared(&path), [CallState::Claimed]);
    s.apply(record.id(), Event::Fail { token, failure: failure("no") }).await;
    let rejected = s.create(&Draft::new("run", 2)).await;
    s.apply(rejected.id(), Event::Decide(rejected.request().reject("no").by("bob"))).await;
    let cancelled = approved(&s, &Draft::new("run", 3)).await;
    s.apply(cancelled.id(), host("not needed")).await;
    assert_eq!(compared(&path), [CallState::Failed, CallState::Rejected, CallState::Cancelled]);

    // An identical call attaches to it, until its outcome is delivered.
    let attaching = s.create(&Draft::new("attaching", 1).attaching()).await;
    compared(&path);
    s.apply(attaching.id(), host("not needed")).await;
    compared(&path);
    s.apply(attaching.id(), Event::Deliver).await;
    assert_eq!(compared(&path)[3], CallState::Cancelled);

    // The request too: an edit, and an escalation.
    let edited = s.create(&Draft::new("run", 4)).await;
    let decision = edited.request().edit(r#"{"contract_id": 2}"#).by("alice");
    let event = fixture::edit(&edited, decision, 2, ApprovalLevel::Full);
    s.apply(edited.id(), event).await;
    let ignored = s.create(&Draft::new("run", 5).escalate("director", 60)).await;
    s.pass(600);
    let escalated = s.apply(ignored.id(), Event::Expire).await;
    assert_eq!(escalated.state(), CallState::Pending);
    assert!(escalated.request().expires_at > ignored.request().expires_at);
    compared(&path);

    // And after it has waited once more.
    s.pass(60);
    s.apply(escalated.id(), Event::Expire).await;
    assert_eq!(compared(&path)[5], CallState::Expired);
}

/// The effect of an erasure on a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The row is deleted with its call, or with the grant when that is erased.
    Goes,
    /// The column is rewritten, without the content of the call.
    Tombstone,
    /// Ids, keys, digests, times and states: they stay with the tombstone.
    Stays,
    /// The column belongs to no call: to the file, its users, its tools, its holds or its tasks.
    OfNoCall,
}

/// Every column. Anyone who adds one declares the effect of an erasure on it here, and in
/// docs/retention.md.
const FATES: &[(&str, Fate, &[&str])] = &[
    ("calls", Fate::Tombstone, &["record", "principal", "erased", "run_began", "attachable"]),
    (
        "calls",
        Fate::Stays,
        &[
            "n",
            "id",
            "tenant",
            "run",
            "position",
            "content",
            "state",
            "version",
            "tool",
            "priority",
            "created_at",
            "due_at",
            "expires_at",
            "updated_at",
            "claimant",
            "level",
            "rank",
            "turn",
            "root",
        ],
    ),
    ("payloads", Fate::Goes, &["call", "sealed"]),
    ("results", Fate::Goes, &["call", "sealed"]),
    ("history", Fate::Goes, &["seq", "call", "entry"]),
    // A call is not erased while one of its changes is in this table.
    ("unaudited", Fate::Goes, &["call", "version", "seq", "auditor"]),
    ("decisions", Fate::Stays, &["id", "call"]),
    ("effects", Fate::Stays, &["tenant", "effect", "call", "earlier"]),
    (
        "grants",
        Fate::Goes,
        &["n", "id", "tenant", "tool", "principal", "version", "revoked", "ends", "record"],
    ),
    ("holds", Fate::OfNoCall, &["id", "tenant", "scope", "call", "record"]),
    ("meta", Fate::OfNoCall, &["name", "value"]),
    ("executors", Fate::OfNoCall, &["session", "recorded_at", "digest", "tools"]),
    ("tasks", Fate::OfNoCall, &["n", "id", "epoch", "state"]),
    ("journal", Fate::OfNoCall, &["seq", "task", "entry"]),
];

#[tokio::test]
async fn invariant_8_every_column_says_what_an_erasure_does_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let _subject = subject(&path).await;
    let on = Connection::open(&path).unwrap();
    let sql = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut statement = on.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut there: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    let mut said: Vec<(String, String)> = FATES
        .iter()
        .flat_map(|(table, _, columns)| {
            columns.iter().map(|c| ((*table).to_owned(), (*c).to_owned()))
        })
        .collect();
    there.sort();
    said.sort();
    assert_eq!(there, said, "a column whose fate is not said, or that is gone");
}

/// An erased call keeps exactly the columns listed above, and the rows of the other tables are
/// gone.
#[tokio::test]
async fn invariant_8_an_erased_call_leaves_no_row_but_its_tombstone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;
    let marker = "zqxMARKERqxz";
    let (record, token, _) =
        claimed(&s, &Draft::new("run", 1).argument(marker).principal(marker)).await;
    let fails = Event::Fail { token, failure: failure(marker) };
    let tenant = record.key().tenant.clone();
    s.apply(record.id(), fails).await;
    let named = hitl_core::store::Erasable::new(tenant, record.id());
    let in_files = || {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
            if bytes.windows(marker.len()).any(|part| part == marker.as_bytes()) {
                found.push(path);
            }
        }
        found
    };
    assert!(!in_files().is_empty());
    assert_eq!(s.store.erase(&[named]).await.unwrap(), [None]);
    assert_eq!(in_files(), Vec::<std::path::PathBuf>::new(), "also while the store is open");
    let on = Connection::open(&path).unwrap();
    for (table, fate, _) in FATES.iter().filter(|(_, fate, _)| *fate == Fate::Goes) {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = on.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table} {fate:?}");
    }
}
