//! Masks: the text shown in place of a secret.

use std::borrow::Cow;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::natural_text::is_name;
use super::recorder::Recorder;
use crate::hex;

/// The text in place of a secret, without a fingerprint.
pub const MASK: &str = "[redacted]";

/// The number of bits below which a secret could be guessed: a fingerprint would confirm the guess
/// to anyone who may have text redacted.
const GUESSABLE: f64 = 64.0;

/// The reason why a text is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MaskReason {
    /// A text that the host declared sensitive.
    Declared,
    /// A repetition of a text that the host declared sensitive.
    Repeats,
    /// A value under a secret's name.
    Name,
    /// A text with the shape of a known secret.
    Shape,
    /// A text that looks random.
    Entropy,
    /// A text that occurs elsewhere under a secret's name.
    Elsewhere,
    /// A text nested too deeply to be checked.
    Depth,
    /// A reason that a newer version knows.
    #[serde(other)]
    Other,
}

impl MaskReason {
    /// Returns the reason in words, for a reviewer.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Declared => "declared sensitive",
            Self::Repeats => "repeats a sensitive one",
            Self::Name => "masked by its name",
            Self::Shape => "masked by its shape",
            Self::Entropy => "masked because it looks random",
            Self::Elsewhere => "masked because it repeats a secret",
            Self::Depth => "masked because it is nested too deeply",
            Self::Other => "masked",
        }
    }
}

/// A maker of masks with fingerprints under a key.
#[derive(Clone, Default)]
pub(super) struct Masker {
    key: Option<[u8; 32]>,
    recorder: Option<Arc<Recorder>>,
}

impl Masker {
    pub(super) fn with_key(key: [u8; 32]) -> Self {
        Self { key: Some(key), recorder: None }
    }

    /// Returns a copy that records the secrets it masks.
    pub(super) fn recording(&self, recorder: Arc<Recorder>) -> Self {
        Self { key: self.key, recorder: Some(recorder) }
    }

    /// Returns whether it records: then masked values keep their structure.
    pub(super) fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    /// Returns the mask of a secret that has a known shape.
    pub(super) fn mask(&self, secret: &str) -> String {
        self.mask_for(secret, MaskReason::Shape)
    }

    /// Returns the mask of a secret, masked for this reason.
    pub(super) fn mask_for(&self, secret: &str, reason: MaskReason) -> String {
        match &self.recorder {
            Some(recorder) => recorder.mask(secret, reason),
            None => self.final_mask(secret),
        }
    }

    /// Returns the final mask of a secret, not a placeholder.
    pub(super) fn final_mask(&self, secret: &str) -> String {
        let mark = self.key.filter(|_| bits(secret) >= GUESSABLE).and_then(|key| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
            mac.update(secret.as_bytes());
            Some(short(&mac.finalize().into_bytes()))
        });
        mark.map_or_else(|| MASK.to_owned(), |mark| format!("[redacted:{mark}]"))
    }

    /// Returns the fingerprint of a secret within `scope`; `None` without a key. The fingerprint of
    /// a secret that could be guessed depends on its scope, so that nobody finds the secret by
    /// having guesses masked.
    pub(super) fn fingerprint(&self, secret: &str, scope: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key?).ok()?;
        if bits(secret) < GUESSABLE {
            mac.update(b"scope");
            mac.update(&u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(scope);
        }
        mac.update(secret.as_bytes());
        Some(short(&mac.finalize().into_bytes()))
    }
}

fn short(digest: &[u8]) -> String {
    hex::encode(&digest[..5])
}

