//! The words and lists of a tool's configuration: of a constant, or made at run time.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::{InvalidSpec, StageSpec, ToolConfig};
use crate::approval::Choice;
use crate::policy::Stage;

/// The words and lists of a tool's configuration. For a typed tool they are those of its
/// [`ToolConfig`]; a tool that is known only at run time may have its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolTerms {
    /// Its name for people.
    pub(crate) title: Option<String>,
    pub(crate) approval_type: Cow<'static, str>,
    pub(crate) approve_label: Cow<'static, str>,
    pub(crate) reject_label: Cow<'static, str>,
    pub(crate) describe: Option<Cow<'static, str>>,
    pub(crate) effect: Option<Cow<'static, str>>,
    pub(crate) choices: Cow<'static, [Choice]>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) escalation: Option<Escalation>,
    pub(crate) arguments: Arc<ArgumentTerms>,
}

/// The role to ask when nobody has decided in time; `None` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Escalation {
    pub(crate) role: Option<String>,
    pub(crate) within: Duration,
}

/// The arguments that a tool's configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArgumentTerms {
    pub(crate) inert: Vec<Cow<'static, str>>,
    /// The amounts, each with the limit up to which it is ordinary.
    pub(crate) amounts: Vec<(Cow<'static, str>, u64)>,
}

/// The words and lists that are set at run time, in the place of those of a constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnTerms {
    pub(crate) title: Option<String>,
    pub(crate) approval_type: Option<String>,
    pub(crate) labels: Option<(String, String)>,
    pub(crate) describe: Option<String>,
    pub(crate) effect: Option<String>,
    pub(crate) choices: Option<Vec<Choice>>,
    pub(crate) stages: Option<Vec<Stage>>,
    pub(crate) escalation: Option<Escalation>,
    pub(crate) inert: Option<Vec<String>>,
    pub(crate) amounts: Option<Vec<(String, u64)>>,
}

impl ToolTerms {
    /// Returns the terms of a constant.
    pub(crate) fn of(config: &ToolConfig) -> Self {
        let stage = |stage: &StageSpec| match stage.role {
            Some(role) => Stage::role(role, stage.people),
            None => Stage::people(stage.people),
        };
        let amounts = config.amounts.iter();
        let arguments = ArgumentTerms {
            inert: config.inert.iter().copied().map(Cow::Borrowed).collect(),
            amounts: amounts.map(|spec| (Cow::Borrowed(spec.argument), spec.limit)).collect(),
        };
        Self {
            title: None,
            approval_type: Cow::Borrowed(config.approval_type),
            approve_label: Cow::Borrowed(config.approve_label),
            reject_label: Cow::Borrowed(config.reject_label),
            describe: config.describe.map(Cow::Borrowed),
            effect: config.effect.map(Cow::Borrowed),
            choices: Cow::Borrowed(config.decisions),
            stages: config.stages.iter().map(stage).collect(),
            escalation: config
                .escalate
                .map(|next| Escalation { role: next.role.map(str::to_owned), within: next.within }),
            arguments: Arc::new(arguments),
        }
    }

    /// Replaces what is set at run time.
    pub(crate) fn with(mut self, own: OwnTerms) -> Self {
        self.title = own.title;
        if let Some(approval_type) = own.approval_type {
            self.approval_type = Cow::Owned(approval_type);
        }
        if let Some((approve, reject)) = own.labels {
            (self.approve_label, self.reject_label) = (Cow::Owned(approve), Cow::Owned(reject));
        }
        self.describe = own.describe.map(Cow::Owned).or(self.describe);
        self.effect = own.effect.map(Cow::Owned).or(self.effect);
        if let Some(choices) = own.choices {
            self.choices = Cow::Owned(choices);
        }
        self.stages = own.stages.unwrap_or(self.stages);
        self.escalation = own.escalation.or(self.escalation);
        if own.inert.is_some() || own.amounts.is_some() {
            let ArgumentTerms { mut inert, mut amounts } = (*self.arguments).clone();
            if let Some(own) = own.inert {
                inert = own.into_iter().map(Cow::Owned).collect();
            }
            if let Some(own) = own.amounts {
                let owned = own.into_iter();
                amounts = owned.map(|(argument, limit)| (Cow::Owned(argument), limit)).collect();
            }
            self.arguments = Arc::new(ArgumentTerms { inert, amounts });
        }
        self
    }

    /// Checks what [`ToolSpec::check`](super::ToolSpec::check) checks of a constant.
    pub(crate) fn check(&self, is_read_only: bool) -> Result<(), InvalidSpec> {
        let says_no = [Choice::Reject, Choice::Respond, Choice::Abort];
        let is_empty = |stage: &Stage| stage.people == 0 && stage.roles.values().all(|n| *n == 0);
        if is_read_only && self.effect.is_some() {
            Err(InvalidSpec::Effect)
        } else if !says_no.iter().any(|no| self.choices.contains(no)) {
            Err(InvalidSpec::Decisions)
        } else if self.stages.iter().any(is_empty) {
            Err(InvalidSpec::Stages)
        } else if self.escalation.as_ref().is_some_and(|next| next.within.is_zero()) {
            Err(InvalidSpec::ZeroDuration)
        } else {
            Ok(())
        }
    }
}

impl ArgumentTerms {
    /// Returns the limit of an argument, if it is an amount.
    pub(crate) fn amount(&self, argument: &str) -> Option<u64> {
        self.amounts.iter().find(|(name, _)| name == argument).map(|(_, limit)| *limit)
    }

    /// Returns whether nothing interprets the text of this argument, written as in a rule.
    pub(crate) fn is_inert(&self, argument: &str) -> bool {
        self.inert.iter().any(|inert| inert == argument)
    }

    /// Returns the arguments whose text nothing interprets.
    pub(crate) fn inert(&self) -> Vec<&str> {
        self.inert.iter().map(AsRef::as_ref).collect()
    }
}
