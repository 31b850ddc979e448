//! Tokens that begin with their issuer's prefix, which is there so that scanners can find them.

use super::marks::{Of, TOKENS};
use super::natural_text::is_name;
use super::patterns::Pattern;

/// The pattern of all prefixes.
pub(super) static MARK: Pattern =
    Pattern::anywhere(|| TOKENS.iter().map(|(mark, ..)| (*mark, regex::escape(mark))).collect());

/// Returns every prefix.
#[cfg(test)]
pub(super) fn marks() -> Vec<&'static str> {
    TOKENS.iter().map(|(mark, ..)| *mark).collect()
}

/// Returns the shortest length of a token with this prefix.
#[cfg(test)]
pub(super) fn shortest(mark: &str) -> usize {
    let lengths = TOKENS.iter().filter(|(known, ..)| *known == mark);
    lengths.map(|(mark, _, least)| mark.len() + least).min().unwrap_or_default()
}

/// Returns the start and end of the next token at or after `from`.
pub(super) fn find(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some((start, _)) = MARK.place(text, at) {
        let inside = text[..start].bytes().last().is_some_and(|b| b.is_ascii_alphanumeric())
            && !is_coloured(&text[..start]);
        if !inside
            && !is_of_a_session(text, start)
            && !is_in_a_file(&text[..start])
            && let Some(end) = body(text, start)
        {
            return Some((start, end));
        }
        at = start + 1;
    }
    None
}

/// Returns whether a text ends in the middle of a base64 file, where any few letters may occur.
fn is_in_a_file(before: &str) -> bool {
    /// The length from which a piece of base64 cannot be a path, in bytes.
    const PIECE: usize = 64;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    before.ends_with(['+', '/']) && before.bytes().rev().take(PIECE).filter(part).count() == PIECE
}

/// Returns whether the prefix that begins here is part of a payment session's id: `cs_live_`.
fn is_of_a_session(text: &str, start: usize) -> bool {
    text[..start].ends_with("cs_")
        && ["live_", "test_"].iter().any(|mark| text[start..].starts_with(mark))
}

/// Returns whether the text ends in a sequence that sets a terminal's colour.
fn is_coloured(before: &str) -> bool {
    /// The longest such sequence, in bytes.
    const LONGEST: usize = 24;
    let near = &before.as_bytes()[before.len().saturating_sub(LONGEST)..];
    let set = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    let [rest @ .., b'm'] = near else { return false };
    let codes = rest.iter().rev().take_while(|byte| set(byte)).count();
    rest[..rest.len() - codes].ends_with(b"\x1b[")
}

/// Returns the end of the token that begins here, if there is one.
fn body(text: &str, start: usize) -> Option<usize> {
    let here = &text[start..];
    let ends = TOKENS.iter().filter(|(mark, ..)| here.starts_with(mark)).filter_map(
        |(mark, of, least)| {
            let rest = &here.as_bytes()[mark.len()..];
            let length = rest.iter().take(BODY).take_while(|byte| of.has(**byte)).count();
            // A sentence may end with characters that some tokens may contain.
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

/// The most bytes of a token that are checked. A longer one is masked to its end.
const BODY: usize = 512;

/// Returns the length of the token beyond the part that was checked.
fn beyond(rest: &[u8], length: usize, of: Of) -> usize {
    if length < BODY { 0 } else { rest[length..].iter().take_while(|b| of.has(**b)).count() }
}

/// Prefixes that ordinary names begin with too.
const AMBIGUOUS: &[&str] = &[
    "sk-", "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "VF.", "ak_live_", "pat.", "sat.",
    "rpa_", "aio_", "sk_", "pk_", "rk_", "fw_", "re_", "key-", "s.", "b.", "t1.", "sl.", "live_",
    "test_", "secret_", "exp_", "pul-", "ion_", "vercel_", "A3-", "API-", "sdk-", "cio", "oy2",
    "SK", "AC", "dapi", "EAAA", "EAAG", "EAAB", "LTAI", "AKID", "AQVN", "npm_", "hf_", "AKC",
    "AP1", "AP2", "AP3", "AP5", "AP6", "APA", "APB", "sk.", "pri_", "key_", "fc-", "gsk-", "csk-",
    "LLM_", "cursor_", "edsk", "SUA", "SAA",
];

/// Returns whether a token looks random: it has digits or changes case, and does not read like
/// words.
fn is_coded(token: &[u8]) -> bool {
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    let lower = token.iter().any(u8::is_ascii_lowercase);
    let upper = token.iter().filter(|b| b.is_ascii_uppercase()).count();
    (digits > 0 || (upper > 2 && lower)) && !std::str::from_utf8(token).is_ok_and(is_name)
}

/// Returns whether a token is a filler from documentation: `ghp_xxxxxxxx`.
pub(super) fn is_filler(token: &[u8]) -> bool {
    token.iter().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.' | b'-' | b'_'))
}

/// Returns whether a token is a name: words and numbers between separators.
fn is_wordy(token: &[u8]) -> bool {
    let mut words = token.split(|b| !b.is_ascii_alphanumeric());
    // `ed25519` and `nistp256` are words with a number.
    words.clone().count() > 2
        && words.all(|word| {
            let letters = word.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            word[letters..].iter().all(u8::is_ascii_digit)
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
            "sk-ecdsa-sha2-nistp384-cert-v01@openssh.com",
            "cs_test_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4",
            "monkey-0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(find(text, 0), None, "{text}");
        }
        let token = format!("x {}{}.", "ghp_", "a1B2".repeat(9));
        assert_eq!(find(&token, 0), Some((2, token.len() - 1)));
    }

    #[test]
    fn after_an_ambiguous_prefix_letters_alone_are_no_token() {
        // Neither is words: the second one has digits.
        let (letters, mixed) = ("xqzjvkwpbxqzjvkwpbxqzjvk", "xqzjvk4pbxqz7vkwpb9qzjv1");
        for prefix in ["sk-", "fw_"] {
            assert_eq!(find(&format!("{prefix}{letters}"), 0), None, "{prefix}");
            let token = format!("{prefix}{mixed}");
            assert_eq!(find(&token, 0), Some((0, token.len())), "{prefix}");
        }
    }

    #[test]
    fn a_token_is_found_after_a_slash_but_not_inside_a_file() {
        let token = format!("{}{}", "ghp_", "a1B2".repeat(9));
        for sign in ['/', '+'] {
            let path = format!("{}{sign}{token}", "x".repeat(62));
            assert_eq!(find(&path, 0), Some((63, path.len())), "{sign}");
            // 64 bytes of base64 before it.
            let file = format!("{}{sign}{token}", "x".repeat(63));
            assert_eq!(find(&file, 0), None, "{sign}");
        }
        let coloured = format!("{}\u{1b}[1;32m{token}", "x".repeat(70));
        assert_eq!(find(&coloured, 0), Some((77, coloured.len())));
        let word = format!("{}[1;32m{token}", "x".repeat(70));
        assert_eq!(find(&word, 0), None, "a letter before it, and no colour");
    }
}
