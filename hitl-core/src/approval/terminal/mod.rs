//! The terminal as an approver, and the parts it is made of for a reviewer of your own.
//!
//! | file | what happens there |
//! |---|---|
//! | `approver` | the dialog about one request |
//! | `card` | a request as text: pure |
//! | `reply` | what a typed line means: pure |
//! | `owner` | one dialog at a time owns the terminal, and can be withdrawn |
//! | `stdin` | a line is read so that it can be given up |
//! | `ink` | colours, where they are wanted |

mod approver;
mod card;
mod ink;
mod owner;
mod reply;
mod stdin;
#[cfg(test)]
mod tests;

pub use crate::approval::Tone as Style;
pub use approver::TerminalApprover;
pub use card::{card, preview};
pub use ink::Ink;
pub use owner::{Dialog, Terminal};
