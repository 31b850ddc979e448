//! `hitl demo`: five losses, each without and with a gate. Everything that is printed was computed:
//! loops lose, gates refuse, a process is killed.
//!
//! | file | what is there |
//! |---|---|
//! | `run` | the command |
//! | `scene` | what a scene shows, and its text: pure |
//! | `amount`, `crash`, `payee`, `rule`, `audit` | one scene each |
//! | `bank` | where the payments arrive, and the tool that makes them |

mod amount;
mod audit;
mod bank;
mod crash;
mod payee;
mod rule;
mod run;
mod scene;

pub(super) use run::run;
