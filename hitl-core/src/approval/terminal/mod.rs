//! The terminal as an approver, and its parts for building your own reviewer.
//!
//! | file | contents |
//! |---|---|
//! | `approver` | the dialog about one request |
//! | `card` | a request as text: pure |
//! | `reply` | the meaning of a typed line: pure |
//! | `tty` | exclusive ownership of the terminal by one dialog, with withdrawal |
//! | `stdin` | interruptible reading of a line |
//! | `color` | colours, where they are wanted |

mod approver;
mod card;
mod color;
mod reply;
mod stdin;
#[cfg(test)]
mod tests;
mod tty;

pub use crate::approval::TextStyle as Style;
pub use approver::TerminalApprover;
pub use card::{card, preview};
pub use color::ColorMode;
pub use tty::{Dialog, Terminal};
