//! The four factors that a reviewer's card shows, with the weights of the original cards.

use serde::{Deserialize, Serialize};

use crate::call::Risk;

/// One line of the card's breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReviewerFactor<'n> {
    /// The name of the factor.
    pub name: &'n str,
    /// 0 to 100; more is safer.
    pub score: u8,
    /// Its weight; the four add up to 1.
    pub weight: f64,
}

/// Returns the breakdown for a reviewer: tool type 0.4, risk 0.3, parameter complexity 0.2, context
/// 0.1.
///
/// ```
/// use hitl::{confidence::{reviewer_factors, weighted}, Risk};
/// let factors = reviewer_factors(Risk::Low, 50, 2);
/// assert_eq!(factors.map(|f| f.score), [50, 80, 80, 50]);
/// assert_eq!(weighted(&factors), 65.0);
/// ```
pub fn reviewer_factors(
    risk: Risk,
    confidence: u8,
    argument_count: usize,
) -> [ReviewerFactor<'static>; 4] {
    let risk_score = match risk {
        Risk::Low => 80,
        Risk::Medium => 60,
        Risk::High => 30,
        Risk::Critical => 0,
    };
    let simplicity = 100_usize.saturating_sub(argument_count.saturating_mul(10)).max(40);
    [
        ReviewerFactor { name: "Tool type", score: confidence, weight: 0.4 },
        ReviewerFactor { name: "Risk", score: risk_score, weight: 0.3 },
        ReviewerFactor {
            name: "Parameter complexity",
            score: u8::try_from(simplicity).unwrap_or(40),
            weight: 0.2,
        },
        ReviewerFactor { name: "Context", score: confidence, weight: 0.1 },
    ]
}

/// Returns the weighted sum of the factors, to one decimal.
pub fn weighted(factors: &[ReviewerFactor<'_>]) -> f64 {
    let sum: f64 = factors.iter().map(|f| f64::from(f.score) * f.weight).sum();
    (sum * 10.0).round() / 10.0
}
