//! A policy is a function from an assessed call to a ruling, or to nothing.

use super::ApprovalLevel;
use crate::confidence::{Assessment, CallView};

/// What a ruling does. It can only tighten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The call needs at least this level.
    AtLeast(ApprovalLevel),
    /// The call does not run, and nobody is asked.
    Deny,
}

/// What a policy says about a call, and which rule said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What it does.
    pub effect: Effect,
    /// The rule's name and reason, for the reviewer and for the audit.
    pub reason: String,
}

/// The host's own rules. Pure: no clock, no IO. A policy that panics denies the call.
///
/// ```
/// use hitl_core::{Assessment, CallView, Effect, Policy, Ruling};
///
/// struct NoDeletions;
/// impl Policy for NoDeletions {
///     fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
///         let reason = "freeze: nothing is deleted this week".to_owned();
///         call.config.hints.destructive.then(|| Ruling { effect: Effect::Deny, reason })
///     }
/// }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// What this policy says about a call, if anything.
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling>;
}
