//! What is printed: tables and cards for people, JSON for programs. Pure.

mod call;
mod change;
mod numbers;
mod table;

pub(crate) use call::{CallLine, Detail, card, queue_table, state_line};
pub(crate) use change::{Change, change_line};
pub(crate) use numbers::{Decisions, Numbers, numbers_text};
pub(crate) use table::table;
