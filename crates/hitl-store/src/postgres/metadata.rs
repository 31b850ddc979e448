//! Small values that the store keeps for the gate.

use hitl_core::store::StoreError;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::{Fault, ambiguous};
use super::statement::Statement;
use super::transaction::{WriteOutcome, WriteTarget};

static META: Statement =
    Statement { text: "SELECT value FROM {s}.meta WHERE name = $1", types: &[Type::TEXT] };

/// Sets a mark, and returns the number of rows set.
static SWAP: Statement = Statement {
    text: "WITH set AS (UPDATE {s}.meta SET value = $3 WHERE name = $1 AND value = $2 RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};

/// Sets a mark that does not exist yet.
static INSERT: Statement = Statement {
    text: "WITH set AS (INSERT INTO {s}.meta VALUES ($1, $2) ON CONFLICT (name) DO NOTHING \
           RETURNING 1) SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&META, &SWAP, &INSERT];

/// Returns a value from the store's own table, such as its epoch.
pub(super) async fn get(on: &Database, name: &str) -> Result<Option<String>, Fault> {
    let rows = on.read(&META, &[&name]).await?;
    rows.first().map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Sets a value of the schema's own table if it still has the expected value.
pub(super) async fn compare_and_set(
    on: &Database,
    name: &str,
    from: Option<&str>,
    to: &str,
) -> Result<bool, StoreError> {
    let way = WriteTarget::SingleStatement(on);
    let wrote = match from {
        Some(from) => way.write(&SWAP, &[&name, &from, &to]).await,
        None => way.write(&INSERT, &[&name, &to]).await,
    };
    match wrote.map_err(|fault| on.error(fault))? {
        WriteOutcome::Done => Ok(true),
        WriteOutcome::Missed => Ok(false),
        WriteOutcome::Unclear => Err(ambiguous(&on.place)),
    }
}
