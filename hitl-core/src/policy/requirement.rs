//! What a decision must satisfy: how much of a human, how many people, in which roles, in which
//! order. Requirements only rise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ApprovalLevel;
use crate::call::{Principal, PrincipalKind};

/// Whether the person who asks may approve too. Each is stricter than the one before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
// Exhaustive: the order is a guard; a new one is a change of policy.
pub enum RequesterRule {
    /// Anybody who has the right may approve, the requester too: only where the host says so.
    #[serde(rename = "requester")]
    MayApprove,
    /// The default: the requester may answer Quick. Full, and a grant, are another human's to give.
    #[default]
    #[serde(alias = "two")]
    ByLevel,
    /// At any level, neither the requester nor an editor of the revision may approve it, and no
    /// grant answers for it.
    #[serde(rename = "four")]
    MayNotApprove,
}

impl RequesterRule {
    /// Whether the requester may approve their own call at this level.
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

/// Which principals may answer, beside humans. Nobody else, unless the host says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deciders {
    /// Agents may answer.
    #[serde(default, skip_serializing_if = "is_no")]
    pub agents: bool,
    /// Services may answer.
    #[serde(default, skip_serializing_if = "is_no")]
    pub services: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_no(yes: &bool) -> bool {
    !*yes
}

impl Deciders {
    /// Humans, and nobody else.
    pub const HUMANS: Self = Self { agents: false, services: false };
    /// Humans, agents and services.
    pub const ANY: Self = Self { agents: true, services: true };

    /// Whether a principal of this kind may answer.
    pub const fn include(self, kind: PrincipalKind) -> bool {
        match kind {
            PrincipalKind::Human => true,
            PrincipalKind::Agent => self.agents,
            PrincipalKind::Service => self.services,
        }
    }

    /// Whether this principal may answer: one of a kind that may, who has a name. Nobody is known
    /// by a name in which nothing can be seen.
    pub(crate) fn admit(self, who: &Principal) -> bool {
        self.include(who.kind()) && who.is_named()
    }

    /// The most deciders that are at least as few as both.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self { agents: self.agents && other.agents, services: self.services && other.services }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_humans(&self) -> bool {
        *self == Self::HUMANS
    }
}

/// How many different people must approve before the next stage begins, and in which roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// So many different people in all; at least one, and at least those that `roles` asks for.
    #[serde(default)]
    pub people: u32,
    /// So many of them in each of these roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, u32>,
}

impl Stage {
    /// `people` people in any role.
    pub fn people(people: u32) -> Self {
        Self { people, ..Self::default() }
    }

    /// `people` people in this role.
    pub fn role(role: impl Into<String>, people: u32) -> Self {
        Self { people: 0, roles: BTreeMap::from([(role.into(), people)]) }
    }

    /// The least stage that is at least as strict as both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut roles = self.roles.clone();
        for (role, people) in &other.roles {
            let most = roles.entry(role.clone()).or_default();
            *most = (*most).max(*people);
        }
        Self { people: self.people.max(other.people), roles }
    }

    /// The places that must be filled, each by another person: a role's, or anybody's.
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

    /// How many places are still empty when each of these people, known by their roles, takes the
    /// place that leaves the fewest empty.
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

/// A stage of more people than this is one of this many: nobody counts further.
const MOST: usize = 100;

/// Finds a place for a voter, moving those who are seated if that helps.
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

/// Who must approve: in stages, one after the other. Without a stage, one person. The default is
/// what holds where nothing is said: humans, and the requester at Quick only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quorum {
    /// Whether the requester may approve.
    #[serde(default, skip_serializing_if = "RequesterRule::is_default")]
    pub eyes: RequesterRule,
    /// Who may answer, beside humans.
    #[serde(default, skip_serializing_if = "Deciders::is_humans")]
    pub deciders: Deciders,
    /// The stages, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

impl Quorum {
    /// The least of all: any one principal. Joined with another quorum, it adds nothing.
    pub const ONE: Self =
        Self { eyes: RequesterRule::MayApprove, deciders: Deciders::ANY, stages: Vec::new() };

    /// Whether one person's word is enough, so that a grant may take its place: no stage, and no
    /// explicit four eyes.
    pub fn is_one(&self) -> bool {
        self.stages.is_empty() && self.eyes < RequesterRule::MayNotApprove
    }

    /// Whether nothing is said, so that the default holds.
    pub(crate) fn is_default(&self) -> bool {
        self.stages.is_empty() && self.eyes.is_default() && self.deciders.is_humans()
    }

    /// The least quorum that is at least as strict as both. Stages are joined place by place.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let length = self.stages.len().max(other.stages.len());
        let nobody = Stage::default();
        let stage = |quorum: &Self, at: usize| quorum.stages.get(at).unwrap_or(&nobody).clone();
        let stages = (0..length).map(|at| stage(self, at).join(&stage(other, at))).collect();
        let deciders = self.deciders.join(other.deciders);
        Self { eyes: self.eyes.max(other.eyes), deciders, stages }
    }

    /// Whether what satisfies `other` satisfies this.
    pub fn is_met_by(&self, other: &Self) -> bool {
        self.join(other) == *other
    }

    /// The stage at `at`. There is always a first one.
    pub fn stage(&self, at: usize) -> Option<Stage> {
        match self.stages.get(at) {
            Some(stage) => Some(stage.clone()),
            None if at == 0 => Some(Stage::people(1)),
            None => None,
        }
    }
}

/// What a decision must satisfy. A join-semilattice: [`join`](Self::join) of two is the least that
/// is at least as strict as both, so what a call needs can only rise, in whichever order it is
/// asked.
///
/// ```
/// use hitl_core::policy::{ApprovalLevel, Requirement, Stage};
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
    /// How much of a human.
    pub level: ApprovalLevel,
    /// Who, and how many.
    #[serde(default)]
    pub quorum: Quorum,
}

impl Requirement {
    /// One principal, at this level, and nothing about who: what a tool and a gate say is joined to
    /// it.
    pub fn new(level: ApprovalLevel) -> Self {
        Self { level, quorum: Quorum::ONE }
    }

    /// The same level, and this quorum.
    #[must_use]
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// One more stage.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.quorum.stages.push(stage);
        self
    }

    /// The requester may not approve.
    #[must_use]
    pub fn four_eyes(mut self) -> Self {
        self.quorum.eyes = RequesterRule::MayNotApprove;
        self
    }

    /// The least requirement that is at least as strict as both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self { level: self.level.max(other.level), quorum: self.quorum.join(&other.quorum) }
    }

    /// Whether what satisfies `other` satisfies this.
    pub fn is_met_by(&self, other: &Self) -> bool {
        self.join(other) == *other
    }
}
