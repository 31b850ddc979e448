//! What the command line is about: a store, or a console.
//!
//! | file | what is there |
//! |---|---|
//! | `store` | an SQLite file or a PostgreSQL database, with a gate over it |
//! | `console` | a console, by what it takes and gives |
//! | `http` | one request and its answer; the token; which addresses a token is sent to |
//! | `sse` | the events of a stream: pure |

mod console;
mod http;
mod sse;
mod store;

use std::path::Path;

use crate::arguments::Place;
use crate::exit::Failure;
pub(crate) use console::{Console, Known};
pub(crate) use store::{StoreSource, read_keys};

/// Where the calls are.
pub(crate) enum Source {
    Store(Box<StoreSource>),
    Console(Console),
}

impl Source {
    /// Opens what the command line names; a store's decisions are also written to the audit in this
    /// folder.
    pub(crate) async fn open(place: &Place, audit: Option<&Path>) -> Result<Self, Failure> {
        match (&place.db, &place.url) {
            (Some(db), None) => {
                Ok(Self::Store(Box::new(StoreSource::open(db, place, audit).await?)))
            }
            (None, Some(url)) => Ok(Self::Console(Console::open(url, place, audit)?)),
            (None, None) => Err(Failure::usage(
                "say where the calls are: --db FILE, --db postgres://.., or --url http://..",
            )),
            (Some(_), Some(_)) => Err(Failure::usage(
                "--db and --url both say where the calls are (HITL_DB and HITL_URL as well): leave \
                 one out",
            )),
        }
    }
}
