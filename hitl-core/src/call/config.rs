//! A tool's own declaration of how the gate treats it.

use std::time::Duration;

use super::{
    AmountSpec, EffectRepeat, EscalationSpec, Risk, StageSpec, Thresholds, ToolAnnotations,
};
use crate::approval::Choice;
use crate::policy::{Deciders, RequesterRule};

/// The rules by which the gate treats a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolConfig {
    /// The kind of approval: `contract`, `deletion`, `financial`, `communication`, or your own
    /// word. Front ends choose a card by it.
    pub approval_type: &'static str,
    /// The harm of a wrong call.
    pub risk: Risk,
    /// The confidence before any signal, 0 to 100. If `None`, it follows from the risk and the
    /// annotations; see [`Signals`](crate::Signals).
    pub base_confidence: Option<u8>,
    /// The tool's own threshold for Auto; 85 if `None`.
    pub auto_threshold: Option<u8>,
    /// The tool's own threshold for Quick; 60 if `None`.
    pub quick_threshold: Option<u8>,
    /// True if a rejection must give a reason.
    pub requires_reason: bool,
    /// The answers that a human may give.
    pub decisions: &'static [Choice],
    /// The rule on whether the requester, and an editor of the call, may approve it.
    pub eyes: RequesterRule,
    /// The kinds of principals that may answer, beside humans.
    pub deciders: Deciders,
    /// The stages of approval, in order; if empty, one person approves.
    pub stages: &'static [StageSpec],
    /// The role to ask when nobody has decided in time. If `None`, the call expires.
    pub escalate: Option<EscalationSpec>,
    /// The total number of attempts without a human: of an idempotent tool when an outcome is
    /// unknown, and of a tool whose own [reconcile](super::Reconciler) found that the attempts took
    /// no effect. Has no effect on other tools: they are tried once, and a human resolves the rest.
    pub attempts: u32,
    /// The time limit for an approval. After it, nothing runs. If `None`, the limit is the queue's
    /// due time for the risk.
    pub expires: Option<Duration>,
    /// The time after a person's approval in which the call does not start, and they may take the
    /// approval back. If `None`, it starts at once.
    pub grace: Option<Duration>,
    /// The time budget of the body. A body that exceeds it is `OutcomeUnknown`, not failed.
    pub timeout: Option<Duration>,
    /// The label of the approving button.
    pub approve_label: &'static str,
    /// The label of the rejecting button.
    pub reject_label: &'static str,
    /// One line that describes what would happen, with `{parameter}` in place of an argument.
    pub describe: Option<&'static str>,
    /// The tool's effects on the world.
    pub hints: ToolAnnotations,
    /// Arguments whose text nothing interprets: no shell, file system, browser, database or
    /// template. Written as in a rule: `note`, `to.comment`, `items[*].text`.
    pub inert: &'static [&'static str],
    /// Arguments that are amounts, with their limits.
    pub amounts: &'static [AmountSpec],
    /// The consequence in the world that must not happen twice, with `{argument}` in place of an
    /// argument: `refund:{payment_id}`.
    pub effect: Option<&'static str>,
    /// The treatment of a call that repeats an effect.
    pub effect_repeat: EffectRepeat,
}

impl ToolConfig {
    /// The configuration of a tool that sets nothing: medium risk, thresholds 85 and 60.
    pub const DEFAULT: Self = Self {
        approval_type: "general",
        risk: Risk::Medium,
        base_confidence: None,
        auto_threshold: None,
        quick_threshold: None,
        requires_reason: false,
        decisions: &[Choice::Approve, Choice::Edit, Choice::Reject, Choice::Respond, Choice::Abort],
        eyes: RequesterRule::ByLevel,
        deciders: Deciders::HUMANS,
        stages: &[],
        escalate: None,
        attempts: 3,
        expires: None,
        grace: None,
        timeout: None,
        approve_label: "Approve",
        reject_label: "Reject",
        describe: None,
        hints: ToolAnnotations {
            read_only: false,
            destructive: false,
            idempotent: false,
            open_world: false,
        },
        inert: &[],
        amounts: &[],
        effect: None,
        effect_repeat: EffectRepeat::Ask,
    };

    /// Sets the kind of approval.
    #[must_use]
    pub const fn approval_type(mut self, approval_type: &'static str) -> Self {
        self.approval_type = approval_type;
        self
    }

