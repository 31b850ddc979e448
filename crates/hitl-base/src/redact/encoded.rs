//! Text and files in base64: their content tells whether they are secrets.

/// The shortest run that is decoded, in bytes.
pub(super) const SHORTEST: usize = 20;

/// The longest run that is decoded, in bytes: longer ones are taken for files.
const LONGEST: usize = 4_096;

/// The first bytes of common file formats.
const FILES: &[&[u8]] = &[
    b"\x89PNG",
    b"\xFF\xD8\xFF",
    b"GIF8",
    b"RIFF",
    b"%PDF",
    b"PK\x03\x04",
    b"\x1F\x8B",
    b"BM",
    b"\0\0\x01\0",
    b"wOFF",
    b"wOF2",
    b"OTTO",
    b"ID3",
    b"OggS",
    b"\x28\xB5\x2F\xFD",
    b"BZh",
    b"II*\0",
    b"MM\0*",
    b"7z\xBC\xAF",
    b"fLaC",
    b"\x1A\x45\xDF\xA3",
    b"\0asm",
    b"SQLite",
    b"\x7FELF",
];

/// Returns whether a run is base64 of text or of a file, and so no secret.
pub(super) fn is_ordinary(run: &str) -> bool {
    let Some(bytes) = decode(run) else { return false };
    let file = FILES.iter().any(|start| bytes.starts_with(start))
        || bytes.get(4..8).is_some_and(|kind| kind == b"ftyp");
    file || is_text(&bytes)
}

/// Returns the decoded content of a base64 or hexadecimal run, if it is text.
pub(super) fn text(run: &str) -> Option<String> {
    hexadecimal(run)
        .or_else(|| decode(run))
        .filter(|bytes| is_text(bytes))
        .and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Returns whether bytes are text rather than random: UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    // The last character may be cut off.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let printed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.len() >= 8 && text.chars().all(printed)
}

/// Decodes pairs of hexadecimal digits.
fn hexadecimal(run: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !(SHORTEST..=LONGEST).contains(&run.len()) {
        return None;
    }
    let (pairs, odd) = run.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect::<Option<_>>().filter(|_| odd.is_empty())
}

/// Decodes a base64 run in either alphabet (RFC 4648).
fn decode(run: &str) -> Option<Vec<u8>> {
    let body = run.trim_end_matches('=');
    if !(SHORTEST..=LONGEST).contains(&body.len()) || body.len() % 4 == 1 {
        return None;
    }
    let (mut out, mut bits, mut group) = (Vec::with_capacity(body.len() * 3 / 4), 0, 0_u32);
    for byte in body.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        group = group << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits & 0xFF) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_files_are_told_from_what_was_drawn() {
        assert!(is_ordinary("VGhlIGN1c3RvbWVyIGFza3MgZm9yIGEgcmVmdW5kIG9mIHRoZSBzZWNvbmQgbGVn"));
        assert_eq!(text("cGluPTQ3MTEmdXNlcj1hbm4=").as_deref(), Some("pin=4711&user=ann"));
        assert!(!is_ordinary("q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Ee4To6KiQ"));
        assert!(decode("not base64!").is_none());
    }
}
