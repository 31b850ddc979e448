//! How the gate treats a tool, as the tool says it.

use std::time::Duration;

use super::{EscalationSpec, Risk, StageSpec, Thresholds, ToolAnnotations};
use crate::approval::Choice;
use crate::policy::{Deciders, RequesterRule};

/// How the gate treats a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolConfig {
    /// What kind of approval it is: `contract`, `deletion`, `financial`, `communication`, or your
    /// own word. Front ends choose a card by it.
    pub approval_type: &'static str,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// The confidence before any signal, 0 to 100.
    pub base_confidence: u8,
    /// The tool's own threshold for Auto; 85 when it sets none.
    pub auto_threshold: Option<u8>,
    /// The tool's own threshold for Quick; 60 when it sets none.
    pub quick_threshold: Option<u8>,
    /// A rejection must say why.
    pub requires_reason: bool,
    /// What a human may answer.
    pub decisions: &'static [Choice],
    /// Whether the requester, and an editor of the call, may approve it.
    pub eyes: RequesterRule,
    /// Who may answer, beside humans.
    pub deciders: Deciders,
    /// Who must approve, stage after stage; without one, one person.
    pub stages: &'static [StageSpec],
    /// Who is asked when nobody has decided in time. Without it, the call expires.
    pub escalate: Option<EscalationSpec>,
    /// How often an idempotent tool is tried in all when an outcome is not known. Of no use to
    /// other tools: they are tried once, and a human resolves the rest.
    pub attempts: u32,
    /// How long an approval may take. After it, nothing runs. Without one, the queue's due time for
    /// the risk is the limit.
    pub expires: Option<Duration>,
    /// The body's own time budget. A body that runs out is `OutcomeUnknown`, not failed.
    pub timeout: Option<Duration>,
    /// What the approving button says.
    pub approve_label: &'static str,
    /// What the rejecting button says.
    pub reject_label: &'static str,
    /// One line that says what would happen, with `{parameter}` where an argument belongs.
    pub describe: Option<&'static str>,
    /// What the tool does to the world.
    pub hints: ToolAnnotations,
    /// Arguments whose text nobody interprets: no shell, file system, browser, database or
    /// template. Written as in a rule: `note`, `to.comment`, `items[*].text`.
    pub inert: &'static [&'static str],
}

impl ToolConfig {
    /// The configuration of a tool that says nothing: medium risk, base confidence 70, thresholds
    /// 85 and 60.
    pub const DEFAULT: Self = Self {
        approval_type: "general",
        risk: Risk::Medium,
        base_confidence: 70,
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
        self.base_confidence = points;
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

    /// A rejection must say why.
    #[must_use]
    pub const fn requires_reason(mut self) -> Self {
        self.requires_reason = true;
        self
    }

    /// Sets what a human may answer. There must be a way to say no.
    #[must_use]
    pub const fn decisions(mut self, decisions: &'static [Choice]) -> Self {
        self.decisions = decisions;
        self
    }

    /// Neither the requester nor an editor of the call may approve it.
    #[must_use]
    pub const fn four_eyes(mut self) -> Self {
        self.eyes = RequesterRule::MayNotApprove;
        self
    }

    /// The requester may approve their own call, at every level, and give a grant on it: two eyes
    /// are enough. Without this, Full and grants are another human's to give.
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

    /// Sets who must approve, stage after stage.
    #[must_use]
    pub const fn stages(mut self, stages: &'static [StageSpec]) -> Self {
        self.stages = stages;
        self
    }

    /// Sets who is asked when nobody has decided in time, instead of letting the call expire.
    #[must_use]
    pub const fn escalate(mut self, role: Option<&'static str>, within: Duration) -> Self {
        self.escalate = Some(EscalationSpec { role, within });
        self
    }

    /// Sets how often an idempotent tool is tried in all when an outcome is not known.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long an approval may take.
    #[must_use]
    pub const fn expires(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }

    /// Sets the body's own time budget.
    #[must_use]
    pub const fn timeout(mut self, budget: Duration) -> Self {
        self.timeout = Some(budget);
        self
    }

    /// Sets what the two buttons say.
    #[must_use]
    pub const fn labels(mut self, approve: &'static str, reject: &'static str) -> Self {
        self.approve_label = approve;
        self.reject_label = reject;
        self
    }

    /// Sets the line that says what would happen.
    #[must_use]
    pub const fn describe(mut self, template: &'static str) -> Self {
        self.describe = Some(template);
        self
    }

    /// It changes nothing.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.hints.read_only = true;
        self
    }

    /// It may destroy something.
    #[must_use]
    pub const fn destructive(mut self) -> Self {
        self.hints.destructive = true;
        self
    }

    /// Doing it twice with the same key does it once.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.hints.idempotent = true;
        self
    }

    /// It reaches systems that the host does not know.
    #[must_use]
    pub const fn open_world(mut self) -> Self {
        self.hints.open_world = true;
        self
    }

    /// Names arguments whose text nobody interprets, ever: rules and grants that relax take any
    /// text there that a wildcard or a regular expression matches, a shell's and a path's syntax
    /// included.
    #[must_use]
    pub const fn inert(mut self, arguments: &'static [&'static str]) -> Self {
        self.inert = arguments;
        self
    }

    /// Whether nobody interprets the text of this argument, written as in a rule.
    pub(crate) fn is_inert(&self, argument: &str) -> bool {
        self.inert.contains(&argument)
    }

    /// The thresholds in force: the tool's own, or 85 and 60.
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
