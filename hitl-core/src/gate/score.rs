//! Scorers are asked: all at once, each with its own deadline, before a call enters the store.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::join_all;

use super::error::GateError;
use super::handle::Inner;
use super::prepare::Prepared;
use hitl_base::redact::Taint;

use crate::confidence::{Factor, NoOpinion, ScoredCall, Scorer, weigh};
use crate::policy::{ApprovalLevel, Routed, Verdict};
use crate::sync::timeout;

/// A scorer and how long it may take.
pub(super) struct Timed {
    pub(super) scorer: Arc<dyn Scorer>,
    pub(super) deadline: Duration,
}

impl Inner {
    /// Whether scorers could make a difference: points can only raise the level, and Full is the
    /// highest.
    pub(super) fn asks_scorers(&self, routed: &Routed) -> bool {
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
        let call = ScoredCall {
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
        };
        let secrets = prepared.snapshot.taint();
        let asked = self.scorers.iter().map(|timed| self.opinion(timed, &call, &secrets));
        let said = join_all(asked).await;
        let judged = self.judge(&prepared.tool, &prepared.snapshot, context, &said)?;
        prepared.judged(judged);
        Ok(())
    }

    async fn opinion(&self, timed: &Timed, call: &ScoredCall, secrets: &Taint) -> Factor {
        let began = Instant::now();
        // Whatever it does is caught, also when it is dropped because its time is up.
        let asking = AssertUnwindSafe(async {
            let asked = timeout(timed.deadline, async { timed.scorer.score(call).await }).await;
            match asked {
                Err(_) => Err(NoOpinion::Late),
                // It held the thread, so that nobody could tell it that its time was up.
                Ok(_) if began.elapsed() > timed.deadline => Err(NoOpinion::Late),
                Ok(Err(error)) => Err(NoOpinion::Failed(error.to_string())),
                Ok(Ok(opinion)) => Ok(opinion),
            }
        });
        let answer = asking.catch_unwind().await.unwrap_or_else(|panic| {
            // A panic's own value may panic when it is dropped.
            std::mem::forget(panic);
            Err(NoOpinion::Panicked)
        });
        let name = std::panic::catch_unwind(AssertUnwindSafe(|| timed.scorer.name().to_owned()))
            .unwrap_or_else(|_| "scorer".to_owned());
        weigh(&name, answer, |text| self.clean(text, secrets).into_owned())
    }
}
