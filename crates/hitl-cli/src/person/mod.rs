//! Verifies that a person is present. An agent has a shell under its user's id, so actions that
//! answer or loosen require proof that it cannot give: a code that only a person has, or at least a
//! terminal with no agent among the processes above it.
//!
//! | file | what is there |
//! |---|---|
//! | `guard` | what each action requires, and [`require_person`]: call it before anything is done |
//! | `surroundings`, `agents` | processes, marks and terminals, and their classification: pure |
//! | `processes` | reads them |
//! | `args` | the command line of `hitl person` |
//! | `code_desk` | where codes are checked, and the prompt for one |
//!
//! `docs/who-decides.md` describes the attacks that this prevents, and those that it does not.

mod agents;
mod args;
mod code_desk;
mod guard;
mod processes;
mod surroundings;

pub(crate) use args::PersonCommand;
pub(crate) use code_desk::CodeDesk;
#[cfg(feature = "serve")]
pub(crate) use guard::refuse_agent;
pub(crate) use guard::{
    CodeSource, Presence, answer_presence, answer_presence_at_console, require_person,
    require_person_for_console,
};
pub(crate) use hitl_core::people::{CodeDemand, Deed};
