//! A schema of its own for each test, in the database that the environment names.

use std::io::Write as _;
use std::sync::Once;

use hitl_base::clock::ManualClock;
use hitl_core::HostKey;
use hitl_core::store::suite::Subject;
use hitl_store::{PostgresOptions, PostgresStore};
use hitl_test_postgres::{URL, is_required};
use tokio_postgres::NoTls;

static ONCE: Once = Once::new();

/// Returns the URL of the test database. Without one the tests are skipped with a loud message, and
/// in CI they fail.
pub(crate) fn url() -> Option<String> {
    if let Ok(url) = std::env::var(URL) {
        return Some(url);
    }
    assert!(!is_required(), "{URL} is not set, and this run may skip nothing: `cargo xtask test`");
    ONCE.call_once(|| {
        // Bypasses the test harness, which captures the output of tests that pass.
        let text = format!("\nSKIPPED: all tests of PostgreSQL, because {URL} is not set\n\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    });
    None
}

/// Returns the key of every store here.
pub(crate) fn key() -> HostKey {
    HostKey::from_bytes([7; 32])
}

/// Returns a unique schema name.
pub(crate) fn schema() -> String {
    format!("t_{}", hitl_core::SessionId::new().to_string().replace('-', ""))
}

/// Returns the options with which a test opens a store.
pub(crate) fn options(url: &str, schema: &str) -> PostgresOptions {
    PostgresStore::options(url).schema(schema).key(key()).max_connections(8)
}

/// Opens a store under test that reads `clock`.
pub(crate) async fn subject(url: &str, schema: &str, clock: &ManualClock) -> Subject {
    let store = options(url, schema).clock(clock.clone()).open().await.unwrap();
    Subject::new(store, clock.clone())
}

/// Opens a plain connection, for statements that the store would not send.
pub(crate) async fn plain(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Evaluates to the database's URL, or returns from the test without one.
macro_rules! url_or_skip {
    () => {
        match $crate::support::url() {
            Some(url) => url,
            None => return,
        }
    };
}
pub(crate) use url_or_skip;
