//! The score: base plus factors, clamped to 0-100.

use serde::{Deserialize, Serialize};

use super::{CallView, Factor, FactorSource, Signals};
use crate::policy::ApprovalLevel;
use crate::sync::NoAnswer;

/// The name of the factor for a call that names one of the gate's own files.
pub(crate) const OWN_FILE: &str = "names_own_file";

/// The name of the factor for a call that names a content which cannot be shown.
pub(crate) const CONTENT: &str = "content_not_shown";

/// The name of the factor for a call whose preview is not shown in whole.
pub(crate) const PREVIEW_NOT_SHOWN: &str = "preview_not_shown";
/// The name of the factor for a preview with a warning.
pub(crate) const PREVIEW_WARNING: &str = "preview_warning";

/// The confidence of the gate in a call, and the factors that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assessment {
    /// 0 to 100: the base plus every signal's points, clamped once; then less the points that
    /// scorers subtract.
    pub confidence: u8,
    /// The base confidence: the tool's own, or that of [`Signals`].
    pub base: u8,
    /// The factors, in the order of the signals.
    pub factors: Vec<Factor>,
}

impl Assessment {
    /// Lowers the confidence by the opinions of scorers. They can subtract points but never add
    /// any.
    pub(crate) fn with_opinions(mut self, said: &[Factor]) -> Self {
        let taken =
            said.iter().fold(0_i32, |sum, factor| sum.saturating_add(factor.adjustment.min(0)));
        let left = i32::from(self.confidence).saturating_add(taken).clamp(0, 100);
        self.confidence = u8::try_from(left).unwrap_or(0);
        self.factors.extend(said.iter().cloned());
        self
    }

    /// Returns the factors that were determined once, at submission: by scorers, and by a look at
    /// the file system.
    pub(crate) fn opinions(&self) -> Vec<Factor> {
        let scored = |factor: &&Factor| {
            factor.source == FactorSource::Scorer || factor.name == OWN_FILE || is_looked_up(factor)
        };
        self.factors.iter().filter(scored).cloned().collect()
    }

    /// Returns whether the call names one of the gate's own files, or may.
    pub(crate) fn names_own_file(&self) -> bool {
        let demands = |factor: &Factor| factor.level == Some(ApprovalLevel::Full);
        self.factors.iter().any(|factor| factor.name == OWN_FILE && demands(factor))
    }

    /// Does the same as [`opinions`](Self::opinions), without the factors about the contents that
    /// the call names, and about its preview: they are read and rendered again.
    pub(crate) fn opinions_without_contents(&self) -> Vec<Factor> {
        let mut said = self.opinions();
        said.retain(|factor| !is_looked_up(factor));
        said
    }
}

/// Returns whether a factor is about what the host's code has found in the world.
fn is_looked_up(factor: &Factor) -> bool {
    [CONTENT, PREVIEW_NOT_SHOWN, PREVIEW_WARNING].contains(&&*factor.name)
}

