//! `hitl next`: a person reviews pending calls one after the other.
//!
//! | file | what is there |
//! |---|---|
//! | `series` | the loop: show, ask, decide, next |
//! | `desk` | what it needs of a store or a console |
//! | `tally` | what was done: pure |

mod desk;
mod series;
mod tally;

pub(super) use series::run;
