//! Which values have the shape of a secret.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::MASK;

/// Well-known shapes. The formats are the issuers' own, from their public documentation: each token
/// starts with a prefix that was chosen so that scanners can find it.
const SHAPES: &str = concat!(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", // JSON Web Token
    r"|\b(?i:bearer|basic) +[A-Za-z0-9._~+/=-]{12,}",                 // Authorization header
    r"|\bsk-[A-Za-z0-9_-]{20,}",
    r"|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}",
    r"|\bglpat-[A-Za-z0-9_-]{20,}",
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"|\bAIza[0-9A-Za-z_-]{35}",
    r"|\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{40,}|\bhf_[A-Za-z0-9]{30,}",
    r"|(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)(?P<password>[^\s/@]+)@", // URL userinfo
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)",
);

static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests below compile it")]
    Regex::new(SHAPES).expect("the shapes are a valid regular expression")
});

pub(super) fn mask(text: &str) -> Cow<'_, str> {
    SHAPE.replace_all(text, |found: &Captures<'_>| {
        if let (Some(scheme), Some(password)) = (found.name("scheme"), found.name("password")) {
            let shown = if password.as_str() == MASK { password.as_str() } else { MASK };
            return format!("{}{shown}@", scheme.as_str());
        }
        match found.name("card") {
            Some(digits) if !is_card_number(digits.as_str()) => digits.as_str().to_owned(),
            _ => MASK.to_owned(),
        }
    })
}

/// Whether the digits have the length and the check digit (Luhn, ISO/IEC 7812-1) of a payment card,
/// and the first digit of one that is issued.
pub(super) fn is_card_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len())
        || !matches!(digits[0], 2..=6)
        || text.contains(['.', 'e', 'E'])
    {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_inside_text() {
        for secret in [
            concat!("sk", "-proj-abcdefghijklmnopqrstuvwx"),
            concat!("gh", "p_abcdefghijklmnopqrstuvwxyz0123456789"),
            concat!("AK", "IAIOSFODNN7EXAMPLE"),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
            "Bearer abcdefghijkl",
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(
                mask(&format!("before {secret} after")),
                "before [redacted] after",
                "{secret}"
            );
        }
        assert_eq!(mask("postgres://app:hunter2@db/x"), "postgres://app:[redacted]@db/x");
    }

    #[test]
    fn ordinary_values_stay() {
        for text in [
            "0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11",
            "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            "/usr/share/doc/hitl/README.md",
            "credit_card_4421486",
            "+1 555 010 9999",
            "2024-05-20 10:11:12",
            "https://example.com/a:b@c",
            "task-skeleton",
            "1767323045678",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
