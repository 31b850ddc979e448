//! An approver that answers by rule: for tests, replays and unattended runs.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{ApprovalRequest, Approver, MaskSupport, Review};
use crate::call::Principal;

type Script = dyn Fn(&ApprovalRequest) -> Review + Send + Sync;

/// An approver that answers every request by a rule.
///
/// It sees masks only, so it is not asked about a request that [needs
/// uncovering](ApprovalRequest::needs_uncovering), unless it decides [unseen](Self::unseen).
#[derive(Clone)]
pub struct ScriptedApprover {
    script: Arc<Script>,
    masks: MaskSupport,
}

impl ScriptedApprover {
    /// Answers with the result of `script`.
    pub fn new(script: impl Fn(&ApprovalRequest) -> Review + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), masks: MaskSupport::Masks }
    }

    /// Approves everything, in the name of `approver`.
    pub fn approving(approver: impl Into<Principal>) -> Self {
        let approver = approver.into();
        Self::new(move |request| Review::Decided(request.approve().by(approver.clone())))
    }

    /// Rejects everything with one reason, in the name of `approver`; masked requests too, because
    /// a rejection runs nothing.
    pub fn rejecting(approver: impl Into<Principal>, reason: impl Into<String>) -> Self {
        let (approver, reason) = (approver.into(), reason.into());
        let reject = Self::new(move |request| {
            Review::Decided(request.reject(reason.clone()).by(approver.clone()))
        });
        reject.unseen()
    }

    /// Answers requests with masked places too, based on the masked view: nobody looks behind the
    /// masks. For tests, and for replays of requests that were reviewed before.
    #[must_use]
    pub fn unseen(mut self) -> Self {
        self.masks = MaskSupport::Uncovers;
        self
    }

    /// Never answers: everything stays in the queue.
    pub fn silent() -> Self {
        Self::new(|_| Review::NoAnswer)
    }
}

impl fmt::Debug for ScriptedApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedApprover")
    }
}

impl Approver for ScriptedApprover {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        futures::future::ready((self.script)(request)).boxed()
    }

    fn mask_support(&self) -> MaskSupport {
        self.masks
    }
}
