//! The server settings that decide whether the store may rely on it.

use hitl_core::store::StoreError;

use super::database::Database;
use super::error::{Fault, read_only, unusable};
use super::row::one;
use super::statement::Statement;

static SETTINGS: Statement = Statement {
    text: "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', \
           current_setting('synchronous_commit') = 'off'",
    types: &[],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&SETTINGS];

/// Returns whether the server takes writes.
pub(super) async fn takes_writes(on: &Database) -> Result<bool, Fault> {
    let rows = on.read(&SETTINGS, &[]).await?;
    Ok(!one(&rows)?.try_get::<_, bool>(0)?)
}

/// Refuses a standby, which takes no writes, and a server that acknowledges a commit before it is
/// durable.
pub(super) async fn check_settings(on: &Database) -> Result<(), StoreError> {
    let error = |fault| on.error(fault);
    let rows = on.read(&SETTINGS, &[]).await.map_err(error)?;
    let row = one(&rows).map_err(error)?;
    if row.try_get(0).map_err(|e| on.error(e.into()))? {
        return Err(read_only(&on.place));
    }
    if row.try_get(1).map_err(|e| on.error(e.into()))? {
        return Err(unusable(format!(
            "{} has synchronous_commit = off: what it acknowledges may be lost; turn it on, at \
             least for this user (ALTER ROLE .. SET synchronous_commit = on)",
            on.place
        )));
    }
    Ok(())
}
