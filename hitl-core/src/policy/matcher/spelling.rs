//! Removal of the quotes and escapes with which a shell or a reader of escapes spells other text.
//! Pure and linear.

/// Returns whether a shell removes this sign from a word: POSIX quotes and backslashes, and the
/// escape characters of Windows shells.
const fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '\\' | '^' | '`')
}

/// Returns whether a shell may read a word of the text differently from how it is written.
pub(super) fn is_quoted(text: &str) -> bool {
    text.contains(is_quote)
}

/// Returns the text without quotes: `hi''tl.d\b` is `hitl.db` to a shell.
pub(super) fn unquoted(text: &str) -> String {
    text.chars().filter(|c| !is_quote(*c)).collect()
}

/// Returns the text with the escapes `\u0068`, `\u{68}`, `\x68` and `\150` decoded, as JSON, source
/// code and shells spell characters. `None` if there are none.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let (mut out, mut rest, mut any) = (String::new(), text, false);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match escape(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
                any = true;
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    any.then_some(out)
}

/// Returns the character that an escape spells, without its backslash, and its length in bytes.
fn escape(text: &str) -> Option<(char, usize)> {
    let number = |digits: &str, radix: u32| {
        let digits = Some(digits).filter(|it| it.chars().all(|c| c.is_digit(radix)))?;
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
    };
    let hex = |from: usize, to: usize| Some((number(text.get(from..to)?, 16)?, to));
    match text.bytes().next()? {
        b'u' | b'U' if text[1..].starts_with('{') => {
            let end = text.get(2..10.min(text.len())).unwrap_or(&text[2..]).find('}')? + 2;
            Some((number(text.get(2..end)?, 16)?, end + 1))
        }
        b'U' => hex(1, 9).or_else(|| hex(1, 5)),
        b'u' => hex(1, 5),
        b'x' => hex(1, 3),
        b'0'..=b'7' => {
            let digits = text.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            Some((number(&text[..digits], 8)?, digits))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_read() {
        for (text, plain) in [
            (r"hitl\u002edb", "hitl.db"),
            (r"hitl\u{2e}db", "hitl.db"),
            (r"hitl\U0000002edb", "hitl.db"),
            (r"\x68itl.db", "hitl.db"),
            (r"\150itl.db", "hitl.db"),
            (r"a\\u0068", "a\\h"),
        ] {
            assert_eq!(unescaped(text).as_deref(), Some(plain), "{text}");
        }
        for text in ["", "hitl.db", r"C:\users", r"\u00", r"\u{}", r"\u{110000000}", r"\", r"\é"] {
            assert_eq!(unescaped(text), None, "{text}");
        }
        assert_eq!(unquoted(r#"h'i'"t"l\.^d`b"#), "hitl.db");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in r"(\\|u|x|\{|\}|[0-9a-f]|é|'){0,24}") {
            let _ = unescaped(&text);
            prop_assert!(!is_quoted(&unquoted(&text)));
        }
    }
}
