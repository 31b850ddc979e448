//! Requirements on a decision: the level of review, the number of people, their roles, the order of
//! stages, the channels. Requirements only rise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ApprovalLevel, DecisionChannels};
use crate::call::{Principal, PrincipalKind};

/// The rule on whether the requester may approve too. Each variant is stricter than the one before
/// it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
// Exhaustive: the order is a guard; a new variant is a change of policy.
pub enum RequesterRule {
    /// Anybody with the right may approve, the requester too: only where the host sets it.
    #[serde(rename = "requester")]
    MayApprove,
    /// The default: the requester may answer Quick. Full approvals, and grants, need another human.
    #[default]
    #[serde(alias = "two")]
    ByLevel,
    /// At any level, neither the requester nor an editor of the revision may approve it, and no
    /// grant answers for it.
    #[serde(rename = "four")]
    MayNotApprove,
}

impl RequesterRule {
    /// Returns whether the requester may approve their own call at this level.
    pub fn let_the_requester_approve(self, level: ApprovalLevel) -> bool {
        match self {
            Self::MayApprove => true,
            Self::ByLevel => level < ApprovalLevel::Full,
            Self::MayNotApprove => false,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The kinds of principal that may answer besides humans. By default there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: ignoring a new condition would be laxer.
pub struct Deciders {
    /// True if agents may answer.
    #[serde(default, skip_serializing_if = "is_no")]
    pub agents: bool,
    /// True if services may answer.
    #[serde(default, skip_serializing_if = "is_no")]
    pub services: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_no(yes: &bool) -> bool {
    !*yes
}

impl Deciders {
    /// Only humans.
    pub const HUMANS: Self = Self { agents: false, services: false };
    /// Humans, agents and services.
    pub const ANY: Self = Self { agents: true, services: true };

    /// Returns whether a principal of this kind may answer.
    pub const fn include(self, kind: PrincipalKind) -> bool {
        match kind {
            PrincipalKind::Human => true,
            PrincipalKind::Agent => self.agents,
            PrincipalKind::Service => self.services,
        }
    }

    /// Returns whether this principal may answer: its kind is allowed and it has a name. A name
    /// without a visible character identifies nobody.
    pub(crate) fn admit(self, who: &Principal) -> bool {
        self.include(who.kind()) && who.is_named()
    }

    /// Returns the largest set of deciders that both allow.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self { agents: self.agents && other.agents, services: self.services && other.services }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_humans(&self) -> bool {
        *self == Self::HUMANS
    }
}

/// The number of different people who must approve before the next stage begins, and their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: ignoring a new condition would be laxer.
pub struct Stage {
    /// The total number of different people; at least one, and at least those that `roles`
    /// requires.
    #[serde(default)]
    pub people: u32,
    /// The number of people required in each of these roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, u32>,
}

impl Stage {
    /// Returns a stage of `people` people in any role.
    pub fn people(people: u32) -> Self {
        Self { people, ..Self::default() }
    }

    /// Returns a stage of `people` people in this role.
    pub fn role(role: impl Into<String>, people: u32) -> Self {
        Self { people: 0, roles: BTreeMap::from([(role.into(), people)]) }
    }

    /// Returns the least stage that is at least as strict as both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut roles = self.roles.clone();
        for (role, people) in &other.roles {
            let most = roles.entry(role.clone()).or_default();
            *most = (*most).max(*people);
        }
        Self { people: self.people.max(other.people), roles }
    }

    /// Returns the places to be filled, each by a different person: with a role, or for anybody.
    fn places(&self) -> Vec<Option<&str>> {
        let named =
            self.roles.iter().flat_map(|(role, people)| (0..*people).map(|_| Some(role.as_str())));
        let mut places: Vec<_> = named.take(MOST).collect();
        let all = usize::try_from(self.people).unwrap_or(MOST).clamp(1, MOST);
        while places.len() < all {
            places.push(None);
        }
        places
    }

    /// Returns the number of places that stay empty when the people with these roles are placed so
    /// that the fewest stay empty.
    pub fn missing(&self, voters: &[&[String]]) -> usize {
        let places = self.places();
        let mut taken_by: Vec<Option<usize>> = vec![None; places.len()];
        let mut filled = 0;
        for voter in 0..voters.len() {
            let mut seen = vec![false; places.len()];
            filled += usize::from(seat(voter, voters, &places, &mut taken_by, &mut seen));
        }
        places.len() - filled
    }
}

/// The most people of a stage that are counted: a larger stage counts as this many.
const MOST: usize = 100;

/// Finds a place for a voter, moving seated voters if that helps.
fn seat(
    voter: usize,
    voters: &[&[String]],
    places: &[Option<&str>],
    taken_by: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for (at, place) in places.iter().enumerate() {
        let fits = place.is_none_or(|role| voters[voter].iter().any(|own| own == role));
        if !fits || seen[at] {
            continue;
        }
        seen[at] = true;
        let free = match taken_by[at] {
            None => true,
            Some(other) => seat(other, voters, places, taken_by, seen),
        };
        if free {
            taken_by[at] = Some(voter);
            return true;
        }
    }
    false
}

/// The people who must approve: in stages, one after the other. Without a stage, one person. The
/// default applies where nothing is set: humans, and the requester at Quick only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: ignoring a new condition would be laxer.
pub struct Quorum {
    /// The rule on approval by the requester.
    #[serde(default, skip_serializing_if = "RequesterRule::is_default")]
    pub eyes: RequesterRule,
    /// The principals that may answer, besides humans.
    #[serde(default, skip_serializing_if = "Deciders::is_humans")]
    pub deciders: Deciders,
    /// The stages, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

impl Quorum {
    /// The least quorum: any one principal. Joining it to another quorum adds nothing.
    pub const ONE: Self =
        Self { eyes: RequesterRule::MayApprove, deciders: Deciders::ANY, stages: Vec::new() };

    /// Returns whether one person's approval suffices, so that a grant may replace it: no stage,
    /// and no explicit four eyes.
    pub fn is_one(&self) -> bool {
        self.stages.is_empty() && self.eyes < RequesterRule::MayNotApprove
    }

    /// Returns whether nothing is set, so that the default applies.
    pub(crate) fn is_default(&self) -> bool {
        self.stages.is_empty() && self.eyes.is_default() && self.deciders.is_humans()
    }

    /// Returns the least quorum that is at least as strict as both. Stages are joined position by
    /// position.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let length = self.stages.len().max(other.stages.len());
        let nobody = Stage::default();
        let stage = |quorum: &Self, at: usize| quorum.stages.get(at).unwrap_or(&nobody).clone();
        let stages = (0..length).map(|at| stage(self, at).join(&stage(other, at))).collect();
        let deciders = self.deciders.join(other.deciders);
        Self { eyes: self.eyes.max(other.eyes), deciders, stages }
    }

    /// Returns whether any decision that satisfies `other` satisfies this.
    pub fn is_met_by(&self, other: &Self) -> bool {
        self.join(other) == *other
    }

    /// Returns the stage at `at`. There is always a first one.
    pub fn stage(&self, at: usize) -> Option<Stage> {
        match self.stages.get(at) {
            Some(stage) => Some(stage.clone()),
            None if at == 0 => Some(Stage::people(1)),
            None => None,
        }
    }
}

/// The requirements on a decision. A join-semilattice: [`join`](Self::join) of two is the least
/// that is at least as strict as both, so the requirements of a call can only rise, in whichever
/// order they are joined.
///
/// ```
/// use hitl::policy::{ApprovalLevel, Requirement, Stage};
/// let policy = Requirement::new(ApprovalLevel::Quick).stage(Stage::role("legal", 1));
/// let tool = Requirement::new(ApprovalLevel::Full);
/// let both = policy.join(&tool);
/// assert_eq!(both.level, ApprovalLevel::Full);
/// assert!(policy.is_met_by(&both) && tool.is_met_by(&both) && !both.is_met_by(&tool));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Requirement {
    /// The level of review.
    pub level: ApprovalLevel,
    /// The people who must approve.
    #[serde(default)]
    pub quorum: Quorum,
    /// The channels through which they may approve.
    #[serde(default, skip_serializing_if = "DecisionChannels::is_any")]
    pub channels: DecisionChannels,
}

impl Requirement {
    /// Returns the requirement of one principal at this level, without conditions on who: those of
    /// the tool and the gate are joined to it.
    pub fn new(level: ApprovalLevel) -> Self {
        Self { level, quorum: Quorum::ONE, channels: DecisionChannels::ANY }
    }

    /// Sets the quorum.
    #[must_use]
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// Sets the channels through which it may be approved.
    #[must_use]
    pub fn channels(mut self, channels: DecisionChannels) -> Self {
        self.channels = channels;
        self
    }

    /// Adds a stage.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.quorum.stages.push(stage);
        self
    }

    /// Excludes the requester from approving.
    #[must_use]
    pub fn four_eyes(mut self) -> Self {
        self.quorum.eyes = RequesterRule::MayNotApprove;
        self
    }

    /// Returns the least requirement that is at least as strict as both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self {
            level: self.level.max(other.level),
            quorum: self.quorum.join(&other.quorum),
            channels: self.channels.join(&other.channels),
        }
    }

    /// Returns whether any decision that satisfies `other` satisfies this.
    pub fn is_met_by(&self, other: &Self) -> bool {
        self.join(other) == *other
    }
}
