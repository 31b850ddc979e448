//! The general defaults: what a call is worth whose tool says only its risk and its effects.
//!
//! The table of levels that follows from these numbers is `docs/guide/levels.md`, and the reasons
//! are in `docs/decisions/deciding.md`.

use hitl_base::Json;

use super::amount::{self, Size};
use super::asked::Asked;
use super::{CallView, Factor, Signal};
use crate::call::{AmountSpec, Risk};

/// Returns the base confidence of a tool that sets none.
pub(super) const fn base(risk: Risk) -> u8 {
    match risk {
        Risk::Low => 80,
        Risk::Medium => 70,
        Risk::High => 60,
        Risk::Critical => 50,
    }
}

/// The tool's annotations, where the tool sets no base confidence of its own: read-only +20, unless
/// it reaches an open world; destructive -20; open world -10 for a tool that is not read-only.
#[derive(Clone, Copy, Debug)]
pub struct Annotations;

impl Signal for Annotations {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        let hints = call.config.hints;
        if call.config.base_confidence.is_some() {
            return None;
        }
        let (points, reasoning) = match (hints.read_only, hints.destructive, hints.open_world) {
            (true, _, false) => (20, "The tool changes nothing."),
            (false, true, false) => (-20, "The tool may destroy something."),
            (false, true, true) => {
                (-30, "The tool may destroy something, in systems out of control.")
            }
            (false, false, true) => (-10, "The tool reaches systems out of control."),
            // What is read from an open world may be chosen to carry something out.
            (true, _, true) | (false, false, false) => return None,
        };
        Some(Factor::points("annotations", points, reasoning))
    }
}

/// The size of an amount beside its limit, which is the tool's own or 1000: above a tenth -5, above
/// the limit -15, above 10 times -40, above 100 times -100.
///
/// Amounts are the arguments that the tool declares, and those whose name contains `amount`, at any
/// depth, also as text, in every possible reading, with either sign. Text that cannot be read as a
/// number for sure counts as above 100 times the limit. In calls of read-only tools an amount moves
/// nothing.
#[derive(Clone, Copy, Debug)]
pub struct AmountSize;

impl Signal for AmountSize {
    fn runs_inline(&self) -> bool {
        true
    }

    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        if call.config.hints.read_only {
            return None;
        }
        if !call.has_amounts() && !call.arguments.may_have(Asked::Amount) {
            return None;
        }
        let Json::Object(arguments) = call.arguments.tree() else { return None };
        let excess = |(name, value): &(String, Json)| match call.amount_limit(name) {
            Some(limit) => Excess::of(amount::size(value), limit),
            None => largest_named(name, value),
        };
        let largest = arguments.iter().filter_map(excess).max()?;
        Some(Factor::points("amount", largest.points(), largest.reasoning()))
    }
}

/// Returns the largest excess of the amounts in an argument that the tool does not declare.
fn largest_named(name: &str, value: &Json) -> Option<Excess> {
    let own = || Excess::of(amount::size(value), AmountSpec::DEFAULT_LIMIT);
    let is_amount = Asked::Amount.is_key(name) && !amount::is_unit(name, value);
    let own = is_amount.then(own).flatten();
    let inside = match value {
        Json::Object(entries) => {
            entries.iter().filter_map(|(name, value)| largest_named(name, value)).max()
        }
        Json::Array(items) => items.iter().filter_map(|item| largest_named("", item)).max(),
        _ => None,
    };
    own.max(inside)
}

/// The ratio of an amount to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Excess {
    Tenth,
    Above,
    TenTimes,
    HundredTimes,
}

impl Excess {
    #[expect(clippy::cast_precision_loss, reason = "the limit of a step, not a sum")]
    fn of(size: Size, limit: u64) -> Option<Self> {
        let limit = limit as f64;
        let size = match size {
            Size::Number(size) => size,
            Size::Unreadable => return Some(Self::HundredTimes),
        };
        if size > limit * 100.0 {
            Some(Self::HundredTimes)
        } else if size > limit * 10.0 {
            Some(Self::TenTimes)
        } else if size > limit {
            Some(Self::Above)
        } else if size > limit / 10.0 {
            Some(Self::Tenth)
        } else {
            None
        }
    }

    const fn points(self) -> i32 {
        match self {
            Self::Tenth => -5,
            Self::Above => -15,
            Self::TenTimes => -40,
            Self::HundredTimes => -100,
        }
    }

    const fn reasoning(self) -> &'static str {
        match self {
            Self::Tenth => "An amount is above a tenth of its limit.",
            Self::Above => "An amount is above its limit.",
            Self::TenTimes => "An amount is above 10 times its limit.",
            Self::HundredTimes => "An amount is above 100 times its limit, or cannot be read.",
        }
    }
}

#[cfg(test)]
#[path = "general_tests.rs"]
mod tests;
