//! A console that can be stopped as by a power loss, and started again.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hitl_console::{Token, Tokens};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::ask::{ANN, BOB};

/// A console in a runtime of its own.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
}

pub(crate) fn tokens() -> Tokens {
    Tokens::new().with("ann", &Token::from_secret(ANN)).with("bob", &Token::from_secret(BOB))
}

impl Server {
    /// Serves on a free port.
    pub(crate) async fn start(router: Router) -> Self {
        Self::at(router, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Serves on exactly this port, as soon as it is free.
    pub(crate) async fn at(router: Router, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        for _ in 0..100 {
            let bound = runtime.spawn(TcpListener::bind(address)).await.unwrap();
            if let Ok(listener) = bound {
                let address = listener.local_addr().unwrap();
                runtime.spawn(hitl_console::serve(listener, router));
                return Self { runtime: Some(runtime), address };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{address} is not free")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Stops the server: every connection breaks at once.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
