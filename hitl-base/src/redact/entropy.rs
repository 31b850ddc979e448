//! Strings that look random, with care: ordinary names, hashes, ids and paths do not.

/// The shortest string that is looked at.
pub(super) const SHORTEST: usize = 32;

/// Longer ones are files: an image in base64, a compiled program.
const LONGEST: usize = 512;

/// How public keys and common files begin in base64.
fn is_known_start(text: &str) -> bool {
    const STARTS: &[&str] = &[
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
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// Whether what stands under a name that may be a secret's looks like one: long enough, in one
/// piece, with digits and letters, and no name, path, date or id.
pub(super) fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let kinds: Vec<usize> = text.bytes().map(kind).collect();
    let has = |wanted| kinds.contains(&wanted);
    let letters = has(UPPER) || has(LOWER);
    let in_one_piece = !text.contains(char::is_whitespace) && text.is_ascii();
    let path = text.starts_with(['/', '.', '~']) || text.contains("://") || text.contains('\\');
    (16..=LONGEST).contains(&text.len())
        && in_one_piece
        && letters
        && has(DIGIT)
        && !path
        && !is_known_start(text)
        && !is_uuid(text)
        && !is_slug(text)
        && shannon(text) >= 3.0
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Words and numbers between separators: `release-2024-01`, `user_12_profile`.
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

/// Whether a run of `A-Z a-z 0-9 + / _ = -` looks like a random secret.
///
/// Hexadecimal (hashes), UUIDs, slugs, paths and camel-case names are not random in this sense: a
/// secret mixes upper case, lower case and digits, and changes between them all the time.
pub(super) fn is_random(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    if !(SHORTEST..=LONGEST).contains(&body.len()) || is_known_start(body) {
        return false;
    }
    if body.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
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
