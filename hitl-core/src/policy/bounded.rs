//! The host's own policy with a deadline for each query.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Policy, PolicyAnswer, PolicyVersion, Ruling};
use crate::confidence::{Assessment, CallView, OwnedCall};
use crate::grant::Envelope;
use crate::sync::{HostCode, HostThreads};

/// A policy that runs on a thread of its own. If it does not answer in time, it has failed and the
/// call is denied.
struct BoundedPolicy {
    policy: Arc<dyn Policy>,
    bound: HostCode,
}

/// Limits the time of each query to a policy, unless it runs inline.
pub(crate) fn bounded(
    policy: Arc<dyn Policy>,
    threads: &Arc<HostThreads>,
    timeout: Duration,
) -> Arc<dyn Policy> {
    if policy.runs_inline() {
        return policy;
    }
    Arc::new(BoundedPolicy { policy, bound: HostCode::new(threads, timeout) })
}

impl Policy for BoundedPolicy {
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        self.answer(call, assessment).into_ruling()
    }

    fn answer(&self, call: &CallView<'_>, assessment: &Assessment) -> PolicyAnswer {
        let (policy, assessment) = (Arc::clone(&self.policy), assessment.clone());
        let call = OwnedCall::new(call);
        let asked = self.bound.run(move || call.ask(|call| policy.answer(call, &assessment)));
        match asked {
            Ok(Some(answer)) => answer,
            Ok(None) => PolicyAnswer::failed("a policy could not read the call, so it is denied"),
            Err(no_answer) => PolicyAnswer::unanswered(no_answer),
        }
    }

    fn version(&self) -> Option<PolicyVersion> {
        let policy = Arc::clone(&self.policy);
        self.bound.run(move || policy.version()).ok().flatten()
    }

    fn files(&self) -> Vec<PathBuf> {
        let policy = Arc::clone(&self.policy);
        self.bound.run(move || policy.files()).unwrap_or_default()
    }

    fn envelopes(&self) -> Vec<Envelope> {
        let policy = Arc::clone(&self.policy);
        self.bound.run(move || policy.envelopes()).unwrap_or_default()
    }
}
