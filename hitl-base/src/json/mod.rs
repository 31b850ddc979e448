//! JSON as text: read exactly, kept exactly, compared exactly.
//!
//! A general JSON value type rounds numbers and forgets duplicate keys. What a person approves must
//! not be rounded, so this module keeps every number as it was written and refuses what is
//! ambiguous.

#[cfg(test)]
mod arbitrary;
mod decimal;
mod pointer;
mod scan;
mod text;
mod tree;
mod walk;

pub use decimal::{Whole, compare_numbers, is_whole, same_number, whole};
pub use pointer::push_part;
pub use scan::{Limits, ScanError, ScanErrorKind, scan, scan_within};
pub use text::{JsonText, NotJson};
pub use tree::{Json, write_string};
pub use walk::{Token, walk};

#[cfg(test)]
pub(crate) use arbitrary::trees;
