//! The actions of people, and whether one requires a one-time code. Pure.

use serde::{Deserialize, Serialize};

/// A person's action, classified by its effect on the control that people have over an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// Stops something, revokes a permission, or only looks: reject, abort, revoke, freeze, taking
    /// an approval back, the preview of a grant. A code is neither checked nor used up.
    Stop,
    /// Answers in a human's name, or sees what only a reviewer may see: approve, edit, respond,
    /// resolve, uncover.
    Answer,
    /// Loosens or destroys. It gives answers to future requests, or removes control: a grant,
    /// accepting a policy or pins, uninstalling a hook, defining who is a person, thawing. Or its
    /// effect is irreversible: erasing contents, releasing a legal hold, replacing or retiring the
    /// host key.
    Loosen,
}

/// The actions for which a credential is demanded once somebody has enrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: each variant defines for every deed whether it needs a code.
pub enum CodeDemand {
    /// Actions that loosen or destroy: grants, policies, who may decide, erasure, the host key.
    #[default]
    Loosening,
    /// Each answer too.
    Answers,
}

impl CodeDemand {
    /// Returns whether a code is demanded for this action.
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
        for demand in [CodeDemand::Loosening, CodeDemand::Answers] {
            assert!(demand.covers(Deed::Loosen) && !demand.covers(Deed::Stop), "{demand:?}");
        }
        assert!(
            CodeDemand::Answers.covers(Deed::Answer) && !CodeDemand::Loosening.covers(Deed::Answer)
        );
    }
}
