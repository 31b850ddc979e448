//! What writing the same rows costs without a store: one thread, prepared statements, one commit for
//! all that wait.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use tokio::sync::oneshot;

/// What a caller wants to be written.
#[derive(Clone, Copy)]
pub(super) enum Write {
    /// The rows of a new call.
    Submit(u64),
    /// The changed row of a call, and its line in the history.
    Decide(u64),
}

/// A thread that commits in groups.
pub(super) struct RawGroups {
    queue: Sender<(Write, oneshot::Sender<()>)>,
}

impl RawGroups {
    /// Opens a file that holds the tables and one submitted and decided call: the example of every
    /// row that is written.
    pub(super) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("the file");
        connection.pragma_update(None, "journal_mode", "WAL").expect("WAL");
        connection.pragma_update(None, "synchronous", "FULL").expect("FULL");
        connection.set_prepared_statement_cache_capacity(32);
        let rows = Examples::of(&connection);
        let (queue, waiting) = channel();
        std::thread::spawn(move || commit_groups(&connection, rows, &waiting));
        Self { queue }
    }

    /// Returns when it is committed.
    pub(super) async fn write(&self, write: Write) {
        let (reply, done) = oneshot::channel();
        self.queue.send((write, reply)).expect("the thread lives");
        done.await.expect("the thread lives");
    }
}

fn commit_groups(
    on: &Connection,
    mut rows: Examples,
    waiting: &Receiver<(Write, oneshot::Sender<()>)>,
) {
    let mut last = 1;
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        // Their callers come back at about the same time: waits a moment for as many as last time.
        let deadline = Instant::now() + Duration::from_micros(300);
        while group.len() < 256 {
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
        for (write, _) in &group {
            rows.write(on, *write);
        }
        on.execute_batch("COMMIT").expect("the disk has room");
        for (_, reply) in group {
            let _ = reply.send(());
        }
    }
}

/// A row of each table, to be written again under another key.
struct Examples {
    call: Vec<Value>,
    columns: Vec<String>,
    payload: Value,
    entry: Value,
    insert: String,
    update: String,
    numbers: HashMap<u64, i64>,
}

impl Examples {
    fn of(on: &Connection) -> Self {
        let mut statement = on.prepare("SELECT * FROM calls LIMIT 1").expect("the tables");
        let columns: Vec<String> =
            statement.column_names().into_iter().map(str::to_owned).collect();
        let count = columns.len();
        let row = |row: &rusqlite::Row<'_>| (0..count).map(|at| row.get(at)).collect();
        let call = statement.query_row([], row).expect("an example");
        drop(statement);
        let one = |sql: &str| on.query_row(sql, [], |row| row.get::<_, Value>(0)).expect("a row");
        let names = columns[1..].join(", ");
        let marks = vec!["?"; count - 1].join(", ");
        Self {
            call,
            payload: one("SELECT sealed FROM payloads LIMIT 1"),
            entry: one("SELECT entry FROM history LIMIT 1"),
            insert: format!("INSERT INTO calls ({names}) VALUES ({marks})"),
            update: "UPDATE calls SET state = ?3, version = ?4, priority = ?5, due_at = ?6, \
                     expires_at = ?7, updated_at = ?8, session = ?9, record = ?10 \
                     WHERE n = ?1 AND version = ?2"
                .to_owned(),
            columns,
            numbers: HashMap::new(),
        }
    }

    fn write(&mut self, on: &Connection, write: Write) {
        match write {
            Write::Submit(position) => {
                let values = self.columns.iter().zip(&self.call).skip(1).map(|(name, value)| {
                    match name.as_str() {
                        "id" => Value::Text(format!("0192aaaa-0000-7000-8000-{position:012}")),
                        "position" => Value::Integer(position.cast_signed()),
                        "state" => Value::Text("pending".to_owned()),
                        "version" => Value::Integer(1),
                        _ => value.clone(),
                    }
                });
                let mut insert = on.prepare_cached(&self.insert).expect("the insert");
                insert.execute(params_from_iter(values)).expect("inserted");
                let n = on.last_insert_rowid();
                self.numbers.insert(position, n);
                on.prepare_cached("INSERT INTO payloads VALUES (?1, ?2)")
                    .and_then(|mut insert| insert.execute((n, &self.payload)))
                    .expect("inserted");
                self.log(on, n);
            }
            Write::Decide(position) => {
                let n = self.numbers.remove(&position).expect("submitted before");
                let of = |name: &str| {
                    let at = self.columns.iter().position(|column| column == name);
                    self.call[at.expect("a column")].clone()
                };
                let mut update = on.prepare_cached(&self.update).expect("the update");
                let changed = update
                    .execute((
                        n,
                        1,
                        "approved",
                        2,
                        of("priority"),
                        of("due_at"),
                        of("expires_at"),
                        of("updated_at"),
                        of("session"),
                        of("record"),
                    ))
                    .expect("updated");
                assert_eq!(changed, 1);
                self.log(on, n);
            }
        }
    }

    fn log(&self, on: &Connection, n: i64) {
        on.prepare_cached("INSERT INTO history (call, entry) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute((n, &self.entry)))
            .expect("inserted");
    }
}
