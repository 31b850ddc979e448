//! Freezes: what a claim is judged by, and how it is kept from being committed after one.
//!
//! The statement that claims a call compares the freezes that it was judged by with those in force,
//! under a lock that it shares with other claims until it is committed. A change of the freezes
//! takes the lock alone. So a claim is committed before the change is, or it sees the change; and
//! since it only tries the lock, no transaction waits for a freeze while a freeze waits for it.

use std::sync::Mutex;

use hitl_base::sync::lock;
use hitl_core::store::StoreError;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::ambiguous;
use super::statement::Statement;
use super::transaction::{WriteOutcome, WriteTarget};
use crate::freeze::KEPT;

static SWAP: Statement = Statement {
    text: "WITH alone AS MATERIALIZED ( \
             SELECT pg_advisory_xact_lock(hashtextextended('hitl freezes {s}', 0))), \
           set AS (UPDATE {s}.meta SET value = $3 FROM alone WHERE name = $1 AND value = $2 \
             RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};
static INSERT: Statement = Statement {
    text: "WITH alone AS MATERIALIZED ( \
             SELECT pg_advisory_xact_lock(hashtextextended('hitl freezes {s}', 0))), \
           set AS (INSERT INTO {s}.meta SELECT $1, $2 FROM alone ON CONFLICT (name) DO NOTHING \
             RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&SWAP, &INSERT];

/// The freezes as this store last read them, for claims that are prepared without a read.
#[derive(Default)]
pub(super) struct LastFreezes(Mutex<Option<String>>);

impl LastFreezes {
    /// Remembers what was just read.
    pub(super) fn observe(&self, freezes: Option<&str>) {
        let mut last = lock(&self.0);
        if last.as_deref() != freezes {
            *last = freezes.map(str::to_owned);
        }
    }

    /// Returns what was last read.
    pub(super) fn last(&self) -> Option<String> {
        lock(&self.0).clone()
    }
}

/// Replaces the freezes, if they are still the expected ones. Once this returns, no claim is
/// committed that was judged by others.
pub(super) async fn exchange(
    on: &Database,
    from: Option<&str>,
    to: &str,
) -> Result<bool, StoreError> {
    let way = WriteTarget::SingleStatement(on);
    let wrote = match from {
        Some(from) => way.write(&SWAP, &[&KEPT, &from, &to]).await,
        None => way.write(&INSERT, &[&KEPT, &to]).await,
    };
    match wrote.map_err(|fault| on.error(fault))? {
        WriteOutcome::Done => Ok(true),
        WriteOutcome::Missed => Ok(false),
        WriteOutcome::Unclear => Err(ambiguous(&on.place)),
    }
}
