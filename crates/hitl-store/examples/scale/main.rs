//! Measures the cost of a long queue: the same operations with 10 and with 1,000,000 pending calls.
//!
//! `cargo run --release -p hitl-store --example scale [calls]` prints a table.

mod fill;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use hitl_core::machine::Event;
use hitl_core::store::{EventPayload, PageRequest};
use hitl_core::{CallState, Store, Tenant};
use hitl_store::SqliteStore;

/// The number of measurements of each operation; the table shows the median.
const ROUNDS: usize = 301;
/// The number of calls on a page.
const PAGE: usize = 5;

/// The results for one length of the queue.
struct Measured {
    opening: Duration,
    first_page: Duration,
    next_page: Duration,
    decide_and_wake: Duration,
    memory: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let many = std::env::args().nth(1).map_or(Ok(1_000_000), |given| given.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let few = runtime.block_on(measure(ROUNDS as u64 + 10))?;
    let long = runtime.block_on(measure(many))?;
    println!("{:<18}{:>14}{:>14}{:>9}", "", "short queue", many, "ratio");
    let row = |name: &str, few: Duration, long: Duration| {
        let ratio = long.as_secs_f64() / few.as_secs_f64();
        println!("{name:<18}{few:>14.1?}{long:>14.1?}{ratio:>9.2}");
    };
    row("open", few.opening, long.opening);
    row("first page", few.first_page, long.first_page);
    row("next page", few.next_page, long.next_page);
    row("decide and wake", few.decide_and_wake, long.decide_and_wake);
    println!("{:<18}{:>11} kB{:>11} kB", "memory", few.memory, long.memory);
    Ok(())
}

async fn measure(count: u64) -> Result<Measured, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hitl.db");
    drop(SqliteStore::open(&path).await?);
    fill_file(&path, count)?;

    let start = Instant::now();
    let store = SqliteStore::open(&path).await?;
    let opening = start.elapsed();
    let (tenant, queue) = (Tenant::default(), PageRequest::new(&[CallState::Pending]).limit(PAGE));
    let mut first_page = Vec::new();
    let mut next_page = Vec::new();
    let mut decide_and_wake = Vec::new();
    // Reads continue from page to page; a decision takes the first call of the queue.
    let mut after = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let page = store.list(&tenant, queue.clone()).await?;
        first_page.push(start.elapsed());
        let record = page.first().ok_or("the queue is empty")?;

        let mut next = queue.clone();
        next.after = after.or(Some(record.id()));
        let start = Instant::now();
        let page = store.list(&tenant, next).await?;
        next_page.push(start.elapsed());
        after = page.first().map(hitl_core::CallRecord::id);

        let mut watch = store.watch(record.id());
        let decision = Event::Decide(record.request().approve().by("alice"));
        let start = Instant::now();
        store.apply(&tenant, record.id(), decision, EventPayload::none()).await?;
        watch.changed().await;
        store.get(&tenant, record.id()).await?;
        decide_and_wake.push(start.elapsed());
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    Ok(Measured {
        opening,
        first_page: median(first_page),
        next_page: median(next_page),
        decide_and_wake: median(decide_and_wake),
        memory: resident(),
    })
}

fn fill_file(path: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    let connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    fill::fill(&connection, count)?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Returns this process's memory in kB, where the system reports it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
