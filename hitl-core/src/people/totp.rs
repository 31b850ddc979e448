//! Time-based one-time codes: RFC 6238 with its defaults, as authenticator apps expect them
//! (HMAC-SHA-1, six digits, thirty seconds). Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The time for which a code is shown, in seconds.
const PERIOD: u64 = 30;
/// The number of steps that a clock may be ahead or behind.
const DRIFT: u64 = 1;
/// The number of digits in a code.
const DIGITS: u32 = 6;

/// A secret that an app and the verifier share. `Debug` never shows it.
pub(super) struct Secret(Vec<u8>);

impl Secret {
    pub(super) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the step that `code` belongs to, if it is close to the current one and later than
    /// `last`: a code is accepted once, and no earlier one afterwards.
    pub(super) fn step(&self, code: &str, seconds: u64, last: Option<u64>) -> Option<u64> {
        let now = seconds / PERIOD;
        let mut steps = now.saturating_sub(DRIFT)..=now.saturating_add(DRIFT);
        let is_code = code.len() == DIGITS as usize && code.bytes().all(|c| c.is_ascii_digit());
        let typed: u32 = if is_code { code.parse().ok()? } else { return None };
        steps.find(|step| last.is_none_or(|last| *step > last) && self.code(*step) == Some(typed))
    }

    /// Returns the code of a step: RFC 4226, section 5.3.
    pub(super) fn code(&self, step: u64) -> Option<u32> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).ok()?;
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest.last()? & 0xF);
        let four: [u8; 4] = digest.get(at..at + 4)?.try_into().ok()?;
        Some((u32::from_be_bytes(four) & 0x7FFF_FFFF) % 10_u32.pow(DIGITS))
    }

    /// Returns the URI for an app: shown once.
    pub(super) fn uri(&self, name: &str) -> String {
        let name: String = name.bytes().map(escaped).collect();
        format!("otpauth://totp/hitl:{name}?secret={}&issuer=hitl", base32(&self.0))
    }
}

/// Returns a byte as a URI may contain it.
fn escaped(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// Encodes bytes by RFC 4648, section 6, without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(LETTERS[(bits >> count & 31) as usize]));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(char::from(LETTERS[(bits << (5 - count) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new(*b"12345678901234567890")
    }

    /// RFC 4226, appendix D.
    #[test]
    fn codes_are_those_of_rfc_4226() {
        let codes = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871,
            520_489,
        ];
        for (step, code) in codes.into_iter().enumerate() {
            assert_eq!(secret().code(step as u64), Some(code), "{step}");
        }
    }

    /// RFC 6238, appendix B: the last six of the eight digits there.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().step(code, seconds, None), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn invariant_4_a_code_counts_once_and_around_its_time_only() {
        let step = |code: &str, seconds, last| secret().step(code, seconds, last);
        assert_eq!(step("287082", 59, None), Some(1));
        assert_eq!(step("287082", 59, Some(1)), None, "it was used");
        assert_eq!(step("287082", 59, Some(2)), None, "a later one was used");
        assert_eq!(step("287082", 59, Some(0)), Some(1));
        assert_eq!(step("287082", 89, None), Some(1), "the clock may be behind");
        assert_eq!(step("287082", 29, None), Some(1), "or ahead");
        assert_eq!(step("287082", 90, None), None);
        for wrong in
            ["", "28708", "2870820", "28708x", " 287082", "+87082", "２８７０８２", "287083"]
        {
            assert_eq!(step(wrong, 59, None), None, "{wrong:?}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn texts_for_apps_are_those_of_rfc_4648() {
        let pairs = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
        ];
        for (plain, text) in pairs {
            assert_eq!(base32(plain.as_bytes()), text);
        }
        let uri = "otpauth://totp/hitl:ann%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=hitl";
        assert_eq!(secret().uri("ann@x"), uri);
    }
}
