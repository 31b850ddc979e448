//! Text that a person will read, made so that what is shown is what is there.
//!
//! Two questions, two families. [`visible`] makes a sentence safe: nothing in it hides or moves its
//! neighbours, and making it safe twice changes nothing. [`quoted`] and [`value`] show a *value*:
//! two different values never look the same, also when one of them spells out how the other is
//! escaped.

mod canonical;
mod escape;
mod fold;
mod humanize;
mod invisible;
mod lookalike;
mod marks;
mod punycode;
mod truncate;

pub use canonical::has_equivalent;
pub use escape::{EscapedJson, fingerprint, quoted, value, visible};
pub use fold::fold;
pub use humanize::{amount, bytes, date, is_amount_name, is_time_name, list, moment};
pub use invisible::{TextHazard, is_unseen, mixes_alphabets, text_hazards};
pub use lookalike::{decoded_hosts, lookalike, reads_as, skeleton};
pub use truncate::clip;
