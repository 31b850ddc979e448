//! Cards, and numbers that are none.

use super::*;

#[test]
fn digits_belong_to_another_number_after_a_plus_or_the_start_of_an_account() {
    for before in ["+", "call +", "DE89 ", "DE89", "(GB82 "] {
        assert!(is_of_another_number(before), "{before}");
    }
    for before in [
        "",
        "1234 ",
        "no. 1234 ",
        "ab89 ",
        "XDE89 ",
        "1DE89 ",
        "DEX9 ",
        "DE8X ",
        "D989 ",
        "dE89 ",
        "DE89  ",
    ] {
        assert!(!is_of_another_number(before), "{before}");
    }
}

#[test]
fn a_card_has_an_issuer_a_length_and_a_check_digit() {
    /// Adds the check digit.
    fn card(front: &str) -> String {
        let check = (0..10).map(|digit| format!("{front}{digit}"));
        let valid = |number: &String| {
            let digits = number.bytes().rev().map(|byte| u32::from(byte - b'0'));
            let sum: u32 = digits
                .enumerate()
                .map(
                    |(at, digit)| {
                        if at % 2 == 0 { digit } else { (digit * 2) / 10 + (digit * 2) % 10 }
                    },
                )
                .sum();
            sum.is_multiple_of(10)
        };
        check.into_iter().find(valid).unwrap_or_default()
    }
    let of = |prefix: &str, length: usize| card(&format!("{prefix:0<width$}", width = length - 1));
    for (prefix, length) in [
        ("36", 14),
        ("38", 14),
        ("39", 14),
        ("300", 14),
        ("305", 14),
        ("34", 15),
        ("37", 15),
        ("4", 16),
        ("51", 16),
        ("55", 16),
        ("62", 16),
        ("65", 16),
        ("644", 16),
        ("649", 16),
        ("2221", 16),
        ("2720", 16),
        ("3528", 16),
        ("3589", 16),
        ("6011", 16),
        ("5018", 16),
        ("5020", 16),
        ("5038", 16),
        ("6304", 16),
        ("6759", 16),
        ("6761", 16),
        ("6763", 16),
        ("62", 17),
        ("62", 18),
        ("62", 19),
    ] {
        let number = of(prefix, length);
        assert!(is_card_number(&number), "{number}");
        let (front, last) = number.split_at(length - 1);
        let wrong = format!("{front}{}", (last.parse::<u32>().unwrap_or_default() + 1) % 10);
        assert!(!is_card_number(&wrong), "{wrong}");
    }
    for (prefix, length) in [
        ("37", 14),
        ("299", 14),
        ("306", 14),
        ("35", 15),
        ("36", 15),
        ("50", 16),
        ("56", 16),
        ("61", 16),
        ("643", 16),
        ("2220", 16),
        ("2721", 16),
        ("3527", 16),
        ("3590", 16),
        ("6012", 16),
        ("5019", 16),
        ("4", 17),
        ("4", 18),
        ("4", 19),
        ("62", 20),
        ("36", 13),
    ] {
        let number = of(prefix, length);
        assert!(!is_card_number(&number), "{number}");
    }
    // In groups it is no sequential id.
    let long = of("4", 19);
    assert!(is_card_number(&format!("{} {}", &long[..4], &long[4..])));
    assert!(!is_card_number("4111111111111111e0") && !is_card_number("41111111111111.11"));
}
