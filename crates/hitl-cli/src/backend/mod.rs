//! The source of the calls: a store, or a console.
//!
//! | file | what is there |
//! |---|---|
//! | `store` | an SQLite file or a PostgreSQL database, with a gate over it |
//! | `neglect` | which calls of a store nobody takes care of |
//! | `console` | a client of a console |
//! | `http` | one request and its answer; the token; which addresses a token is sent to |
//! | `no_http` | the same without the feature `console`: nothing is sent |
//! | `sse` | the events of a stream: pure |

mod console;
#[cfg(feature = "console")]
mod http;
#[cfg(not(feature = "console"))]
#[path = "no_http.rs"]
mod http;
mod neglect;
mod sse;
mod store;

use std::path::Path;

use crate::args::BackendArgs;
use crate::exit::Failure;
pub(crate) use console::{ConsoleClient, TokenOwner};
#[cfg(feature = "serve")]
pub(crate) use http::tls as trusted_roots;
#[cfg(feature = "mcp")]
pub(crate) use store::postgres as open_postgres;
pub(crate) use store::{StoreBackend, Which, inspect_postgres, read_keys};

/// The source of the calls.
pub(crate) enum Backend {
    Store(Box<StoreBackend>),
    Console(ConsoleClient),
}

impl Backend {
    /// Opens the source that the command line names; a store's decisions are also written to the
    /// audit in this folder.
    pub(crate) async fn open(backend: &BackendArgs, audit: Option<&Path>) -> Result<Self, Failure> {
        match (&backend.db, &backend.url) {
            (Some(db), None) => {
                Ok(Self::Store(Box::new(StoreBackend::open(db, backend, audit).await?)))
            }
            (None, Some(url)) => Ok(Self::Console(ConsoleClient::open(url, backend, audit)?)),
            (None, None) => Err(Failure::usage(
                "name the calls' store or console: --db FILE, --db postgres://.., or --url http://..",
            )),
            (Some(_), Some(_)) => Err(Failure::usage(
                "give --db or --url, not both (HITL_DB and HITL_URL count as well)",
            )),
        }
    }
}
