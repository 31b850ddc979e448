//! Rules as data: built in code, or read from a file.
//!
//! | file | what is there |
//! |---|---|
//! | `rule` | a rule: an effect, when it applies, when it does not |
//! | `argument`, `path`, `number` | conditions on the call's arguments |
//! | `pattern`, `window` | names with wildcards; days and hours |
//! | `set` | all rules of a policy, indexed; which one decides |
//! | `self_test` | the examples that a policy carries, and must get right |
//! | `error` | everything that is wrong with a policy, at once |
//! | `read/` | a rule set from TOML (feature `policy-files`) |
//! | `file`, `watch` | a rule file that can be read again while it is in use (feature `policy-files`) |
//!
//! **Doubt.** A condition that cannot be decided (the argument is missing or of another kind, the
//! time is not known) counts towards the stricter answer: as met for a rule that tightens, as not met
//! for one that relaxes; the other way round in `unless`.

mod argument;
mod error;
#[cfg(feature = "policy-files")]
mod file;
mod number;
mod path;
mod pattern;
#[cfg(feature = "policy-files")]
mod read;
mod rule;
mod self_test;
mod set;
#[cfg(feature = "policy-files")]
mod watch;
mod window;

pub use argument::{Argument, Compare, Operand};
pub use error::{RuleError, RuleErrorKind, RuleErrors};
#[cfg(feature = "policy-files")]
pub use file::{Reload, RuleFile, RuleFileStatus};
pub(crate) use path::each_value;
pub(crate) use pattern::Pattern as Glob;
pub use rule::{Hint, Rule, RuleEffect, When};
pub use self_test::{RuleTest, TestReport};
pub use set::{RuleSet, RuleSetBuilder};
#[cfg(feature = "policy-files")]
pub use watch::RuleWatch;
pub use window::{TimeWindow, Weekday};

/// What a condition counts as that cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// As met.
    Met,
    /// As not met.
    Unmet,
}

impl Doubt {
    const fn holds(self) -> bool {
        matches!(self, Self::Met)
    }

    /// For what is negated.
    const fn turned(self) -> Self {
        match self {
            Self::Met => Self::Unmet,
            Self::Unmet => Self::Met,
        }
    }
}
