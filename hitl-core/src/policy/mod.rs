//! Where a call goes: runs, is asked about, or is denied. Pure: no clock, no IO. What a host brings
//! for it is declared here, and asked by the gate.

mod bounded;
mod directory;
mod level;
mod matcher;
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
pub(crate) use matcher::{Match, OwnFiles, Reading, has_word, is_for_an_interpreter, is_plain};
pub use matcher::{NumberRange, PathMatcher, UrlMatcher};
pub use queue::{Priority, due_after, priority};
pub use requirement::{Deciders, Eyes, Quorum, Requirement, Stage};
pub use route::{Routed, Verdict, VerdictKind, route};
pub(crate) use route::{ask, combine};
pub use rule::{Answer, Effect, Policy, PolicyVersion, RuleRef, Ruling};
#[cfg(feature = "policy-files")]
pub use rules::{
    AcceptError, AcceptanceFile, PendingRules, PolicySignatures, Reload, RuleFile, RuleFileOptions,
    RuleFileStatus, RuleWatch, SignedPolicy,
};
pub use rules::{
    Argument, Compare, Hint, Operand, Relaxation, RelaxationKind, Rule, RuleEffect, RuleError,
    RuleErrorKind, RuleErrors, RuleSet, RuleSetBuilder, RuleTest, RuleWarning, RuleWarningKind,
    TestReport, TimeWindow, Weekday, When,
};
pub(crate) use rules::{Glob, each_value};
#[cfg(all(feature = "policy-files", feature = "checkpoints"))]
pub use rules::{PolicySignature, SignatureFile};
pub(crate) use shadow::Shadow;
pub use shadow::{Difference, ShadowReport};
