//! Whether a person is there, and how that is known. An agent has a shell under its user's id, so
//! what answers or loosens asks for what it cannot give: a code that only a person has, or at least
//! a terminal with no agent among the processes above it.
//!
//! | file | what is there |
//! |---|---|
//! | `guard` | what each deed needs, and [`require_person`]: call it before anything is done |
//! | `surroundings`, `agents` | processes, marks and terminals, and what they come down to: pure |
//! | `processes` | reads them |
//! | `arguments` | what the command line says of people |
//! | `desk` | where codes are checked, and the prompt for one |
//!
//! What this holds against, and what not, is said in `docs/who-decides.md`.

mod agents;
mod arguments;
mod desk;
mod guard;
mod processes;
mod surroundings;

pub(crate) use arguments::PersonCommand;
pub(crate) use desk::Desk;
pub(crate) use guard::{Codes, require_person, require_person_there};
pub(crate) use hitl_core::people::{Deed, Demand};
