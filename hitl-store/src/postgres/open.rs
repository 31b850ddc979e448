//! From a URL to a store that is fit for use.

use std::sync::Arc;

use hitl_core::HostKeys;
use hitl_core::store::{ChangeNotifier, StoreError, StoreErrorKind};

use super::connect::Address;
use super::database::{Database, Sql};
use super::error::{read_only, unusable};
use super::heard::Heard;
use super::session::{self, Sessions};
use super::store::{PostgresStore, Shared};
use super::watch::{self, Dropped, Notifier};
use super::{PostgresOptions, backup, query, rotation, schema};
use crate::recent::Recent;

static SETTINGS: Sql = Sql {
    text: "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', \
           current_setting('synchronous_commit') = 'off'",
    types: &[],
};

/// The statements here.
pub(super) const ALL: &[&Sql] = &[&SETTINGS];

/// Opens a store.
pub(super) async fn open(options: PostgresOptions) -> Result<PostgresStore, StoreError> {
    schema::check_name(&options.schema)?;
    let Some(keys) = options.keys.clone() else {
        let message = "give the store the host's key with `key`: there is no file beside a \
                       PostgreSQL database to keep it in";
        return Err(StoreError::new(StoreErrorKind::Key, message));
    };
    let address = Address::parse(&options.url, "hitl", &options.roots)?;
    let listen_url = options.listen_url.as_ref().unwrap_or(&options.url);
    let listen_at = Address::parse(listen_url, "hitl listens", &options.roots)?;
    let pool = address.pool(options.connections, options.patience)?;
    let database = Arc::new(Database::new(pool, &options, address.place()));
    check_settings(&database).await?;
    schema::migrate(&database, &options.schema, schema::STEPS).await?;
    rotation::check_keys(&database, &keys, options.replace_lost_key).await?;
    if let Some(name) = &options.restored {
        let now = match &options.clock {
            Some(clock) => clock.now(),
            None => query::now(&database).await.map_err(|fault| database.error(fault))?,
        };
        backup::begin_epoch(&database, &options.schema, name, now).await?;
    }
    Ok(start(database, listen_at, keys, options))
}

/// A standby takes no writes, and a server that acknowledges before it has written breaks promises.
async fn check_settings(on: &Database) -> Result<(), StoreError> {
    let error = |fault| on.error(fault);
    let rows = on.read(&SETTINGS, &[]).await.map_err(error)?;
    let row = query::one(&rows).map_err(error)?;
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

fn start(
    database: Arc<Database>,
    listen_at: Address,
    keys: HostKeys,
    options: PostgresOptions,
) -> PostgresStore {
    let (alive, dropped) = Dropped::pair();
    let shared = Shared {
        sessions: Arc::new(Sessions::new(options.lease, keys.clone())),
        notifier: Arc::new(Notifier::new(&options.schema)),
        hub: ChangeNotifier::default(),
        recent: Recent::default(),
        heard: Heard::default(),
        clock: options.clock,
        database,
        keys,
        _alive: alive,
    };
    let on = || Arc::clone(&shared.database);
    tokio::spawn(session::keep(Arc::clone(&shared.sessions), on(), dropped.clone()));
    tokio::spawn(watch::notify(Arc::clone(&shared.notifier), on(), dropped.clone()));
    let (notifier, hub) = (Arc::clone(&shared.notifier), shared.hub.clone());
    tokio::spawn(watch::listen(notifier, listen_at, hub.clone(), dropped.clone()));
    tokio::spawn(watch::look_again(on(), hub, options.look_again, dropped));
    PostgresStore::from(shared)
}
