//! What both halves of hitl stand on.
//!
//! Nothing here knows a tool, a gate or a task: [`id`]s and [`Timestamp`]s, a [`Clock`] that tests
//! can turn, the [`Zone`] that a place's clocks follow, exact JSON text ([`json`]), [`redact`]ion
//! and safe [`display`].

pub mod clock;
pub mod display;
pub mod id;
pub mod json;
mod mint;
pub mod redact;
mod time;
mod zone;

pub use clock::Clock;
pub use json::{Json, JsonText};
pub use redact::{Redactor, Sensitive};
pub use time::{ParseTimestampError, Timestamp};
pub use zone::{UnknownZone, Zone};
