//! Secrets and harmless text, made up while a test runs: the formats are those that scanners are
//! tested with, the values are random. No value belongs to anyone or is copied.

pub(crate) mod dice;
mod harmless;
mod named;
mod placed;
mod tokens;

pub(crate) use dice::Dice;
pub(crate) use harmless::harmless;
pub(crate) use named::named;
pub(crate) use placed::placed;
pub(crate) use tokens::token;
