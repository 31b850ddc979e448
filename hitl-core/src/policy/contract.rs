//! The policy contract: a policy is a function from an assessed call to an optional ruling.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ApprovalLevel, DecisionChannels};
use crate::confidence::{Assessment, CallView};
use crate::grant::Envelope;
use crate::sync::NoAnswer;

/// The effect of a ruling. Ordered: more is stricter, and the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
// Exhaustive: the order is a guard; code that does not handle a variant must not compile.
pub enum Effect {
    /// The score alone need not stop the call: without any other demand, it is Auto.
    ///
    /// This lifts the demands of the base and signal *points*, and nothing else. It yields to every
    /// other ruling, to a factor that demands a level (a signal that failed does), to a scorer that
    /// lowered the confidence, to critical risk, and to high risk unless the tool sets
    /// `auto_threshold` itself. Then the level is what it would be without this ruling.
    Auto,
    /// The call needs at least this level.
    AtLeast(ApprovalLevel),
    /// The call does not run, and nobody is asked.
    Deny,
}

/// The ruling of a policy on a call, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a policy must supply each part.
pub struct Ruling {
    /// The effect.
    pub effect: Effect,
    /// The rule's name and reason, for the reviewer and for the audit.
    pub reason: String,
}

/// The host's own rules. Pure: no clock, no IO. A policy that panics denies the call, and so does
/// one that a gate queries and that does not answer in time: see
/// [`GateBuilder::evaluation_timeout`](crate::GateBuilder::evaluation_timeout).
///
/// ```
/// use hitl::{confidence::{Assessment, CallView}, policy::{Effect, Ruling}, Policy};
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
    /// Returns the policy's ruling on this call, if it has one.
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling>;

    /// Returns the ruling together with the version and rule behind it. The gate calls this; a
    /// policy that can change while it is in use answers from one version.
    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> PolicyAnswer {
        let answer = PolicyAnswer::new(self.rule(call, assessment));
        match self.version() {
            Some(version) => answer.version(version),
            None => answer,
        }
    }

    /// Returns the version in force, for policies that have one.
    fn version(&self) -> Option<PolicyVersion> {
        None
    }

    /// Returns whether a gate runs this policy on the caller's thread. Then it has no deadline, and
    /// one that hangs hangs its caller. Return `true` only for a policy that always returns at
    /// once, or that needs the caller's thread-local values.
    fn runs_inline(&self) -> bool {
        false
    }

    /// Returns the files on which its decisions depend: a call that names one of them is reviewed
    /// in full. A policy that wraps another must return that policy's files too.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns what a person may let run by breaking the glass, as this policy declares it: asked
    /// each time that it matters. A policy that wraps another must return that policy's too, or
    /// nothing counts that the other declares.
    fn envelopes(&self) -> Vec<Envelope> {
        Vec::new()
    }
}

/// The exact version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicyVersion {
    #[serde(with = "hitl_base::shared::text")]
    pub(crate) name: Arc<str>,
    #[serde(with = "hitl_base::shared::text")]
    pub(crate) version: Arc<str>,
    #[serde(with = "hitl_base::shared::text")]
    pub(crate) digest: Arc<str>,
}

impl PolicyVersion {
    /// Returns the version of a custom policy.
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
    /// The policy and its version.
    pub policy: PolicyVersion,
    /// The rule's name.
    #[serde(with = "hitl_base::shared::text")]
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

/// The answer of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyAnswer {
    /// The ruling on the call, if any; or the reason why the policy failed, which denies the call.
    pub ruling: Result<Option<Ruling>, String>,
    /// The rule behind the ruling.
    pub rule: Option<RuleRef>,
    /// The version that answered.
    pub version: Option<PolicyVersion>,
    /// The channels through which the call may be approved, if somebody is asked about it. Those of
    /// several policies are intersected, so a policy can only take channels away.
    pub channels: DecisionChannels,
}

impl PolicyAnswer {
    /// Returns an answer with this ruling, if any.
    pub fn new(ruling: Option<Ruling>) -> Self {
        Self { ruling: Ok(ruling), rule: None, version: None, channels: DecisionChannels::ANY }
    }

    /// Returns the answer of a policy that failed. The call is denied, and `why` names the remedy.
    pub fn failed(why: impl Into<String>) -> Self {
        Self { ruling: Err(why.into()), ..Self::new(None) }
    }

    /// Returns the answer of a policy that panicked or did not answer in time.
    pub(crate) fn unanswered(no_answer: NoAnswer) -> Self {
        Self::failed(match no_answer {
            NoAnswer::Panicked => "a policy failed, so the call is denied; fix the policy",
            NoAnswer::Late | NoAnswer::NotAsked => {
                "a policy did not answer in time, so the call is denied; fix the policy"
            }
        })
    }

    /// Returns the ruling. A policy that failed denies.
    pub(crate) fn into_ruling(self) -> Option<Ruling> {
        self.ruling.unwrap_or_else(|reason| Some(Ruling { effect: Effect::Deny, reason }))
    }

    /// Sets the rule.
    #[must_use]
    pub fn by(mut self, rule: RuleRef) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Sets the channels through which the call may be approved.
    ///
    /// A policy that is written in code restricts them in its [`answer`](Policy::answer).
    #[must_use]
    pub fn channels(mut self, channels: DecisionChannels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: PolicyVersion) -> Self {
        self.version = Some(version);
        self
    }
}

/// Policies can be shared: a host keeps one handle and passes another to the gate.
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

    fn envelopes(&self) -> Vec<Envelope> {
        (**self).envelopes()
    }

    fn files(&self) -> Vec<PathBuf> {
        (**self).files()
    }
}
