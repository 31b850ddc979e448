//! The rules of a rule file that decide: the accepted ones, and those that are in the file now.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::changes::Changes;
use super::{Relaxation, RuleSet};
use crate::confidence::{Assessment, CallView};
use crate::grant::Envelope;
use crate::hex::hex;
use crate::policy::{Policy as _, PolicyAnswer, PolicyVersion};

/// The rules that decide.
#[derive(Clone, Debug)]
pub(super) enum InForce {
    /// None: the file never loaded.
    Nothing,
    /// None, because the accepted text is unknown; the text in the file waits.
    Refused { why: String, newer: Arc<RuleSet> },
    /// These rules.
    Rules(Arc<RuleSet>),
    /// Both, the stricter of the two for every call, until the newer is accepted.
    Both(Arc<Both>),
}

/// The accepted rules and the waiting ones.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) accepted: Arc<RuleSet>,
    pub(super) newer: Arc<RuleSet>,
    pub(super) relaxations: Vec<Relaxation>,
    /// The differing lines.
    pub(super) changes: Changes,
    /// The reason why a signature does not accept it, where the host takes signatures.
    pub(super) signature: Option<String>,
    version: PolicyVersion,
}

impl InForce {
    /// Returns both rule sets, until the newer is accepted.
    pub(super) fn both(
        (accepted, newer): (&Arc<RuleSet>, Arc<RuleSet>),
        relaxations: Vec<Relaxation>,
        changes: Changes,
        signature: Option<String>,
    ) -> Self {
        let (old, new) = (accepted.id(), newer.id());
        let both = Sha256::digest(format!("{}\n{}", old.digest, new.digest).as_bytes());
        let said = format!("{} and {} (not accepted yet)", old.version, new.version);
        let version = PolicyVersion::new(Arc::clone(&old.name), said, hex(&both));
        let accepted = Arc::clone(accepted);
        Self::Both(Arc::new(Both { accepted, newer, relaxations, changes, signature, version }))
    }

    /// Returns the accepted rules, if they are known.
    pub(super) fn accepted(&self) -> Option<&Arc<RuleSet>> {
        match self {
            Self::Nothing | Self::Refused { .. } => None,
            Self::Rules(rules) => Some(rules),
            Self::Both(both) => Some(&both.accepted),
        }
    }

    /// Returns the rules in the file now, if it loads.
    pub(super) fn newer(&self) -> Option<&Arc<RuleSet>> {
        match self {
            Self::Nothing => None,
            Self::Refused { newer, .. } => Some(newer),
            Self::Rules(rules) => Some(rules),
            Self::Both(both) => Some(&both.newer),
        }
    }

    pub(super) fn version(&self) -> Option<&PolicyVersion> {
        match self {
            Self::Nothing | Self::Refused { .. } => None,
            Self::Rules(rules) => Some(rules.id()),
            Self::Both(both) => Some(&both.version),
        }
    }

    /// Returns whether both decide every call in the same way and for the same reason.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused { why, newer }, Self::Refused { why: other, newer: next }) => {
                why == other && newer.id() == next.id()
            }
            (Self::Refused { .. }, _) | (_, Self::Refused { .. }) => false,
            (Self::Both(both), Self::Both(other)) => {
                both.version == other.version && both.signature == other.signature
            }
            _ => self.version() == other.version(),
        }
    }

    /// Returns what a person may let run by breaking the glass: while two texts are in force, only
    /// what is provably covered by both.
    pub(super) fn envelopes(&self) -> Vec<Envelope> {
        match self {
            Self::Nothing | Self::Refused { .. } => Vec::new(),
            Self::Rules(rules) => rules.envelopes(),
            Self::Both(both) => {
                let (old, new) = (both.accepted.envelopes(), both.newer.envelopes());
                let within = |one: &Envelope, others: &[Envelope]| {
                    others.iter().any(|other| one.is_within(other))
                };
                let mut common: Vec<Envelope> =
                    old.iter().filter(|one| within(one, &new)).cloned().collect();
                let narrower = new.into_iter().filter(|one| within(one, &old));
                for envelope in narrower {
                    if !common.contains(&envelope) {
                        common.push(envelope);
                    }
                }
                common
            }
        }
    }

    /// Returns the answer of the rules; `None` if there are none.
    pub(super) fn answer(
        &self,
        call: &CallView<'_>,
        assessment: &Assessment,
    ) -> Option<PolicyAnswer> {
        match self {
            Self::Nothing => None,
            Self::Refused { why, .. } => Some(PolicyAnswer::failed(format!(
                "the policy is not accepted, so every call is denied; look at it and run `hitl policy accept`: {why}"
            ))),
            Self::Rules(rules) => Some(rules.answer(call, assessment)),
            Self::Both(both) => {
                let found = both.accepted.stricter_of(&both.newer, call);
                let answer = found
                    .map_or_else(|| PolicyAnswer::new(None), |(rules, rule)| rules.answer_by(rule));
                let (old, new) = (&both.accepted, &both.newer);
                let channels = old.channels_for(call).join(&new.channels_for(call));
                Some(answer.version(both.version.clone()).channels(channels))
            }
        }
    }
}
