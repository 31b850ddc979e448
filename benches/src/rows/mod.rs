//! The rows that an operation of a store writes, and the same rows written by hand: the minimum
//! cost of the same job in the same database.

mod groups;
mod postgres;
mod record;

pub use groups::Groups;
pub use postgres::{Prepared, Statements};
pub use record::{Change, Step, recorded};
