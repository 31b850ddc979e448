//! The PostgreSQL server that the tests use.

use hitl_test_postgres::{Server, URL, install};

/// The database for tests; a private server lives as long as this does.
pub(crate) struct Database {
    _server: Option<Server>,
    /// The variable that tells the tests, and its value.
    pub(crate) variable: (&'static str, &'static str),
}

/// Starts a private server, unless the environment names a database; installs PostgreSQL where that
/// is missing and may be installed.
pub(crate) fn start() -> Result<Database, String> {
    let (server, url) = if let Ok(url) = std::env::var(URL) {
        (None, url)
    } else {
        install()?;
        let server = Server::start("")?;
        let url = server.url();
        (Some(server), url)
    };
    println!("tests use {URL}={url}");
    // For the few steps that follow, each of which keeps it.
    Ok(Database { _server: server, variable: (URL, url.leak()) })
}
