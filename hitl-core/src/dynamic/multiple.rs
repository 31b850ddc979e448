//! Multiples of a number, decided on the digits: no value is rounded.

use std::fmt;

/// The most digits of a step.
const MAX_DIGITS: usize = 18;

/// A number of which others are multiples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    written: Box<str>,
    digits: u64,
    exponent: i64,
}

/// A decimal number without its sign: its digits without zeros at either end, times a power of 10.
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads a number of JSON. `None` if its exponent is beyond any use.
    fn read(lexeme: &str) -> Option<Self> {
        let text = lexeme.strip_prefix('-').unwrap_or(lexeme);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(fraction.bytes());
        let mut digits: Vec<u8> = all.map(|digit| digit.wrapping_sub(b'0')).collect();
        let mut exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        while digits.last() == Some(&0) {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        Some(Self { digits, exponent })
    }
}

impl Step {
    /// Reads a step; `None` if it is not above 0, or has too many digits.
    pub(super) fn new(lexeme: &str) -> Option<Self> {
        let Decimal { digits, exponent } = Decimal::read(lexeme)?;
        if lexeme.starts_with('-') || digits.is_empty() || digits.len() > MAX_DIGITS {
            return None;
        }
        let digits = digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit));
        Some(Self { written: lexeme.into(), digits, exponent })
    }

    /// Returns whether a number of JSON is a multiple.
    pub(super) fn divides(&self, lexeme: &str) -> bool {
        let Some(Decimal { digits, exponent }) = Decimal::read(lexeme) else { return false };
        if digits.is_empty() {
            return true;
        }
        // Its last digit is not 0, so it is no multiple of a greater power of 10.
        let Some(zeros) = exponent.checked_sub(self.exponent).and_then(|n| u64::try_from(n).ok())
        else {
            return false;
        };
        let of = u128::from(self.digits);
        let rest = digits.iter().fold(0, |rest, digit| (rest * 10 + u128::from(*digit)) % of);
        (rest * power_of_ten(zeros, of)).is_multiple_of(of)
    }
}

/// Returns the remainder of a power of 10.
fn power_of_ten(mut exponent: u64, of: u128) -> u128 {
    let (mut power, mut factor) = (1 % of, 10 % of);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * factor % of;
        }
        factor = factor * factor % of;
        exponent >>= 1;
    }
    power
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_exact() {
        for (step, multiples, others) in [
            ("0.01", &["1.10", "0", "-3.3", "1e300", "19.99"][..], &["0.001", "1.005", "1e-3"][..]),
            ("2.5", &["15", "-7.5", "1e1"], &["1", "2.25"]),
            ("50", &["150", "1e2", "0.5e2"], &["75", "5"]),
            (
                "3",
                &["9007199254740993000000000000000000003", "3e400"],
                &["9007199254740994", "1e400"],
            ),
            ("1e2", &["100", "1200"], &["150", "1"]),
            ("123456789012345678", &["123456789012345678e5", "246913578024691356"], &["1"]),
        ] {
            let step = Step::new(step).unwrap();
            for number in multiples {
                assert!(step.divides(number), "{number} of {step}");
            }
            for number in others {
                assert!(!step.divides(number), "{number} of {step}");
            }
        }
        for wrong in ["0", "0.0", "-1", "1234567890123456789", "1e99999999999999999999"] {
            assert_eq!(Step::new(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn small_numbers_are_as_computed(a in -10_000_i64..10_000, b in 1_i64..200, tenths in 0..3_usize) {
            let spell = |n: i64| {
                let sign = if n < 0 { "-" } else { "" };
                let digits = format!("{:04}", n.abs());
                let (whole, fraction) = digits.split_at(digits.len() - tenths);
                if tenths == 0 { format!("{n}") } else { format!("{sign}{whole}.{fraction}") }
            };
            let step = Step::new(&spell(b)).unwrap();
            proptest::prop_assert_eq!(step.divides(&spell(a)), a % b == 0);
        }
    }
}