/// Returns whether a text is exactly one mask.
pub(super) fn is_mask(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("[redacted").and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    let mark = inner.strip_prefix(':').unwrap_or(inner);
    inner.is_empty() || (mark.len() == 10 && mark.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Returns the mask that a text begins with.
pub(super) fn leading_mask(text: &str) -> Option<&str> {
    if !text.starts_with("[redacted") {
        return None;
    }
    // The longest mask has a fingerprint of ten digits.
    let end = text.bytes().take(MASK.len() + 11).position(|byte| byte == b']')?;
    let mask = &text[..=end];
    is_mask(mask).then_some(mask)
}

/// Returns an upper bound of a secret's entropy in bits, from its length and its kinds of
/// characters. The separators of a number add none.
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

/// Masks secrets by their names, and remembers them in order to mask them elsewhere in the text
/// too.
pub(super) struct NameMasker<'m> {
    masker: &'m Masker,
    secrets: Vec<String>,
}

impl<'m> NameMasker<'m> {
    pub(super) fn new(masker: &'m Masker) -> Self {
        Self { masker, secrets: Vec::new() }
    }
}

impl NameMasker<'_> {
    /// The most secrets of a text that are searched for elsewhere in it.
    const KNOWN: usize = 32;
    /// The shortest such secret: shorter ones, and words, occur elsewhere by chance.
    const SHORTEST: usize = 8;

    pub(super) fn mask(&mut self, secret: &str) -> String {
        if self.secrets.len() < Self::KNOWN
            && secret.len() >= Self::SHORTEST
            && !is_name(secret)
            && !self.secrets.iter().any(|known| known == secret)
        {
            self.secrets.push(secret.to_owned());
        }
        self.masker.mask_for(secret, MaskReason::Name)
    }

    /// Masks the remembered secrets also where they occur without their name.
    pub(super) fn elsewhere<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        self.secrets.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                let mask = self.masker.mask_for(secret, MaskReason::Elsewhere);
                Cow::Owned(replaced(&text, secret, &mask))
            } else {
                text
            }
        })
    }
}

/// Replaces a secret, but not inside masks that the text already has: their fingerprints may
/// contain its letters.
fn replaced(text: &str, secret: &str, mask: &str) -> String {
    let mut masks = text
        .match_indices("[redacted")
        .filter_map(|(at, _)| leading_mask(&text[at..]).map(|mask| at..at + mask.len()))
        .peekable();
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut from) = (0, 0);
    while let Some(start) = text[from..].find(secret).map(|at| from + at) {
        let end = start + secret.len();
        // A mask that ends before this place, or is part of the secret, is no obstacle.
        while masks
            .next_if(|mask| mask.end <= start || start <= mask.start && mask.end <= end)
            .is_some()
        {}
        from = match masks.peek() {
            Some(mask) if mask.start < end => mask.end,
            _ => {
                out.push_str(&text[copied..start]);
                out.push_str(mask);
                copied = end;
                end
            }
        };
    }
    out + &text[copied..]
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_secret_is_replaced_everywhere_but_in_a_mask() {
        for (text, secret, clean) in [
            ("a 00000000 b00000000", "00000000", "a # b#"),
            ("[redacted:0000000000]00000000", "00000000", "[redacted:0000000000]#"),
            ("00000000[redacted:0000000000]", "00000000", "#[redacted:0000000000]"),
            ("[redacted:0000000000][redacted:0000000001]", "00000000", ""),
            // Text that only looks like a mask.
            ("[redacted:00000000]", "00000000", "[redacted:#]"),
            ("[redacted 00000000]", "redacted", "[# 00000000]"),
            // A secret that ends in a mask, begins in one, or has one in it.
            ("hunter2x[redacted] hunter2x[", "hunter2x[", "hunter2x[redacted] #"),
            ("[redacted]hunter2x ]hunter2x", "]hunter2x", "[redacted]hunter2x #"),
            ("ab[redacted]cd ab[redacted]c", "ab[redacted]cd", "# ab[redacted]c"),
            ("a[redacted][redacted]", "a[redacted][", ""),
            ("é[redacted]é", "é", "#[redacted]#"),
        ] {
            let clean = if clean.is_empty() { text } else { clean };
            assert_eq!(replaced(text, secret, "#"), clean, "{secret}");
        }
    }
}
