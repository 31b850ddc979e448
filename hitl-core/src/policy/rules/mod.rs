//! Rules as data: built in code, or read from a file.
//!
//! | file | contents |
//! |---|---|
//! | `rule` | a rule: its effect, its conditions, its exceptions |
//! | `argument`, `check`, `path`, `number` | conditions on the call's arguments |
//! | `warning` | warnings about conditions that do less than they seem to |
//! | `pattern`, `window` | names with wildcards; days and hours |
//! | `set` | all rules of a policy, indexed; the one that decides |
//! | `rule_test` | the tests that a policy carries, and must pass |
//! | `error` | all mistakes in a policy, at once |
//! | `read/` | a rule set from TOML (feature `policy-files`) |
//! | `strictness` | comparison of two sets by strictness; the stricter of two |
//! | `acceptance`, `in_force` | the accepted text of a rule file, and the rules that decide until then (feature `policy-files`) |
//! | `signature` | texts of a rule file that a key of the host signed (feature `policy-files`) |
//! | `changes`, `text_file` | differences between two texts; reading a file that may have been replaced |
//! | `judge`, `options` | the rules in force, given the accepted and the signed text; options for opening a rule file |
//! | `file`, `watch` | a rule file that can be read again while it is in use (feature `policy-files`) |
//! | `file_status` | the state of a rule file, for the people who answer for it (feature `policy-files`) |
//!
//! **Doubt.** A condition that cannot be decided (the argument is missing or of another kind, the
//! time is not known) counts towards the stricter answer: as met for a rule that tightens, as not
//! met for one that relaxes; the other way round in `unless`.

#[cfg(feature = "policy-files")]
mod acceptance;
mod argument;
#[cfg(feature = "policy-files")]
mod changes;
mod check;
mod error;
#[cfg(feature = "policy-files")]
mod file;
#[cfg(feature = "policy-files")]
mod file_status;
#[cfg(feature = "policy-files")]
mod in_force;
#[cfg(feature = "policy-files")]
mod judge;
mod number;
#[cfg(feature = "policy-files")]
mod options;
mod path;
mod pattern;
#[cfg(feature = "policy-files")]
mod read;
mod rule;
mod rule_test;
mod set;
#[cfg(feature = "policy-files")]
mod signature;
mod strictness;
#[cfg(feature = "policy-files")]
mod text_file;
mod warning;
#[cfg(feature = "policy-files")]
mod watch;
mod window;

pub use argument::{Argument, Comparison, Operand};

#[cfg(feature = "policy-files")]
pub use acceptance::AcceptanceFile;
pub use error::{RuleError, RuleErrorKind, RuleErrors};
#[cfg(feature = "policy-files")]
pub use file::RuleFile;
#[cfg(feature = "policy-files")]
pub use file_status::{AcceptError, PendingRules, Reload, RuleFileStatus};
#[cfg(feature = "policy-files")]
pub use options::RuleFileOptions;
pub(crate) use path::each_value;
pub(crate) use pattern::Pattern as Glob;
pub use rule::{AnnotationTest, Rule, RuleConditions, RuleEffect};
pub use rule_test::{RuleTest, TestReport};
pub use set::{RuleSet, RuleSetBuilder};
#[cfg(all(feature = "policy-files", feature = "checkpoints"))]
pub use signature::{PolicySignature, SignatureFile};
#[cfg(feature = "policy-files")]
pub use signature::{PolicySignatures, SignedPolicy};
pub use strictness::{Relaxation, RelaxationKind};
pub use warning::{RuleWarning, RuleWarningKind};
#[cfg(feature = "policy-files")]
pub use watch::RuleWatch;
pub use window::{TimeWindow, Weekday};

/// The value of a condition that cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undecidable {
    /// The condition counts as met.
    Met,
    /// The condition counts as not met.
    Unmet,
}

impl Undecidable {
    const fn holds(self) -> bool {
        matches!(self, Self::Met)
    }

    /// Returns the value for a negated condition.
    const fn turned(self) -> Self {
        match self {
            Self::Met => Self::Unmet,
            Self::Unmet => Self::Met,
        }
    }
}

/// The text that wildcards and regular expressions match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Texts {
    /// Any text: the condition makes a rule stricter.
    Any,
    /// Plain text only; other text cannot be decided. All conditions of an `auto` rule, and the
    /// `unless` of every other rule: calls that they consider harmless run.
    Plain,
}

/// The side from which a condition is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    doubt: Undecidable,
    texts: Texts,
}

impl Side {
    /// Returns the side of the conditions of a rule with this effect.
    const fn new(effect: RuleEffect) -> Self {
        match effect {
            RuleEffect::Auto => Self { doubt: Undecidable::Unmet, texts: Texts::Plain },
            RuleEffect::Quick | RuleEffect::Full | RuleEffect::Deny => {
                Self { doubt: Undecidable::Met, texts: Texts::Any }
            }
        }
    }

    /// Returns the side of the rule's `unless`.
    const fn unless(self) -> Self {
        Self { doubt: self.doubt.turned(), texts: Texts::Plain }
    }

    /// Returns the side of a negated condition.
    const fn turned(self) -> Self {
        Self { doubt: self.doubt.turned(), texts: self.texts }
    }

    const fn relaxes(self) -> bool {
        matches!(self.doubt, Undecidable::Unmet)
    }
}
