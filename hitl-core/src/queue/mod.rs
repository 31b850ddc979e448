//! What waits for a human: who may see it, in which order, and page by page.
//!
//! | file | what is there |
//! |---|---|
//! | `viewer` | whose calls somebody may see |
//! | `filter` | which of them they want to see |
//! | `place` | where each stands in the queue, and the orders |
//! | `turn` | how agents take turns, so that none buries the others |
//! | `cursor` | where a listing goes on |
//! | `counts` | how many there are |
//! | `caps` | how many there may be |
//! | `reminder` | when somebody should be reminded |
//!
//! Everything here is pure; `gate/read/queue.rs` drives it.

mod caps;
mod counts;
mod cursor;
mod filter;
mod place;
mod reminder;
mod turn;
mod viewer;

pub use caps::{Cap, Caps};
pub use counts::{COUNTED, QueueCounts, Tally};
pub use cursor::{Cursor, InvalidCursor};
pub use filter::{QueueFilter, QueueQuery};
pub use place::{Place, Placed, QueueOrder, QueueScan, rank};
pub use reminder::{Reach, Reminder, due, reminders};
pub use turn::{begins_to_wait, turn};
pub use viewer::Viewer;
