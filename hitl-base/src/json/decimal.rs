//! Whether two JSON numbers, however written, are the same decimal number.

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

    proptest! {
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
