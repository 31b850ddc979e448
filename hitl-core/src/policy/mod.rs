//! Where a call goes: runs, is asked about, or is denied. Pure: no clock, no IO. What a host brings for
//! it is declared here, and asked by the gate.

mod bounded;
mod directory;
mod level;
mod queue;
mod requirement;
mod route;
mod rule;
mod rules;
mod shadow;

pub(crate) use bounded::bounded;
pub(crate) use directory::changes as role_changes;
pub use directory::{Directory, DirectoryError, Standing};
pub use level::{ApprovalLevel, level_for};
pub use queue::{Priority, due_after, priority};
pub use requirement::{Deciders, Eyes, Quorum, Requirement, Stage};
pub use route::{Routed, Verdict, VerdictKind, route};
pub(crate) use route::{ask, combine};
pub use rule::{Answer, Effect, Policy, PolicyVersion, RuleRef, Ruling};
pub use rules::{
    Argument, Compare, Hint, Operand, Rule, RuleEffect, RuleError, RuleErrorKind, RuleErrors,
    RuleSet, RuleSetBuilder, RuleTest, TestReport, TimeWindow, Weekday, When,
};
pub(crate) use rules::{Glob, each_value};
#[cfg(feature = "policy-files")]
pub use rules::{Reload, RuleFile, RuleFileStatus, RuleWatch};
pub(crate) use shadow::Shadow;
pub use shadow::{Difference, ShadowReport};
