//! The contract suite that every journal passes.
//!
//! One check for each sentence of the [contract](crate::Journal): plain async functions over a
//! [`Subject`], which is an empty journal. A backend runs them all with one line:
//!
//! ```ignore
//! async fn make_journal() -> Subject { .. }
//! hitl::tasks::journal_contract!(make_journal);
//! ```
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check fails by panicking, as tests do"
)]

pub mod appending;
mod checks;
pub mod claiming;
pub mod ending;
pub mod erasing;
pub mod fencing;
pub mod listing;
pub mod races;
mod subject;

pub use subject::Subject;
