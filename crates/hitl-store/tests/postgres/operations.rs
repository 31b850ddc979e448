//! Every SQL block of the operator's page runs on a real server, and names only existing objects.

use std::collections::BTreeSet;

use hitl_core::Store as _;
use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, approved, claimed, fixture, start_clock, unknown_outcome};
use hitl_tasks::{Journal as _, TaskId};
use tokio_postgres::SimpleQueryMessage;

use crate::support::{options, plain, schema, subject, url_or_skip};

const PAGE: &str = include_str!("../../../../docs/operations-postgres.md");

#[tokio::test]
async fn every_block_of_sql_answers() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    s.create(&Draft::new("nightly", 1)).await;
    approved(&s, &Draft::new("run", 2)).await;
    claimed(&s, &Draft::new("run", 3)).await;
    unknown_outcome(&s, &Draft::new("run", 4)).await;
    let (record, token, _) = claimed(&s, &Draft::new("run", 5)).await;
    s.apply(record.id(), Event::Succeed { token }).await;
    let store = options(&url, &schema).open().await.unwrap();
    s.store.save_grant(fixture::grant(Some(5), Some(100))).await.unwrap();
    let task = TaskId::new();
    let epoch = store.claim(task).await.unwrap();
    store.append(task, epoch, b"{}".to_vec()).await.unwrap();
    store.forget_runs(hitl_base::Timestamp::EPOCH).await.unwrap();
    let client = plain(&url).await;
    let blocks: Vec<&str> =
        PAGE.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 12, "only {} blocks", blocks.len());
    for sql in blocks {
        let sql = sql
            .replace("TO hitl;", &format!("TO {schema};"))
            .replace("'hitl'::", &format!("'{schema}'::"));
        let answer = client.simple_query(&sql).await.unwrap();
        let rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(row.len() - 1).is_some()),
            _ => None,
        });
        let said: Vec<bool> = rows.collect();
        assert!(sql.starts_with("SET") || said.contains(&true), "it shows nothing: {sql}");
    }
}

#[tokio::test]
async fn every_table_and_index_is_on_the_page_and_no_other() {
    let (url, schema) = (url_or_skip!(), schema());
    let _in_use = options(&url, &schema).open().await.unwrap();
    let sql = "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace \
               AND relkind IN ('r', 'i')";
    let rows = plain(&url).await.query(sql, &[&schema]).await.unwrap();
    let names: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    // Indexes of a constraint are documented by their columns.
    let own = |name: &&String| !name.ends_with("_pkey") && !name.ends_with("_key");
    for name in names.iter().filter(own) {
        assert!(PAGE.contains(&format!("`{name}`")), "{name} is not on the page");
    }
    for line in
        PAGE.lines().filter(|line| line.starts_with("| `calls_") || line.starts_with("| `grants_"))
    {
        let (index, _) = line[2..].split_once('|').unwrap();
        for name in index.split('`').skip(1).step_by(2) {
            assert!(names.contains(name), "{name} is no index");
        }
    }
}
