//! Evaluates calls: scores them, routes them, and renders their text for a reviewer. Only the
//! scorers are awaited.

use std::borrow::Cow;
use std::sync::Arc;

use hitl_base::clock::ForwardClock;
use hitl_base::id::EphemeralIds;
use hitl_base::json::parse_with_limits;
use hitl_base::{Json, Redactor};

use crate::approval::{Uncovering, link_fault, link_of, stated_reason, title, tool_call_id_fault};
use crate::arguments::{SecretScan, Snapshot};
use crate::call::{CallContext, CallKey, content_digest};
use crate::confidence::{Assessment, CallView, Factor, LazyTree, OWN_FILE, Signals, assess};
use crate::gate::contents::file_lookup::FileLookup;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::{
    EvaluatedCall, Evaluation, GivenKey, KeySource, NewCall,
};
use crate::gate::evaluation::prepared_call::{CallWords, PreparedCall};
use crate::gate::evaluation::requirement::needs_no_record;
use crate::gate::evaluation::scorers::Scorers;
use crate::gate::keys::vault::Vault;
use crate::gate::masking::{mask_text, mask_title, show_effect};
use crate::gate::stored_text::{UNLIMITED, parse_snapshot, unreadable_snapshot};
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::grant::Envelope;
use crate::panic::catch;
use crate::policy::{
    ApprovalLevel, Policy, PolicyVersion, RequesterRule, Route, Shadow, ShadowReport, Verdict,
    route,
};

/// Scores and routes calls.
pub(in crate::gate) struct Evaluator {
    rules: EvaluationRules,
    files: Arc<FileLookup>,
    vault: Arc<Vault>,
    redactor: Redactor,
    /// The generator of run ids for calls that leave no record.
    ephemeral_runs: EphemeralIds,
}

/// The host's rules for scoring and routing.
pub(in crate::gate) struct EvaluationRules {
    pub(in crate::gate) signals: Signals,
    pub(in crate::gate) policies: Vec<Arc<dyn Policy>>,
    pub(in crate::gate) shadow: Shadow,
    pub(in crate::gate) scorers: Scorers,
    /// The time that rules read.
    pub(in crate::gate) clock: ForwardClock,
    pub(in crate::gate) uncovering: Uncovering,
    /// The template of links to conversations.
    pub(in crate::gate) conversation: Option<String>,
}

/// A new or stored call to evaluate.
#[derive(Clone, Copy)]
pub(in crate::gate) struct CallToEvaluate<'c> {
    pub(in crate::gate) tool: &'c RegisteredTool,
    pub(in crate::gate) snapshot: &'c Snapshot,
    pub(in crate::gate) context: &'c CallContext,
    /// The factors that scorers, and checks of files and contents, have added.
    pub(in crate::gate) opinions: &'c [Factor],
}

impl Evaluator {
    pub(in crate::gate) fn new(
        rules: EvaluationRules,
        files: Arc<FileLookup>,
        vault: Arc<Vault>,
        redactor: Redactor,
    ) -> Self {
        Self { rules, files, vault, redactor, ephemeral_runs: EphemeralIds::new() }
    }

    /// Scores and routes a new call.
    pub(in crate::gate) fn evaluate_new(&self, call: NewCall) -> Result<EvaluatedCall, GateError> {
        let NewCall { tool, snapshot, tree, mut context, key } = call;
        let reason = context.reason.take();
        context.tool_call_id = self.tool_call_label(context.tool_call_id.take(), &tool, &snapshot);
        let (mut lazy, nothing) = LazyTree::looked_over(snapshot.text(), &self.redactor);
        if let Some(tree) = tree {
            lazy = lazy.with(tree);
        }
        let names_no_own_file = self.files.is_surely_unnamed(snapshot.text());
        let to_evaluate =
            CallToEvaluate { tool: &tool, snapshot: &snapshot, context: &context, opinions: &[] };
        let evaluation = self.evaluate_tree(to_evaluate, &lazy, names_no_own_file)?;
        let GivenKey { key, source: key_source } = key.unwrap_or_else(|| {
            let tenant = context.tenant.clone();
            let key = if names_no_own_file && self.runs_at_once(&tool, &evaluation.routed) {
                CallKey::generate_ephemeral(tenant, &self.ephemeral_runs)
            } else {
                CallKey::generate(tenant)
            };
            GivenKey { key, source: KeySource::Gate }
        });
        let looked_over =
            if nothing { SecretScan::Clean } else { SecretScan::No(lazy.into_tree()) };
        let shown = snapshot.shown_text(looked_over, &self.redactor).in_order(tool.order());
        let content = content_digest(tool.name(), &snapshot, &context, self.vault.ring().digest());
        Ok(EvaluatedCall {
            tool,
            snapshot,
            context,
            key,
            key_source,
            evaluation,
            content,
            reason,
            shown,
            names_no_own_file,
        })
    }

