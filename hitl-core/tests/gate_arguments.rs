//! What is given, what is shown and what runs: sets, defaults, numbers, absent arguments, and values
//! that a text does not carry.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "arguments/mod.rs"]
mod arguments;
