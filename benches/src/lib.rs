//! The performance budget of hitl: every path beside a yardstick of real code, in one run.
//!
//! A [`Pair`] is one path: hitl's work, and the least that the same job can cost. Both sides are
//! timed in turns (ours, yardstick, ours, yardstick, ..) by [`measure()`], so that other load on
//! the machine affects both. `cargo xtask bench` prints them all as one table;
//! `cargo bench -p hitl-benches` passes each path to criterion.
//!
//! One file per path in `paths/`. A new path is a function that returns its pairs, and a line in
//! [`paths::ALL`].

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    missing_docs,
    missing_debug_implementations,
    reason = "a measuring program: what fails ends it"
)]

pub mod bench;
pub mod chart;
pub mod child;
pub mod heap;
pub mod measure;
pub mod pair;
pub mod paths;
pub mod report;
pub mod rows;
pub mod statistics;
pub mod timing;
pub mod tools;

pub use measure::{Effort, measure};
pub use pair::{Pair, Side, Unit};
