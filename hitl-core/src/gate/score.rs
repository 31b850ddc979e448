//! Scorers are asked: all at once, each with its own deadline, before a call enters the store.

use std::sync::{Arc, OnceLock};

use futures::future::join_all;

use super::error::GateError;
use super::handle::Inner;
use super::prepare::Prepared;
use hitl_base::redact::Taint;

use crate::confidence::{Factor, NoOpinion, ScoredCall, Scorer, weigh};
use crate::policy::{ApprovalLevel, Route, Verdict};
use crate::sync::{HostCode, NoAnswer};

/// A scorer and how long it may take.
pub(super) struct Timed {
    pub(super) scorer: Arc<dyn Scorer>,
    pub(super) bound: HostCode,
}

impl Inner {
    /// Whether scorers could make a difference: points can only raise the level, and Full is the
    /// highest.
    pub(super) fn asks_scorers(&self, routed: &Route) -> bool {
        let open = matches!(routed.verdict, Verdict::Run | Verdict::Ask(ApprovalLevel::Quick));
        open && !self.scorers.is_empty()
    }

    /// Asks the scorers, where they could make a difference, and routes again with what they say.
    ///
    /// Cancel safe: dropping it drops the questions.
    pub(super) async fn score(&self, prepared: &mut Prepared) -> Result<(), GateError> {
        if !self.asks_scorers(&prepared.routed) {
            return Ok(());
        }
        let request = &prepared.record.request;
        let context = &prepared.record.context;
        let call = Arc::new(ScoredCall {
            tool: request.tool.clone(),
            description: request.description.clone(),
            risk: request.risk,
            hints: request.hints,
            principal: context.principal.clone(),
            roles: context.roles.clone(),
            tenant: context.tenant.clone(),
            run: request.key.run.clone(),
            confidence: request.assessment.confidence,
            factors: request.assessment.factors.clone(),
            verdict: prepared.routed.verdict.kind(),
            arguments: request.arguments.clone(),
        });
        let secrets = prepared.snapshot.taint();
        let asked = self.scorers.iter().map(|timed| self.opinion(timed, &call, &secrets));
        let said = join_all(asked).await;
        let judged = self.judge(&prepared.tool, &prepared.snapshot, context, &said)?;
        prepared.judged(judged);
        Ok(())
    }

    async fn opinion(&self, timed: &Timed, call: &Arc<ScoredCall>, secrets: &Taint) -> Factor {
        let (scorer, call) = (Arc::clone(&timed.scorer), Arc::clone(call));
        let name = Arc::new(OnceLock::new());
        let told = Arc::clone(&name);
        let asking = async move {
            // Its name is host code too, which may hang.
            let _ = told.set(scorer.name().to_owned());
            // So is an error: it is written and dropped where a panic of it is caught.
            scorer.score(&call).await.map_err(|error| error.to_string())
        };
        let answer = match timed.bound.run_later(asking).await {
            Ok(said) => said.map_err(NoOpinion::Failed),
            Err(NoAnswer::Late | NoAnswer::NotAsked) => Err(NoOpinion::Late),
            Err(NoAnswer::Panicked) => Err(NoOpinion::Panicked),
        };
        let name = name.get().map_or("scorer", String::as_str);
        weigh(name, answer, |text| self.clean(text, secrets).into_owned())
    }
}
