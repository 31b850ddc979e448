//! What somebody is about to do, and whether a one-time code is demanded for it. Pure.

use serde::{Deserialize, Serialize};

/// What somebody is about to do, by what it does to the hold that people have of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// Stops something, takes a permission back, or only looks: reject, abort, revoke, the preview
    /// of a grant. No code is looked at for it, and none is used up.
    Stop,
    /// Answers in a human's name, or sees what only a reviewer sees: approve, edit, respond,
    /// resolve, uncover.
    Answer,
    /// Loosens or destroys. It gives away answers that are not asked for yet, or takes the hold
    /// off: a grant, accepting a policy or pins, uninstalling a hook, saying who is a person. Or
    /// what it removes does not come back: erasing contents, releasing a legal hold, replacing or
    /// retiring the host key.
    Loosen,
}

/// For what a credential is demanded of people once somebody has enrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: each demand says of every deed whether it needs a code.
pub enum Demand {
    /// For what loosens or destroys: grants, policies, who may decide, erasure, the host key.
    #[default]
    Loosening,
    /// For each answer too.
    Answers,
}

impl Demand {
    /// Whether a code is demanded for this.
    pub const fn covers(self, deed: Deed) -> bool {
        match deed {
            Deed::Stop => false,
            Deed::Answer => matches!(self, Self::Answers),
            Deed::Loosen => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_5_what_loosens_needs_a_code_under_each_demand_and_what_stops_needs_none() {
        for demand in [Demand::Loosening, Demand::Answers] {
            assert!(demand.covers(Deed::Loosen) && !demand.covers(Deed::Stop), "{demand:?}");
        }
        assert!(Demand::Answers.covers(Deed::Answer) && !Demand::Loosening.covers(Deed::Answer));
    }
}