    /// Scores and routes by the current signals and policies. Repeated before a claim.
    pub(in crate::gate) fn evaluate(
        &self,
        call: CallToEvaluate<'_>,
    ) -> Result<Evaluation, GateError> {
        let lazy = LazyTree::new(call.snapshot.text());
        let names_no_own_file = self.files.is_surely_unnamed(call.snapshot.text());
        self.evaluate_tree(call, &lazy, names_no_own_file)
    }

    fn evaluate_tree(
        &self,
        call: CallToEvaluate<'_>,
        arguments: &LazyTree<'_>,
        names_no_own_file: bool,
    ) -> Result<Evaluation, GateError> {
        let CallToEvaluate { tool, snapshot, context, opinions } = call;
        let rules = &self.rules;
        let view = CallView::of_text(tool.name(), tool.config(), arguments, context);
        let mut view = view.naming(&tool.terms().arguments);
        if !rules.policies.is_empty() || rules.signals.may_ask_for_the_time() {
            view = self.at_present(view);
        }
        let mut assessment = assess(&view, &rules.signals).with_opinions(opinions);
        if snapshot.repeats_a_secret() {
            let why = "An argument that is not secret repeats a secret one, so you cannot see it.";
            assessment.factors.push(Factor::at_least("repeats_a_secret", ApprovalLevel::Full, why));
        }
        // A factor that demands nothing does not replace the check of the files.
        let found =
            |factor: &Factor| factor.name == OWN_FILE && factor.level == Some(ApprovalLevel::Full);
        if !names_no_own_file && !opinions.iter().any(found) {
            let read_only = tool.config().hints.read_only;
            let tree = view.arguments.tree();
            assessment.factors.extend(self.files.own_file_factor(tree, read_only));
        }
        if rules.uncovering == Uncovering::Forbidden
            && snapshot.has_undeclared_masks(&self.redactor)
        {
            let why = "An argument is masked, and nobody may uncover it, so you cannot see it.";
            assessment.factors.push(Factor::at_least("masked_place", ApprovalLevel::Full, why));
        }
        let mut routed = route(&view, &assessment, &rules.policies);
        if arguments.is_unreadable() {
            return Err(unreadable_snapshot());
        }
        self.mask_words(&mut assessment, &mut routed, snapshot);
        Ok(Evaluation { assessment, routed })
    }

    /// Masks secrets in the words of signals and policies: they see the secrets, and their words
    /// are shown.
    fn mask_words(&self, assessment: &mut Assessment, routed: &mut Route, snapshot: &Snapshot) {
        let denied = matches!(routed.verdict, Verdict::Deny(_));
        if assessment.factors.is_empty() && routed.reasons.is_empty() && !denied {
            return;
        }
        let secrets = snapshot.taint();
        for factor in &mut assessment.factors {
            if let Cow::Owned(clean) = mask_text(&self.redactor, &factor.name, &secrets) {
                factor.name = Cow::Owned(clean);
            }
            if let Cow::Owned(clean) = mask_text(&self.redactor, &factor.reasoning, &secrets) {
                factor.reasoning = Cow::Owned(clean);
            }
        }
        for reason in &mut routed.reasons {
            *reason = mask_text(&self.redactor, reason, &secrets).into_owned();
        }
        if let Verdict::Deny(reason) = &mut routed.verdict {
            *reason = mask_text(&self.redactor, reason, &secrets).into_owned();
        }
    }

