//! JSON numbers compared as decimals of any length: nothing is rounded, and nothing is allocated.

use std::cmp::Ordering;

/// A JSON number, independent of its spelling.
#[derive(Clone, Copy)]
struct Decimal<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    /// One more than the power of ten of the first nonzero digit; `None` for zero itself.
    magnitude: Option<i64>,
}

impl Decimal<'_> {
    /// Returns the digits, beginning with the first that is not zero.
    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes()).skip_while(|digit| *digit == b'0')
    }
}

/// Compares two JSON number lexemes exactly: `5000`, `5000.0` and `5e3` are equal;
/// 9007199254740992 is less than 9007199254740993, although an `f64` cannot tell them apart. `None`
/// if one of them is not a JSON number.
///
/// ```
/// # use std::cmp::Ordering;
/// # use hitl::json::compare_numbers;
/// assert_eq!(compare_numbers("1000.00", "1e3"), Some(Ordering::Equal));
/// assert_eq!(compare_numbers("-2", "0.1"), Some(Ordering::Less));
/// assert_eq!(compare_numbers("lots", "1"), None);
/// ```
pub fn compare_numbers(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    let (Some(a_magnitude), Some(b_magnitude)) = (a.magnitude, b.magnitude) else {
        let sign = |n: &Decimal<'_>| match n.magnitude {
            None => 0,
            Some(_) if n.negative => -1,
            Some(_) => 1,
        };
        return Some(sign(&a).cmp(&sign(&b)));
    };
    if a.negative != b.negative {
        return Some(if a.negative { Ordering::Less } else { Ordering::Greater });
    }
    let sizes = a_magnitude.cmp(&b_magnitude).then_with(|| compare_digits(a, b));
    Some(if a.negative { sizes.reverse() } else { sizes })
}

/// Compares the digits of numbers of the same magnitude; missing digits are zero.
fn compare_digits(a: Decimal<'_>, b: Decimal<'_>) -> Ordering {
    let (mut a, mut b) = (a.digits(), b.digits());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => match x.unwrap_or(b'0').cmp(&y.unwrap_or(b'0')) {
                Ordering::Equal => {}
                different => return different,
            },
        }
    }
}

/// Returns whether two JSON number lexemes denote exactly the same number: `5000`, `5000.0` and
/// `5e3` do; `9007199254740992` and `9007199254740993` do not, although an `f64` cannot tell them
/// apart. Text that is not a JSON number equals nothing.
///
/// ```
/// # use hitl::json::same_number;
/// assert!(same_number("5000", "5e3"));
/// assert!(!same_number("9007199254740992.0", "9007199254740993"));
/// ```
pub fn same_number(a: &str, b: &str) -> bool {
    compare_numbers(a, b) == Some(Ordering::Equal)
}

/// Returns whether this JSON number is whole, in any spelling: `5`, `5.0` and `50e-1` are.
pub fn is_whole(text: &str) -> bool {
    let Some(number) = parse(text) else { return false };
    let Some(magnitude) = number.magnitude else { return true };
    // The digits from the first to the last that are not zero.
    let last = number.digits().enumerate().filter(|(_, digit)| *digit != b'0').last();
    last.is_some_and(|(at, _)| i64::try_from(at).is_ok_and(|at| at < magnitude))
}

/// A whole number whose magnitude fits 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: a whole number is a sign and digits.
pub struct Whole {
    /// True if it is below zero. Zero is not.
    pub negative: bool,
    /// Its distance from zero.
    pub magnitude: u128,
}

/// Returns the whole number that this JSON number denotes, in any spelling: `5`, `5.0` and `50e-1`
/// are all 5. `None` if it has a fraction, or does not fit 128 bits. Linear in the text: an
/// exponent of a billion costs nothing.
///
/// ```
/// # use hitl::json::whole;
/// assert_eq!(whole("-1.2e3").map(|n| (n.negative, n.magnitude)), Some((true, 1200)));
/// assert_eq!(whole("9007199254740993.0").map(|n| n.magnitude), Some(9_007_199_254_740_993));
/// assert_eq!(whole("5.5"), None);
/// assert_eq!(whole("1e1000000000"), None);
/// ```
pub fn whole(text: &str) -> Option<Whole> {
    /// `u128::MAX` has 39 digits.
    const MAX_DIGITS: i64 = 39;
    let number = parse(text)?;
    let Some(magnitude) = number.magnitude else {
        return Some(Whole { negative: false, magnitude: 0 });
    };
    if !(1..=MAX_DIGITS).contains(&magnitude) {
        return None;
    }
    let before_point = usize::try_from(magnitude).ok()?;
    let mut digits = number.digits();
    let mut value: u128 = 0;
    for _ in 0..before_point {
        let digit = digits.next().unwrap_or(b'0') - b'0';
        value = value.checked_mul(10)?.checked_add(u128::from(digit))?;
    }
    let fraction = digits.any(|digit| digit != b'0');
    (!fraction).then_some(Whole { negative: number.negative, magnitude: value })
}

