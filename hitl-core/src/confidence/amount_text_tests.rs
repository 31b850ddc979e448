use proptest::prelude::*;

use super::*;

#[test]
fn what_people_write_is_read() {
    for (text, number) in [
        ("5.000,50", 5000.5),
        ("5,000.50", 5000.5),
        ("1,000,000.00", 1e6),
        ("1.000.000,00", 1e6),
        ("USD 5000", 5000.0),
        ("5000 EUR", 5000.0),
        ("5000USD", 5000.0),
        ("US$ 5k", 5000.0),
        ("USD 5k", 5000.0),
        ("Rs. 5000", 5000.0),
        ("R$5.000,00", 5000.0),
        ("1e4", 1e4),
        ("1E+4 USD", 1e4),
        ("1e9", 1e9),
        ("15e-1", 1.5),
        ("5 000", 5000.0),
        ("5\u{202F}000,00 \u{20AC}", 5000.0),
        ("5\t000", 5000.0),
        ("1\u{2007}000\u{A0}000", 1e6),
        ("1\u{66C}000\u{66C}000\u{66B}5", 1_000_000.5),
        ("5'000.-", 5000.0),
        ("5\u{2019}000.00", 5000.0),
        ("5_000", 5000.0),
        ("1.500", 1500.0),
        ("1,500", 1500.0),
        ("1.000.000", 1e6),
        ("12,34,567.89", 1_234_567.89),
        ("1,0000,0000", 1e8),
        ("$5k", 5000.0),
        ("5 M\u{20AC}", 5e6),
        ("2 million dollars", 2e6),
        ("1 million", 1e6),
        ("1m", 1e6),
        ("1.5m", 1.5e6),
        ("5-million", 5e6),
        ("5 hundred thousand", 5e5),
        ("2 lakh crore", 2e12),
        ("3 dozen", 36.0),
        ("10 Mio. EUR", 1e7),
        ("1 billion", 1e12),
        ("-5000", 5000.0),
        ("\u{2212}5000", 5000.0),
        ("5000-", 5000.0),
        ("(5,000.00)", 5000.0),
        ("+5000", 5000.0),
        ("999.99", 999.99),
        ("999,99", 99_999.0), // A tool that leaves out commas reads this.
        ("0.5", 0.5),
        (".5", 5.0),
        ("1.2345", 1.2345),
    ] {
        assert_eq!(largest_reading(text), Some(number), "{text}");
    }
    assert_eq!(largest_reading("1e999"), Some(f64::INFINITY));
}

#[test]
fn invariant_5_what_may_mean_more_is_not_read() {
    for unread in [
        "",
        "all of it",
        "five thousand",
        "MMM",
        "inf",
        "NaN",
        // Powers, products, sums, ranges, fractions, parts.
        "10^9",
        "10**9",
        "1*10^9",
        "1x10^9",
        "10 \u{D7} 1000",
        "10\u{2079}",
        "10<sup>9</sup>",
        "2e3e4",
        "1e 9",
        "1 e9",
        "9\u{20E3}",
        "2 million and 300 thousand",
        "between 10 and 2000",
        "10 20",
        "10-20",
        "10 + 20",
        "5+",
        ">5",
        "~5",
        "1/2",
        "\u{BD}",
        "3\u{2154}",
        "50%",
        "50 percent",
        "5\u{2030}",
        "5!",
        "=5*10",
        "5000/month",
        "5 per second",
        // Other words and scales.
        "5 gross",
        "5kk",
        "5 zillion",
        "5 M of them",
        "k\u{20AC} 5",
        "M$ 5",
        "5 XX",
        "5 pieces",
        "5d9",
        "0x3B9ACA00",
        "0b111",
        "5 myriad",
        "in thousands: 5",
        "5 \u{4E07}",
        "5\u{B9CC}",
        "5 тыс",
        // Digits of other scripts, alone and among ours.
        "\u{FF15}000",
        "\u{661}\u{662}",
        "1\u{660}\u{660}0",
        "\u{1D7D3}",
        "\u{4E94}\u{5343}",
        "\u{216F}",
        "1\u{06F0}00",
        "\u{2460}",
        "5\u{0966}",
        // Groups that no number has, and characters that nobody sees.
        "5 00",
        "1.00.0",
        "1,00.000.0",
        "1..5",
        "1,,5",
        "1, 000",
        "1_0",
        "1'5",
        "1.000 50",
        "12,3456,78",
        "1\u{200B}000",
        "1\u{202E}000",
        "1\n000",
        "1;000",
        "1\u{B7}000",
        "1|000",
        "1-000",
    ] {
        assert_eq!(largest_reading(unread), None, "{unread}");
    }
}

/// Writes a whole number with a separator between its groups.
fn grouped(number: u64, separator: &str, sizes: fn(usize) -> usize) -> String {
    let digits = number.to_string();
    let (mut groups, mut end, mut at) = (Vec::new(), digits.len(), 0);
    while end > 0 {
        let start = end.saturating_sub(sizes(at));
        groups.push(&digits[start..end]);
        (end, at) = (start, at + 1);
    }
    groups.reverse();
    groups.join(separator)
}

fn roman(mut number: u64) -> String {
    let mut text = String::new();
    for (value, letters) in [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ] {
        while number >= value {
            text.push_str(letters);
            number -= value;
        }
    }
    text
}

