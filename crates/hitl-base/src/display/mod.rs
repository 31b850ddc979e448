//! Text for people to read, prepared so that it looks like what it is.
//!
//! There are two families. [`visible`] makes a sentence safe: nothing in it hides or moves its
//! neighbours, and the function is idempotent. [`quoted`] and [`value`] show a *value*: two
//! different values never look the same, even if one of them spells out the escaped form of the
//! other.

mod canonical;
mod escape;
mod fold;
mod humanize;
mod invisible;
mod lookalike;
mod marks;
mod punycode;
mod shell;
mod truncate;

pub use canonical::has_equivalent;
pub use escape::{EscapedJson, fingerprint, quoted, value, visible};
pub use fold::fold;
pub use humanize::{
    amount, bytes, date, is_amount_name, is_party_name, is_time_name, list, moment,
};
pub use invisible::{TextHazard, is_unseen, mixes_alphabets, text_hazards};
pub use lookalike::{decoded_hosts, lookalike, reads_as, skeleton};
pub use shell::shell_word;
pub use truncate::clip;
