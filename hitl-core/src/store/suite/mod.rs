//! The contract suite that every store passes.
//!
//! One check for each sentence of the [contract](crate::store::Store): plain async functions over a
//! [`Subject`], which is an empty store and its clock, so that time passes without sleeping. A
//! backend runs them all with one line:
//!
//! ```ignore
//! async fn make_store(clock: ManualClock) -> Subject { .. }
//! hitl_core::store_contract!(make_store);
//! ```
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check fails by panicking, as tests do"
)]

pub mod admit;
pub mod assignment;
pub mod attach;
pub mod broken_glass;
pub mod caps;
mod checks;
pub mod clock;
pub mod decide;
pub mod edit;
pub mod effects;
pub mod erasure;
pub mod executors;
pub mod fixture;
pub mod freeze;
pub mod grace;
pub mod grants;
pub mod history;
pub mod holds;
pub mod list;
pub mod marks;
pub mod outbox;
mod preview;
pub mod queue;
pub mod races;
pub mod retention;
pub mod rotation;
pub mod run;
mod subject;
pub mod submit;
pub mod tenants;
pub mod together;
pub mod unknown;
pub mod watch;
pub mod withdraw;

pub use fixture::{
    Draft, approved, claimed, edit as edited, facts, failure, grant, host, sealed, tenant,
    unknown_outcome,
};
pub use subject::{Subject, refused, start_clock};
