//! Tokens that begin with their issuer's mark: each was made so that scanners can find it.

use super::patterns::Pattern;
use super::wordy::is_name;

/// What a token's body is made of.
#[derive(Clone, Copy)]
enum Of {
    Hex,
    /// Capitals and digits, and no letter after them.
    Upper,
    Alnum,
    /// Also `_` and `-`.
    Word,
    /// Also `. = + / ~ %` and `$`.
    Any,
}

impl Of {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Any => {
                byte.is_ascii_alphanumeric()
                    || matches!(
                        byte,
                        b'_' | b'-' | b'.' | b'=' | b'+' | b'/' | b'~' | b'%' | b'$' | b':'
                    )
            }
        }
    }
}

/// The mark, what follows it, and at least how much of it. From the issuers' own documentation.
const TOKENS: &[(&str, Of, usize)] = &[
    // Models and their hosts.
    ("sk-proj-", Of::Word, 20),
    ("sk-ant-", Of::Word, 20),
    ("sk-or-v1-", Of::Word, 20),
    ("sk-", Of::Word, 20),
    ("sk_", Of::Word, 20),
    ("pk_", Of::Word, 20),
    ("rk_", Of::Word, 20),
    ("whsec_", Of::Any, 20),
    ("hf_", Of::Alnum, 30),
    ("api_org_", Of::Alnum, 30),
    ("gsk_", Of::Alnum, 40),
    ("r8_", Of::Alnum, 30),
    ("pplx-", Of::Alnum, 40),
    ("xai-", Of::Alnum, 40),
    ("fw_", Of::Alnum, 20),
    ("ABSK", Of::Any, 60),
    ("AIza", Of::Word, 35),
    ("ya29.", Of::Word, 20),
    ("GOCSPX-", Of::Word, 20),
    ("1//0", Of::Word, 30),
    ("nvapi-", Of::Word, 40),
    ("jina_", Of::Alnum, 40),
    ("tvly-", Of::Word, 20),
    // Code and packages.
    ("ghp_", Of::Alnum, 30),
    ("gho_", Of::Alnum, 30),
    ("ghu_", Of::Alnum, 30),
    ("ghs_", Of::Alnum, 30),
    ("ghr_", Of::Alnum, 30),
    ("github_pat_", Of::Word, 30),
    ("glpat-", Of::Any, 20),
    ("glptt-", Of::Word, 20),
    ("gldt-", Of::Word, 20),
    ("glrt-", Of::Any, 20),
    ("glcbt-", Of::Word, 20),
    ("glsoat-", Of::Word, 20),
    ("glft-", Of::Word, 20),
    ("glimt-", Of::Word, 20),
    ("glagent-", Of::Word, 20),
    ("gloas-", Of::Word, 20),
    ("glffct-", Of::Word, 20),
    ("GR1348941", Of::Word, 20),
    ("npm_", Of::Alnum, 36),
    ("pypi-", Of::Word, 40),
    ("rubygems_", Of::Hex, 40),
    ("dckr_pat_", Of::Word, 20),
    ("cio", Of::Alnum, 32),
    ("CLOJARS_", Of::Alnum, 40),
    ("AKCp", Of::Alnum, 10),
    ("APKey_", Of::Alnum, 20),
    ("ATATT3", Of::Any, 24),
    ("ATCTT3", Of::Any, 24),
    ("ATBB", Of::Alnum, 24),
    ("CCIPAT_", Of::Word, 30),
    ("sgp_", Of::Word, 40),
    ("squ_", Of::Hex, 40),
    ("sqp_", Of::Hex, 40),
    ("sqa_", Of::Hex, 40),
    ("lin_api_", Of::Alnum, 30),
    ("figd_", Of::Word, 30),
    ("PMAK-", Of::Word, 40),
    ("rdme_", Of::Alnum, 60),
    ("oy2", Of::Alnum, 43),
    ("BBDC-", Of::Alnum, 30),
    ("bkua_", Of::Alnum, 40),
    ("slk_", Of::Hex, 64),
    ("CCIPRJ_", Of::Word, 30),
    ("rpa_", Of::Alnum, 40),
    ("lin_oauth_", Of::Alnum, 40),
    ("pat.", Of::Any, 40),
    ("sat.", Of::Any, 40),
    ("spu-", Of::Hex, 32),
    // Chat and mail.
    ("xoxa-", Of::Word, 10),
    ("xoxb-", Of::Word, 10),
    ("xoxe-", Of::Word, 10),
    ("xoxe.", Of::Any, 20),
    ("xoxo-", Of::Word, 10),
    ("xoxp-", Of::Word, 10),
    ("xoxr-", Of::Word, 10),
    ("xoxs-", Of::Word, 10),
    ("xoxc-", Of::Word, 10),
    ("xoxd-", Of::Any, 10),
    ("xapp-", Of::Word, 20),
    ("SG.", Of::Any, 40),
    ("xkeysib-", Of::Word, 40),
    ("xsmtpsib-", Of::Word, 40),
    ("key-", Of::Alnum, 32),
    ("re_", Of::Word, 24),
    // Clouds.
    ("AKIA", Of::Upper, 16),
    ("ASIA", Of::Upper, 16),
    ("ABIA", Of::Upper, 16),
    ("ACCA", Of::Upper, 16),
    ("A3T", Of::Upper, 17),
    ("amzn.mws.", Of::Word, 36),
    ("LTAI", Of::Alnum, 12),
    ("AKID", Of::Alnum, 32),
    ("dop_v1_", Of::Hex, 40),
    ("doo_v1_", Of::Hex, 40),
    ("dor_v1_", Of::Hex, 40),
    ("dapi", Of::Hex, 32),
    ("dp.pt.", Of::Alnum, 40),
    ("dp.st.", Of::Any, 40),
    ("dp.ct.", Of::Alnum, 40),
    ("dp.sa.", Of::Alnum, 40),
    ("HRKU-", Of::Word, 36),
    ("sbp_", Of::Alnum, 40),
    ("sb_secret_", Of::Word, 20),
    ("nfp_", Of::Alnum, 36),
    ("fo1_", Of::Word, 40),
    ("fm1_", Of::Any, 60),
    ("fm2_", Of::Any, 60),
    ("vercel_", Of::Word, 24),
    ("pscale_tkn_", Of::Any, 30),
    ("pscale_pw_", Of::Any, 30),
    ("pscale_oauth_", Of::Any, 30),
    ("sha256~", Of::Word, 40),
    ("tskey-", Of::Word, 20),
    ("AQVN", Of::Word, 35),
    ("t1.", Of::Any, 60),
    ("v1.0-", Of::Hex, 40),
    ("hvs.", Of::Word, 20),
    ("hvb.", Of::Word, 20),
    ("hvr.", Of::Word, 20),
    ("s.", Of::Alnum, 24),
    ("b.AAAAAQ", Of::Any, 60),
    ("pul-", Of::Hex, 40),
    ("pnu_", Of::Alnum, 36),
    ("AGE-SECRET-KEY-1", Of::Alnum, 50),
    ("ops_eyJ", Of::Any, 100),
    ("A3-", Of::Word, 30),
    ("sm_aat_", Of::Alnum, 16),
    ("exp_", Of::Word, 40),
    ("cfat_", Of::Alnum, 40),
    ("cfut_", Of::Alnum, 40),
    ("dnkey-", Of::Any, 30),
    ("pgar_", Of::Alnum, 24),
    // Money and shops.
    ("shpat_", Of::Hex, 32),
    ("shpca_", Of::Hex, 32),
    ("shppa_", Of::Hex, 32),
    ("shpss_", Of::Hex, 32),
    ("sq0atp-", Of::Word, 20),
    ("sq0csp-", Of::Word, 20),
    ("sq0idp-", Of::Word, 20),
    ("EAAA", Of::Word, 56),
    ("access_token$production$", Of::Any, 20),
    ("access_token$sandbox$", Of::Any, 20),
    ("access-sandbox-", Of::Word, 30),
    ("access-production-", Of::Word, 30),
    ("access-development-", Of::Word, 30),
    ("FLWSECK", Of::Word, 12),
    ("FLWPUBK", Of::Word, 12),
    ("EZAK", Of::Alnum, 54),
    ("EZTK", Of::Alnum, 54),
    ("duffel_test_", Of::Word, 40),
    ("duffel_live_", Of::Word, 40),
    ("shippo_live_", Of::Hex, 40),
    ("shippo_test_", Of::Hex, 40),
    ("live_", Of::Word, 32),
    ("test_", Of::Word, 35),
    ("rzp_live_", Of::Alnum, 14),
    // Watching and everything else.
    ("glsa_", Of::Word, 40),
    ("glc_", Of::Any, 32),
    ("sntrys_", Of::Any, 40),
    ("sntryu_", Of::Hex, 40),
    ("NRAK-", Of::Alnum, 27),
    ("NRII-", Of::Word, 30),
    ("NRJS-", Of::Hex, 19),
    ("NRRA-", Of::Hex, 40),
    ("dt0c01.", Of::Any, 80),
    ("dt0s", Of::Any, 80),
    ("NRBR-", Of::Hex, 19),
    ("aio_", Of::Alnum, 28),
    ("sm_pat_", Of::Alnum, 16),
    ("sm_sat_", Of::Alnum, 16),
    ("s-s4t2", Of::Any, 60),
    ("shltm_", Of::Alnum, 40),
    ("flb_live_", Of::Alnum, 16),
    ("ddp_", Of::Alnum, 34),
    ("pat-na1-", Of::Word, 36),
    ("pat-eu1-", Of::Word, 36),
    ("ntn_", Of::Alnum, 30),
    ("secret_", Of::Alnum, 40),
    ("CFPAT-", Of::Word, 40),
    ("EAACEdEose0cBA", Of::Alnum, 10),
    ("EAAG", Of::Alnum, 60),
    ("EAAB", Of::Alnum, 60),
    ("tfp_", Of::Any, 40),
    ("SK", Of::Hex, 32),
    ("AC", Of::Hex, 32),
    ("AAAAAAAAAAAAAAAAAAAAA", Of::Any, 60),
    ("sl.", Of::Word, 100),
    ("sdk-", Of::Hex, 99),
    ("p8e-", Of::Alnum, 32),
    ("fio-u-", Of::Word, 60),
    ("patp_", Of::Word, 30),
    ("API-", Of::Alnum, 26),
    ("ion_", Of::Alnum, 42),
    ("phc_", Of::Alnum, 40),
    ("phx_", Of::Alnum, 40),
    ("lsv2_pt_", Of::Word, 40),
    ("lsv2_sk_", Of::Word, 40),
    ("sk.eyJ", Of::Any, 40),
    ("pk.eyJ", Of::Any, 40),
    ("apify_api_", Of::Alnum, 30),
    ("nylk", Of::Word, 30),
    ("PMAT-", Of::Upper, 26),
    ("VF.", Of::Any, 30),
    ("ak_live_", Of::Alnum, 24),
    ("SWMTKN-1-", Of::Word, 40),
    ("akab-", Of::Word, 30),
    ("akaa-", Of::Word, 30),
    // What begins in base64 as these do: `{"k":"`, `NTLMSSP`.
    ("eyJrIjoi", Of::Any, 40),
    ("TlRMTVNTUA", Of::Any, 20),
];

