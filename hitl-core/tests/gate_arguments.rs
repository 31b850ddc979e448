//! Arguments as sent, as shown and as run: sets, defaults, numbers, absent arguments, and values
//! that text does not preserve.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]
#![expect(clippy::option_option, reason = "what such a type loses is what is tested")]
#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    reason = "serde wants its predicates and defaults in this form"
)]

#[path = "arguments/mod.rs"]
mod arguments;
