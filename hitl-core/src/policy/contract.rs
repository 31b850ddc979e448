//! A policy is a function from an assessed call to a ruling, or to nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ApprovalLevel;
use crate::confidence::{Assessment, CallView};
use crate::sync::NoAnswer;

/// What a ruling does. Ordered: more is stricter, and the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
// Exhaustive: the order is a guard; who does not handle one must not compile.
pub enum Effect {
    /// The score need not stop the call: if nothing else has anything to say, it is Auto.
    ///
    /// This lifts what the *points* of base and signals ask for, and nothing else. It gives way to
    /// every other ruling, to a factor that demands a level (a signal that failed does), to a
    /// scorer that lowered the confidence, to critical risk, and to high risk unless the tool sets
    /// `auto_threshold` itself. Then the level is what it would be without this ruling.
    Auto,
    /// The call needs at least this level.
    AtLeast(ApprovalLevel),
    /// The call does not run, and nobody is asked.
    Deny,
}

/// What a policy says about a call, and which rule said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What it does.
    pub effect: Effect,
    /// The rule's name and reason, for the reviewer and for the audit.
    pub reason: String,
}

/// The host's own rules. Pure: no clock, no IO. A policy that panics denies the call, and so does
/// one that a gate asks and that does not answer in time: see
/// [`GateBuilder::evaluation_timeout`](crate::GateBuilder::evaluation_timeout).
///
/// ```
/// use hitl_core::{Assessment, CallView, Effect, Policy, Ruling};
///
/// struct NoDeletions;
/// impl Policy for NoDeletions {
///     fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
///         let reason = "freeze: nothing is deleted this week".to_owned();
///         call.config.hints.destructive.then(|| Ruling { effect: Effect::Deny, reason })
///     }
/// }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// What this policy says about a call, if anything.
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling>;

    /// What this policy says, and which version and rule of it says so. What the gate asks; a
    /// policy that can change while it is in use answers from one version.
    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> PolicyAnswer {
        let answer = PolicyAnswer::new(self.rule(call, assessment));
        match self.version() {
            Some(version) => answer.version(version),
            None => answer,
        }
    }

    /// The version in force, for policies that have one.
    fn version(&self) -> Option<PolicyVersion> {
        None
    }

    /// Whether a gate asks this policy on the caller's thread. Then it has no deadline, and one
    /// that hangs hangs its caller. Say so only of a policy that always returns at once, or that
    /// needs the caller's thread-local values.
    fn runs_inline(&self) -> bool {
        false
    }

    /// The files that it decides by: a call that names one of them is reviewed in full. A policy
    /// that wraps another passes its files on.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Which policy it was, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicyVersion {
    #[serde(serialize_with = "crate::shared::serialize", deserialize_with = "crate::shared::text")]
    pub(crate) name: Arc<str>,
    #[serde(serialize_with = "crate::shared::serialize", deserialize_with = "crate::shared::text")]
    pub(crate) version: Arc<str>,
    #[serde(serialize_with = "crate::shared::serialize", deserialize_with = "crate::shared::text")]
    pub(crate) digest: Arc<str>,
}

impl PolicyVersion {
    /// A version of a policy of your own.
    pub fn new(
        name: impl Into<Arc<str>>,
        version: impl Into<Arc<str>>,
        digest: impl Into<Arc<str>>,
    ) -> Self {
        Self { name: name.into(), version: version.into(), digest: digest.into() }
    }

    /// Returns the policy's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what its authors call this version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the SHA-256 of its text, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleRef {
    /// Which policy.
    pub policy: PolicyVersion,
    /// The rule's name.
    #[serde(serialize_with = "crate::shared::serialize", deserialize_with = "crate::shared::text")]
    pub(crate) rule: Arc<str>,
    /// Its line in the policy's file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl RuleRef {
    /// Returns the rule's name.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}` of {}", self.rule, self.policy)?;
        match self.line {
            Some(line) => write!(f, ", line {line}"),
            None => Ok(()),
        }
    }
}

/// What a policy answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyAnswer {
    /// What it says about the call, if anything; or why it cannot say, which denies the call.
    pub ruling: Result<Option<Ruling>, String>,
    /// The rule that said it.
    pub rule: Option<RuleRef>,
    /// The version that was asked.
    pub version: Option<PolicyVersion>,
}

impl PolicyAnswer {
    /// A ruling, or nothing to say.
    pub fn new(ruling: Option<Ruling>) -> Self {
        Self { ruling: Ok(ruling), rule: None, version: None }
    }

    /// The policy cannot say. The call is denied, and `why` says what to fix.
    pub fn failed(why: impl Into<String>) -> Self {
        Self { ruling: Err(why.into()), rule: None, version: None }
    }

    /// The policy panicked or did not answer in time.
    pub(crate) fn unanswered(no_answer: NoAnswer) -> Self {
        Self::failed(match no_answer {
            NoAnswer::Panicked => "a policy failed, so the call is denied; fix the policy",
            NoAnswer::Late | NoAnswer::NotAsked => {
                "a policy did not answer in time, so the call is denied; fix the policy"
            }
        })
    }

    /// The ruling. A policy that cannot say denies.
    pub(crate) fn into_ruling(self) -> Option<Ruling> {
        self.ruling.unwrap_or_else(|reason| Some(Ruling { effect: Effect::Deny, reason }))
    }

    /// Names the rule.
    #[must_use]
    pub fn by(mut self, rule: RuleRef) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Names the version.
    #[must_use]
    pub fn version(mut self, version: PolicyVersion) -> Self {
        self.version = Some(version);
        self
    }
}

/// Policies can be shared: a host keeps one handle and gives the gate another.
impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        (**self).rule(call, assessment)
    }

    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> PolicyAnswer {
        (**self).answer(call, assessment)
    }

    fn version(&self) -> Option<PolicyVersion> {
        (**self).version()
    }

    fn runs_inline(&self) -> bool {
        (**self).runs_inline()
    }

    fn files(&self) -> Vec<PathBuf> {
        (**self).files()
    }
}
