//! The tables, and their migration from older versions.
//!
//! Steps are only ever appended. Step `n` turns schema `n - 1` into schema `n`. The version is in
//! the table `meta`. One replica migrates at a time, and the others wait for it; each step is all
//! or nothing. No copy of the former state is kept: back up the database before a new version of
//! hitl.

use hitl_core::store::{StoreError, StoreErrorKind};
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::{Fault, unusable};
use crate::failpoint::reach;

/// Every step, in order.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
    include_str!("schema/10.sql"),
    include_str!("schema/11.sql"),
    include_str!("schema/12.sql"),
    include_str!("schema/13.sql"),
    include_str!("schema/14.sql"),
    include_str!("schema/15.sql"),
];

/// The state of a schema, before anything in it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The schema does not exist, or is empty.
    Empty,
    /// The schema is a store of this version.
    Store(usize),
    /// The schema belongs to another program.
    Foreign,
}

/// Checks that a name needs no quotes anywhere.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    let fits = (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("pg_");
    let hint = "the schema's name must be up to 40 of a-z, 0-9 and _, and begin with a letter";
    if fits { Ok(()) } else { Err(unusable(hint)) }
}

/// Migrates the schema to the newest version. Refuses a schema that is not ours or is newer.
pub(super) async fn migrate(on: &Database, schema: &str, steps: &[&str]) -> Result<(), StoreError> {
    let error = |fault| on.error(fault);
    let mut connection = on.connection().await.map_err(error)?;
    let lost = |e| on.error(Fault::from_statement(e));
    let transaction = connection.transaction().await.map_err(lost)?;
    lock(&transaction, schema).await.map_err(error)?;
    let from = match identify(&transaction, schema).await.map_err(error)? {
        Identity::Store(version) if version == steps.len() => return Ok(()),
        Identity::Store(version) if version > steps.len() => {
            return Err(StoreError::new(
                StoreErrorKind::NewerSchema,
                format!(
                    "schema {schema} of {} has version {version}, and this version of hitl knows \
                     {}; use the newer version of hitl that wrote it",
                    on.place,
                    steps.len()
                ),
            ));
        }
        Identity::Foreign => {
            return Err(StoreError::new(
                StoreErrorKind::Corrupt,
                format!(
                    "schema {schema} of {} belongs to another program; choose another name",
                    on.place
                ),
            ));
        }
        Identity::Store(version) => version,
        Identity::Empty => 0,
    };
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema};");
    let steps_to_do = steps[from..].iter().map(|step| step.replace("{s}", schema));
    let version = format!(
        "INSERT INTO {schema}.meta VALUES ('schema', '{}') \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value;",
        steps.len()
    );
    let script: String = [create].into_iter().chain(steps_to_do).chain([version]).collect();
    reach("before-migration");
    transaction.batch_execute(&script).await.map_err(lost)?;
    // If the commit's answer is lost, the next opening finds the step or repeats it.
    transaction.commit().await.map_err(lost)?;
    reach("after-migration");
    Ok(())
}

/// Lets one replica at a time change the schema as a whole. The lock ends with the transaction, so
/// it also works behind a pooler.
pub(super) async fn lock(transaction: &Transaction<'_>, schema: &str) -> Result<(), Fault> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('hitl migrates ' || $1, 0))";
    let locked = transaction.query_typed(lock, &[(&schema, Type::TEXT)]).await;
    locked.map(drop).map_err(Fault::from_statement)
}

/// Returns the state of the schema, which is only read.
pub(super) async fn found(on: &Database, schema: &str) -> Result<Identity, Fault> {
    let mut connection = on.connection().await?;
    let transaction = connection.transaction().await.map_err(Fault::from_statement)?;
    identify(&transaction, schema).await
}

async fn identify(transaction: &Transaction<'_>, schema: &str) -> Result<Identity, Fault> {
    let tables = "SELECT count(*) FILTER (WHERE table_name IN ('meta', 'calls', 'history', \
                  'sessions')), count(*) FROM information_schema.tables WHERE table_schema = $1";
    let row = transaction.query_typed(tables, &[(&schema, Type::TEXT)]).await;
    let row = row.map_err(Fault::from_statement)?;
    let row = super::row::one(&row)?;
    match (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?) {
        (_, 0) => return Ok(Identity::Empty),
        (4, _) => {}
        _ => return Ok(Identity::Foreign),
    }
    let version = format!("SELECT value FROM {schema}.meta WHERE name = 'schema'");
    let rows = transaction.query_typed(&version, &[]).await.map_err(Fault::from_statement)?;
    let version = rows.first().map(|row| row.try_get::<_, String>(0)).transpose()?;
    Ok(version.and_then(|text| text.parse().ok()).map_or(Identity::Foreign, Identity::Store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["hitl", "_a", "approvals_2", &"a".repeat(40)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "2a", "Hitl", "a b", "a\"b", "a;b", "pg_x", "\u{e4}", &"a".repeat(41)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
