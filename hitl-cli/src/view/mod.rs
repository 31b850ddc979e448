//! What is printed: tables and cards for people, JSON for programs. Pure.

mod call;
mod change;
mod grant;
mod numbers;
mod patch;
mod table;
mod task;
mod uncovered;

pub(crate) use call::{CallLine, Card, card_text, queue_table, state_line};
pub(crate) use change::{Change, Moved, Step, change_line};
pub(crate) use grant::{Given, Terms, given_text, grant_text, grants_table, terms_text};
pub(crate) use numbers::{Decisions, Numbers, numbers_text};
pub(crate) use patch::{difference, pretty};
pub(crate) use table::table;
pub(crate) use task::{TaskLine, task_summary, tasks_table};
pub(crate) use uncovered::uncovered_text;
