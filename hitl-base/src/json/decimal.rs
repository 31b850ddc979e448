//! JSON numbers, however written, compared as the decimal numbers they are.

use std::cmp::Ordering;

/// A JSON number without its spelling: sign, digits without outer zeros, power of ten of the last.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Whether two JSON number lexemes denote exactly the same number: `5000`, `5000.0` and `5e3` do;
/// `9007199254740992` and `9007199254740993` do not, although an `f64` cannot tell them apart.
/// Text that is not a JSON number is the same as nothing.
///
/// ```
/// # use hitl_base::json::same_number;
/// assert!(same_number("5000", "5e3"));
/// assert!(!same_number("9007199254740992.0", "9007199254740993"));
/// ```
pub fn same_number(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The order of two JSON numbers, exactly: no double stands in between. Nothing for text that is not
/// a JSON number.
///
/// ```
/// # use hitl_base::json::compare_numbers;
/// # use std::cmp::Ordering;
/// assert_eq!(compare_numbers("9007199254740993", "9007199254740992.0"), Some(Ordering::Greater));
/// assert_eq!(compare_numbers("-1e3", "-999.9"), Some(Ordering::Less));
/// ```
pub fn compare_numbers(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    Some(match (a.sign(), b.sign()) {
        (-1, -1) => b.size_against(&a),
        (0, 0) => Ordering::Equal,
        (1, 1) => a.size_against(&b),
        (a, b) => a.cmp(&b),
    })
}

/// Whether this JSON number is whole, however written: `5`, `5.0` and `50e-1` are.
pub fn is_whole(text: &str) -> bool {
    parse(text).is_some_and(|number| number.exponent >= 0)
}

impl Decimal {
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Compares the sizes of two numbers that are not zero.
    fn size_against(&self, other: &Self) -> Ordering {
        // One past the power of ten of the first digit. As wide as it takes not to wrap.
        let top = |of: &Self| i128::from(of.exponent) + of.digits.len() as i128;
        // Without outer zeros, digits compare like text.
        top(self).cmp(&top(other)).then_with(|| self.digits.cmp(&other.digits))
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits: String::new(), exponent: 0 });
    }
    let trailing = all.len() - all.trim_end_matches('0').len();
    let exponent = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(trailing).ok()?)?;
    Some(Decimal { negative, digits: digits.to_owned(), exponent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_number_are_the_same() {
        for (a, b) in
            [("0", "-0.0"), ("100", "1e2"), ("1.50", "15e-1"), ("-2", "-2.000"), ("1E+2", "100")]
        {
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
    }
}
