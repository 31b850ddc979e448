//! Which values have the shape of a secret.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::entropy;
use super::mask::Masker;

/// Well-known shapes. The formats are the issuers' own, from their public documentation: each token
/// starts with a prefix that was chosen so that scanners can find it.
const SHAPES: &str = concat!(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", // JSON Web Token
    r"|\b(?i:bearer|basic) +[A-Za-z0-9._~+/=-]{12,}",                 // Authorization header
    r"|\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}", // OpenAI, Anthropic, OpenRouter
    r"|\b(?:sk|rk|pk|whsec)_(?:(?:live|test|prod)_)?[A-Za-z0-9]{20,}", // Stripe, Clerk
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}",
    r"|\bgl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_-]{20,}",
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{20,}",
    r"|https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{20,}",
    r"|https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{30,}",
    r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    r"|\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}",
    r"|\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{40,}|\brubygems_[0-9a-f]{48}|\bhf_[A-Za-z0-9]{30,}",
    r"|\bdop_v1_[0-9a-f]{64}|\bdo[or]_v1_[0-9a-f]{64}|\bdapi[0-9a-f]{32}\b|\bdckr_pat_[A-Za-z0-9_-]{20,}",
    r"|\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}|\bEAAA[A-Za-z0-9_-]{56,}",
    r"|\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}|\bkey-[0-9a-f]{32}\b|\bSK[0-9a-f]{32}\b",
    r"|\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\bs\.[A-Za-z0-9]{24}\b|\bAGE-SECRET-KEY-1[0-9A-Z]{50,}",
    r"|\blin_api_[A-Za-z0-9]{30,}|\bntn_[A-Za-z0-9]{30,}|\bsecret_[A-Za-z0-9]{40,}|\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    r"|\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|\bsntr[yu]s_[A-Za-z0-9_=+/-]{40,}|\bNRAK-[A-Z0-9]{27}",
    r"|\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b",   // Telegram bot
    r"|\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}", // Azure storage
    r"|(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)(?P<password>[^\s/@]+)@", // URL userinfo
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)",
    r"|(?P<random>[A-Za-z0-9+/_-]{32,}={0,2})",
);

static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests below compile it")]
    // ASCII word boundaries: the fast engine has no others.
    Regex::new(&SHAPES.replace(r"\b", r"(?-u:\b)"))
        .expect("the shapes are a valid regular expression")
});

pub(super) fn mask<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    // No shape is shorter, so short text costs nothing.
    if text.len() < 12 && !text.contains("://") {
        return Cow::Borrowed(text);
    }
    SHAPE.replace_all(text, |found: &Captures<'_>| {
        if let (Some(scheme), Some(password)) = (found.name("scheme"), found.name("password")) {
            let hidden = super::mask::is_mask(password.as_str());
            let shown =
                if hidden { password.as_str().to_owned() } else { masker.mask(password.as_str()) };
            return format!("{}{shown}@", scheme.as_str());
        }
        if let Some(digits) = found.name("card").filter(|digits| !is_card_number(digits.as_str())) {
            return digits.as_str().to_owned();
        }
        if let Some(run) = found.name("random").filter(|run| !entropy::is_random(run.as_str())) {
            return run.as_str().to_owned();
        }
        masker.mask(&found[0])
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