    /// Sets the risk.
    #[must_use]
    pub const fn risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }

    /// Sets the confidence before any signal.
    #[must_use]
    pub const fn base_confidence(mut self, points: u8) -> Self {
        self.base_confidence = Some(points);
        self
    }

    /// Sets the tool's own threshold for Auto.
    #[must_use]
    pub const fn auto_threshold(mut self, points: u8) -> Self {
        self.auto_threshold = Some(points);
        self
    }

    /// Sets the tool's own threshold for Quick.
    #[must_use]
    pub const fn quick_threshold(mut self, points: u8) -> Self {
        self.quick_threshold = Some(points);
        self
    }

    /// Requires a reason for a rejection.
    #[must_use]
    pub const fn requires_reason(mut self) -> Self {
        self.requires_reason = true;
        self
    }

    /// Sets the answers that a human may give. One of them must be a way to say no.
    #[must_use]
    pub const fn decisions(mut self, decisions: &'static [Choice]) -> Self {
        self.decisions = decisions;
        self
    }

    /// Forbids the requester and an editor of the call to approve it.
    #[must_use]
    pub const fn four_eyes(mut self) -> Self {
        self.eyes = RequesterRule::MayNotApprove;
        self
    }

    /// Lets the requester approve their own call, at every level, and give a grant on it: two eyes
    /// are enough. Without this, only another human can approve at level Full or give a grant.
    #[must_use]
    pub const fn requester_may_decide(mut self) -> Self {
        self.eyes = RequesterRule::MayApprove;
        self
    }

    /// Lets agents answer too, beside humans; see [`Principal::agent`](super::Principal::agent).
    #[must_use]
    pub const fn agents_may_decide(mut self) -> Self {
        self.deciders.agents = true;
        self
    }

    /// Lets services answer too, beside humans; see
    /// [`Principal::service`](super::Principal::service).
    #[must_use]
    pub const fn services_may_decide(mut self) -> Self {
        self.deciders.services = true;
        self
    }

    /// Sets the stages of approval, in order.
    #[must_use]
    pub const fn stages(mut self, stages: &'static [StageSpec]) -> Self {
        self.stages = stages;
        self
    }

    /// Sets the role to ask when nobody has decided in time, instead of letting the call expire.
    #[must_use]
    pub const fn escalate(mut self, role: Option<&'static str>, within: Duration) -> Self {
        self.escalate = Some(EscalationSpec { role, within });
        self
    }

    /// Sets the total number of attempts without a human, of an idempotent tool or of one that has
    /// a [reconcile](super::Reconciler).
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the time limit for an approval.
    #[must_use]
    pub const fn expires(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }

    /// Sets the time after a person's approval in which the call does not start, and they may take
    /// the approval back.
    #[must_use]
    pub const fn grace(mut self, time: Duration) -> Self {
        self.grace = Some(time);
        self
    }

    /// Returns the [grace](Self::grace) in whole milliseconds.
    pub(crate) fn grace_ms(&self) -> Option<u64> {
        self.grace.map(|grace| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX))
    }

    /// Sets the time budget of the body.
    #[must_use]
    pub const fn timeout(mut self, budget: Duration) -> Self {
        self.timeout = Some(budget);
        self
    }

    /// Sets the labels of the two buttons.
    #[must_use]
    pub const fn labels(mut self, approve: &'static str, reject: &'static str) -> Self {
        self.approve_label = approve;
        self.reject_label = reject;
        self
    }

    /// Sets the line that describes what would happen.
    #[must_use]
    pub const fn describe(mut self, template: &'static str) -> Self {
        self.describe = Some(template);
        self
    }

    /// Declares that the tool changes nothing.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.hints.read_only = true;
        self
    }

    /// Declares that the tool may destroy something.
    #[must_use]
    pub const fn destructive(mut self) -> Self {
        self.hints.destructive = true;
        self
    }

    /// Declares that a repeated call with the same key takes effect once.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.hints.idempotent = true;
        self
    }

    /// Declares that the tool reaches systems that the host does not know.
    #[must_use]
    pub const fn open_world(mut self) -> Self {
        self.hints.open_world = true;
        self
    }

    /// Names arguments whose text nothing ever interprets. Rules and grants that relax accept any
    /// text there that a wildcard or a regular expression matches, including the syntax of shells
    /// and paths.
    #[must_use]
    pub const fn inert(mut self, arguments: &'static [&'static str]) -> Self {
        self.inert = arguments;
        self
    }

    /// Names arguments that are amounts, each with the limit up to which it is ordinary.
    #[must_use]
    pub const fn amounts(mut self, amounts: &'static [AmountSpec]) -> Self {
        self.amounts = amounts;
        self
    }

    /// Names the consequence in the world that must not happen twice: `refund:{payment_id}`, with
    /// `{argument}` in place of an argument.
    ///
    /// Of the calls of a tenant with the same effect, from any run, agent, tool or host on one
    /// store, only the first starts. For each further one a human is asked, and is shown the
    /// earlier call, until that has provably not run: until it has ended without a start.
    #[must_use]
    pub const fn effect(mut self, template: &'static str) -> Self {
        self.effect = Some(template);
        self
    }

    /// Denies calls that repeat an effect, instead of asking about them.
    #[must_use]
    pub const fn refuse_repeated_effect(mut self) -> Self {
        self.effect_repeat = EffectRepeat::Refuse;
        self
    }

    /// Returns the effective thresholds: the tool's own, or 85 and 60.
    pub const fn thresholds(&self) -> Thresholds {
        Thresholds {
            auto: match self.auto_threshold {
                Some(points) => points,
                None => 85,
            },
            quick: match self.quick_threshold {
                Some(points) => points,
                None => 60,
            },
        }
    }
}
