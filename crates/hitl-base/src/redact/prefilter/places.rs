//! Signs of the places that hold only secrets.

use memchr::memchr3_iter;

/// Returns whether a text has `-u`, `-p`, `-a` or the like in the position of an option, a closing
/// tag, or a comparison with a literal.
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

/// Returns the text without leading white space and bytes beyond ASCII, which may be white space.
pub(super) fn joined(text: &[u8]) -> &[u8] {
    let space = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0x0B && byte.is_ascii();
    text.iter().position(space).map_or(&[], |at| &text[at..])
}

/// Returns whether a quote, an equals sign or a colon comes next, as after a key.
pub(super) fn is_a_key(after: &[u8]) -> bool {
    let after = after.strip_prefix(b"\"").or_else(|| after.strip_prefix(b"'")).unwrap_or(after);
    joined(after).starts_with(b"=") || joined(after).starts_with(b":")
}

/// Returns whether a quote comes last, ignoring white space and equals signs. If there are too many
/// of these to check, returns `true`.
fn ends_a_literal(before: &[u8]) -> bool {
    /// The most bytes that are skipped: otherwise a text of only such bytes would take quadratic
    /// time.
    const SKIPPED: usize = 64;
    let skipped = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | 0x0B | 0x80..);
    let last = before.iter().rev().take(SKIPPED).find(|byte| !skipped(byte));
    last.map_or(before.len() >= SKIPPED, |byte| b"\"'`".contains(byte))
}

/// Returns whether enough digits for a code follow soon.
pub(super) fn has_digits(after: &[u8]) -> bool {
    /// The longest distance to the code, in bytes: `code for 2FA is: `.
    const NEAR: usize = 32;
    after.iter().take(NEAR).filter(|byte| byte.is_ascii_digit()).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_has_a_sign_only_beside_a_literal() {
        for text in [
            r#"if "hunter2" == password"#,
            "if 'hunter2' != password",
            "`hunter2`\t=== password",
            "'hunter2'\u{A0}== password",
            &format!("{} == password", "=".repeat(64)),
        ] {
            assert!(has_a_sign(text.as_bytes()), "{text}");
        }
        for text in ["a == b", "a != 'b'", "== b", "'a' = b", &format!("{} == b", "=".repeat(60))] {
            assert!(!has_a_sign(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_option_has_a_sign_where_an_option_may_stand() {
        for text in ["-u ann:x", "curl -p x", "--user", "\u{A0}-k x", "</token>"] {
            assert!(has_a_sign(text.as_bytes()), "{text}");
        }
        for text in ["top-up", "-v", "a - b", "<token>", "-", ""] {
            assert!(!has_a_sign(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn digits_are_near_within_32_bytes() {
        let after = |blanks: usize, digits: &str| format!("{}{digits}", " ".repeat(blanks));
        assert!(has_digits(after(29, "123").as_bytes()));
        assert!(!has_digits(after(30, "123").as_bytes()) && !has_digits(b"12"));
    }
}
