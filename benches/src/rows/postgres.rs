//! The cost of writing the same rows to PostgreSQL without a store: one prepared statement, and so
//! one transaction, for each step.

use std::sync::Mutex;

use rusqlite::types::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::{Change, Step};

/// The number of changes that are marked as audited at once.
const AUDITED: usize = 256;

/// The steps as statements on the tables of a store in this schema.
pub struct Statements {
    texts: Vec<String>,
    given: Vec<Vec<Value>>,
    /// For each step, the version that is to be audited, if any.
    versions: Vec<Option<i64>>,
    audited: String,
    /// The changes to be marked as audited.
    owed: Mutex<Vec<(i64, i64)>>,
}

/// The statements prepared on a connection.
pub struct Prepared {
    steps: Vec<Statement>,
    audited: Statement,
}

/// A statement under construction. Its first parameter is the call's id, its second the position.
struct Draft {
    parts: Vec<String>,
    given: Vec<Value>,
    version: i64,
}

impl Draft {
    /// Adds a parameter, and returns its placeholder.
    fn value(&mut self, value: &Value, as_type: &str) -> String {
        self.given.push(value.clone());
        let kind = match value {
            Value::Integer(_) => "bigint",
            Value::Blob(_) => "bytea",
            _ => "text",
        };
        let place = self.given.len() + 2;
        if as_type.is_empty() {
            format!("${place}::{kind}")
        } else {
            format!("${place}::{kind}::{as_type}")
        }
    }

    fn column(&mut self, name: &str, value: &Value) -> String {
        match name {
            "id" => "$1::text::uuid".to_owned(),
            "position" => "$2::bigint".to_owned(),
            "claimant" => self.value(value, "uuid"),
            _ => self.value(value, ""),
        }
    }

    fn add(&mut self, s: &str, change: &Change) {
        // A column that only one of the two databases has keeps its default.
        let shared = |name: &str| !matches!(name, "erased" | "run_began");
        let part = match change {
            Change::Call(columns) => {
                self.version = 1;
                let columns: Vec<_> = columns.iter().filter(|(name, _)| shared(name)).collect();
                let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
                let values: Vec<String> =
                    columns.iter().map(|(name, value)| self.column(name, value)).collect();
                let (names, values) = (names.join(", "), values.join(", "));
                format!(
                    "c AS (INSERT INTO {s}.calls ({names}) SELECT {values} \
                     WHERE $1::text IS NOT NULL AND $2::bigint IS NOT NULL RETURNING n)"
                )
            }
            Change::Moved { from, to } => {
                self.version = from + 1;
                let set: Vec<String> = to
                    .iter()
                    .filter(|(name, _)| shared(name))
                    .map(|(name, value)| format!("{name} = {}", self.column(name, value)))
                    .collect();
                let from = self.value(&Value::Integer(*from), "");
                format!(
                    "c AS (UPDATE {s}.calls SET {} WHERE id = $1::text::uuid AND version = {from} \
                     AND $2::bigint IS NOT NULL RETURNING n)",
                    set.join(", ")
                )
            }
            Change::Payload(sealed) => {
                let sealed = self.value(sealed, "");
                format!("p AS (INSERT INTO {s}.payloads (call, sealed) SELECT n, {sealed} FROM c)")
            }
            Change::PayloadGone => {
                format!("g AS (DELETE FROM {s}.payloads USING c WHERE call = n)")
            }
            Change::Result(sealed) => {
                let sealed = self.value(sealed, "");
                format!("r AS (INSERT INTO {s}.results (call, sealed) SELECT n, {sealed} FROM c)")
            }
            Change::Line(entry) => {
                let version = self.version;
                let entry = self.value(entry, "");
                format!(
                    "l AS (INSERT INTO {s}.history (call, version, write, entry) \
                     SELECT n, {version}, $1::text::uuid, {entry} FROM c)"
                )
            }
            Change::Owed(version, auditor) => {
                let (version, auditor) = (self.value(version, ""), self.value(auditor, "uuid"));
                format!(
                    "o AS (INSERT INTO {s}.unaudited (call, version, auditor) \
                     SELECT n, {version}, {auditor} FROM c)"
                )
            }
        };
        self.parts.push(part);
    }
}

impl Statements {
    /// Builds the statements of these steps, in this schema.
    pub fn of(schema: &str, steps: &[Step]) -> Self {
        let (mut texts, mut given, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            let mut draft = Draft { parts: Vec::new(), given: Vec::new(), version: 0 };
            for change in step {
                draft.add(schema, change);
            }
            texts.push(format!("WITH {} SELECT n FROM c", draft.parts.join(", ")));
            given.push(draft.given);
            let owed = step.iter().any(|change| matches!(change, Change::Owed(..)));
            versions.push(owed.then_some(draft.version));
        }
        let audited = format!(
            "DELETE FROM {schema}.unaudited u USING unnest($1::bigint[], $2::bigint[]) AS a (c, v) \
             WHERE u.call = a.c AND u.version = a.v"
        );
        Self { texts, given, versions, audited, owed: Mutex::default() }
    }

    /// Returns the number of steps.
    pub fn steps(&self) -> usize {
        self.texts.len()
    }

    /// Prepares the statements on a connection.
    pub async fn prepare(&self, on: &Client) -> Prepared {
        let mut steps = Vec::new();
        for text in &self.texts {
            steps.push(on.prepare(text).await.expect("prepared"));
        }
        Prepared { steps, audited: on.prepare(&self.audited).await.expect("prepared") }
    }

    /// Waits until step number `step` of this call is committed. Steps are written in order.
    pub async fn write(&self, (on, prepared): (&Client, &Prepared), step: usize, call: u64) {
        let id = format!("0192aaaa-0000-7000-8000-{call:012}");
        let values: Vec<_> = self.given[step].iter().map(given).collect();
        let position = call.cast_signed();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&id, &position];
        parameters.extend(values.iter().map(|value| &**value as &(dyn ToSql + Sync)));
        let row = on.query_one(&prepared.steps[step], &parameters).await.expect("one row");
        if let Some(version) = self.versions[step] {
            self.owe(on, prepared, (row.get(0), version)).await;
        }
    }

    /// Adds a change to be audited; once there are many, marks them as audited.
    async fn owe(&self, on: &Client, prepared: &Prepared, change: (i64, i64)) {
        let many = {
            let mut owed = self.owed.lock().expect("nobody panics");
            owed.push(change);
            if owed.len() < AUDITED { Vec::new() } else { std::mem::take(&mut *owed) }
        };
        if !many.is_empty() {
            let (calls, versions): (Vec<i64>, Vec<i64>) = many.into_iter().unzip();
            on.execute(&prepared.audited, &[&calls, &versions]).await.expect("deleted");
        }
    }
}

fn given(value: &Value) -> Box<dyn ToSql + Sync + Send + '_> {
    match value {
        Value::Null => Box::new(None::<String>),
        Value::Integer(number) => Box::new(*number),
        Value::Real(number) => Box::new(*number),
        Value::Text(text) => Box::new(text.as_str()),
        Value::Blob(bytes) => Box::new(bytes.as_slice()),
    }
}
