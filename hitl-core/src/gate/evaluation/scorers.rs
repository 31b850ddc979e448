//! Asks the scorers: concurrently, each with its own deadline, before a call is stored.

use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use hitl_base::Redactor;
use hitl_base::redact::Taint;

use crate::confidence::{Factor, NoOpinion, ScoredCall, Scorer, weigh};
use crate::gate::masking::mask_text;
use crate::sync::{HostCode, NoAnswer};

/// The scorers of a gate.
pub(in crate::gate) struct Scorers(Vec<ScorerWithTimeout>);

/// A scorer, with its time limit.
pub(in crate::gate) struct ScorerWithTimeout {
    scorer: Arc<dyn Scorer>,
    bound: HostCode,
}

impl Scorers {
    pub(in crate::gate) fn new(scorers: impl IntoIterator<Item = ScorerWithTimeout>) -> Self {
        Self(scorers.into_iter().collect())
    }

    pub(in crate::gate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::gate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|bounded| bounded.scorer.name().to_owned()).collect()
    }

    /// Asks all scorers about a call. Secrets in their words are masked.
    ///
    /// Cancel safe: dropping it drops the questions.
    pub(in crate::gate) async fn ask(
        &self,
        call: &Arc<ScoredCall>,
        secrets: &Taint,
        redactor: &Redactor,
    ) -> Vec<Factor> {
        join_all(self.0.iter().map(|bounded| bounded.opinion(call, secrets, redactor))).await
    }
}

impl ScorerWithTimeout {
    pub(in crate::gate) fn new(scorer: Arc<dyn Scorer>, bound: HostCode) -> Self {
        Self { scorer, bound }
    }

    async fn opinion(
        &self,
        call: &Arc<ScoredCall>,
        secrets: &Taint,
        redactor: &Redactor,
    ) -> Factor {
        let (scorer, call) = (Arc::clone(&self.scorer), Arc::clone(call));
        let name = Arc::new(OnceLock::new());
        let to_name = Arc::clone(&name);
        let asking = async move {
            // The name comes from host code too, which may hang.
            let _ = to_name.set(scorer.name().to_owned());
            // An error is host code as well: it is formatted and dropped where its panic is caught.
            scorer.score(&call).await.map_err(|error| error.to_string())
        };
        let answer = match self.bound.run_later(asking).await {
            Ok(opinion) => opinion.map_err(NoOpinion::Failed),
            Err(NoAnswer::Late | NoAnswer::NotAsked) => Err(NoOpinion::Late),
            Err(NoAnswer::Panicked) => Err(NoOpinion::Panicked),
        };
        let name = name.get().map_or("scorer", String::as_str);
        weigh(name, answer, |text| mask_text(redactor, text, secrets).into_owned())
    }
}