/// The marks.
pub(super) static MARK: Pattern =
    Pattern::anywhere(|| TOKENS.iter().map(|(mark, ..)| (*mark, regex::escape(mark))).collect());

/// Every mark.
#[cfg(test)]
pub(super) fn marks() -> Vec<&'static str> {
    TOKENS.iter().map(|(mark, ..)| *mark).collect()
}

/// How long a token with this mark is at least.
#[cfg(test)]
pub(super) fn shortest(mark: &str) -> usize {
    let lengths = TOKENS.iter().filter(|(known, ..)| *known == mark);
    lengths.map(|(mark, _, least)| mark.len() + least).min().unwrap_or_default()
}

/// The next token at or after `from`: where it begins and ends.
pub(super) fn find(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some((start, _)) = MARK.place(text, at) {
        let inside = text[..start].bytes().last().is_some_and(|b| b.is_ascii_alphanumeric());
        if !inside && let Some(end) = body(text, start) {
            return Some((start, end));
        }
        at = start + 1;
    }
    None
}

/// Where the token that begins here ends, if one does.
fn body(text: &str, start: usize) -> Option<usize> {
    let here = &text[start..];
    let ends = TOKENS.iter().filter(|(mark, ..)| here.starts_with(mark)).filter_map(
        |(mark, of, least)| {
            let rest = &here.as_bytes()[mark.len()..];
            let length = rest.iter().take(BODY).take_while(|byte| of.has(**byte)).count();
            // Sentences end in what some tokens may have inside.
            let trimmed =
                rest[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b':')).count();
            let token = &rest[..length - trimmed];
            let cut =
                matches!(of, Of::Upper) && rest.get(length).is_some_and(u8::is_ascii_alphabetic);
            let sure = !cut && (!AMBIGUOUS.contains(mark) || is_coded(token));
            (token.len() >= *least && sure && !is_wordy(token) && !is_filler(token))
                .then(|| start + mark.len() + token.len() + beyond(rest, length, *of))
        },
    );
    ends.max()
}

