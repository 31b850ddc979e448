//! The terminal as an approver, and the parts it is made of for a reviewer of your own.
//!
//! | file | what happens there |
//! |---|---|
//! | `approver` | the dialog about one request |
//! | `card` | a request as text: pure |
//! | `reply` | what a typed line means: pure |
//! | `tty` | one dialog at a time owns the terminal, and can be withdrawn |
//! | `stdin` | a line is read so that it can be given up |
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
