//! Checks around every route.

mod authenticate;
mod framing;
mod headers;
mod host;
mod layers;
mod origin;

pub(crate) use authenticate::{authenticate, identify};
pub(crate) use host::HostPort;
pub(crate) use layers::around;
