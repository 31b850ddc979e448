//! The server, and connections to it.

use std::sync::OnceLock;

use futures::{StreamExt as _, stream};
use hitl::PostgresStore;
use hitl::seal::HostKey;
use hitl_test_postgres::Server;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::rows::{Prepared, Statements};

/// The number of connections.
const CONNECTIONS: u64 = 16;

/// Returns the URL of the server: the one that the environment names, or a private one that runs as
/// long as this process.
pub(crate) fn url() -> Option<&'static str> {
    static URL: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
    let found = URL.get_or_init(|| {
        if let Ok(url) = std::env::var(hitl_test_postgres::URL) {
            return Some((url, None));
        }
        match Server::start("-c fsync=on") {
            Ok(server) => Some((server.url(), Some(server))),
            Err(why) => {
                eprintln!("LEFT OUT: every PostgreSQL path, because there is no server: {why}");
                None
            }
        }
    });
    found.as_ref().map(|(url, _)| url.as_str())
}

/// Returns a unique schema name.
pub(crate) fn schema() -> String {
    format!("bench_{}", hitl_base::id::Uuid::new_v4().simple())
}

/// Opens a store in this schema.
pub(crate) async fn open(schema: &str, key: HostKey) -> PostgresStore {
    let options = PostgresStore::options(url().expect("a server")).key(key).schema(schema);
    let connections = usize::try_from(CONNECTIONS).unwrap_or(1);
    options.max_connections(connections).open().await.expect("a store")
}

/// Opens a connection. Also returns its notifications.
pub(crate) async fn connect() -> (Client, UnboundedReceiver<String>) {
    let url = url().expect("a server");
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    let (notified, notifications) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = notified.send(notification.payload().to_owned());
            }
        }
    });
    (client, notifications)
}

/// Opens as many connections as the store has for this many callers, each with the statements.
pub(crate) async fn prepared(callers: u64, statements: &Statements) -> Vec<(Client, Prepared)> {
    let mut clients = Vec::new();
    for _ in 0..callers.min(CONNECTIONS) {
        let (client, _) = connect().await;
        let prepared = statements.prepare(&client).await;
        clients.push((client, prepared));
    }
    clients
}
