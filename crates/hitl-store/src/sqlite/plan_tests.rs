//! Every listing is answered by an index, according to SQLite's plan.

use rusqlite::Connection;

use super::schema::{STEPS, migrate};
use super::{decisions, grants, journal, query, queue, retention};

/// Cost must not grow with the queue: no query may scan a table or sort its result.
#[test]
fn every_listing_is_answered_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate(&mut connection, STEPS, &path).unwrap();
    let listings = query::LISTINGS.iter();
    for sql in listings
        .copied()
        .chain(queue::listings())
        .chain([
            retention::ENDED,
            retention::ERASED,
            decisions::COUNTED,
            decisions::FORGET,
            journal::LOAD,
            journal::RECENT,
            journal::FAILED,
        ])
        .chain(grants::LISTINGS.iter().copied())
    {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec!["x"; statement.parameter_count()];
        let plan: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let plan = plan.join("; ");
        assert!(plan.contains("USING"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        assert!(!plan.contains("SCAN grants"), "{sql}: {plan}");
        assert!(
            !plan.contains("SCAN calls")
                || ["running", "ended", "erased"]
                    .iter()
                    .any(|i| plan.contains(&format!("calls_{i}"))),
            "{sql}: {plan}"
        );
    }
}
