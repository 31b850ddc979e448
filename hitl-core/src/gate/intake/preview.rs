//! A dry run: the gate's response to a call, without any effect.

use std::sync::Arc;

use hitl_base::JsonText;

use crate::arguments::Snapshot;
use crate::call::{CallContext, Tool};
use crate::confidence::Assessment;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, Evaluation, NewCall};
use crate::gate::gate::Gate;
use crate::gate::intake::incoming_call::snapshot_of;
use crate::gate::intake::submit::prepare_call;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::policy::{PolicyVersion, RuleRef, Verdict};

/// The result of a dry run: the gate's response to a call. Nothing is stored, asked or run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// The verdict that the gate would give.
    pub verdict: Verdict,
    /// The score and its factors.
    pub assessment: Assessment,
    /// The reasons why the level is above that of the score.
    pub reasons: Vec<String>,
    /// The rule that made the verdict, if a rule did: its name, its policy's version, its line.
    pub decided_by: Option<RuleRef>,
    /// The rules that apply, one for each policy that has rules, including those that made no
    /// difference.
    pub rules: Vec<RuleRef>,
    /// The policies that were evaluated, in the versions that answered.
    pub policies: Vec<PolicyVersion>,
    /// The scorers that were not asked, but would be for a real call: with them the verdict may be
    /// stricter. See [`Gate::assess_with_scorers`].
    pub unasked: Vec<String>,
    /// The line that a reviewer would read.
    pub title: String,
    /// The arguments that a reviewer would see.
    pub arguments: JsonText,
}

impl Gate {
    /// Evaluates a typed call as a dry run. Stores, asks and runs nothing; scorers are not asked,
    /// and [`Preview::unasked`] lists those that would be.
    pub fn assess<T: Tool>(
        &self,
        call: &T,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let core = &self.core;
        let evaluated = evaluate_for_preview(
            core,
            core.tools.require_typed::<T>()?,
            snapshot_of(core, call)?,
            context.into(),
        )?;
        Ok(make_preview(core, evaluated))
    }

    /// Evaluates a typed call as a dry run, and asks the scorers. Stores and runs nothing, and asks
    /// nobody else.
    ///
    /// Cancel safe.
    pub async fn assess_with_scorers<T: Tool>(
        &self,
        call: &T,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let core = &self.core;
        let tool = core.tools.require_typed::<T>()?;
        let snapshot = snapshot_of(core, call)?;
        let evaluated = evaluate_for_preview(core, tool, snapshot, context.into())?;
        let mut prepared = Box::new(prepare_call(core, evaluated));
        core.evaluator.score(&mut prepared).await?;
        let request = Arc::unwrap_or_clone(prepared.record.request);
        let evaluation = Evaluation { assessment: request.assessment, routed: prepared.routed };
        Ok(Preview::new(evaluation, request.title, request.arguments, Vec::new()))
    }

    /// Evaluates a model's call as a dry run. Stores, asks and runs nothing.
    pub fn assess_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
    ) -> Result<Preview, GateError> {
        let core = &self.core;
        let tool = core.tools.require(tool)?;
        let snapshot = core.tools.bind(&tool, arguments)?.snapshot;
        let evaluated = evaluate_for_preview(core, tool, snapshot, context.into())?;
        Ok(make_preview(core, evaluated))
    }
}

fn evaluate_for_preview(
    core: &GateCore,
    tool: Arc<RegisteredTool>,
    snapshot: Snapshot,
    context: CallContext,
) -> Result<EvaluatedCall, GateError> {
    let new = NewCall { tool, snapshot, tree: None, context, key: None };
    core.evaluator.evaluate_new(new)
}

fn make_preview(core: &GateCore, evaluated: EvaluatedCall) -> Preview {
    let unasked = core.evaluator.scorer_names(&evaluated.evaluation.routed);
    let title = core.evaluator.title(&evaluated);
    Preview::new(evaluated.evaluation, title, evaluated.shown.text, unasked)
}

impl Preview {
    fn new(
        evaluation: Evaluation,
        title: String,
        arguments: JsonText,
        unasked: Vec<String>,
    ) -> Self {
        let Evaluation { assessment, routed } = evaluation;
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
