//! The queue of calls that wait for a human: access, order and paging.
//!
//! | file | contents |
//! |---|---|
//! | `absence` | reviewers who are away, and who is shown their calls |
//! | `review_scope` | the tenants whose calls somebody may see |
//! | `filter` | filters and queries |
//! | `position` | positions in the queue, and its orders |
//! | `fairness` | fair turns, so that no agent buries the others |
//! | `cursor` | the position at which a listing continues |
//! | `counts` | counts of calls |
//! | `caps` | limits on waiting calls |
//! | `reminder` | reminders of due calls |
//!
//! Everything here is pure; `gate/read/queue.rs` drives it.

mod absence;
mod caps;
mod counts;
mod cursor;
mod fairness;
mod filter;
mod position;
mod reminder;
mod review_scope;

pub(crate) use absence::Absences;
pub use absence::{Absence, InvalidAbsence, shown_to};
pub use caps::{Cap, Caps};
pub use counts::{COUNTED, CappedCount, QueueCounts};
pub use cursor::{Cursor, InvalidCursor};
pub use fairness::{begins_to_wait, turn};
pub use filter::{QueueFilter, QueueQuery};
pub use position::{QueueEntry, QueueOrder, QueuePosition, QueueScan, rank};
pub use reminder::{DueStage, Reminder, due, reminders};
pub use review_scope::ReviewScope;
