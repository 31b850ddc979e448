//! The options with which a database is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Clock;
use hitl_core::HostKeys;

/// The options with which a [`PostgresStore`](crate::PostgresStore) is opened.
///
/// ```no_run
/// # use hitl::PostgresStore;
/// # use hitl::seal::HostKey;
/// # use std::time::Duration;
/// # async fn f(key: HostKey) -> Result<(), hitl::store::StoreError> {
/// let store = PostgresStore::options("postgres://app@db.internal/app?sslmode=require")
///     .key(key)
///     .lease(Duration::from_secs(30))
///     .open()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct PostgresOptions {
    pub(super) url: String,
    pub(super) listen_url: Option<String>,
    pub(super) schema: String,
    pub(super) keys: Option<HostKeys>,
    pub(super) replace_lost_key: bool,
    pub(super) restored: Option<String>,
    pub(super) max_connections: usize,
    pub(super) operation_timeout: Duration,
    pub(super) lease: Duration,
    pub(super) poll_interval: Duration,
    pub(super) statements: StatementMode,
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) clock: Option<Arc<dyn Clock>>,
}

/// The way in which statements reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementMode {
    /// Statements are parsed once for each connection.
    Prepared,
    /// Statements are parsed each time; nothing of them stays with a connection.
    Unnamed,
}

/// The schema of a store whose host names none.
pub(super) const DEFAULT_SCHEMA: &str = "hitl";
/// The shortest lease: below it, an ordinary pause of a machine looks like a death.
const SHORTEST_LEASE: Duration = Duration::from_millis(300);

impl PostgresOptions {
    pub(super) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            listen_url: None,
            schema: DEFAULT_SCHEMA.to_owned(),
            keys: None,
            replace_lost_key: false,
            restored: None,
            max_connections: 16,
            operation_timeout: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            poll_interval: Duration::from_secs(5),
            statements: StatementMode::Prepared,
            roots: Vec::new(),
            clock: None,
        }
    }

    /// Sets the key that arguments and results are sealed under. Every replica is given the same
    /// one, for example from a vault; the database keeps only a check value of it. Required.
    ///
    /// While the key is being replaced, a replica is given [both](HostKeys::with_previous): first
    /// each one with the new key as a previous one, then each one with the former key as a previous
    /// one, and, once [`Gate::retire_keys`](hitl_core::Gate::retire_keys) has succeeded, the new
    /// one alone.
    pub fn key(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Accepts a key other than the one the database was written under, because that one is lost
    /// for good. Texts sealed under the lost key stay unreadable: such calls can no longer run.
    pub fn replace_lost_key(mut self) -> Self {
        self.replace_lost_key = true;
        self
    }

    /// Declares that the database was restored from a copy, or failed over to a standby that may
    /// lack the last writes: decisions and runs since then are not in it. It gets a new
    /// [epoch](crate::PostgresStore::epoch), in which everything that was pending or approved is
    /// asked again, and everything that was running has an unknown outcome; runs that began before
    /// take no new calls.
    ///
    /// `name` tells one such event from another, for example by its date. Of the replicas that give
    /// the same name only the first begins an epoch, so the name may stay in the configuration.
    pub fn restored(mut self, name: impl Into<String>) -> Self {
        self.restored = Some(name.into());
        self
    }

    /// Sets the schema that hitl uses for itself, `hitl` by default: up to 40 of `a-z`, `0-9` and
    /// `_`. It is created if it does not exist. Stores in different schemas do not see each other.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// Sets the maximum number of connections: 16 by default, at least 2; one more connection
    /// listens. Further callers wait.
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most.max(2);
        self
    }

    /// Sets how long an operation waits for a database that cannot be reached, before it fails with
    /// [`Unavailable`](hitl_core::StoreErrorKind::Unavailable), or with
    /// [`Ambiguous`](hitl_core::StoreErrorKind::Ambiguous) when a write was in flight. Five seconds
    /// by default.
    pub fn operation_timeout(mut self, length: Duration) -> Self {
        self.operation_timeout = length;
        self
    }

    /// Sets how long an executor counts as alive after its last renewal, by the database's clock.
    /// Fifteen seconds by default, at least 300 ms; renewed six times in that time. An executor
    /// that could not renew its lease for half that time claims nothing until it can. A shorter
    /// lease finds dead executors earlier; a longer one survives longer network outages.
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.max(SHORTEST_LEASE);
        self
    }

    /// Sets the URL of the connection that listens for the changes of other replicas, when the
    /// first URL leads to a pooler: `LISTEN` needs a connection that stays the same, so this one
    /// goes to the server itself.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.listen_url = Some(url.into());
        self
    }

    /// Leaves no prepared statement behind on a connection, for poolers that give each transaction
    /// another connection and do not support prepared statements (pgbouncer before 1.21, or with
    /// `max_prepared_statements = 0`). Costs the server some planning each time.
    pub fn unnamed_statements(mut self) -> Self {
        self.statements = StatementMode::Unnamed;
        self
    }

    /// Trusts this certificate authority (PEM) in addition to those that the machine trusts.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Sets how often the history is read for changes whose notification was lost. Five seconds by
    /// default, at least 10 ms.
    pub fn poll_interval(mut self, every: Duration) -> Self {
        self.poll_interval = every.max(Duration::from_millis(10));
        self
    }

    /// Sets the clock that expiry and due times are judged by, instead of the database's. Leases
    /// stay in the database's time.
    #[doc(hidden)]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("keys", &self.keys)
            .field("max_connections", &self.max_connections)
            .field("operation_timeout", &self.operation_timeout)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
