//! Text that a person will read, made so that what is shown is what is there.
//!
//! Two questions, two families. [`visible`] makes a sentence safe: nothing in it hides or moves its
//! neighbours, and making it safe twice changes nothing. [`quoted`] and [`value`] show a *value*:
//! two different values never look the same, also when one of them spells out how the other is
//! escaped.

mod canonical;
mod clip;
mod fold;
mod lookalike;
mod marks;
mod people;
mod punycode;
mod unseen;
mod visible;

pub use canonical::has_equivalent;
pub use clip::clip;
pub use fold::fold;
pub use lookalike::{decoded_hosts, lookalike, reads_as, skeleton};
pub use people::{amount, bytes, date, is_amount_name, is_time_name, list, moment};
pub use unseen::{Oddity, is_unseen, mixes_alphabets, oddities};
pub use visible::{Shown, fingerprint, quoted, value, visible};
