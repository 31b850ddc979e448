//! An approver that answers by rule: for tests, replays and unattended runs.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{ApprovalRequest, Approver, Review};
use crate::call::Principal;

type Script = dyn Fn(&ApprovalRequest) -> Review + Send + Sync;

/// Answers every request by a rule.
#[derive(Clone)]
pub struct ScriptedApprover(Arc<Script>);

impl ScriptedApprover {
    /// Answers as `script` says.
    pub fn new(script: impl Fn(&ApprovalRequest) -> Review + Send + Sync + 'static) -> Self {
        Self(Arc::new(script))
    }

    /// Approves everything, in the name of `approver`.
    pub fn approving(approver: impl Into<Principal>) -> Self {
        let approver = approver.into();
        Self::new(move |request| Review::Decided(request.approve().by(approver.clone())))
    }

    /// Rejects everything with one reason, in the name of `approver`.
    pub fn rejecting(approver: impl Into<Principal>, reason: impl Into<String>) -> Self {
        let (approver, reason) = (approver.into(), reason.into());
        Self::new(move |request| {
            Review::Decided(request.reject(reason.clone()).by(approver.clone()))
        })
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
        futures::future::ready((self.0)(request)).boxed()
    }
}