/// So much of a token is looked at, in bytes. What is longer is masked to its end.
const BODY: usize = 512;

/// How much of a token there is beyond so much of it as is looked at.
fn beyond(rest: &[u8], length: usize, of: Of) -> usize {
    if length < BODY { 0 } else { rest[length..].iter().take_while(|b| of.has(**b)).count() }
}

/// Marks that ordinary names begin with too.
const AMBIGUOUS: &[&str] = &[
    "sk-", "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "VF.", "ak_live_", "pat.", "sat.",
    "rpa_", "aio_", "sk_", "pk_", "rk_", "fw_", "re_", "key-", "s.", "b.", "t1.", "sl.", "live_",
    "test_", "secret_", "exp_", "pul-", "ion_", "vercel_", "A3-", "API-", "sdk-", "cio", "oy2",
    "SK", "AC", "dapi", "EAAA", "EAAG", "EAAB", "LTAI", "AKID", "AQVN", "npm_", "hf_",
];

/// Random text has digits or changes its case, and does not read like words.
fn is_coded(token: &[u8]) -> bool {
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    let lower = token.iter().any(u8::is_ascii_lowercase);
    let upper = token.iter().filter(|b| b.is_ascii_uppercase()).count();
    (digits > 0 || (upper > 2 && lower)) && !std::str::from_utf8(token).is_ok_and(is_name)
}

/// What stands in documentation where a token will be: `ghp_xxxxxxxx`.
pub(super) fn is_filler(token: &[u8]) -> bool {
    token.iter().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.' | b'-' | b'_'))
}

/// Words and numbers between separators are a name.
fn is_wordy(token: &[u8]) -> bool {
    let mut words = token.split(|b| !b.is_ascii_alphanumeric());
    words.clone().count() > 2
        && words.all(|word| {
            word.iter().all(u8::is_ascii_digit) || word.iter().all(u8::is_ascii_lowercase)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_like_a_token_are_none() {
        for text in [
            "key-value-store-of-the-customer-database",
            "sk-some-very-long-name-of-a-branch",
            "test_the_whole_life_of_a_call_with_a_claim_2",
            "live_reload_of_the_development_server_on_change",
            "secret_santa_is_what_we_play_in_december_every_year",
            "ACCOUNT_NUMBER_OF_THE_CUSTOMER",
            "monkey-0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(find(text, 0), None, "{text}");
        }
        let token = format!("x {}{}.", "ghp_", "a1B2".repeat(9));
        assert_eq!(find(&token, 0), Some((2, token.len() - 1)));
    }
}
