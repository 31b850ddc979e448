//! The foundation of both halves of hitl, which puts a human in the loop of AI agents. Applications
//! use the facade [`hitl`](https://docs.rs/hitl), which re-exports what they need.
//!
//! Nothing here knows a tool, a gate or a task: [`id`]s and [`Timestamp`]s, a [`Clock`] that tests
//! can set, [`TimeZone`]s, exact JSON text ([`json`]), [`redact`]ion and safe [`display`].

pub mod clock;
pub mod display;
pub mod hex;
pub mod id;
pub mod json;
mod owner_only;
pub mod panic;
mod randomness;
pub mod redact;
pub mod shared;
pub mod sync;
mod time;
mod time_zone;

pub use clock::Clock;
pub use json::{Json, JsonText};
pub use owner_only::{owner_only, sync_folder};
pub use randomness::{RandomnessError, random_bytes};
pub use redact::{Redactor, Sensitive};
pub use time::{ParseTimestampError, Timestamp};
pub use time_zone::{TimeZone, UnknownTimeZone};

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
