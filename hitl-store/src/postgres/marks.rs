//! Small values that the store keeps for the gate.

use hitl_core::store::StoreError;
use tokio_postgres::types::Type;

use super::change::Wrote;
use super::database::{Database, Sql};
use super::error::ambiguous;
use super::transaction::Way;

/// Sets a mark, and counts what was set.
static SWAP_MARK: Sql = Sql {
    text: "WITH set AS (UPDATE {s}.meta SET value = $3 WHERE name = $1 AND value = $2 RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};

/// Sets a mark that there is not yet.
static FIRST_MARK: Sql = Sql {
    text: "WITH set AS (INSERT INTO {s}.meta VALUES ($1, $2) ON CONFLICT (name) DO NOTHING \
           RETURNING 1) SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT],
};

/// The statements here.
pub(super) const ALL: &[&Sql] = &[&SWAP_MARK, &FIRST_MARK];

/// Sets a value of the schema's own table, when it is what it is thought to be.
pub(super) async fn swap(
    on: &Database,
    name: &str,
    from: Option<&str>,
    to: &str,
) -> Result<bool, StoreError> {
    let way = Way::Alone(on);
    let wrote = match from {
        Some(from) => way.write(&SWAP_MARK, &[&name, &from, &to]).await,
        None => way.write(&FIRST_MARK, &[&name, &to]).await,
    };
    match wrote.map_err(|fault| on.error(fault))? {
        Wrote::Done => Ok(true),
        Wrote::Missed => Ok(false),
        Wrote::Unclear => Err(ambiguous(&on.place)),
    }
}
