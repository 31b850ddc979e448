//! One function for each guarantee. Each shows first that it can fail.

mod audit;
mod decisions;
mod failing;
mod killed;
mod rules;
mod runs;
mod secrets;
mod time;

use super::lab::Lab;
use super::trial::{Proof, Stop};

/// A guarantee that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    NothingUnapproved,
    AtMostOnce,
    Bound,
    OneDecision,
    Replay,
    SelfApproval,
    AuditFails,
    PolicyFails,
    DenyRule,
    RuleFile,
    Secrets,
    Sealed,
    Tampering,
    Killed,
    Expiry,
}

impl Trial {
    /// Every trial, in the order in which they are made.
    pub(super) const ALL: [Self; 15] = [
        Self::NothingUnapproved,
        Self::AtMostOnce,
        Self::Bound,
        Self::OneDecision,
        Self::Replay,
        Self::SelfApproval,
        Self::AuditFails,
        Self::PolicyFails,
        Self::DenyRule,
        Self::RuleFile,
        Self::Secrets,
        Self::Sealed,
        Self::Tampering,
        Self::Killed,
        Self::Expiry,
    ];

    /// Returns the name, for programs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NothingUnapproved => "nothing-runs-unapproved",
            Self::AtMostOnce => "at-most-once",
            Self::Bound => "bound-to-what-was-shown",
            Self::OneDecision => "one-decision",
            Self::Replay => "replay-is-harmless",
            Self::SelfApproval => "no-self-approval",
            Self::AuditFails => "audit-fails-closed",
            Self::PolicyFails => "policy-fails-closed",
            Self::DenyRule => "deny-rule",
            Self::RuleFile => "rule-file",
            Self::Secrets => "secrets-at-rest",
            Self::Sealed => "sealed-under-the-key",
            Self::Tampering => "audit-detects-changes",
            Self::Killed => "killed-process",
            Self::Expiry => "expiry",
        }
    }

    /// Returns the guarantee in words.
    pub(super) const fn guarantee(self) -> &'static str {
        match self {
            Self::NothingUnapproved => "a call that waits does not run",
            Self::AtMostOnce => "an approved call runs once, however many executors race",
            Self::Bound => "a decision counts for what was shown, and for nothing else",
            Self::OneDecision => "of two decisions, one wins",
            Self::Replay => "the same decision and the same call, sent twice, count once",
            Self::SelfApproval => "nobody approves their own call in full",
            Self::AuditFails => "nothing runs that the audit does not take",
            Self::PolicyFails => "nothing runs while the policy fails",
            Self::DenyRule => "a rule that denies a call denies it",
            Self::RuleFile => "the rule file loads, and its own tests hold",
            Self::Secrets => "what is declared a secret is not in the store in plain text",
            Self::Sealed => "the store opens only under its key",
            Self::Tampering => "a changed audit is found",
            Self::Killed => {
                "a call whose process was killed has an unknown outcome, and is not run again"
            }
            Self::Expiry => "a call that has expired is neither decided nor run",
        }
    }

    /// Makes the trial; `db` is the address of the given store, for other processes.
    pub(super) async fn make(self, lab: &Lab, db: Option<&str>) -> Result<Proof, Stop> {
        match self {
            Self::NothingUnapproved => runs::nothing_unapproved(lab).await,
            Self::AtMostOnce => runs::at_most_once(lab).await,
            Self::Bound => decisions::bound(lab).await,
            Self::OneDecision => decisions::one_wins(lab).await,
            Self::Replay => decisions::replay(lab).await,
            Self::SelfApproval => decisions::self_approval(lab).await,
            Self::AuditFails => failing::audit(lab).await,
            Self::PolicyFails => failing::policy(lab).await,
            Self::DenyRule => rules::deny(lab).await,
            Self::RuleFile => rules::file(lab),
            Self::Secrets => secrets::at_rest(lab).await,
            Self::Sealed => secrets::sealed(lab).await,
            Self::Tampering => audit::tampering(lab).await,
            Self::Killed => killed::killed(lab, db).await,
            Self::Expiry => time::expiry(lab).await,
        }
    }
}