/// Writes digits in another script, which has its ten digits from `zero` on.
fn in_script(text: &str, zero: char) -> String {
    let digit = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(zero as u32 + digit));
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// Spellings of a number and a fraction of hundredths, each with its true value.
fn spellings(whole: u64, cents: u64, power: u32) -> Vec<(String, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "compared with room for rounding")]
    let (units, value) = (whole as f64, whole as f64 + cents as f64 / 100.0);
    let mut found = Vec::new();
    let threes: fn(usize) -> usize = |_| 3;
    let indian: fn(usize) -> usize = |at| if at == 0 { 3 } else { 2 };
    let fours: fn(usize) -> usize = |_| 4;
    for mark in [
        ",", ".", "'", "\u{2019}", " ", "\t", "\u{A0}", "\u{2007}", "\u{2009}", "\u{202F}", "_",
        "\u{66C}", "\u{3000}", "\u{B7}", "\u{200B}", "\u{FF0C}",
    ] {
        // `1.0000` is a plain decimal number.
        for sizes in [threes, indian, fours].into_iter().take(if mark == "." { 2 } else { 3 }) {
            let text = grouped(whole, mark, sizes);
            for point in [",", ".", "\u{66B}", "\u{FF0E}"].iter().filter(|point| **point != mark) {
                found.push((format!("{text}{point}{cents:02}"), value));
            }
            for zero in ['\u{660}', '\u{6F0}', '\u{966}', '\u{FF10}', '\u{1D7CE}'] {
                found.push((in_script(&text, zero), units));
            }
            found.push((text, units));
        }
    }
    let ten = 10_f64.powi(power.cast_signed());
    for (scale, factor) in [
        ("k", 1e3),
        ("K", 1e3),
        (" thousand", 1e3),
        ("tsd", 1e3),
        ("m", 1e6),
        (" Mio.", 1e6),
        (" million", 1e6),
        ("bn", 1e9),
        (" billion", 1e12),
        ("Mrd", 1e9),
        (" trillion", 1e18),
        (" lakh", 1e5),
        (" crore", 1e7),
        (" hundred thousand", 1e5),
        (" million million", 1e12),
        ("kk", 1e6),
        (" dozen", 12.0),
        (" gross", 144.0),
        (" myriad", 1e4),
        ("\u{4E07}", 1e4),
        (" hundred", 1e2),
    ] {
        found.push((format!("{whole}.{cents:02}{scale}"), value * factor));
        found.push((format!("{whole},{cents:02}{scale}"), value * factor));
        found.push((format!("{whole}{scale}"), units * factor));
    }
    for (text, value) in [
        (format!("{whole}e{power}"), units * ten),
        (format!("{whole}E+{power}"), units * ten),
        (format!("{whole}.{cents:02}e{power}"), value * ten),
        (format!("{whole}^{power}"), units.powi(power.cast_signed())),
        (format!("{whole}**{power}"), units.powi(power.cast_signed())),
        (format!("{whole} x 10^{power}"), units * ten),
        (format!("{whole}\u{D7}10{power}"), units * ten),
        (format!("{whole} x {cents}"), units * value),
        (format!("{whole} {cents}/100"), value),
        (format!("{whole}; {whole}"), units),
        (format!("{whole}000"), units * 1e3),
        (roman(whole % 4000), units % 4000.0),
        (format!("{whole:#x}"), units),
        (format!("{whole:#b}"), units),
        (format!("0o{whole:o}"), units),
    ] {
        found.push((text, value));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn invariant_5_no_spelling_is_read_as_less_than_its_value(
        whole in prop_oneof![0_u64..2000, 0..10_000_000_000_u64],
        cents in 0_u64..100,
        power in 0_u32..20,
    ) {
        for (text, value) in spellings(whole, cents, power) {
            for around in ["", "USD ", "-", "\u{2212}", "$", "\u{20AC} ", "("] {
                for end in ["", " EUR", ".-", "-", ")", "\u{20AC}"] {
                    let text = format!("{around}{text}{end}");
                    let Some(read) = largest_reading(&text) else { continue };
                    prop_assert!(read >= value * (1.0 - 1e-12), "{text:?}: {read}, not {value}");
                }
            }
        }
    }

    /// Plain decimal numbers are read as what they are, so that the rule above is not kept by
    /// reading nothing.
    #[test]
    fn plain_numbers_are_read_exactly(whole in any::<u32>(), cents in 0_u32..100) {
        let value: f64 = format!("{whole}.{cents:02}").parse().unwrap();
        for text in [
            format!("{whole}.{cents:02}"),
            format!("-{whole}.{cents:02} USD"),
            format!("\u{20AC}{}.{cents:02}", grouped(whole.into(), ",", |_| 3)),
        ] {
            prop_assert_eq!(largest_reading(&text), Some(value), "{}", text);
        }
        prop_assert_eq!(largest_reading(&whole.to_string()), Some(f64::from(whole)));
    }

    #[test]
    fn invariant_5_an_unknown_character_leaves_no_reading(
        text in "[0-9.,]{1,4}", at in 0_usize..5, odd in any::<char>(),
    ) {
        let known = odd.is_ascii_digit() || separator(odd).is_some() || odd.is_whitespace()
            || is_currency_sign(odd) || odd.is_ascii_alphabetic()
            || "-+\u{2212}\u{2013}():".contains(odd);
        let mut odd_text = text.clone();
        odd_text.insert(at.min(text.len()), odd);
        prop_assert!(known || largest_reading(&odd_text).is_none(), "{odd_text:?}");
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = largest_reading(&text);
    }
}
