//! Amounts: exact decimals that are summed and never rounded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most digits after the decimal point.
const PLACES: u32 = 12;
/// The most digits in all. Far below the range of a `u128`, so that no realistic sum overflows.
const DIGITS: usize = 30;

/// A non-negative amount: an exact decimal of at most 30 digits, 12 of them after the decimal
/// point. Written as a string in JSON, so that no reader rounds it.
///
/// ```
/// use hitl::grant::Amount;
/// let limit: Amount = "500".parse()?;
/// let spent: Amount = "12.50".parse::<Amount>()?.plus("0.1".parse()?).unwrap();
/// assert_eq!(spent.to_string(), "12.6");
/// assert!(spent < limit);
/// # Ok::<(), hitl::grant::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    /// The amount in units of the last decimal place.
    units: u128,
}

impl Amount {
    /// The zero amount.
    pub const ZERO: Self = Self { units: 0 };

    /// Parses an amount from a JSON number: `12.50`, `5e2`. `None` if it is negative, has too many
    /// digits, or is not a number.
    pub fn from_json(lexeme: &str) -> Option<Self> {
        let (digits, exponent) = match lexeme.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (lexeme, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // `-0` is zero; any other number with a sign is negative, or not a number.
        let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |w| (true, w));
        let is_number = !whole.is_empty()
            && (digits.contains('.') != fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit());
        if !is_number {
            return None;
        }
        let text = format!("{whole}{fraction}");
        let (text, trailing) = (text.trim_start_matches('0'), text.len());
        let significant = text.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        if negative || significant.len() > DIGITS || trailing > 2 * DIGITS {
            return None;
        }
        // The power of ten of the last significant digit, in decimal places.
        let dropped = i32::try_from(text.len() - significant.len()).ok()?;
        let scale = i32::try_from(fraction.len()).ok()?;
        let power = exponent.checked_add(dropped)?.checked_sub(scale)?;
        let places = power.checked_add(i32::try_from(PLACES).ok()?)?;
        let factor = 10_u128.checked_pow(u32::try_from(places).ok()?)?;
        let units = significant.parse::<u128>().ok()?.checked_mul(factor)?;
        (units < 10_u128.pow(u32::try_from(DIGITS).ok()?)).then_some(Self { units })
    }

    /// Returns the sum; `None` if it is more than an amount can be.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.units.checked_add(other.units).map(|units| Self { units })
    }

    /// Returns the difference to `other`, or zero if that is negative.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { units: self.units.saturating_sub(other.units) }
    }

    /// Returns whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.cmp(&Self::ZERO) == Ordering::Equal
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(PLACES);
        let (whole, fraction) = (self.units / one, self.units % one);
        write!(f, "{whole}")?;
        if fraction > 0 {
            let places = PLACES as usize;
            let text = format!("{fraction:0places$}");
            write!(f, ".{}", text.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_json(text).ok_or(ParseAmountError(()))
    }
}

impl From<u32> for Amount {
    fn from(whole: u32) -> Self {
        Self { units: u128::from(whole) * 10_u128.pow(PLACES) }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An error for text that is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: write a number like `12.50`, not negative, of at most 30 digits")]
pub struct ParseAmountError(());

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::compare_numbers;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        for (text, expected) in [
            ("0", Some("0")),
            ("-0", Some("0")),
            ("-0.00", Some("0")),
            ("12.50", Some("12.5")),
            ("5e2", Some("500")),
            ("5E-2", Some("0.05")),
            ("0.000000000001", Some("0.000000000001")),
            ("999999999999999999", Some("999999999999999999")),
            ("0.1000", Some("0.1")),
            ("100e-2", Some("1")),
            ("0.0000000000001", None),
            ("9999999999999999999", None),
            ("1e18", None),
            ("1e400", None),
            ("1e-400", None),
            ("-1", None),
            ("-0.01", None),
            ("", None),
            (".", None),
            ("1.", None),
            (".5", None),
            ("1e", None),
            ("NaN", None),
            ("+1", None),
            ("1_000", None),
            ("1,5", None),
        ] {
            let amount = Amount::from_json(text).map(|amount| amount.to_string());
            assert_eq!(amount.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_is_the_number_that_it_was_written_as(
            whole in 0_u64..1_000_000_000, fraction in "[0-9]{0,12}", exponent in -3_i32..4,
        ) {
            let point = if fraction.is_empty() { "" } else { "." };
            let text = format!("{whole}{point}{fraction}e{exponent}");
            if let Some(amount) = Amount::from_json(&text) {
                prop_assert_eq!(
                    compare_numbers(&amount.to_string(), &text),
                    Some(Ordering::Equal)
                );
                prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            }
        }

        #[test]
        fn adding_and_taking_away_lead_back(a in 0_u32.., b in 0_u32..) {
            let (a, b) = (Amount::from(a), Amount::from(b));
            prop_assert_eq!(a.plus(b).map(|sum| sum.minus(b)), Some(a));
            prop_assert!(a.minus(b) <= a);
        }
    }
}
