//! `hitl` as people and scripts use it: a real process, tested by its output and its exit code.
//!
//! | file | what it is over |
//! |---|---|
//! | `list`, `decide`, `audit`, `policy`, `tasks` | an SQLite file, nobody at a terminal |
//! | `demo` | nothing: it brings its own |
//! | `doctor` | both, healthy and broken |
//! | `operator` | the page for operators |
//! | `verify` | a scratch store that the program makes |
//! | `emergency` | an SQLite file: break-glass, assigning, being away |
//! | `files` | everything that hitl writes: who can read it |
//! | `grants` | both an SQLite file and a console's URL |
//! | `hints` | both: what a person reads beside lists and cards |
//! | `json` | both: what `--json` prints, byte for byte |
//! | `console` | a console's URL |
//! | `person`, `next` | a terminal, with a person at it |
//! | `identity` | shells of agents, and one-time codes |
//! | `neglect` | stores of processes that were killed |
//! | `terminal` | a terminal of 80 and of 200 columns: what fits, colours, widths |
//! | `place` | the environment beside flags; errors |
//! | `postgres` | a PostgreSQL database |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

mod audit;
mod console;
mod decide;
mod demo;
#[cfg(unix)]
mod doctor;
mod emergency;
mod erase;
#[cfg(unix)]
mod files;
mod freeze;
mod grants;
mod hints;
mod house;
#[cfg(unix)]
mod identity;
mod json;
#[cfg(unix)]
mod keys;
mod list;
mod neglect;
#[cfg(unix)]
mod next;
#[cfg(unix)]
mod operator;
#[cfg(unix)]
mod person;
mod place;
mod policy;
mod postgres;
mod take_back;
mod tasks;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod verify;
