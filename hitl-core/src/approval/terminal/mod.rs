//! The terminal as an approver, and its parts for building your own reviewer.
//!
//! | file | contents |
//! |---|---|
//! | `approver` | the approver, which shows a request and asks |
//! | `conversation` | the question, its second step, and reasons |
//! | `card` | a request as text: pure |
//! | `reply` | the choices, and the meaning of a typed line: pure |
//! | `edit` | the part of the dialog in which arguments are edited |
//! | `assignment` | changes that are typed as `name=value`: pure |
//! | `editor` | the person's own editor |
//! | `tty` | exclusive ownership of the terminal by one dialog, with withdrawal |
//! | `stdin` | interruptible reading of a line |
//! | `color` | colours, where they are wanted |

mod approver;
mod assignment;
mod card;
mod color;
mod conversation;
mod edit;
mod editor;
mod reply;
mod stdin;
#[cfg(test)]
mod tests;
mod tty;

pub use crate::approval::TextStyle as Style;
pub use approver::TerminalApprover;
pub use card::{card, preview};
pub use color::ColorMode;
pub use conversation::{Answer, ask_answer};
pub use edit::{CheckedEdit, EditVerdict, Edited, edit_arguments};
pub use editor::{Editor, EditorError, EditorErrorKind};
pub use reply::Menu;
pub use tty::{Dialog, Terminal};
