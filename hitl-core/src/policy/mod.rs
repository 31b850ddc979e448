//! The decision about a call: it runs, is asked about, or is denied. Pure: no clock, no IO. The
//! traits that a host implements for it are declared here, and the gate calls them.

mod bounded;
mod contract;
mod decision_channel;
mod directory;
mod level;
mod matcher;
mod priority;
mod requirement;
mod route;
mod rules;
mod shadow;

pub(crate) use bounded::bounded;
pub use contract::{Effect, Policy, PolicyAnswer, PolicyVersion, RuleRef, Ruling};
pub use decision_channel::{DecisionChannel, DecisionChannels, InvalidChannel};
pub(crate) use directory::changes as role_changes;
pub use directory::{DirectoryError, PrincipalDirectory, PrincipalStatus};
pub use hitl_base::{TimeZone, UnknownTimeZone};
pub use level::{ApprovalLevel, level_for};
pub(crate) use matcher::{Match, OwnFiles, Reading, has_word, is_for_an_interpreter, is_plain};
pub use matcher::{NumberRange, PathMatcher, UrlMatcher};
pub use priority::{Priority, due_after, priority};
pub use requirement::{Deciders, Quorum, RequesterRule, Requirement, Stage};
pub use route::{Route, Verdict, VerdictKind, route};
pub(crate) use route::{ask, combine};
#[cfg(feature = "policy-files")]
pub use rules::{
    AcceptError, AcceptanceFile, PendingRules, PolicySignatures, Reload, RuleFile, RuleFileOptions,
    RuleFileStatus, RuleWatch, SignedPolicy,
};
pub use rules::{
    AnnotationTest, Argument, Comparison, Operand, Relaxation, RelaxationKind, Rule,
    RuleConditions, RuleEffect, RuleError, RuleErrorKind, RuleErrors, RuleSet, RuleSetBuilder,
    RuleTest, RuleWarning, RuleWarningKind, TestReport, TimeWindow, Weekday,
};
pub(crate) use rules::{Glob, each_value};
#[cfg(all(feature = "policy-files", feature = "checkpoints"))]
pub use rules::{PolicySignature, SignatureFile};
pub(crate) use shadow::Shadow;
pub use shadow::{Difference, ShadowReport};
