//! The quickstart as its users run it: a process, its files, and what it prints.
//!
//! | file | what is tested |
//! |---|---|
//! | `process` | (helpers: runs the example, with a time limit) |
//! | `counts` | every call is accounted for, by any decider |
//! | `restart` | stopped in any way and started again, nothing is started twice |
//! | `previews` | the cards say enough to decide |
//! | `input` | invalid files and options |

#![cfg(all(feature = "sqlite", feature = "terminal", unix))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod counts;
#[path = "../shared/example.rs"]
mod example;
mod input;
mod previews;
mod process;
mod restart;
