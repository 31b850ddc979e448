//! `hitl verify`: the guarantees, tried on this configuration in a scratch store.
//!
//! | file | what is there |
//! |---|---|
//! | `run` | the command |
//! | `trial` | what is tried, and how a trial ended |
//! | `report` | the results as text and JSON: pure |
//! | `junit` | the results as `JUnit` XML: pure |
//! | `scratch` | the scratch store, which is removed at the end |
//! | `lab` | gates over the scratch store, and a tool that counts how often it runs |
//! | `trials/` | one function for each guarantee |
//! | `victim` | the process that is killed |

mod junit;
mod lab;
mod report;
mod run;
mod scratch;
#[cfg(test)]
mod tests;
mod trial;
mod trials;
mod victim;

pub(super) use run::run;
