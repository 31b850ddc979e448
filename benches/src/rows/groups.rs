//! The cost of writing the same rows to SQLite without a store: one thread, prepared statements,
//! one commit for all waiting writes. The callers provide the rows, because rows differ in
//! practice.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hitl::RequestId;
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, params, params_from_iter};
use tokio::sync::oneshot;

use super::{Change, Step};

/// The most writes in one transaction.
const GROUP: usize = 256;
/// The number of changes that are marked as audited at once.
const AUDITED: usize = 256;

/// The step, the call, the values to write, and the caller that waits for them.
type Write = (usize, u64, Vec<Value>, oneshot::Sender<()>);

/// A thread that commits in groups.
pub struct Groups {
    steps: Arc<[Step]>,
    queue: Sender<Write>,
}

impl Groups {
    /// Starts writing these steps, for one call after the other, to a file that has the tables.
    pub fn open(path: &Path, steps: Vec<Step>) -> Self {
        let connection = Connection::open(path).expect("the file");
        connection.pragma_update(None, "journal_mode", "WAL").expect("WAL");
        connection.pragma_update(None, "synchronous", "FULL").expect("FULL");
        connection.set_prepared_statement_cache_capacity(32);
        let steps: Arc<[Step]> = steps.into();
        let texts = steps.iter().map(|step| step.iter().map(text).collect()).collect();
        let mut rows =
            Rows { steps: Arc::clone(&steps), texts, numbers: HashMap::new(), owed: Vec::new() };
        let (queue, waiting) = channel();
        std::thread::spawn(move || rows.commit_groups(&connection, &waiting));
        Self { steps, queue }
    }

    /// Waits until step number `step` of this call is committed. Steps are written in order.
    pub async fn write(&self, step: usize, call: u64) {
        let (reply, done) = oneshot::channel();
        let values = self.steps[step].iter().flat_map(|change| given(change, call)).collect();
        self.queue.send((step, call, values, reply)).expect("the thread lives");
        done.await.expect("the thread lives");
    }
}

struct Rows {
    steps: Arc<[Step]>,
    texts: Vec<Vec<String>>,
    numbers: HashMap<u64, i64>,
    /// The changes to be marked as audited.
    owed: Vec<(i64, Value)>,
}

/// Returns the values that a change of this call writes. The call has an id like those of a gate:
/// ids in the order of their numbers would be written to fewer pages.
fn given(change: &Change, call: u64) -> Vec<Value> {
    match change {
        Change::Call(columns) => columns
            .iter()
            .map(|(name, value)| match name.as_str() {
                "id" => Value::Text(RequestId::new().to_string()),
                "position" => Value::Integer(call.cast_signed()),
                _ => value.clone(),
            })
            .collect(),
        Change::Moved { to, .. } => to.iter().map(|(_, value)| value.clone()).collect(),
        Change::Payload(value) | Change::Result(value) | Change::Line(value) => {
            vec![value.clone()]
        }
        Change::Owed(version, auditor) => vec![version.clone(), auditor.clone()],
        Change::PayloadGone => Vec::new(),
    }
}

/// Returns the number of values.
fn count(change: &Change) -> usize {
    match change {
        Change::Call(columns) | Change::Moved { to: columns, .. } => columns.len(),
        Change::Payload(_) | Change::Result(_) | Change::Line(_) => 1,
        Change::Owed(..) => 2,
        Change::PayloadGone => 0,
    }
}

/// Returns the statement of a change.
fn text(change: &Change) -> String {
    match change {
        Change::Call(columns) => {
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let marks = vec!["?"; names.len()].join(", ");
            format!("INSERT INTO calls ({}) VALUES ({marks})", names.join(", "))
        }
        Change::Moved { to, .. } => {
            let set = to.iter().enumerate().map(|(at, (name, _))| format!("{name} = ?{}", at + 3));
            let set: Vec<String> = set.collect();
            format!("UPDATE calls SET {} WHERE n = ?1 AND version = ?2", set.join(", "))
        }
        Change::Payload(_) => "INSERT INTO payloads (call, sealed) VALUES (?1, ?2)".to_owned(),
        Change::PayloadGone => "DELETE FROM payloads WHERE call = ?1".to_owned(),
        Change::Result(_) => "INSERT INTO results (call, sealed) VALUES (?1, ?2)".to_owned(),
        Change::Line(_) => "INSERT INTO history (call, entry) VALUES (?1, ?2)".to_owned(),
        Change::Owed(..) => {
            "INSERT INTO unaudited (call, version, seq, auditor) VALUES (?1, ?2, ?3, ?4)".to_owned()
        }
    }
}

impl Rows {
    fn commit_groups(&mut self, on: &Connection, waiting: &Receiver<Write>) {
        let mut last = 1;
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            // Their callers come back at about the same time: wait a moment for as many as last
            // time.
            let deadline = Instant::now() + Duration::from_micros(300);
            while group.len() < GROUP {
                let left = deadline.saturating_duration_since(Instant::now());
                let next = if group.len() < last {
                    waiting.recv_timeout(left).ok()
                } else {
                    waiting.try_recv().ok()
                };
                let Some(next) = next else { break };
                group.push(next);
            }
            last = group.len();
            on.execute_batch("BEGIN IMMEDIATE").expect("the file is ours");
            for (step, call, values, _) in &group {
                self.write(on, *step, *call, values);
            }
            if self.owed.len() >= AUDITED {
                self.audited(on);
            }
            on.execute_batch("COMMIT").expect("the disk has room");
            for (.., reply) in group {
                let _ = reply.send(());
            }
        }
    }

    fn write(&mut self, on: &Connection, step: usize, call: u64, mut given: &[Value]) {
        let mut line = 0;
        for (change, text) in self.steps[step].iter().zip(&self.texts[step]) {
            let mut statement = on.prepare_cached(text).expect("a statement");
            // A number that this writer has not recorded is the caller's own: files count from 1,
            // as callers do.
            let n = self.numbers.get(&call).copied().unwrap_or(call.cast_signed());
            let mine = given.split_off(..count(change)).expect("as many as it writes");
            let changed = match change {
                Change::Call(_) => {
                    let added = statement.execute(params_from_iter(mine));
                    self.numbers.insert(call, on.last_insert_rowid());
                    added
                }
                Change::Moved { from, .. } => {
                    let which = [ToSqlOutput::from(n), ToSqlOutput::from(*from)].into_iter();
                    let to = mine.iter().map(|value| ToSqlOutput::Borrowed(value.into()));
                    statement.execute(params_from_iter(which.chain(to)))
                }
                Change::Payload(_) | Change::Result(_) => statement.execute(params![n, mine[0]]),
                Change::PayloadGone => statement.execute([n]),
                Change::Line(_) => {
                    let added = statement.execute(params![n, mine[0]]);
                    line = on.last_insert_rowid();
                    added
                }
                Change::Owed(..) => {
                    self.owed.push((n, mine[0].clone()));
                    statement.execute(params![n, mine[0], line, mine[1]])
                }
            };
            assert_eq!(changed.expect("written"), 1, "{text}");
        }
        if step + 1 == self.steps.len() {
            self.numbers.remove(&call);
        }
    }

    /// Marks these changes as audited.
    fn audited(&mut self, on: &Connection) {
        let sql = "DELETE FROM unaudited WHERE call = ?1 AND version = ?2";
        let mut statement = on.prepare_cached(sql).expect("a statement");
        for (n, version) in self.owed.drain(..) {
            statement.execute(params![n, version]).expect("deleted");
        }
    }
}
