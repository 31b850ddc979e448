//! The PostgreSQL server that the tests use.

use hitl_test_postgres::{Server, URL, install};

/// Starts a private server, unless the environment names a database; installs PostgreSQL where that
/// is missing and may be installed. The steps that follow find it by what is returned, a variable
/// and its value; the server lives as long as the first part.
pub(crate) fn start() -> Result<(Option<Server>, (&'static str, String)), String> {
    if let Ok(url) = std::env::var(URL) {
        println!("PostgreSQL: the database that {URL} names");
        return Ok((None, (URL, url)));
    }
    install()?;
    let server = Server::start("")?;
    let url = server.url();
    println!("PostgreSQL: a private server, {url}");
    Ok((Some(server), (URL, url)))
}

/// Stops it and removes its folder.
pub(crate) fn stop(server: Option<Server>) {
    drop(server);
}
