//! Acceptance of a pending rule file by a person. The gate audits it before it takes effect.

use std::sync::Arc;

use crate::approval::ReviewerIdentity;
use crate::audit::AuditError;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::policy::{AcceptError, PolicyVersion, RuleFile};
use crate::sync::off_thread;

impl Gate {
    /// Accepts the content of a rule file for this person, as [`RuleFile::accept`] does. This gate
    /// audits it before it takes effect, as
    /// [`AuditEvent::PolicyAccepted`](crate::audit::AuditEvent::PolicyAccepted), with the person,
    /// how their identity was verified, and the old and new digest. If it cannot be audited,
    /// nothing is accepted.
    ///
    /// The host decides whether they may: accepting a policy may relax it. A console asks for a
    /// role and, like a command line, for a one-time code once somebody has enrolled.
    ///
    /// # Errors
    ///
    /// As [`RuleFile::accept`].
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped.
    pub async fn accept_policy(
        &self,
        rules: &RuleFile,
        digest: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<PolicyVersion, AcceptError> {
        let (audit, rules) = (Arc::clone(&self.core.audit), rules.clone());
        let (digest, by) = (digest.to_owned(), by.into());
        let accepting = async move {
            // Files are read, written and synced.
            let accepted = off_thread(move || {
                rules.accept_after(&digest, &by, |entry| audit.write_intent(entry))
            });
            accepted.await.unwrap_or_else(|| {
                let why = "the work did not come to its end; look whether it was accepted";
                Err(AcceptError::Audit(AuditError::new(why)))
            })
        };
        detach_on_drop(&self.core.runtime, accepting).await
    }
}
