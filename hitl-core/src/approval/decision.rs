//! What a human decided, about exactly which revision.

use serde::{Deserialize, Serialize};

use super::{ApprovalRequest, Choice};
use crate::call::{BindingDigest, Principal, Tenant};
use crate::ids::{DecisionId, RequestId};

/// A human's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Answer {
    /// Run it.
    Approve,
    /// Do not run it.
    Reject {
        /// Why.
        reason: Option<String>,
    },
    /// Answer the model instead of running it.
    Respond {
        /// The answer.
        message: String,
    },
    /// Do not run it, and stop.
    Abort {
        /// Why.
        reason: String,
    },
}

impl Answer {
    /// Which of the choices it is.
    pub fn choice(&self) -> Choice {
        match self {
            Self::Approve => Choice::Approve,
            Self::Reject { .. } => Choice::Reject,
            Self::Respond { .. } => Choice::Respond,
            Self::Abort { .. } => Choice::Abort,
        }
    }
}

/// A decision: the answer, who gave it, and exactly what it is about.
///
/// Built from the request that was shown, so that it names its id, revision and binding digest; a
/// call that has changed since then does not take it. Giving the same decision twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// The decision's own id.
    pub id: DecisionId,
    /// Whose call it is about.
    pub tenant: Tenant,
    /// The call's record.
    pub request: RequestId,
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    pub binding: BindingDigest,
    /// The answer.
    pub answer: Answer,
    /// Who decided, as the host knows them.
    pub by: Principal,
}

/// An answer that still needs a name under it.
#[derive(Debug)]
#[must_use = "say who decides: `.by(principal)`"]
pub struct DecisionDraft<'r> {
    request: &'r ApprovalRequest,
    answer: Answer,
}

impl<'r> DecisionDraft<'r> {
    pub(super) fn new(request: &'r ApprovalRequest, answer: Answer) -> Self {
        Self { request, answer }
    }

    /// Says who decides. The host vouches for it; it must not come from the model or from a body.
    pub fn by(self, approver: impl Into<Principal>) -> Decision {
        Decision {
            id: DecisionId::new(),
            tenant: self.request.key.tenant.clone(),
            request: self.request.id,
            revision: self.request.revision,
            binding: self.request.binding,
            answer: self.answer,
            by: approver.into(),
        }
    }
}
