//! Connections from a URL: TLS, keepalives, the pool.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use hitl_core::StoreError;
use hitl_core::store::StoreAddress;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::unusable;
use super::options::DEFAULT_SCHEMA;

/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// The time after which a peer that does not answer counts as gone.
const SILENCE: Duration = Duration::from_secs(15);

/// The address of a server, and the TLS settings for it.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// A connection for notifications. It makes progress only while it is polled.
pub(super) struct ListenConnection(Box<Poller>);

type Poller = dyn FnMut(&mut Context<'_>) -> Poll<Option<AsyncMessage>> + Send;

impl ListenConnection {
    /// Returns the next message, or `None` if the connection has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<AsyncMessage> {
        poll_fn(|cx| (self.0)(cx)).await
    }
}

impl Address {
    /// Parses a URL. `name` is the application name in the server's list of connections.
    pub(super) fn parse(url: &str, name: &str, roots: &[Vec<u8>]) -> Result<Self, StoreError> {
        // The parser's error quotes the URL's parts, and one of them may be a password.
        let mut config: Config = url.parse().map_err(|_| {
            unusable("not a PostgreSQL URL: write it like postgres://user@host/database")
        })?;
        if config.get_hosts().is_empty() {
            return Err(unusable("the PostgreSQL URL names no host"));
        }
        if config.get_application_name().is_none() {
            config.application_name(name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.keepalives_idle(SILENCE).keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3).tcp_user_timeout(SILENCE);
        let local = |host: &Host| !matches!(host, Host::Tcp(_));
        let off = config.get_ssl_mode() == SslMode::Disable || config.get_hosts().iter().all(local);
        let tls = if off { None } else { Some(MakeRustlsConnect::new(trust(roots)?)) };
        Ok(Self { config, tls })
    }

    /// Returns the name of the database for errors, without the password.
    pub(super) fn place(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "nowhere".to_owned(),
        };
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        format!("the database {database} at {host}")
    }

    /// Returns how `hitl` opens the store in this schema: without user, password and key, which the
    /// person who decides adds.
    pub(super) fn for_people(&self, schema: &str) -> StoreAddress {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) if host.contains(':') => format!("[{host}]"),
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string().replace('/', "%2F"),
            None => return StoreAddress::Unknown,
        };
        let port = match self.config.get_ports().first() {
            None | Some(5432) => String::new(),
            Some(port) => format!(":{port}"),
        };
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        let mut arguments =
            vec!["--db".to_owned(), format!("postgres://USER@{host}{port}/{database}")];
        if schema != DEFAULT_SCHEMA {
            arguments.extend(["--schema".to_owned(), schema.to_owned()]);
        }
        arguments.extend(["--key-file".to_owned(), "FILE".to_owned()]);
        StoreAddress::Database(arguments)
    }

    /// Builds a pool of connections and opens none yet.
    pub(super) fn pool(&self, most: usize, patience: Duration) -> Result<Pool, StoreError> {
        // A broken connection is noticed as soon as its socket is; asking each time would cost a
        // round trip.
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            None => Manager::from_config(self.config.clone(), NoTls, how),
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), how),
        };
        let timeouts = Timeouts { wait: Some(patience), create: None, recycle: None };
        Pool::builder(manager)
            .max_size(most)
            .timeouts(timeouts)
            // The most recently used connection has its statements and plans ready.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| unusable("no pool of connections can be made").with_source(error))
    }

    /// Opens a dedicated connection to listen on.
    pub(super) async fn listen(&self) -> Result<(Client, ListenConnection), tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, mut connection) = self.config.connect(NoTls).await?;
                Ok((
                    client,
                    ListenConnection(Box::new(move |cx| flat(connection.poll_message(cx)))),
                ))
            }
            Some(tls) => {
                let (client, mut connection) = self.config.connect(tls.clone()).await?;
                Ok((
                    client,
                    ListenConnection(Box::new(move |cx| flat(connection.poll_message(cx)))),
                ))
            }
        }
    }
}

type Polled = Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>>;

/// Treats an error of the connection like its end.
fn flat(polled: Polled) -> Poll<Option<AsyncMessage>> {
    polled.map(|message| message.and_then(Result::ok))
}

/// Trusts the machine's certificates and the given roots.
fn trust(given: &[Vec<u8>]) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    for pem in given {
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
            added.ok_or_else(|| unusable("a root certificate is not one in PEM"))?;
            found += 1;
        }
        if found == 0 {
            return Err(unusable("a root certificate is empty; give the text of a PEM file"));
        }
    }
    // The machine's store may hold certificates in several formats; those that do not parse are
    // skipped.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| unusable("TLS cannot be used").with_source(error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_the_address_for_people_holds_no_credential() {
        for (url, schema, expected) in [
            (
                "postgres://app:hunter2@db.internal/shop?sslmode=disable",
                DEFAULT_SCHEMA,
                "--db postgres://USER@db.internal/shop --key-file FILE",
            ),
            (
                "postgres://app:hunter2@[::1]:5433/shop?sslmode=disable",
                "reviews",
                "--db postgres://USER@[::1]:5433/shop --schema reviews --key-file FILE",
            ),
            (
                "postgres://app:hunter2@%2Frun%2Fpostgresql/shop",
                DEFAULT_SCHEMA,
                "--db postgres://USER@%2Frun%2Fpostgresql/shop --key-file FILE",
            ),
        ] {
            let address = Address::parse(url, "hitl", &[]).unwrap().for_people(schema);
            let StoreAddress::Database(arguments) = address else { panic!("{address:?}") };
            assert_eq!(arguments.join(" "), expected);
        }
    }
}
