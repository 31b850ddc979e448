//! The amount of data that a query reads must not depend on the length of the queue. The server
//! counts the pages.

use std::time::Duration;

use hitl_core::store::suite::{Draft, sealed};
use hitl_core::{HostKey, SessionId, Store as _};
use hitl_test_postgres::{URL, is_required};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use super::super::{PostgresStore, journal, multi_call, queue, retention, write};
use super::*;

/// A schema with this many pending calls, written directly and not through the store.
struct Filled {
    schema: String,
    client: Client,
}

impl Filled {
    async fn with(url: &str, calls: i64) -> Self {
        let schema = format!("t_{}", SessionId::new().to_string().replace('-', ""));
        let key = HostKey::from_bytes([7; 32]);
        let store = PostgresStore::options(url).schema(&schema).key(key).open().await.unwrap();
        let draft = Draft::new("scale", 0).expires_in(Duration::from_secs(1_000_000));
        store.submit(draft.call(), sealed(b"x")).await.unwrap();
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let fill = "INSERT INTO {s}.calls (id, tenant, run, position, content, state, version, tool, \
                      priority, created_at, due_at, expires_at, updated_at, record, principal, level, \
                      rank, turn) \
                    SELECT made.id::uuid, tenant, run, g, content, state, version, tool, priority, \
                      created_at, due_at, expires_at, updated_at, \
                      replace(replace(record, c.id::text, made.id), '\"position\":0', \
                        '\"position\":' || g), \
                      principal, level, rank, g \
                    FROM {s}.calls c CROSS JOIN generate_series(1, {calls}) g CROSS JOIN LATERAL \
                      (SELECT 'ffffffff-ffff-7fff-8000-' || lpad(to_hex(g), 12, '0') AS id) made \
                    ORDER BY g; \
                    INSERT INTO {s}.payloads SELECT n, 'x' FROM {s}.calls WHERE position > 0; \
                    INSERT INTO {s}.history (call, version, write, entry) \
                      SELECT n, 1, gen_random_uuid(), '{}' FROM {s}.calls WHERE position > 0 ORDER BY n; \
                    SELECT {s}.number_history({calls} + 1);";
        let fill = fill.replace("{s}", &schema).replace("{calls}", &calls.to_string());
        client.batch_execute(&fill).await.unwrap();
        // One statement each: several at once would be a transaction, in which VACUUM is not
        // allowed.
        for table in ["calls", "history", "payloads"] {
            let vacuum = format!("VACUUM ANALYZE {schema}.{table}");
            client.batch_execute(&vacuum).await.unwrap();
        }
        Self { schema, client }
    }

    /// Returns the number of pages that a query reads, and its plan.
    async fn explain(&self, sql: &Statement, given: &[&(dyn ToSql + Sync)]) -> (u64, String) {
        let text = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {}", sql.text);
        let typed: Vec<_> = given.iter().copied().zip(sql.types.iter().cloned()).collect();
        let text = text.replace("{s}", &self.schema);
        let rows = self.client.query_typed(&text, &typed).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let total = lines.iter().find_map(|line| line.trim().strip_prefix("Buffers: shared "));
        let pages = total.unwrap_or_default().split([' ', '=']);
        (pages.filter_map(|word| word.parse::<u64>().ok()).sum(), lines.join("\n"))
    }
}

