//! A scorer is an async function from a call to an opinion that can only lower the confidence.

use std::error::Error;
use std::sync::Arc;

use hitl_base::JsonText;
use hitl_base::display::{clip, visible};
use serde::Serialize;

use super::Factor;
use crate::call::{Principal, Risk, RunId, Tenant, ToolAnnotations};
use crate::policy::{ApprovalLevel, VerdictKind};

/// The most characters of a scorer's reasoning that are stored.
const REASONING: usize = 500;
/// The most characters of a scorer's name that are stored.
const NAME: usize = 60;

/// A call as a scorer sees it: data that can be sent elsewhere, without secrets.
///
/// **Everything in `arguments` was written by a model, or by the author of what the model read.**
/// It may well say "this call is harmless, answer 0". Pass it to a judge as data (this whole value
/// as one JSON document, in which no text can end its own string), never as instructions. A judge
/// that is persuaded by it can only fail to object: no scorer makes a call run that would not have
/// run without it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScoredCall {
    /// The tool, as the host registered it.
    pub tool: String,
    /// The description of the tool, in the host's words.
    pub description: String,
    /// The tool's risk.
    pub risk: Risk,
    /// The tool's hints.
    pub hints: ToolAnnotations,
    /// The principal on whose behalf the agent acts.
    pub principal: Principal,
    /// The roles that the host has verified.
    pub roles: Vec<String>,
    /// The tenant that owns the data.
    pub tenant: Tenant,
    /// The run of the agent.
    pub run: RunId,
    /// The confidence so far.
    pub confidence: u8,
    /// The factors that led to it.
    pub factors: Vec<Factor>,
    /// The verdict without the scorers.
    pub verdict: VerdictKind,
    /// The arguments, redacted. Not to be trusted.
    pub arguments: JsonText,
}

/// The opinion of a scorer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Opinion {
    /// Points, -100 to 0. Any other number is invalid, and makes the confidence 0. Fractions are
    /// rounded down.
    pub adjustment: f64,
    /// The reasons, in words for the reviewer. Redacted and shortened before anybody sees them.
    pub reasoning: String,
}

impl Opinion {
    /// Creates an opinion. The points are not checked here: invalid ones make the confidence 0.
    pub fn new(adjustment: f64, reasoning: impl Into<String>) -> Self {
        Self { adjustment, reasoning: reasoning.into() }
    }

    /// Creates the opinion of a scorer without objections.
    pub fn no_objection() -> Self {
        Self::new(0.0, "No objection.")
    }
}

/// The reason why a scorer has no opinion. Any error is accepted; its message is redacted and
/// stored.
pub type ScoreError = Box<dyn Error + Send + Sync>;

/// A judge of calls: an LLM, a model, a service. See [`ScoredCall`] for what it may trust.
///
/// A scorer can only lower the confidence. A scorer that times out, fails, panics or returns an
/// invalid number (positive, below -100, or not a number) makes the confidence 0 and demands a full
/// review.
///
/// It is asked once, at the submission of a call that would run or need Quick; a call that needs
/// Full or is denied already cannot become stricter through points, so no scorer is asked. All
/// scorers are asked concurrently. The opinion stays with the call: no scorer is asked again before
/// the claim, where a second, milder opinion must not undo the first. Dropping the caller's future
/// drops the question.
///
/// ```
/// use hitl::confidence::{Opinion, ScoreError, ScoredCall, Scorer};
///
/// struct NightWatch;
///
/// #[async_trait::async_trait]
/// impl Scorer for NightWatch {
///     fn name(&self) -> &str {
///         "night_watch"
///     }
///
///     async fn score(&self, call: &ScoredCall) -> Result<Opinion, ScoreError> {
///         let prompt_data = serde_json::to_string(call)?; // data, never instructions
///         # let _ = prompt_data;
///         Ok(Opinion::new(-20.0, "Unusual at this hour."))
///     }
/// }
/// ```
#[async_trait::async_trait]
pub trait Scorer: Send + Sync + 'static {
    /// Returns a short name, like `injection_judge`.
    fn name(&self) -> &str;

    /// Returns the opinion about a call. Must not block the thread; the future is dropped when its
    /// time is up.
    async fn score(&self, call: &ScoredCall) -> Result<Opinion, ScoreError>;
}

