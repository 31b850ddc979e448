//! What a gate would do with a call: a dry run.

use std::sync::Arc;

use hitl_base::JsonText;

use super::error::GateError;
use super::handle::{Gate, Inner};
use super::registry::Registered;
use crate::arguments::{Snapshot, snapshot};
use crate::call::{CallContext, Tool};
use crate::confidence::Assessment;
use crate::policy::{PolicyVersion, Route, RuleRef, Verdict};

/// What a gate would do with a call: a dry run, with nothing stored, asked or run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// What the machine would decide.
    pub verdict: Verdict,
    /// The score and its factors.
    pub assessment: Assessment,
    /// What raised the level above that of the score.
    pub reasons: Vec<String>,
    /// The rule that made the verdict, when a rule did: its name, its policy's version, its line.
    pub decided_by: Option<RuleRef>,
    /// The rules that apply, one of each policy that has rules; whether or not they made a
    /// difference.
    pub rules: Vec<RuleRef>,
    /// The policies that were asked, in the versions that answered.
    pub policies: Vec<PolicyVersion>,
    /// The scorers that would be asked and were not: with them it may become stricter. See
    /// [`Gate::assess_with_scorers`].
    pub unasked: Vec<String>,
    /// The line a reviewer would read.
    pub title: String,
    /// The arguments a reviewer would see.
    pub arguments: JsonText,
}

impl Gate {
    /// What would happen to a typed call. Stores, asks and runs nothing; scorers are not asked, and
    /// [`Preview::unasked`] says which would be.
    pub fn assess<T: Tool>(
        &self,
        call: &T,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let tool = self.inner.tool_of::<T>()?;
        let snapshot = snapshot(call, tool.places.as_ref())?;
        self.inner.preview(tool, snapshot, context.into())
    }

    /// What would happen to a typed call, with what the scorers say. Stores and runs nothing, and
    /// asks nobody else.
    ///
    /// Cancel safe.
    pub async fn assess_with_scorers<T: Tool>(
        &self,
        call: &T,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let tool = self.inner.tool_of::<T>()?;
        let snapshot = snapshot(call, tool.places.as_ref())?;
        let judged = self.inner.judged(tool, snapshot, context.into(), None)?;
        let mut prepared = Box::new(self.inner.prepared(*judged));
        self.inner.score(&mut prepared).await?;
        let request = Arc::unwrap_or_clone(prepared.record.request);
        let shown = (request.title, request.arguments);
        Ok(Preview::of(prepared.routed, request.assessment, shown, Vec::new()))
    }

    /// What would happen to a model's call. Stores, asks and runs nothing.
    pub fn assess_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let tool = self.inner.tool(tool)?;
        let snapshot = tool.read(arguments, self.inner.limits)?.snapshot;
        self.inner.preview(tool, snapshot, context.into())
    }
}

impl Inner {
    fn preview(
        &self,
        tool: Arc<Registered>,
        snapshot: Snapshot,
        context: CallContext,
    ) -> Result<Preview, GateError> {
        let judged = self.judged(tool, snapshot, context, None)?;
        let unasked = if self.asks_scorers(&judged.routed) {
            self.scorers.iter().map(|timed| timed.scorer.name().to_owned()).collect()
        } else {
            Vec::new()
        };
        let shown = (self.title_of(&judged), judged.shown.text);
        Ok(Preview::of(judged.routed, judged.assessment, shown, unasked))
    }
}

impl Preview {
    fn of(
        routed: Route,
        assessment: Assessment,
        (title, arguments): (String, JsonText),
        unasked: Vec<String>,
    ) -> Self {
        Self {
            verdict: routed.verdict,
            assessment,
            reasons: routed.reasons,
            decided_by: routed.decided_by,
            rules: routed.rules,
            policies: routed.policies,
            unasked,
            title,
            arguments,
        }
    }
}
