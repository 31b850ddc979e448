//! Serves a router so that slow, idle and numerous connections keep no reviewer out.

mod connection;
mod limited_listener;
mod options;
mod peer;
mod seats;
mod server;

pub use limited_listener::LimitedListener;
pub use options::ServeOptions;
pub use peer::Peer;
pub(crate) use peer::StreamSeat;
pub use server::{serve, serve_with};
