//! Code that the tests share: a gate with a few tools, a console around it, and ways to send
//! requests.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

pub(crate) mod ask;
pub(crate) mod mask;
pub(crate) mod tools;
