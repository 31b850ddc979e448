//! What of a rule file decides: what was accepted, and what is in the file now.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Relaxation, RuleSet};
use crate::confidence::{Assessment, CallView};
use crate::hex::hex;
use crate::policy::{Answer, Policy as _, PolicyVersion};

/// The rules that decide.
#[derive(Clone, Debug)]
pub(super) enum InForce {
    /// None: the file never loaded.
    Nothing,
    /// None, because it is not known what was accepted; what the file says waits.
    Refused { why: String, newer: Arc<RuleSet> },
    /// These.
    Rules(Arc<RuleSet>),
    /// Both, the stricter of the two for every call, until somebody accepts the newer.
    Both(Arc<Both>),
}

/// What was accepted, and what waits.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) accepted: Arc<RuleSet>,
    pub(super) newer: Arc<RuleSet>,
    pub(super) relaxations: Vec<Relaxation>,
    version: PolicyVersion,
}

impl InForce {
    /// What decides when these rules are read, and those were accepted: alone, when they only tighten.
    pub(super) fn of(accepted: &Arc<RuleSet>, newer: Arc<RuleSet>) -> Self {
        if accepted.id().digest == newer.id().digest {
            return Self::Rules(newer);
        }
        let relaxations = newer.relaxations_of(accepted);
        if relaxations.is_empty() {
            return Self::Rules(newer);
        }
        let (old, new) = (accepted.id(), newer.id());
        let both = Sha256::digest(format!("{}\n{}", old.digest, new.digest).as_bytes());
        let said = format!("{} and {} (not accepted yet)", old.version, new.version);
        let version = PolicyVersion::new(Arc::clone(&old.name), said, hex(&both));
        Self::Both(Arc::new(Both { accepted: Arc::clone(accepted), newer, relaxations, version }))
    }

    /// The rules that were accepted, as far as it is known.
    pub(super) fn accepted(&self) -> Option<&Arc<RuleSet>> {
        match self {
            Self::Nothing | Self::Refused { .. } => None,
            Self::Rules(rules) => Some(rules),
            Self::Both(both) => Some(&both.accepted),
        }
    }

    /// The rules that the file has now, when it loads.
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

    /// Whether both decide in the same way about every call.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused { why, newer }, Self::Refused { why: other, newer: next }) => {
                why == other && newer.id() == next.id()
            }
            (Self::Refused { .. }, _) | (_, Self::Refused { .. }) => false,
            _ => self.version() == other.version(),
        }
    }

    /// What the rules say; nothing when there are none.
    pub(super) fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Answer> {
        match self {
            Self::Nothing => None,
            Self::Refused { why, .. } => Some(Answer::failed(format!(
                "the policy is not accepted, so every call is denied; look at it and run `hitl policy accept`: {why}"
            ))),
            Self::Rules(rules) => Some(rules.answer(call, assessment)),
            Self::Both(both) => {
                let found = both.accepted.stricter_of(&both.newer, call);
                let answer = found
                    .map_or_else(|| Answer::of_ruling(None), |(rules, rule)| rules.answer_by(rule));
                Some(answer.of(both.version.clone()))
            }
        }
    }
}
