//! Opening a store from a URL.

use std::sync::Arc;

use hitl_core::HostKeys;
use hitl_core::store::{ChangeNotifier, StoreError, StoreErrorKind};

use super::clock_estimate::ServerClockEstimate;
use super::connect::Address;
use super::database::Database;
use super::freeze::LastFreezes;
use super::options::PostgresOptions;
use super::session::{self, Sessions};
use super::shared::Shared;
use super::store::PostgresStore;
use super::watch::{self, DropSignal, Notifier};
use super::{backup, query, rotation, schema, server, statements};
use crate::record_cache::RecordCache;

impl PostgresStore {
    /// Opens the store at `url`, like `postgres://user:password@host/database?sslmode=require`, and
    /// creates its schema `hitl` if it does not exist. Every replica gives the same key.
    ///
    /// # Errors
    ///
    /// The error's [kind](StoreError::kind) tells the reason: the database cannot be reached, takes
    /// no writes, was written by a newer version, or under another key.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub async fn open(url: &str, key: impl Into<HostKeys>) -> Result<Self, StoreError> {
        Self::options(url).key(key).open().await
    }

    /// Returns the options with which a database is opened.
    pub fn options(url: impl Into<String>) -> PostgresOptions {
        PostgresOptions::new(url)
    }
}

impl PostgresOptions {
    /// Opens the store on the caller's Tokio runtime: the store works as long as that runtime does.
    ///
    /// Cancel safe: a migration happens entirely or not at all.
    ///
    /// # Errors
    ///
    /// The same as [`PostgresStore::open`].
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        open(self).await
    }
}

async fn open(options: PostgresOptions) -> Result<PostgresStore, StoreError> {
    schema::check_name(&options.schema)?;
    let Some(keys) = options.keys.clone() else {
        let message = "give the store the host's key with `key`: there is no file beside a \
                       PostgreSQL database to keep it in";
        return Err(StoreError::new(StoreErrorKind::Key, message));
    };
    let address = Address::parse(&options.url, "hitl", &options.roots)?;
    let listen_url = options.listen_url.as_ref().unwrap_or(&options.url);
    let listen_at = Address::parse(listen_url, "hitl listens", &options.roots)?;
    let pool = address.pool(options.max_connections, options.operation_timeout)?;
    let database = Arc::new(Database::new(pool, &options, address.place(), &statements::all()));
    server::check_settings(&database).await?;
    schema::migrate(&database, &options.schema, schema::STEPS).await?;
    rotation::check_keys(&database, &keys, options.replace_lost_key).await?;
    if let Some(name) = &options.restored {
        let now = match &options.clock {
            Some(clock) => clock.now(),
            None => query::now(&database).await.map_err(|fault| database.error(fault))?,
        };
        backup::begin_epoch(&database, &options.schema, name, now).await?;
    }
    Ok(start(database, [address, listen_at], keys, options))
}

fn start(
    database: Arc<Database>,
    [address, listen_at]: [Address; 2],
    keys: HostKeys,
    options: PostgresOptions,
) -> PostgresStore {
    let (alive, dropped) = DropSignal::pair();
    let shared = Shared {
        sessions: Arc::new(Sessions::new(options.lease, keys.clone())),
        notifier: Arc::new(Notifier::new(&options.schema)),
        hub: ChangeNotifier::default(),
        record_cache: RecordCache::default(),
        clock_estimate: ServerClockEstimate::default(),
        freezes: LastFreezes::default(),
        clock: options.clock,
        address: address.for_people(&options.schema),
        database,
        keys,
        _alive: alive,
    };
    let on = || Arc::clone(&shared.database);
    tokio::spawn(session::keep(Arc::clone(&shared.sessions), on(), dropped.clone()));
    tokio::spawn(watch::notify(Arc::clone(&shared.notifier), on(), dropped.clone()));
    let (notifier, hub) = (Arc::clone(&shared.notifier), shared.hub.clone());
    tokio::spawn(watch::listen(notifier, listen_at, hub.clone(), dropped.clone()));
    tokio::spawn(watch::poll_history(on(), hub, options.poll_interval, dropped));
    PostgresStore::from(shared)
}
