//! What stands in the place of a secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What stands in the place of a secret without a mark.
pub const MASK: &str = "[redacted]";

/// Below so many bits a secret could be guessed, and a mark would confirm the guess to whoever may
/// have things redacted.
const GUESSABLE: f64 = 64.0;

/// Makes masks, marked under a key.
#[derive(Clone, Default)]
pub(super) struct Masker(Option<[u8; 32]>);

impl Masker {
    pub(super) fn keyed(key: [u8; 32]) -> Self {
        Self(Some(key))
    }

    /// The mask of a secret.
    pub(super) fn mask(&self, secret: &str) -> String {
        let mac = self.0.filter(|_| bits(secret) >= GUESSABLE);
        let Some(Ok(mut mac)) = mac.map(|key| Hmac::<Sha256>::new_from_slice(&key)) else {
            return MASK.to_owned();
        };
        mac.update(secret.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mark: Vec<String> = digest[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[redacted:{}]", mark.concat())
    }
}

/// Whether a text is a mask and nothing else.
pub(super) fn is_mask(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("[redacted").and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    let mark = inner.strip_prefix(':').unwrap_or(inner);
    inner.is_empty() || (mark.len() == 10 && mark.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// At most how many bits a secret of this length and these kinds of characters has. The separators of
/// a number add none.
fn bits(secret: &str) -> f64 {
    let grouped = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.');
    let digits: String = secret.chars().filter(char::is_ascii_digit).collect();
    let secret = if secret.chars().all(grouped) { digits.as_str() } else { secret };
    let any = |is: fn(char) -> bool, size: f64| if secret.chars().any(is) { size } else { 0.0 };
    let alphabet = any(|c| c.is_ascii_digit(), 10.0)
        + any(|c| c.is_ascii_lowercase(), 26.0)
        + any(|c| c.is_ascii_uppercase(), 26.0)
        + any(|c| !c.is_ascii_alphanumeric(), 32.0);
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let length = secret.chars().count() as f64;
    length * alphabet.max(1.0).log2()
}