    /// Sets the current time. If the clock cannot be trusted, the time is unknown, which leads to
    /// the stricter answer.
    fn at_present<'v>(&self, view: CallView<'v>) -> CallView<'v> {
        match self.rules.clock.now() {
            Ok(now) => view.at(now),
            Err(jump) => {
                tracing::warn!(%jump, "rules do not know the time");
                view
            }
        }
    }

    /// Returns whether a call runs at once and leaves no record, provided that the store does not
    /// know it: nobody need be asked, and nothing outside it be read.
    pub(in crate::gate) fn runs_at_once(&self, tool: &RegisteredTool, routed: &Route) -> bool {
        needs_no_record(tool, routed) && !self.asks_scorers(routed) && !tool.looks_ahead()
    }

    /// Returns whether a human may be asked about a call with this route, now or after the scorers.
    pub(in crate::gate) fn may_ask(&self, routed: &Route) -> bool {
        matches!(routed.verdict, Verdict::Ask(_)) || self.asks_scorers(routed)
    }

    /// Returns whether scorers could make a difference: points can only raise the level, and Full
    /// is the highest.
    pub(in crate::gate) fn asks_scorers(&self, routed: &Route) -> bool {
        let open = matches!(routed.verdict, Verdict::Run | Verdict::Ask(ApprovalLevel::Quick));
        open && !self.rules.scorers.is_empty()
    }

    /// Returns the names of the scorers that would be asked about a call with this route.
    pub(in crate::gate) fn scorer_names(&self, routed: &Route) -> Vec<String> {
        if self.asks_scorers(routed) { self.rules.scorers.names() } else { Vec::new() }
    }

    /// Returns the line that a reviewer reads.
    pub(in crate::gate) fn title(&self, call: &EvaluatedCall) -> String {
        let words = call.tool.title_words();
        let shown = words.template.map_or(Json::Null, |_| shown_tree(call));
        let title = title(words, &shown);
        mask_title(&self.redactor, &title, &call.snapshot.own_taint())
    }

    /// Returns the effect that a reviewer reads.
    fn effect(&self, call: &EvaluatedCall) -> Option<String> {
        let template = call.tool.terms().effect.as_deref()?;
        let secrets = call.snapshot.own_taint();
        Some(show_effect(&self.redactor, template, &shown_tree(call), &secrets))
    }

    /// Prepares a call for its submission.
    pub(in crate::gate) fn prepare(
        &self,
        call: EvaluatedCall,
        requester: RequesterRule,
    ) -> PreparedCall {
        let words = CallWords { title: self.title(&call), effect: self.effect(&call) };
        let (stated, mut call) = (self.stated_reason(&call), call);
        let link = self.conversation_link(&call);
        call.context.conversation_url = call.context.conversation_url.and(link.clone());
        let uncovering = self.rules.uncovering;
        let mut prepared = PreparedCall::new(call, words, requester, uncovering, &self.redactor);
        if stated.is_some() || link.is_some() {
            let request = Arc::make_mut(&mut prepared.record.request);
            (request.stated_reason, request.conversation_url) = (stated, link);
        }
        prepared
    }

    /// Returns the other side's id of a call, if it may be shown.
    fn tool_call_label(
        &self,
        id: Option<String>,
        tool: &RegisteredTool,
        snapshot: &Snapshot,
    ) -> Option<String> {
        let id = id?;
        let fault = tool_call_id_fault(&id).or_else(|| {
            let holds_secret = mask_text(&self.redactor, &id, &snapshot.taint()) != id;
            holds_secret.then_some("it holds a secret")
        });
        let Some(fault) = fault else { return Some(id) };
        tracing::warn!(tool = %tool.name(), fault, "the id of a tool call is left out");
        None
    }

    /// Returns what is kept of the reason that the model states.
    fn stated_reason(&self, call: &EvaluatedCall) -> Option<String> {
        let words = call.reason.as_deref()?;
        let secrets = call.snapshot.taint();
        stated_reason(words, |text| mask_text(&self.redactor, text, &secrets))
    }

    /// Returns the link to the call's conversation: its own, or that of the gate.
    fn conversation_link(&self, call: &EvaluatedCall) -> Option<String> {
        let own = call.context.conversation_url.clone();
        let link = own.or_else(|| Some(link_of(self.rules.conversation.as_ref()?, &call.key)))?;
        let secrets = call.snapshot.taint();
        let fault = link_fault(&link).or_else(|| {
            let holds_secret = mask_text(&self.redactor, &link, &secrets) != link;
            holds_secret.then_some("it holds a secret")
        });
        if let Some(fault) = fault {
            tracing::warn!(tool = %call.tool.name(), fault, "the link to a conversation is not shown");
            return None;
        }
        Some(link)
    }

    /// Asks the scorers, if they could make a difference, and routes the call again with their
    /// opinions.
    ///
    /// Cancel safe: dropping it drops the questions.
    pub(in crate::gate) async fn score(
        &self,
        prepared: &mut PreparedCall,
    ) -> Result<(), GateError> {
        if !self.asks_scorers(&prepared.routed) {
            return Ok(());
        }
        let call = Arc::new(prepared.to_scored());
        let secrets = prepared.snapshot.taint();
        let opinions = self.rules.scorers.ask(&call, &secrets, &self.redactor).await;
        self.evaluate_again(prepared, &opinions)
    }

    /// Evaluates a prepared call again, with these opinions.
    pub(in crate::gate) fn evaluate_again(
        &self,
        prepared: &mut PreparedCall,
        opinions: &[Factor],
    ) -> Result<(), GateError> {
        let evaluation = self.evaluate(CallToEvaluate {
            tool: &prepared.tool,
            snapshot: &prepared.snapshot,
            context: &prepared.record.context,
            opinions,
        })?;
        prepared.set_evaluation(evaluation);
        Ok(())
    }

    /// Counts how the candidate policy would have decided a call that was just routed.
    pub(in crate::gate) fn compare_with_shadow(
        &self,
        tool: &RegisteredTool,
        snapshot: &Snapshot,
        context: &CallContext,
        assessment: &Assessment,
        routed: &Route,
    ) {
        if self.rules.shadow.is_empty() {
            return;
        }
        let Ok(arguments) = parse_snapshot(snapshot) else { return };
        let view = CallView::new(tool.name(), tool.config(), &arguments, context);
        let view = view.naming(&tool.terms().arguments);
        self.rules.shadow.compare(tool.name(), &self.at_present(view), assessment, routed);
    }

    /// Does what [`compare_with_shadow`](Self::compare_with_shadow) does, for a prepared call.
    pub(in crate::gate) fn compare_prepared(&self, prepared: &PreparedCall) {
        let PreparedCall { tool, snapshot, routed, record, .. } = prepared;
        let assessment = &record.request.assessment;
        self.compare_with_shadow(tool, snapshot, &record.context, assessment, routed);
    }

    /// Returns the comparison of the candidate policy with the policies in force.
    pub(in crate::gate) fn shadow_report(&self) -> ShadowReport {
        self.rules.shadow.report()
    }

    /// Returns whether the host has policies.
    pub(in crate::gate) fn has_policies(&self) -> bool {
        !self.rules.policies.is_empty()
    }

    /// Returns what the policies let a person run by breaking the glass. One that panics lets
    /// nothing run.
    pub(in crate::gate) fn envelopes(&self) -> Vec<Envelope> {
        let of = |policy: &Arc<dyn Policy>| catch(|| policy.envelopes()).unwrap_or_default();
        self.rules.policies.iter().flat_map(of).collect()
    }

    /// Returns the versions of the policies in force.
    pub(in crate::gate) fn policy_versions(&self) -> Vec<PolicyVersion> {
        let version = |policy: &Arc<dyn Policy>| catch(|| policy.version()).ok().flatten();
        self.rules.policies.iter().filter_map(version).collect()
    }

    /// Returns whether the host lets reviewers uncover masked places.
    pub(in crate::gate) fn uncovering(&self) -> Uncovering {
        self.rules.uncovering
    }
}

/// Returns the arguments as a reviewer sees them.
fn shown_tree(call: &EvaluatedCall) -> Json {
    parse_with_limits(call.shown.text.as_str(), UNLIMITED).unwrap_or(Json::Null)
}
