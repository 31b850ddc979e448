//! A call's own secrets, found again where they do not belong: as they are, and in the encodings that
//! programs pass them on in.

use std::borrow::Cow;

use hitl_base::redact::MASK;

use crate::hex::hex;

/// Shorter secrets stand in ordinary text by chance.
const SHORTEST: usize = 3;

/// `text` without any of `secrets`, raw or in base64, hexadecimal or percent encoding.
pub(super) fn scrub<'t>(text: Cow<'t, str>, secrets: &[String]) -> Cow<'t, str> {
    let mut forms: Vec<String> = secrets
        .iter()
        .filter(|secret| secret.chars().count() >= SHORTEST)
        .flat_map(|secret| forms(secret))
        .collect();
    // The longest first, so that a secret inside another does not leave half of it.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.iter().fold(text, |text, form| {
        if text.contains(form.as_str()) {
            Cow::Owned(text.replace(form.as_str(), MASK))
        } else {
            text
        }
    })
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = hex(bytes);
    let mut forms = vec![
        secret.to_owned(),
        base64(bytes, STANDARD),
        base64(bytes, URL_SAFE),
        percent(bytes, '%', true),
        percent(bytes, '%', false),
        hex.to_uppercase(),
        hex,
        // As it stands inside a JSON string or a Debug output.
        secret.escape_debug().to_string(),
    ];
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 without padding (RFC 4648): what is found whether padding follows or not.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |group, (i, byte)| group | u32::from(*byte) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            let digit = (group >> (18 - 6 * i)) & 0x3F;
            out.push(char::from(alphabet[digit as usize]));
        }
    }
    out
}

/// Percent encoding (RFC 3986) of everything but unreserved characters.
fn percent(bytes: &[u8], mark: char, upper: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            let digits = hex(&[*byte]);
            out.push(mark);
            out.push_str(&if upper { digits.to_uppercase() } else { digits });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_a_secret_is_scrubbed_in_every_encoding() {
        let secrets = ["p\u{e4}ss w/ord?".to_owned(), "9731".to_owned(), "no".to_owned()];
        for text in [
            "it was p\u{e4}ss w/ord? and 9731",
            "b64 cMOkc3Mgdy9vcmQ/ and OTczMQ==",
            "url p%C3%A4ss%20w%2Ford%3F p%c3%a4ss%20w%2ford%3f",
            "hex 70c3a4737320772f6f72643f 70C3A4737320772F6F72643F 39373331",
        ] {
            let clean = scrub(Cow::Borrowed(text), &secrets);
            for left in
                ["ss w", "9731", "cMOkc3", "OTczMQ", "C3%A4", "c3%a4", "70c3", "70C3", "39373331"]
            {
                assert!(!clean.contains(left), "{left}: {clean}");
            }
            assert!(clean.contains(MASK));
        }
        assert_eq!(scrub(Cow::Borrowed("no, nothing"), &secrets), "no, nothing");
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes(), STANDARD), encoded);
        }
        assert_eq!(base64(&[0xFB, 0xFF], URL_SAFE), "-_8");
    }
}
