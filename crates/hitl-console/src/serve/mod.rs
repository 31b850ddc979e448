//! Serves a router so that slow, idle and numerous connections keep no reviewer out.

mod body;
mod closing;
mod connection;
mod limited_listener;
mod options;
mod peer;
mod seats;
mod server;
#[cfg(feature = "tls")]
mod tls;

pub use limited_listener::LimitedListener;
pub use options::ServeOptions;
pub use peer::Peer;
pub(crate) use peer::StreamSeat;
pub use server::{serve, serve_until, serve_with};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
