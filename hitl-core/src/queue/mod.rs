//! The queue of calls that wait for a human: access, order and paging.
//!
//! | file | what is there |
//! |---|---|
//! | `review_scope` | whose calls somebody may see |
//! | `filter` | which of them they want to see |
//! | `position` | where each stands in the queue, and the orders |
//! | `fairness` | how agents take turns, so that none buries the others |
//! | `cursor` | where a listing goes on |
//! | `counts` | how many there are |
//! | `caps` | how many there may be |
//! | `reminder` | when somebody should be reminded |
//!
//! Everything here is pure; `gate/read/queue.rs` drives it.

mod caps;
mod counts;
mod cursor;
mod fairness;
mod filter;
mod position;
mod reminder;
mod review_scope;

pub use caps::{Cap, Caps};
pub use counts::{COUNTED, CappedCount, QueueCounts};
pub use cursor::{Cursor, InvalidCursor};
pub use fairness::{begins_to_wait, turn};
pub use filter::{QueueFilter, QueueQuery};
pub use position::{QueueEntry, QueueOrder, QueuePosition, QueueScan, rank};
pub use reminder::{DueStage, Reminder, due, reminders};
pub use review_scope::ReviewScope;
