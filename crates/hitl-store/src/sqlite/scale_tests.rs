//! The work of a query must not depend on the length of the queue. It is counted in SQLite's own
//! steps.

use rusqlite::types::Value;
use rusqlite::{Connection, StatementStatus, params_from_iter};

use super::super::schema::{STEPS, migrate};
use super::super::{grants, retention};
use super::*;

#[path = "../../examples/scale/fill.rs"]
mod fill;

/// Creates a file with this many pending calls.
fn filled(count: u64) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate(&mut connection, STEPS, &path).unwrap();
    fill::fill(&connection, count).unwrap();
    (folder, connection)
}

/// Returns the number of steps that a query takes, and the number of those that scan.
fn steps(on: &Connection, sql: &str, parameters: Vec<Value>) -> (i32, i32) {
    let mut statement = on.prepare(sql).unwrap();
    let mut rows = statement.query(params_from_iter(parameters)).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    let scanned = statement.get_status(StatementStatus::FullscanStep);
    (statement.get_status(StatementStatus::VmStep), scanned)
}

/// Returns every query, about a call in the middle of a file.
fn queries(on: &Connection) -> Vec<(&'static str, Vec<Value>)> {
    let sql = "SELECT id FROM calls WHERE n = 150";
    let id: String = on.query_row(sql, [], |row| row.get(0)).unwrap();
    let number = Value::Integer;
    let text = |text: &str| Value::Text(text.to_owned());
    let page = |tenant, state, after| vec![text(tenant), text(state), number(after), number(100)];
    vec![
        (BY_ID, vec![text(&id), text("default")]),
        (BY_KEY, vec![text("default"), text("scale"), number(150)]),
        (BY_NUMBER, vec![number(150)]),
        (NUMBER, vec![text(&id)]),
        (PAGE, page("default", "pending", 0)),
        (PAGE, page("default", "pending", 150)),
        (PAGE, page("default", "executed", 0)),
        (PAGE, page("another", "pending", 0)),
        (APPROVED, vec![number(0), number(100)]),
        (MAX_QUEUED, vec![number(0), number(100)]),
        (MAX_QUEUED, vec![number(i64::MAX), number(100)]),
        (SESSIONS, vec![]),
        (HISTORY, vec![number(0), number(100)]),
        (HISTORY, vec![number(150), number(100)]),
        (retention::ENDED, vec![number(i64::MAX), number(100), number(0), number(0)]),
        (retention::ERASED, vec![number(i64::MAX), number(100)]),
    ]
}

/// Returns the queries of the queue, from its front and from its middle.
fn listings() -> Vec<(&'static str, Vec<Value>)> {
    use super::super::queue::{self, COUNTS, CREATED, FIRST_TURN, OPEN, OWN_TURN};
    let number = Value::Integer;
    let text = |text: &str| Value::Text(text.to_owned());
    let mut all = vec![
        (FIRST_TURN, vec![text("default"), number(0)]),
        (OWN_TURN, vec![text("default"), number(0), text("agent-owner")]),
        (CREATED, vec![text("default"), text("pending"), number(150), number(50)]),
        (COUNTS[0], vec![text("default"), text("pending"), number(200)]),
        (COUNTS[1], vec![text("default"), number(0), text("full"), number(200)]),
        (queue::FIRST_TENANT, vec![]),
        (queue::NEXT_TENANT, vec![text("a")]),
        (queue::NEXT_TENANT, vec![text("default")]),
    ];
    for (_, [by_turn, by_due]) in OPEN {
        for after in [i64::MIN, 150] {
            let rank = if after == 150 { 0 } else { after };
            let place = [rank, after, after, after, 50].map(number);
            all.push((by_turn, [vec![text("default")], place.to_vec()].concat()));
            all.push((by_due, vec![text("default"), number(after), number(after), number(50)]));
        }
    }
    all
}

#[test]
fn a_query_takes_the_same_steps_however_long_the_queue_is() {
    let ((_short, short), (_long, long)) = (filled(300), filled(20_000));
    let (few, many) = (queries(&short).into_iter(), queries(&long).into_iter());
    let (few, many) = (few.chain(listings()), many.chain(listings()));
    for ((sql, with_few), (_, with_many)) in few.zip(many) {
        let ((few, _), (many, scanned)) =
            (steps(&short, sql, with_few), steps(&long, sql, with_many));
        assert!(many <= few + few / 10, "{sql}: {few} steps with 300 calls, {many} with 20,000");
        assert!(scanned <= 100, "{sql}: {scanned} steps of a scan");
    }
}

/// Adds grants of many tools, some of which have ended.
fn with_grants(on: &Connection, count: i64) {
    on.execute(
        "WITH RECURSIVE given (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM given WHERE i < ?1) \
         INSERT INTO grants (id, tenant, tool, principal, version, revoked, ends, record) \
         SELECT printf('%08x', i), 'default', 'tool ' || (i % (?1 / 20)), 'agent', 1, i % 4 = 0, \
           iif(i % 2, 9223372036854775807, 1), '{}' FROM given",
        [count],
    )
    .unwrap();
}

#[test]
fn the_live_grants_of_a_tool_are_found_however_many_there_are() {
    let ((_few, few), (_many, many)) = (filled(1), filled(1));
    with_grants(&few, 200);
    with_grants(&many, 20_000);
    let text = |text: &str| Value::Text(text.to_owned());
    let given = |principal| {
        let numbers = [Value::Integer(1), Value::Integer(1000), Value::Integer(100)];
        [vec![text("default"), text("tool 3"), principal, text("")], numbers.to_vec()].concat()
    };
    for (sql, principal) in [(grants::LIVE, text("agent")), (grants::OF_TOOL, Value::Null)] {
        let ((before, _), (after, scanned)) =
            (steps(&few, sql, given(principal.clone())), steps(&many, sql, given(principal)));
        assert!(before > 0 && after <= before + before / 10, "{sql}: {before}, then {after} steps");
        assert_eq!(scanned, 0, "{sql}");
    }
}

/// SQLite builds a table for a list of more than two alternatives, also in the condition of a
/// partial index, at every change of every row.
#[test]
fn a_change_builds_no_table_on_its_way() {
    let (_folder, on) = filled(10);
    for sql in super::super::row::WRITES {
        let mut statement = on.prepare(&format!("EXPLAIN {sql}")).unwrap();
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, Value::Null).unwrap();
        }
        let mut steps = statement.raw_query();
        let mut count = 0;
        while let Some(step) = steps.next().unwrap() {
            let code: String = step.get("opcode").unwrap();
            assert!(!["OpenEphemeral", "SorterOpen"].contains(&code.as_str()), "{sql}");
            count += 1;
        }
        assert!(count > 10, "{sql} is explained");
    }
}
