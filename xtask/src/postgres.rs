//! The PostgreSQL server that the tests use.

use hitl_test_postgres::{REQUIRE, SKIP, Server, URL, install, is_skipped};

/// The database for tests; a private server lives as long as this does.
pub(crate) struct Database {
    _server: Option<Server>,
    /// What tells the tests where it is, and that they must not go without it.
    pub(crate) environment: [(&'static str, &'static str); 2],
}

/// Starts a private server, unless the environment names a database; installs PostgreSQL where that
/// is missing and may be installed. Nothing where somebody chose to go without.
pub(crate) fn prepare() -> Result<Option<Database>, String> {
    if is_skipped()? {
        println!("\n{SKIP} is set: SKIPPED are all tests that need PostgreSQL\n");
        return Ok(None);
    }
    let (server, url) = if let Ok(url) = std::env::var(URL) {
        (None, url)
    } else {
        install()?;
        let server = Server::start("")?;
        let url = server.url();
        println!("tests use {URL}={url}");
        (Some(server), url)
    };
    // For the few steps that follow, each of which keeps it.
    let environment = [(URL, &*url.leak()), (REQUIRE, "1")];
    Ok(Some(Database { _server: server, environment }))
}

/// Starts a private server and keeps it until a line is read.
pub(crate) fn serve() -> Result<(), String> {
    install()?;
    let server = Server::start("")?;
    println!("{URL}={}", server.url());
    std::io::stdin().read_line(&mut String::new()).map_err(|e| format!("no input: {e}"))?;
    Ok(())
}
