//! JSON as text: read exactly, kept exactly, compared exactly.
//!
//! A general JSON value type rounds numbers and forgets duplicate keys. What a person approves must
//! not be rounded, so this module keeps every number as it was written and refuses what is
//! ambiguous.

#[cfg(test)]
mod arbitrary;
mod decimal;
mod events;
mod merge_patch;
mod parse;
mod pointer;
mod text;
mod tree;

pub use decimal::{Whole, compare_numbers, is_whole, same_number, whole};
pub use events::{Token, walk};
pub use merge_patch::{NullInPatch, difference, pretty};
pub use parse::{Limits, ParseJsonError, ParseJsonErrorKind, parse_json, parse_with_limits};
pub use pointer::push_part;
pub use text::{InvalidJson, JsonText};
pub use tree::{Json, write_string};

#[cfg(test)]
pub(crate) use arbitrary::trees;
