//! The TOML reader of rule sets. It finds all mistakes in one pass, each with its place.
//!
//! | file | contents |
//! |---|---|
//! | `reader` | values with their places; mistakes are collected |
//! | `policy` | the file: its head, its rules |
//! | `conditions` | conditions |
//! | `channels` | lists of channels |
//! | `effects` | the words for effects |
//! | `typed` | conditions on paths, URLs, numbers and words |
//! | `break_glass` | envelopes of break-glass |
//! | `rule_test` | the file's own tests |

mod break_glass;
mod channels;
mod conditions;
mod effects;
mod policy;
mod reader;
mod rule_test;
mod typed;
