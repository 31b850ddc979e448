//! Reasons for which one key, or one click for many calls, is too little to approve a call.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ApprovalRequest;
use crate::confidence::Factor;
use crate::policy::ApprovalLevel;

/// Why an approval takes more than one key, and is not given together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Caution {
    /// It needs a full review.
    FullReview,
    /// An amount is above its limit, by the factors of the score.
    LargeAmount,
    /// Its card has a warning.
    Warning,
}

/// Writes the reason as a clause: `it needs a full review`.
impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FullReview => "it needs a full review",
            Self::LargeAmount => "an amount is above its limit",
            Self::Warning => "its card has a warning",
        })
    }
}

/// The names under which a signal says that an amount is large, and the points from which it is
/// above its limit.
const AMOUNTS: [&str; 2] = ["amount", "large_amount"];
const ABOVE_ITS_LIMIT: i32 = -15;

impl ApprovalRequest {
    /// Returns why one key is too little to approve it; empty if it is enough.
    ///
    /// A surface asks for a second, separate step before it approves a request with a caution.
    /// [`Queue::decide_all`](crate::gate::Queue::decide_all) and the console's bulk approval
    /// refuse it.
    ///
    /// ```
    /// # use hitl::approval::Caution;
    /// # fn example(request: &hitl::ApprovalRequest) {
    /// if request.cautions().contains(&Caution::Warning) {
    ///     println!("look closely: {}", request.title);
    /// }
    /// # }
    /// ```
    pub fn cautions(&self) -> Vec<Caution> {
        let is_large = |factor: &Factor| {
            AMOUNTS.contains(&&*factor.name) && factor.adjustment <= ABOVE_ITS_LIMIT
        };
        let found = [
            (self.level > ApprovalLevel::Quick, Caution::FullReview),
            (self.assessment.factors.iter().any(is_large), Caution::LargeAmount),
            (self.has_warnings(), Caution::Warning),
        ];
        found.into_iter().filter_map(|(holds, caution)| holds.then_some(caution)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::request;
    use super::*;
    use hitl_base::JsonText;

    #[test]
    fn each_caution_comes_from_its_own_cause() {
        let mut asked = request(r#"{"to":"ann"}"#);
        assert_eq!(asked.cautions(), [Caution::LargeAmount]);
        asked.assessment.factors = vec![Factor::points("amount", -5, "above a tenth")];
        assert_eq!(asked.cautions(), []);
        asked.assessment.factors = vec![Factor::points("amount", -40, "above 10 times")];
        assert_eq!(asked.cautions(), [Caution::LargeAmount]);
        asked.assessment.factors = vec![Factor::points("bulk_action", -40, "many")];
        assert_eq!(asked.cautions(), []);
        asked.level = ApprovalLevel::Full;
        assert_eq!(asked.cautions(), [Caution::FullReview]);
        asked.level = ApprovalLevel::Quick;
        asked.arguments = JsonText::new("{\"to\":\"ann\u{200b}\"}".to_owned()).unwrap();
        assert_eq!(asked.cautions(), [Caution::Warning]);
    }
}
