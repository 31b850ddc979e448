//! Named values of the file itself, such as its epoch, in the table `meta`.

use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;

/// Returns a value from the file's own table, such as its epoch.
pub(super) fn get(on: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    Ok(on.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
}

/// Sets a value in the file's own table.
pub(super) fn set(on: &Connection, name: &str, value: &str) -> Result<(), Fault> {
    on.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}
