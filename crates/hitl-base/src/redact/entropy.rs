//! Detection of random-looking strings that leaves ordinary names, hashes, ids and paths alone.

use super::natural_text::is_name;

/// The shortest string that is checked.
pub(super) const SHORTEST: usize = 32;

/// The shortest string in one case that is checked: shorter ones are ids.
const ONE_CASE: usize = 28;

/// The length of a cloud access key's secret, in bytes.
const ACCESS: usize = 40;

/// The longest string that is checked: longer ones are files (an image in base64, a compiled
/// program).
const LONGEST: usize = 1_024;

/// Returns whether a text begins like a public key, a public address, or a common file in base64.
fn is_known_start(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "bafy",
        "bafk",
        "bc1",
        "tb1",
        "addr1",
        "cosmos1",
        "npub1",
        "AAAAB3NzaC1",
        "AAAAC3NzaC1",
        "AAAAE2VjZHNh",
        "AAAAGnNr",
        "iVBORw0KGgo",
        "/9j/",
        "R0lGOD",
        "UklGR",
        "JVBERi0",
        "UEsDB",
        "PHN2Zy",
        "PD94bWw",
        "H4sI",
        "MIIB",
        "MIIC",
        "MIID",
        "MIIE",
        "MIIF",
        "MFkw",
        "MCow",
        "d09G",
        // Outlook items, model responses, payment sessions.
        "AAMkA",
        "AQMkA",
        "chatcmpl-",
        "cs_live_",
        "cs_test_",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// Returns whether a value under a name that may be a secret's looks like a secret: long enough, in
/// one piece, with digits and letters, and not a name, path, date or id.
pub(super) fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let kinds: Vec<usize> = text.bytes().map(kind).collect();
    let has = |wanted| kinds.contains(&wanted);
    let letters = has(UPPER) || has(LOWER);
    let drawn = has(DIGIT) || text.len() >= 20 && has(UPPER) && has(LOWER);
    let in_one_piece = !text.contains(char::is_whitespace) && text.is_ascii();
    let one_part =
        text.strip_prefix('/').is_some_and(|part| !part.contains('/') && is_random(part));
    let path = text.starts_with(['/', '.', '~']) && !one_part
        || text.contains("://")
        || text.contains('\\');
    (16..=LONGEST).contains(&text.len())
        && in_one_piece
        && letters
        && drawn
        && !path
        && !is_known_start(text)
        && !is_uuid(text)
        && !is_slug(text)
        && !is_name(text)
        && !is_host(text)
        && !is_alphabet(text)
        && !(text.contains('%') && is_name(&unescaped(text)))
        && shannon(text) >= 3.0
}

/// Returns whether a text is random characters from the whole keyboard, spaces included, like a
/// salt.
pub(super) fn is_noise(text: &str) -> bool {
    let signs = text.bytes().filter(u8::is_ascii_punctuation).count();
    let alphanumeric = text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let spaces = text.bytes().filter(|b| *b == b' ').count();
    (24..=LONGEST).contains(&text.len())
        && signs * 6 >= text.len()
        && alphanumeric * 3 >= text.len()
        && spaces * 8 <= text.len()
        && text.bytes().any(|b| b.is_ascii_digit())
        && shannon(text) >= 4.2
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Replaces each percent-encoded byte with a blank.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push(' ');
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}

/// Returns whether a text is grouped like a UUID but is none: it has letters beyond `f`.
pub(super) fn is_like_a_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        && !is_uuid(text)
        && text.bytes().filter(u8::is_ascii_digit).count() >= 4
        && !is_name(text)
}

/// Returns whether a text contains the alphabet, as drawing or encoding code does.
fn is_alphabet(text: &str) -> bool {
    text.len() >= 36 && text.to_ascii_lowercase().contains("abcdefghijklmnopqrstuvwxyz")
}

/// Returns whether a text is a host name, with or without a port.
fn is_host(text: &str) -> bool {
    let name = text.rsplit_once(':').map_or(text, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { name } else { text }
    });
    let labels: Vec<&str> = name.split('.').collect();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    labels.len() >= 3
        && name.bytes().all(|b| plain(b) || b == b'.')
        && labels.iter().all(|label| !label.is_empty() && label.len() < 24)
        && labels
            .last()
            .is_some_and(|top| top.len() < 7 && top.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Returns whether a text is words and numbers between separators: `release-2024-01`,
/// `user_12_profile`.
fn is_slug(text: &str) -> bool {
    let mut parts = text.split(['-', '_', '.', ':', '/']);
    text.contains(['-', '_', '.', ':', '/'])
        && parts.all(|part| {
            part.bytes().all(|b| b.is_ascii_digit())
                || part.bytes().all(|b| b.is_ascii_lowercase())
                || part.bytes().all(|b| b.is_ascii_uppercase()) && part.len() < 12
                || part.bytes().skip(1).all(|b| b.is_ascii_lowercase())
        })
}

/// Returns whether a text consists of many short parts, half of them words:
/// `fix-read-in-2d_blt-CVE-2021-1234`.
fn is_file_name(text: &str) -> bool {
    let (mut parts, mut words) = (0, 0);
    for part in text.split(['-', '_']) {
        parts += 1;
        words += usize::from(part.len() > 1 && part.bytes().all(|b| b.is_ascii_alphabetic()));
    }
    parts >= 5 && parts * 8 >= text.len() && words * 2 >= parts
}

/// Returns whether a run of `A-Z a-z 0-9 + / _ = -` looks like a random secret.
///
/// Hexadecimal (hashes), UUIDs, slugs, paths and camel-case names are not random in this sense: a
/// secret mixes upper case, lower case and digits, and keeps changing between them.
pub(super) fn is_random(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    if !(SHORTEST..=LONGEST).contains(&body.len()) || is_known_start(body) {
        return false;
    }
    if body.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return false;
    }
    // Slashes occur in paths and in base64; only base64 also has a plus or padding, except the
    // secrets of one cloud, which all have the same length.
    let slashed = body.contains('/') && !body.contains('+') && body.len() == text.len();
    if slashed && (body.len() != ACCESS || body.contains(['-', '_'])) {
        return false;
    }
    let kinds: Vec<usize> = body.bytes().map(kind).collect();
    let mut counts = [0; 4];
    for kind in &kinds {
        counts[*kind] += 1;
    }
    if is_name(body) || is_alphabet(body) || is_file_name(body) {
        return false;
    }
    if counts[UPPER].min(counts[LOWER]).min(counts[DIGIT]) < 3 {
        return body.split(['-', '_', '+', '/']).any(is_random_in_one_case);
    }
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * 100 >= kinds.len() * 38 && shannon(body) >= 4.0
}

/// Returns whether letters of one case and digits look random: too many for an id, alternating
/// often, and beyond the digits of a hash.
fn is_random_in_one_case(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let beyond_hex = text.bytes().filter(|b| !b.is_ascii_hexdigit()).count();
    let changes = text.as_bytes().windows(2).filter(|two| kind(two[0]) != kind(two[1])).count();
    text.len() >= ONE_CASE
        && digits >= 4
        && beyond_hex >= 4
        && changes * 100 >= text.len() * 22
        && shannon(text) >= 3.5
        && !is_name(text)
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

/// Returns the Shannon entropy in bits per character, from the text's own character frequencies.
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

#[cfg(test)]
#[path = "entropy_tests.rs"]
mod tests;
