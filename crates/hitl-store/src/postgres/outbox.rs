//! Changes whose audit record is unconfirmed.

use hitl_core::SessionId;
use hitl_core::machine::HistoryEntry;
use hitl_core::store::ChangeId;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::Fault;
use super::row::count;
use super::statement::Statement;

// Rows that another session is taking at this moment are skipped.
static TAKE: Statement = Statement {
    text: "WITH orphans AS ( \
             SELECT u.call, u.version FROM {s}.unaudited u WHERE NOT EXISTS ( \
               SELECT FROM {s}.sessions s WHERE s.id = u.auditor \
                 AND s.lease_until > clock_timestamp()) \
             ORDER BY u.call, u.version LIMIT $2 FOR UPDATE OF u SKIP LOCKED), \
           taken AS (UPDATE {s}.unaudited u SET auditor = $1::text::uuid FROM orphans o \
             WHERE u.call = o.call AND u.version = o.version RETURNING u.call, u.version) \
           SELECT h.entry FROM taken t JOIN {s}.history h \
             ON h.call = t.call AND h.version = t.version ORDER BY h.call, h.version",
    types: &[Type::TEXT, Type::INT8],
};
static OWN: Statement = Statement {
    text: "SELECT h.entry FROM {s}.unaudited u JOIN {s}.history h \
             ON h.call = u.call AND h.version = u.version \
           WHERE u.auditor = $1::text::uuid ORDER BY u.call, u.version LIMIT $2",
    types: &[Type::TEXT, Type::INT8],
};
static ACKNOWLEDGE: Statement = Statement {
    text: "DELETE FROM {s}.unaudited u USING {s}.calls c, \
             unnest($1::text[], $2::bigint[]) AS a (id, version) \
           WHERE c.id = a.id::uuid AND u.call = c.n AND u.version = a.version",
    types: &[Type::TEXT_ARRAY, Type::INT8_ARRAY],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&TAKE, &OWN, &ACKNOWLEDGE];

/// Assigns some of the unaudited changes of dead sessions to this session.
pub(super) async fn take(
    on: &Database,
    session: SessionId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, Fault> {
    entries(&on.read(&TAKE, &[&session.to_string(), &count(limit)]).await?)
}

/// Returns the changes that this session has not acknowledged yet.
pub(super) async fn own(
    on: &Database,
    session: SessionId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, Fault> {
    entries(&on.read(&OWN, &[&session.to_string(), &count(limit)]).await?)
}

fn entries(rows: &[Row]) -> Result<Vec<HistoryEntry>, Fault> {
    let entry =
        |row: &Row| serde_json::from_str(row.try_get(0)?).map_err(|_| Fault::Damaged("an entry"));
    rows.iter().map(entry).collect()
}

/// Records that these changes are in the audit.
pub(super) async fn acknowledge(on: &Database, audited: &[ChangeId]) -> Result<(), Fault> {
    let ids: Vec<String> = audited.iter().map(|change| change.call.to_string()).collect();
    let versions: Vec<i64> = audited.iter().map(|change| change.version.cast_signed()).collect();
    on.read(&ACKNOWLEDGE, &[&ids, &versions]).await.map(drop)
}
