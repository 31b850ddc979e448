//! Looking at a schema without opening it as a store.

use hitl_core::StoreError;

use super::connect::Address;
use super::database::Database;
use super::error::Fault;
use super::options::PostgresOptions;
use super::row::one;
use super::schema::{self, Identity};
use super::server::takes_writes;
use super::statements;
use crate::{StoreIdentity, StoreInspection, StoreState};

impl PostgresOptions {
    /// Looks at the schema without opening it as a store: nothing is created or migrated, and no
    /// key is needed. It may be in use. A restored database cannot be told from the one that it
    /// was, so [`begins_new_epoch`](StoreState::begins_new_epoch) is never true.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be reached or read.
    pub async fn inspect(self) -> Result<StoreInspection, StoreError> {
        schema::check_name(&self.schema)?;
        let address = Address::parse(&self.url, "hitl looks", &self.roots)?;
        let pool = address.pool(1, self.operation_timeout)?;
        let database = Database::new(pool, &self, address.place(), &statements::all());
        let error = |fault| database.error(fault);
        let takes_writes = takes_writes(&database).await.map_err(error)?;
        let found = schema::found(&database, &self.schema).await.map_err(error)?;
        let newest_schema = schema::STEPS.len();
        let identity = match found {
            Identity::Empty => StoreIdentity::Empty,
            Identity::Store(schema) => StoreIdentity::Store { schema },
            Identity::Foreign => StoreIdentity::Foreign,
        };
        let state = match found {
            Identity::Store(schema) if schema == newest_schema => {
                Some(state(&database, &self.schema).await.map_err(error)?)
            }
            _ => None,
        };
        Ok(StoreInspection { identity, newest_schema, takes_writes, state })
    }
}

async fn state(on: &Database, schema: &str) -> Result<StoreState, Fault> {
    let owed = format!(
        "SELECT count(*) FILTER (WHERE alive), count(*) FILTER (WHERE NOT alive) FROM ( \
           SELECT EXISTS (SELECT FROM {schema}.sessions s WHERE s.id = u.auditor \
             AND s.lease_until > clock_timestamp()) AS alive FROM {schema}.unaudited u) owed"
    );
    let connection = on.connection().await?;
    let rows = connection.query_typed(&owed, &[]).await.map_err(Fault::from_statement)?;
    drop(connection);
    let row = one(&rows)?;
    let count = |at| Ok::<_, Fault>(row.try_get::<_, i64>(at)?.unsigned_abs());
    Ok(StoreState {
        begins_new_epoch: false,
        // Its clock is the server's, which every program reads.
        last_change: None,
        owed_by_living: count(0)?,
        owed_by_dead: count(1)?,
    })
}
