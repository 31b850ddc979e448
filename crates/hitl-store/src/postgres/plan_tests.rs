//! The amount of data that a listing reads must not depend on the length of the queue, according to
//! PostgreSQL's plan.

use hitl_core::HostKey;
use tokio_postgres::types::ToSql;

use super::super::{PostgresStore, grants};
use super::*;

/// Without a database the test is skipped, like those in `tests/postgres`.
const URL: &str = hitl_test_postgres::URL;

async fn plan(
    on: &Database,
    sql: &Statement,
    given: &[&(dyn ToSql + Sync)],
    schema: &str,
) -> String {
    let connection = on.connection().await.unwrap();
    let text = format!("EXPLAIN (ANALYZE, TIMING off) {}", sql.text.replace("{s}", schema));
    let typed: Vec<_> = given.iter().copied().zip(sql.types.iter().cloned()).collect();
    let rows = connection.query_typed(&text, &typed).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

/// Returns the most rows that any node of a plan has read and thrown away.
fn thrown_away(plan: &str) -> u64 {
    let count = |line: &str| line.trim().strip_prefix("Rows Removed by Filter: ")?.parse().ok();
    plan.lines().filter_map(count).max().unwrap_or(0)
}

#[tokio::test]
async fn every_listing_is_answered_by_an_index() {
    let Ok(url) = std::env::var(URL) else { return };
    let schema = format!("t_{}", hitl_core::SessionId::new().to_string().replace('-', ""));
    let options = PostgresStore::options(url).schema(&schema).key(HostKey::from_bytes([7; 32]));
    let store = options.open().await.unwrap();
    let on = &store.shared.database;
    let fill = format!(
        "INSERT INTO {schema}.calls (id, tenant, run, position, content, state, version, tool, \
           priority, created_at, due_at, expires_at, updated_at, record, principal, level, rank, turn) \
         SELECT gen_random_uuid(), CASE WHEN i % 50 = 0 THEN 'small' ELSE 'large' END, 'run', i, '', \
           'pending', 1, 'tool', 'urgent', i, i, i, i, '{{}}', 'agent ' || i % 7, 'full', 0, i / 7 \
         FROM generate_series(1, 20000) AS i; ANALYZE {schema}.calls;"
    );
    on.connection().await.unwrap().batch_execute(&fill).await.unwrap();
    let (limit, none, tenant) = (50_i64, i64::MIN, "large".to_owned());
    let states = vec!["pending"];
    let all_states = vec!["pending", "approved", "claimed", "outcomeUnknown"];
    let (rank, middle) = (0_i64, 1000_i64);
    let (ranks, levels) = (vec![0_i64, 1], vec!["full".to_owned()]);
    let (who, cap) = ("agent 3".to_owned(), Some(100_i64));
    let after: Option<String> = None;
    let plans = [
        plan(on, &BY_TURN, &[&tenant, &states, &none, &none, &none, &none, &limit], &schema).await,
        plan(on, &BY_TURN, &[&tenant, &states, &rank, &middle, &none, &none, &limit], &schema)
            .await,
        plan(on, &BY_DUE, &[&tenant, &states, &none, &none, &limit], &schema).await,
        plan(on, &BY_DUE, &[&tenant, &states, &middle, &none, &limit], &schema).await,
        plan(on, &CREATED, &[&tenant, &all_states, &middle, &limit], &schema).await,
        plan(on, &STATES, &[&tenant, &all_states, &limit], &schema).await,
        plan(on, &LEVELS, &[&tenant, &ranks, &levels, &limit], &schema).await,
        plan(on, &WAITING, &[&tenant, &who, &cap, &cap], &schema).await,
        plan(on, &TENANTS, &[&after, &limit], &schema).await,
    ];
    for plan in plans {
        assert!(!plan.contains("Seq Scan on calls"), "{plan}");
        assert!(thrown_away(&plan) <= 500, "{plan}");
    }
    let fill = format!(
        "INSERT INTO {schema}.grants (id, tenant, tool, principal, version, revoked, ends, record) \
         SELECT gen_random_uuid(), 'large', 'tool ' || i % 40, 'agent ' || i % 7, 1, i % 3 = 0, \
           CASE WHEN i % 2 = 0 THEN 1 ELSE 9223372036854775807 END, '{{}}' \
         FROM generate_series(1, 20000) AS i; ANALYZE {schema}.grants;"
    );
    on.connection().await.unwrap().batch_execute(&fill).await.unwrap();
    let (tool, who) = (Some("tool 3".to_owned()), Some("agent 3".to_owned()));
    let (nobody, now) = (grants::NOBODY, Some(1000_i64));
    let (any, live) = (None::<String>, true);
    let of_one: &[&(dyn ToSql + Sync)] = &[&tenant, &tool, &who, &nobody, &live, &now, &limit];
    let of_all: &[&(dyn ToSql + Sync)] = &[&tenant, &tool, &any, &nobody, &live, &now, &limit];
    for (plan, index) in [
        (plan(on, &grants::LIVE, of_one, &schema).await, "grants_live"),
        (plan(on, &grants::OF_TOOL, of_all, &schema).await, "grants_"),
    ] {
        assert!(plan.contains(index) && !plan.contains("Seq Scan on grants"), "{plan}");
        assert!(thrown_away(&plan) <= 500, "{plan}");
    }
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    on.connection().await.unwrap().batch_execute(&drop).await.unwrap();
}