fn parse(text: &str) -> Option<Decimal<'_>> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        // Zero stays zero, whatever its exponent.
        Some((mantissa, exponent)) if is_zero(mantissa) && is_exponent(exponent) => (mantissa, 0),
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let first = whole.bytes().chain(fraction.bytes()).position(|digit| digit != b'0');
    let magnitude = match first {
        None => None,
        Some(first) => {
            let place = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(first).ok()?)?;
            Some(exponent.checked_add(place)?)
        }
    };
    Some(Decimal { negative, whole, fraction, magnitude })
}

fn is_zero(mantissa: &str) -> bool {
    mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_number_are_the_same() {
        for (a, b) in [
            ("0", "-0.0"),
            ("0e9223372036854775808", "0"),
            ("0.0e-99999999999999999999", "0"),
            ("100", "1e2"),
            ("1.50", "15e-1"),
            ("-2", "-2.000"),
            ("1E+2", "100"),
        ] {
            assert!(same_number(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("1", "-1"),
            ("0.1", "0.10000000000000001"),
            ("1", "x"),
            ("", ""),
            ("1e99999999999999999999", "1"),
        ] {
            assert!(!same_number(a, b), "{a} {b}");
        }
    }

    #[test]
    fn numbers_compare_by_what_they_are() {
        let rising =
            ["-1e400", "-10", "-9.5", "-0.1", "0", "1e-400", "0.1", "0.11", "9.5", "10", "1e400"];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(compare_numbers(a, b), Some(i.cmp(&j)), "{a} {b}");
            }
        }
        assert_eq!(compare_numbers("-0.0", "0"), Some(Ordering::Equal));
        assert_eq!(compare_numbers("x", "0"), None);
        assert!(is_whole("5") && is_whole("5.0") && is_whole("50e-1") && is_whole("0.0"));
        assert!(!is_whole("5.5") && !is_whole("5e-1") && !is_whole("x"));
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_numbers(a: i32, b: i32, shift in 0_u32..6) {
            let scaled = |n: i32| format!("{n}e-{shift}");
            prop_assert_eq!(compare_numbers(&scaled(a), &scaled(b)), Some(a.cmp(&b)));
            prop_assert_eq!(compare_numbers(&a.to_string(), &format!("{b}.00")), Some(a.cmp(&b)));
        }

        #[test]
        fn a_finite_f64_is_the_same_as_its_shortest_text(x in proptest::num::f64::NORMAL) {
            let (plain, scientific) = (format!("{x:?}"), format!("{x:e}"));
            prop_assert!(same_number(&plain, &scientific));
        }

        #[test]
        fn whole_numbers_compare_as_whole_numbers(a: i64, b: i64) {
            prop_assert_eq!(same_number(&a.to_string(), &format!("{b}.0")), a == b);
        }

        #[test]
        fn order_is_kept_at_any_size(a: i64, b: i64, point in 0_usize..6) {
            let shifted = |n: i64| format!("{n}e-{point}");
            prop_assert_eq!(compare_numbers(&shifted(a), &shifted(b)), Some(a.cmp(&b)));
            let spelled = format!("{b}.000");
            prop_assert_eq!(compare_numbers(&a.to_string(), &spelled), Some(a.cmp(&b)));
        }
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let max = u128::MAX.to_string();
        for (text, negative, magnitude) in [
            ("5", false, 5),
            ("5.0", false, 5),
            ("50e-1", false, 5),
            ("0.05E+2", false, 5),
            ("-1e2", true, 100),
            ("-0.0", false, 0),
            ("0e999999999", false, 0),
            ("0.000e-999999999", false, 0),
            (&max, false, u128::MAX),
            (&format!("{max}.000"), false, u128::MAX),
            ("1e38", false, 10_u128.pow(38)),
            (&format!("1{}e-400", "0".repeat(400)), false, 1),
        ] {
            assert_eq!(whole(text), Some(Whole { negative, magnitude }), "{text}");
        }
        for text in [
            "5.5",
            "5e-1",
            "5.0000000000000000000000000000000000000000000000000001",
            "1e39",
            "340282366920938463463374607431768211456",
            "1e1000000000",
            "1e-1000000000",
            "1e99999999999999999999",
            "",
            "x",
            "-",
            "+5",
            "0x5",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn what_an_f64_rounds_is_told_apart() {
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.10000000000000000000001"),
            ("-1e400", "1e400"),
            ("-2", "-1.9999999999999999999999"),
            ("0", "1e-400"),
            ("9.99e2", "1000"),
        ] {
            assert_eq!(compare_numbers(less, more), Some(Ordering::Less), "{less} {more}");
            assert_eq!(compare_numbers(more, less), Some(Ordering::Greater), "{more} {less}");
        }
    }
}
