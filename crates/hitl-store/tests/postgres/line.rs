//! A connection to the server that breaks on request, at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy in front of the server.
pub(crate) struct Line {
    pub(crate) url: String,
    armed: Arc<AtomicBool>,
    /// True if only a commit is swallowed, not the answers before it in its transaction.
    commits: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
}

impl Line {
    /// Opens a line to the server at `url`.
    pub(crate) async fn to(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("a user");
        let (address, after) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("{before}@127.0.0.1:{port}/{after}");
        let line =
            Self { url, armed: Arc::default(), commits: Arc::default(), dead: Arc::default() };
        let to = address.to_owned();
        let (armed, commits) = (line.armed.clone(), line.commits.clone());
        tokio::spawn(accept(listener, to, armed, commits, line.dead.clone()));
        line
    }

    /// Lets the next write reach the server, and drops its answer.
    pub(crate) fn swallow_next_answer(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Lets the next commit of a transaction reach the server, and drops its answer.
    pub(crate) fn swallow_next_commit(&self) {
        self.commits.store(true, Ordering::SeqCst);
        self.swallow_next_answer();
    }

    /// ... and afterwards refuses all connections.
    pub(crate) fn and_then_die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_swallowed(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }

    /// Lets all connections through again.
    pub(crate) fn mend(&self) {
        self.dead.store(false, Ordering::SeqCst);
    }
}

async fn accept(
    listener: TcpListener,
    to: String,
    armed: Arc<AtomicBool>,
    commits: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if dead.load(Ordering::SeqCst) && !armed.load(Ordering::SeqCst) {
            continue;
        }
        let server = TcpStream::connect(&to).await.unwrap();
        tokio::spawn(pass(client, server, armed.clone(), commits.clone(), dead.clone()));
    }
}

/// Passes bytes both ways, until an answer to a write is swallowed.
async fn pass(
    client: TcpStream,
    server: TcpStream,
    armed: Arc<AtomicBool>,
    commits: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let writes = Arc::new(AtomicBool::new(false));
    let only_commits = Arc::clone(&commits);
    let (upwards, seen) = (Arc::clone(&writes), Arc::clone(&armed));
    let up = async move {
        let mut bytes = vec![0; 65536];
        while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
            // Only hitl's records contain this; a statement's own text does not.
            let holds = |what: &[u8]| bytes[..length].windows(what.len()).any(|w| w == what);
            let is_write = if only_commits.load(Ordering::SeqCst) {
                holds(b"COMMIT\0")
            } else {
                holds(b"\"schema\":1,\"ver")
            };
            if dead.load(Ordering::SeqCst) && !seen.load(Ordering::SeqCst) {
                return;
            }
            if is_write && seen.load(Ordering::SeqCst) {
                upwards.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    let down = async move {
        let mut bytes = vec![0; 65536];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            if writes.load(Ordering::SeqCst) {
                // The server has answered, so the write is committed.
                commits.store(false, Ordering::SeqCst);
                armed.store(false, Ordering::SeqCst);
                return;
            }
            if to_client.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
