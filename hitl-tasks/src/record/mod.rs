//! The one shared record of a task, and the only place where its state changes.
//!
//! The driver, handles, contexts and the scheduler all hold it. Its rules:
//!
//! - The state moves only through [`TaskState::next`], under the lock: of everybody who tries to
//!   end a task, one succeeds, and that one records the one terminal event (invariant 11).
//! - A cancellation that was accepted wins over every other end that had not been recorded by then.
//! - No user code runs under the lock: events go through the [`Outbox`].
//! - Nothing else is locked while this lock is held, so there is no order to get wrong.
//! - Waiters wake after the terminal event was emitted and the slot was given back.
//!
//! `shared` is the record itself; `going` is what its driver and its steps note down while it runs,
//! `ending` how it stops and ends, `telling` how emitters and watchers hear of that, `waiting` how
//! one waits for it.

mod ending;
mod going;
mod shared;
mod telling;
mod waiting;

pub(crate) use ending::{End, Stopped, Stopper};
pub(crate) use shared::Record;