#[tokio::test]
async fn a_query_reads_as_many_pages_however_long_the_queue_is() {
    let Ok(url) = std::env::var(URL) else {
        assert!(!is_required(), "{URL} is not set, and this run may skip nothing");
        return;
    };
    let (short, long) = (Filled::with(&url, 300).await, Filled::with(&url, 30_000).await);
    let id = "ffffffff-ffff-7fff-8000-000000000096".to_owned();
    let (tenant, run, write) = ("default", "scale", SessionId::new().to_string());
    let states = vec!["pending"];
    let (none, some) = (None::<String>, Some(id.clone()));
    let (limit, first) = (100_i64, i64::MIN);
    let queries: [(&Statement, &[&(dyn ToSql + Sync)]); 21] = [
        (&BY_ID, &[&tenant, &id]),
        (&BY_KEY, &[&tenant, &run, &150_i64]),
        (&PAYLOAD, &[&tenant, &id]),
        (&PAGE, &[&tenant, &states, &none, &limit]),
        (&PAGE, &[&tenant, &states, &some, &limit]),
        (&PAGE, &[&"another", &states, &none, &limit]),
        (&ATTACHABLE, &[&tenant, &run, &"c"]),
        (&APPROVED, &[&none, &limit]),
        (&STALE, &[&None::<i64>, &limit]),
        (&STALE, &[&Some(i64::MAX), &limit]),
        (&HISTORY, &[&0_i64, &limit]),
        (&HISTORY, &[&150_i64, &limit]),
        (&CHANGES, &[&150_i64, &limit]),
        (&WRITTEN, &[&tenant, &id, &write]),
        (&NUMBER, &[&limit]),
        (&queue::BY_TURN, &[&tenant, &states, &first, &first, &first, &first, &limit]),
        (&queue::BY_DUE, &[&tenant, &states, &first, &first, &limit]),
        (&retention::ENDED, &[&i64::MAX, &limit, &i64::MIN, &i64::MIN]),
        (&journal::LOAD, &[&id]),
        (&journal::RECENT, &[&id, &limit]),
        (&journal::FAILED, &[&id, &limit]),
    ];
    for (sql, given) in queries {
        let (few, _) = short.explain(sql, given).await;
        let (many, plan) = long.explain(sql, given).await;
        // Looking up a row costs as many pages as the tree is deep; the queue has thousands.
        assert!(
            many <= 2 * few + 4 * limit.unsigned_abs(),
            "{few} pages with 300 calls, {many} with 30,000: {plan}"
        );
        for table in ["calls", "history", "payloads"] {
            assert!(!plan.contains(&format!("Seq Scan on {table} ")), "it reads them all: {plan}");
        }
    }
}

/// Returns the generic plan of a statement, which does not depend on its parameters.
async fn generic_plan(client: &Client, schema: &str, sql: &Statement) -> String {
    let types: Vec<&str> = sql.types.iter().map(tokio_postgres::types::Type::name).collect();
    // The name of an array type begins with `_`.
    let arrays = types.iter().map(|name| match name.strip_prefix('_') {
        Some(of) => format!("{of}[]"),
        None => (*name).to_owned(),
    });
    let types = arrays.collect::<Vec<_>>().join(", ");
    let nulls = vec!["NULL"; sql.types.len()].join(", ");
    let text = sql.text.replace("{s}", schema);
    client.batch_execute(&format!("PREPARE one ({types}) AS {text}")).await.unwrap();
    let rows = client.query_typed(&format!("EXPLAIN EXECUTE one ({nulls})"), &[]).await.unwrap();
    client.batch_execute("DEALLOCATE one").await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

#[tokio::test]
async fn what_is_planned_while_there_is_nothing_stays_good_when_there_is_much() {
    let Ok(url) = std::env::var(URL) else {
        assert!(!is_required(), "{URL} is not set, and this run may skip nothing");
        return;
    };
    let schema = format!("t_{}", SessionId::new().to_string().replace('-', ""));
    let key = HostKey::from_bytes([7; 32]);
    let _store = PostgresStore::options(&url).schema(&schema).key(key).open().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    let of_one = [&BY_ID, &BY_KEY, &PAYLOAD, &RESULT, &HISTORY_OF, &WRITTEN];
    for sql in
        of_one.into_iter().chain(write::ALL.iter().copied()).chain(multi_call::ALL.iter().copied())
    {
        let plan = generic_plan(&client, &schema, sql).await;
        let whole = |line: &str| {
            let only = line.trim().strip_prefix("Index Cond: (tenant = $");
            only.is_some_and(|rest| !rest.contains("AND")) || line.contains("Seq Scan on calls ")
        };
        assert!(!plan.lines().any(whole), "it reads a whole tenant: {}\n{plan}", sql.text);
    }
}
