//! The origin of a request: the peer of the connection, or the address that a trusted proxy names.

mod address;
mod cidr;
mod forwarded;

pub(crate) use address::{ClientAddress, client_address};
pub use cidr::{Cidr, ParseCidrError};