/// Scores a call. A signal that panics makes the confidence 0 and demands a full review.
///
/// ```
/// use hitl::json::parse_json;
/// use hitl::{call::ToolConfig, confidence::{CallView, Signals, assess}, CallContext};
///
/// let (arguments, cx) = (parse_json(r#"{"amount": "5000"}"#)?, CallContext::new("ann"));
/// let call = CallView::new("approve_expense", &ToolConfig::DEFAULT, &arguments, &cx);
/// assert_eq!(assess(&call, &Signals::standard()).confidence, 70 - 15);
/// # Ok::<(), hitl::json::ParseJsonError>(())
/// ```
pub fn assess(call: &CallView<'_>, signals: &Signals) -> Assessment {
    let base = call.config.base_confidence.unwrap_or_else(|| signals.base(call.config.risk));
    let mut factors = Vec::new();
    let mut sum = i32::from(base);
    let mut failed = false;
    for signal in signals.iter() {
        match signal.ask(call) {
            Ok(Some(factor)) => {
                sum = sum.saturating_add(factor.adjustment);
                factors.push(factor);
            }
            Ok(None) => {}
            Err(no_answer) => {
                failed = true;
                let why = match no_answer {
                    NoAnswer::Panicked => "A signal failed, so nothing can be said for this call.",
                    NoAnswer::Late | NoAnswer::NotAsked => {
                        "A signal did not answer in time, so nothing can be said for this call."
                    }
                };
                // A tool may be Auto at any confidence, 0 included; the level that the signal would
                // have demanded is unknown.
                let demanded = Factor::at_least("failed_signal", ApprovalLevel::Full, why);
                factors.push(Factor { adjustment: -100, ..demanded });
            }
        }
    }
    let confidence = if failed { 0 } else { u8::try_from(sum.clamp(0, 100)).unwrap_or(0) };
    Assessment { confidence, base, factors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, ToolConfig};
    use hitl_base::json::parse_json;

    fn confidence(tool: &str, arguments: &str, signals: &Signals) -> u8 {
        let (arguments, cx) = (parse_json(arguments).unwrap(), CallContext::new("ann"));
        assess(&CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx), signals).confidence
    }

    #[test]
    fn invariant_5_a_panicking_signal_means_no_confidence() {
        let signals = Signals::none()
            .with(|_: &CallView<'_>| -> Option<Factor> { panic!("broken") })
            .with(|_: &CallView<'_>| Some(Factor::points("good", 1_000, "")));
        assert_eq!(confidence("t", "{}", &signals), 0);
    }

    #[test]
    fn invariant_5_a_panicking_signal_is_reviewed_in_full_by_any_thresholds() {
        let (arguments, cx) = (parse_json("{}").unwrap(), CallContext::new("ann"));
        let config = ToolConfig::DEFAULT.auto_threshold(0).quick_threshold(0);
        let call = CallView::new("t", &config, &arguments, &cx);
        let broken = |_: &CallView<'_>| -> Option<Factor> { panic!("broken") };
        let assessment = assess(&call, &Signals::none().with(broken));
        let routed = crate::policy::route(&call, &assessment, &[]);
        assert_eq!(routed.verdict, crate::policy::Verdict::Ask(ApprovalLevel::Full));
    }

    #[test]
    fn absurd_adjustments_do_not_overflow() {
        let huge = |points: i32| move |_: &CallView<'_>| Some(Factor::points("huge", points, ""));
        let up = Signals::none().with(huge(i32::MAX)).with(huge(i32::MAX));
        let down = Signals::none().with(huge(i32::MIN)).with(huge(i32::MIN));
        assert_eq!((confidence("t", "{}", &up), confidence("t", "{}", &down)), (100, 0));
    }

    #[test]
    fn hardening_text_lists_and_nesting_count() {
        let signals = Signals::original();
        for (arguments, expected) in [
            (r#"{"amount": "1,001"}"#, 55),
            (r#"{"amount": "$1000"}"#, 70),
            (r#"{"amount": -5000}"#, 55),
            (r#"{"payments": [{"amount": 10}, {"amount": 2000}]}"#, 55),
            (r#"{"amount": {"value": 2000, "currency": "USD"}}"#, 55),
            (r#"{"is_bulk": "true"}"#, 60),
            (r#"{"is_bulk": false}"#, 70),
        ] {
            assert_eq!(confidence("t", arguments, &signals), expected, "{arguments}");
        }
        let ids: Vec<String> = (0..101).map(|i| format!("\"u{i}\"")).collect();
        assert_eq!(
            confidence("t", &format!("{{\"recipient_ids\": [{}]}}", ids.join(",")), &signals),
            60
        );
        assert_eq!(
            confidence("bulk_mail", r#"{"is_bulk": true}"#, &signals),
            60,
            "bulk counts once"
        );
    }
}
