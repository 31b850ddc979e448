//! Output: tables and cards for people, JSON for programs. Pure.
//!
//! Each text for people gets a [`Screen`]: its room, which tables keep to, and its colours. Words
//! for times are in `time`, and nowhere else.

mod assigned;
mod broken_glass;
mod call;
mod grant;
mod hint;
mod history;
mod message;
mod neglect;
mod one_line;
mod queue;
mod screen;
mod settlement;
mod stats;
mod stats_text;
mod style;
mod table;
#[cfg(test)]
mod table_tests;
mod task;
mod time;
mod uncovered;

pub(crate) use assigned::{absences_text, assigned_text, assignment_text};
pub(crate) use broken_glass::broken_glass_line;
pub(crate) use call::{CallLine, Card, card_hints, card_text, result_text, state_line};
pub(crate) use grant::{
    GrantResult, PreviewReport, grant_result_text, grant_text, grants_table, preview_text,
};
pub(crate) use hint::{CommandHint, Place};
pub(crate) use history::{Change, ChangeEntry, NumberedEntry, step_line, through};
pub(crate) use message::{message, wrap};
pub(crate) use neglect::Neglect;
pub(crate) use one_line::one_line;
pub(crate) use queue::queue_table;
pub(crate) use screen::{Screen, Width};
pub(crate) use settlement::Settlement;
pub(crate) use stats::{PastReport, StatsReport};
pub(crate) use stats_text::stats_text;
pub(crate) use table::{Cell, Column, Table};
pub(crate) use task::{StoredTask, TaskLine, stored_summary, task_text, tasks_table};
pub(crate) use time::{due, exactly, length, relative};
pub(crate) use uncovered::uncovered_text;
