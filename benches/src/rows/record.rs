//! The writes of a store, recorded by triggers in its own file.

use std::future::Future;
use std::path::Path;

use hitl_store::SqliteStore;
use rusqlite::Connection;
use rusqlite::types::Value;
use tokio::runtime::Runtime;

/// A change of one row. The database assigns `n`, the call's number, and `seq`, the line's.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new call: its columns.
    Call(Vec<(String, Value)>),
    /// The changed columns of the call, and its former version.
    Moved { from: i64, to: Vec<(String, Value)> },
    /// The call's sealed arguments.
    Payload(Value),
    /// The deletion of the arguments.
    PayloadGone,
    /// The call's sealed result.
    Result(Value),
    /// A line of history.
    Line(Value),
    /// A change that is not known to be in the audit: the call's version, and its auditor.
    Owed(Value, Value),
}

/// The changes of one transaction.
pub type Step = Vec<Change>;

const TRIGGERS: &str = "
    CREATE TABLE seen (k INTEGER PRIMARY KEY, what TEXT, a ANY, b ANY) STRICT;
    CREATE TABLE seen_calls AS SELECT 0 AS k, * FROM calls WHERE false;
    CREATE TRIGGER seen_1 AFTER INSERT ON calls BEGIN
        INSERT INTO seen (what) VALUES ('call');
        INSERT INTO seen_calls SELECT (SELECT max(k) FROM seen), * FROM calls WHERE n = new.n; END;
    CREATE TRIGGER seen_2 AFTER UPDATE ON calls BEGIN
        INSERT INTO seen (what, a) VALUES ('moved', old.version);
        INSERT INTO seen_calls SELECT (SELECT max(k) FROM seen), * FROM calls WHERE n = new.n; END;
    CREATE TRIGGER seen_3 AFTER INSERT ON payloads BEGIN
        INSERT INTO seen (what, a) VALUES ('payload', new.sealed); END;
    CREATE TRIGGER seen_4 AFTER DELETE ON payloads BEGIN
        INSERT INTO seen (what) VALUES ('gone'); END;
    CREATE TRIGGER seen_5 AFTER INSERT ON results BEGIN
        INSERT INTO seen (what, a) VALUES ('result', new.sealed); END;
    CREATE TRIGGER seen_6 AFTER INSERT ON history BEGIN
        INSERT INTO seen (what, a) VALUES ('line', new.entry); END;
    CREATE TRIGGER seen_7 AFTER INSERT ON unaudited BEGIN
        INSERT INTO seen (what, a, b) VALUES ('owed', new.version, new.auditor); END;";

/// Records the steps of one call, as `act` makes a store write them: each begins with the call's
/// row.
pub fn recorded<F: Future<Output = ()>>(
    runtime: &Runtime,
    act: impl FnOnce(SqliteStore) -> F,
) -> Vec<Step> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hitl.db");
    runtime.block_on(async {
        drop(SqliteStore::open(&path).await.expect("a store"));
        Connection::open(&path).and_then(|on| on.execute_batch(TRIGGERS)).expect("triggers");
        act(SqliteStore::open(&path).await.expect("a store")).await;
    });
    let steps = steps(&path);
    assert!(!steps.is_empty(), "it writes something");
    steps
}

fn steps(path: &Path) -> Vec<Step> {
    let on = Connection::open(path).expect("the file");
    let mut statement = on.prepare("SELECT k, what, a, b FROM seen ORDER BY k").expect("a query");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)));
    let (mut steps, mut last) = (Vec::new(), Vec::new());
    for row in rows.expect("rows") {
        let (k, what, a, b): (i64, String, Value, Value) = row.expect("a row");
        let change = match what.as_str() {
            "call" => {
                last = call(&on, k);
                Change::Call(last.clone())
            }
            "moved" => {
                let next = call(&on, k);
                let pairs = next.iter().zip(&last);
                let to = pairs.filter(|(next, last)| next != last).map(|(next, _)| next.clone());
                let to = to.collect();
                last = next;
                let Value::Integer(from) = a else { panic!("a version is a number") };
                Change::Moved { from, to }
            }
            "payload" => Change::Payload(a),
            "gone" => Change::PayloadGone,
            "result" => Change::Result(a),
            "line" => Change::Line(a),
            _ => Change::Owed(a, b),
        };
        if matches!(change, Change::Call(_) | Change::Moved { .. }) {
            steps.push(Vec::new());
        }
        steps.last_mut().expect("a step begins with the call").push(change);
    }
    steps
}

/// Returns the columns of a call after change `k`, without its number.
fn call(on: &Connection, k: i64) -> Vec<(String, Value)> {
    let mut statement = on.prepare("SELECT * FROM seen_calls WHERE k = ?1").expect("a query");
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let columns = |row: &rusqlite::Row<'_>| {
        names.iter().enumerate().map(|(at, name)| Ok((name.clone(), row.get(at)?))).collect()
    };
    let all: rusqlite::Result<Vec<_>> = statement.query_row([k], columns);
    all.expect("its row").into_iter().filter(|(name, _)| name != "k" && name != "n").collect()
}
