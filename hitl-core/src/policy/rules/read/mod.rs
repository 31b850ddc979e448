//! A rule set from TOML. Everything that is wrong is found in one go, each with its place.
//!
//! | file | what is read there |
//! |---|---|
//! | `reader` | values with their places; mistakes are collected |
//! | `policy` | the file: its head, its rules |
//! | `when` | conditions |
//! | `typed` | conditions on paths, URLs, numbers and words |
//! | `example` | the file's own tests |

mod example;
mod policy;
mod reader;
mod typed;
mod when;
