//! Exact decimal numbers between bounds.

use std::cmp::Ordering;

use hitl_base::json::compare_numbers;
use serde::{Deserialize, Serialize};

/// A decimal number between two bounds, both included. Never rounded.
///
/// Where a rule relaxes, it needs a maximum, and the minimum is zero unless it is set: a rule about
/// "at most 20" does not mean minus 5,000.
///
/// ```
/// use hitl::policy::{Argument, NumberRange, Rule, RuleConditions};
///
/// let small = Argument::at("amount").number(NumberRange::at_most("20"));
/// let rule = Rule::auto("petty cash").when(RuleConditions::tool("pay").argument(small));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct NumberRange {
    /// The minimum, as a JSON number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// The maximum, as a JSON number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

impl NumberRange {
    /// Returns the range up to this number.
    pub fn at_most(max: impl Into<String>) -> Self {
        Self { min: None, max: Some(max.into()) }
    }

    /// Returns the range from this number on.
    pub fn at_least(min: impl Into<String>) -> Self {
        Self { min: Some(min.into()), max: None }
    }

    /// Returns the range from the first to the second number.
    pub fn between(min: impl Into<String>, max: impl Into<String>) -> Self {
        Self { min: Some(min.into()), max: Some(max.into()) }
    }

    /// Returns the mistake in the range, if there is one.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        let unsound = |bound: &Option<String>| {
            bound.as_ref().is_some_and(|bound| compare_numbers(bound, "0").is_none())
        };
        if unsound(&self.min) || unsound(&self.max) {
            return Some("a number is written like `12.50`");
        }
        match (&self.min, &self.max) {
            (None, None) => Some("a range of numbers needs `min` or `max`"),
            (Some(min), Some(max)) if compare_numbers(min, max) == Some(Ordering::Greater) => {
                Some("`min` is more than `max`, so no number is between them")
            }
            _ => None,
        }
    }

    /// Returns whether a JSON number is in the range. `None` if it is not a comparable number.
    pub(crate) fn holds(&self, lexeme: &str, relaxes: bool) -> Option<bool> {
        compare_numbers(lexeme, "0")?;
        let default = relaxes.then_some("0");
        let above = match self.min.as_deref().or(default) {
            Some(min) => compare_numbers(lexeme, min)?.is_ge(),
            None => true,
        };
        let below = match &self.max {
            Some(max) => compare_numbers(lexeme, max)?.is_le(),
            None => !relaxes,
        };
        Some(above && below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_5_bounds_are_exact_and_closed_below() {
        let range = NumberRange::at_most("20");
        for (lexeme, relaxes, tightens) in [
            ("20", true, true),
            ("2e1", true, true),
            ("20.0", true, true),
            ("20.000000000000000000000000000001", false, false),
            ("0", true, true),
            ("-0", true, true),
            ("-0.01", false, true),
            ("-5000", false, true),
            ("1e999", false, false),
            ("1e-999", true, true),
            ("9007199254740993", false, false),
        ] {
            assert_eq!(range.holds(lexeme, true), Some(relaxes), "{lexeme}");
            assert_eq!(range.holds(lexeme, false), Some(tightens), "{lexeme}");
        }
        for none in ["", "20,0", "0x10", "NaN", "twenty", "+5", " 5"] {
            assert_eq!(range.holds(none, true), None, "{none}");
        }
        assert_eq!(NumberRange::at_least("5").holds("6", true), Some(false), "nothing above it");
        assert!(NumberRange::default().mistake().is_some());
        assert!(NumberRange::between("3", "2").mistake().is_some());
        assert!(NumberRange::at_most("x").mistake().is_some());
        assert_eq!(NumberRange::between("-3", "2").holds("-3", true), Some(true));
    }
}
