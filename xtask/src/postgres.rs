//! The PostgreSQL server that the tests use.

use hitl_test_postgres::{REQUIRE, SKIP, Server, URL, install, is_skipped};

/// The database for tests; a private server lives as long as this does.
pub(crate) struct Database {
    _server: Option<Server>,
    /// The variables that tell the tests its URL, and that they must not be skipped.
    pub(crate) environment: [(&'static str, &'static str); 2],
}

/// Starts a private server, unless the environment names a database; installs PostgreSQL if it is
/// missing and may be installed. Returns `None` if the developer chose to skip those tests.
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
    // Leaked, because the few following steps all keep it.
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
