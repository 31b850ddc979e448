//! A schema for trials, which is dropped afterwards.

use std::fmt;
use std::time::Duration;

use hitl_core::RequestId;
use hitl_core::store::StoreError;
use tokio_postgres::types::Type;

use super::connect::Address;
use super::database::Database;
use super::error::{Fault, unusable};
use super::options::PostgresOptions;
use super::statements;

/// The beginning of the name of every scratch schema: no other schema is ever dropped.
const PREFIX: &str = "hitl_scratch_";

/// A new schema with a random name, to try something in a database without touching what is in it.
/// Dropping this value leaves the schema; [`remove`](Self::remove) drops it.
#[derive(Clone)]
pub struct ScratchSchema {
    url: String,
    name: String,
}

impl ScratchSchema {
    /// Creates a schema in the database at `url`.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be reached, or if this user may not create schemas in it.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub async fn create(url: &str) -> Result<Self, StoreError> {
        let random: String = RequestId::new().to_string().chars().filter(|c| *c != '-').collect();
        let new = Self { url: url.to_owned(), name: format!("{PREFIX}{}", &random[12..]) };
        new.execute(&format!("CREATE SCHEMA {}", new.name)).await?;
        Ok(new)
    }

    /// Refers to a scratch schema that another process has created.
    ///
    /// # Errors
    ///
    /// Fails if it is not the name of one.
    pub fn attach(url: &str, name: &str) -> Result<Self, StoreError> {
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unusable("this is not the name of a scratch schema"));
        }
        Ok(Self { url: url.to_owned(), name: name.to_owned() })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the options with which a store is opened in it.
    pub fn options(&self) -> PostgresOptions {
        PostgresOptions::new(&self.url).schema(&self.name)
    }

    /// Returns every row of every table in it as text, to look for what must not be there. For
    /// small schemas: all rows are in memory.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn rows(&self) -> Result<Vec<String>, StoreError> {
        let on = self.database()?;
        let error = |fault| on.error(fault);
        let connection = on.connection().await.map_err(error)?;
        let lost = |e| on.error(Fault::from_statement(e));
        let tables = "SELECT table_name::text FROM information_schema.tables \
                      WHERE table_schema = $1 AND table_type = 'BASE TABLE'";
        let tables = connection.query_typed(tables, &[(&self.name, Type::TEXT)]).await;
        let mut rows = Vec::new();
        for table in tables.map_err(lost)? {
            let table: String = table.try_get(0).map_err(|e| on.error(e.into()))?;
            let all = format!("SELECT t::text FROM {}.\"{table}\" t", self.name);
            for row in connection.query_typed(&all, &[]).await.map_err(lost)? {
                rows.push(row.try_get(0).map_err(|e| on.error(e.into()))?);
            }
        }
        Ok(rows)
    }

    /// Drops the schema and everything in it. Stores that are open in it fail from then on.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be reached.
    pub async fn remove(self) -> Result<(), StoreError> {
        self.execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name)).await
    }

    async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let on = self.database()?;
        let connection = on.connection().await.map_err(|fault| on.error(fault))?;
        connection.batch_execute(sql).await.map_err(|e| on.error(Fault::from_statement(e)))
    }

    fn database(&self) -> Result<Database, StoreError> {
        let options = self.options();
        let address = Address::parse(&self.url, "hitl tries", &options.roots)?;
        let pool = address.pool(1, Duration::from_secs(10))?;
        Ok(Database::new(pool, &options, address.place(), &statements::all()))
    }
}

/// Names the schema, and not the database's address, which may hold a password.
impl fmt::Debug for ScratchSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScratchSchema({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scratch_schema_is_ever_dropped() {
        for name in ["hitl", "public", "hitl_scratch_", "hitl_scratch_x; DROP", "hitl_scratch_ab_"]
        {
            assert!(ScratchSchema::attach("postgres://localhost/x", name).is_err(), "{name}");
        }
        let schema = ScratchSchema::attach("postgres://u:geheim@h/x", "hitl_scratch_0af9").unwrap();
        assert_eq!(schema.name(), "hitl_scratch_0af9");
        assert!(!format!("{schema:?}").contains("geheim"));
    }
}
