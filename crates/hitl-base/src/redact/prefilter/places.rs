//! Signs of the places that only secrets stand in.

use memchr::memchr3_iter;

/// Whether there is `-u`, `-p`, `-a` or the like where an option may be, a tag that ends, or a
/// comparison of a literal.
pub(super) fn has_a_sign(text: &[u8]) -> bool {
    memchr3_iter(b'-', b'<', b'=', text).any(|at| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        match text[at] {
            b'-' => {
                let option = before.last().is_none_or(|byte| {
                    byte.is_ascii_whitespace() || matches!(byte, b'-' | 0x0B | 0x80..)
                });
                option && after.first().is_some_and(|byte| b"uUpPaAwWkKbB".contains(byte))
            }
            b'<' => after.starts_with(b"/"),
            _ => match before {
                [before @ .., b'=' | b'!'] => ends_a_literal(before),
                _ => false,
            },
        }
    })
}

/// Without the white space that it begins with; what is beyond ASCII may be some.
pub(super) fn joined(text: &[u8]) -> &[u8] {
    let space = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0x0B && byte.is_ascii();
    text.iter().position(space).map_or(&[], |at| &text[at..])
}

/// Whether a quote, an equals sign or a colon comes next, as after a key.
pub(super) fn is_a_key(after: &[u8]) -> bool {
    let after = after.strip_prefix(b"\"").or_else(|| after.strip_prefix(b"'")).unwrap_or(after);
    joined(after).starts_with(b"=") || joined(after).starts_with(b":")
}

/// Whether a quote comes last, but for white space and equals signs. Where there are so many of
/// these that it takes long to tell, one may.
fn ends_a_literal(before: &[u8]) -> bool {
    /// So many are looked at: a text of nothing else would have all of them looked at for each.
    const SKIPPED: usize = 64;
    let skipped = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | 0x0B | 0x80..);
    let last = before.iter().rev().take(SKIPPED).find(|byte| !skipped(byte));
    last.map_or(before.len() >= SKIPPED, |byte| b"\"'`".contains(byte))
}

/// Whether enough digits for a code stand soon after.
pub(super) fn has_digits(after: &[u8]) -> bool {
    /// What a code is joined by is shorter: `code for 2FA is: `.
    const NEAR: usize = 32;
    after.iter().take(NEAR).filter(|byte| byte.is_ascii_digit()).count() >= 3
}