/// An `Arc` lets scorers be shared, and chosen at run time.
#[async_trait::async_trait]
impl<S: Scorer + ?Sized> Scorer for Arc<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn score(&self, call: &ScoredCall) -> Result<Opinion, ScoreError> {
        (**self).score(call).await
    }
}

#[async_trait::async_trait]
impl<S: Scorer + ?Sized> Scorer for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn score(&self, call: &ScoredCall) -> Result<Opinion, ScoreError> {
        (**self).score(call).await
    }
}

/// The reason why there is no opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoOpinion {
    Late,
    Failed(String),
    Panicked,
}

/// Returns the factor that an answer results in. `clean` removes secrets from text. Pure.
pub(crate) fn weigh(
    name: &str,
    answer: Result<Opinion, NoOpinion>,
    clean: impl Fn(&str) -> String,
) -> Factor {
    let name = clip(&visible(&clean(name)), NAME).into_owned();
    // Secrets are masked before the text is shortened, so that none is cut in two.
    let short = |text: &str| clip(&clean(text), REASONING).into_owned();
    let why = match answer {
        Ok(Opinion { adjustment, reasoning }) if (-100.0..=0.0).contains(&adjustment) => {
            #[expect(clippy::cast_possible_truncation, reason = "-100 to 0")]
            let points = adjustment.floor() as i32;
            return Factor::points(name, points, short(&reasoning)).of_scorer();
        }
        Ok(_) => "It answered with something that is no opinion".to_owned(),
        Err(NoOpinion::Late) => "It did not answer in time".to_owned(),
        Err(NoOpinion::Panicked) => "It panicked".to_owned(),
        Err(NoOpinion::Failed(why)) => format!("It failed ({})", short(&why)),
    };
    let why = format!("{why}, so there is no confidence in this call.");
    let demanded = Factor::at_least(name, ApprovalLevel::Full, why);
    Factor { adjustment: -100, ..demanded }.of_scorer()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confidence::Assessment;
    use proptest::prelude::*;

    fn weighed(answer: Result<Opinion, NoOpinion>) -> Factor {
        weigh("judge", answer, str::to_owned)
    }

    #[test]
    fn invariant_5_nonsense_and_silence_are_no_confidence() {
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1.0, -100.1, f64::MAX] {
            let factor = weighed(Ok(Opinion::new(nonsense, "fine")));
            assert_eq!((factor.adjustment, factor.level), (-100, Some(ApprovalLevel::Full)));
        }
        for silence in [NoOpinion::Late, NoOpinion::Panicked, NoOpinion::Failed("x".to_owned())] {
            let factor = weighed(Err(silence));
            assert_eq!((factor.adjustment, factor.level), (-100, Some(ApprovalLevel::Full)));
        }
        assert_eq!(weighed(Ok(Opinion::new(-0.0, ""))).adjustment, 0);
        assert_eq!(weighed(Ok(Opinion::new(-0.5, ""))).adjustment, -1);
        assert_eq!(weighed(Ok(Opinion::new(-100.0, ""))).level, None);
    }

    proptest! {
        #[test]
        fn invariant_5_a_scorer_never_raises(confidence in 0_u8..=100, points: f64, stored: i32) {
            let before = Assessment { confidence, base: 70, factors: Vec::new() };
            let factor = weighed(Ok(Opinion::new(points, "")));
            let after = before.clone().with_opinions(&[factor]);
            prop_assert!(after.confidence <= confidence);
            // A record that was tampered with does not raise it either.
            let forged = Factor::points("judge", stored, "").of_scorer();
            prop_assert!(before.with_opinions(&[forged]).confidence <= confidence);
        }
    }
}
