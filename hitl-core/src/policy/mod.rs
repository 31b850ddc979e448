//! Where a call goes: runs, is asked about, or is denied. Pure: no clock, no IO.

mod level;
mod queue;
mod requirement;
mod route;
mod rule;

pub use level::{ApprovalLevel, level_for};
pub use queue::{Priority, due_after, priority};
pub use requirement::{Eyes, Quorum, Requirement, Stage};
pub use route::{Routed, Verdict, route};
pub use rule::{Effect, Policy, Ruling};
