//! What stands around every route.

mod framing;
mod headers;
mod host;
mod layers;
mod origin;
mod signed_in;

pub(crate) use host::HostPort;
pub(crate) use layers::around;
pub(crate) use signed_in::signed_in;
