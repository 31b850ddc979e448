//! The rows that an operation of a store writes, and the same rows written by hand: the least that
//! the same job can cost in the same database.

mod groups;
mod postgres;
mod record;

pub use groups::Groups;
pub use postgres::{Prepared, Statements};
pub use record::{Change, Step, recorded};
