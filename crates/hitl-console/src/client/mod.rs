//! Where a request comes from: the other end of the connection, or what a trusted proxy says.

mod address;
mod cidr;
mod forwarded;

pub(crate) use address::{ClientAddress, client_address};
pub use cidr::{Cidr, ParseCidrError};
