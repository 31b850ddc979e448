//! Strings that look random, with care: ordinary names, hashes, ids and paths do not.

/// The shortest string that is looked at.
pub(super) const SHORTEST: usize = 32;

/// Whether a run of `A-Z a-z 0-9 + / _ = -` looks like a random secret.
///
/// Hexadecimal (hashes), UUIDs, slugs, paths and camel-case names are not random in this sense: a
/// secret mixes upper case, lower case and digits, and changes between them all the time.
pub(super) fn is_random(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    if body.len() < SHORTEST || body.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return false;
    }
    // Slashes are of paths and of base64; only the latter has a plus or padding too.
    if body.contains('/') && !body.contains('+') && body.len() == text.len() {
        return false;
    }
    let kinds: Vec<usize> = body.bytes().map(kind).collect();
    let mut counts = [0; 4];
    for kind in &kinds {
        counts[*kind] += 1;
    }
    if counts[UPPER].min(counts[LOWER]).min(counts[DIGIT]) < 3 {
        return false;
    }
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * 100 >= kinds.len() * 38 && shannon(body) >= 4.0
}

const UPPER: usize = 0;
const LOWER: usize = 1;
const DIGIT: usize = 2;
const OTHER: usize = 3;

fn kind(byte: u8) -> usize {
    match byte {
        b'A'..=b'Z' => UPPER,
        b'a'..=b'z' => LOWER,
        b'0'..=b'9' => DIGIT,
        _ => OTHER,
    }
}

/// Bits for each character, by Shannon's formula over the characters' own frequencies.
fn shannon(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}
