//! Placeholders for secrets: `${PASSWORD}`, `<token>`, `********`, `changeMe`.

use super::natural_text::is_name;

/// Returns whether a value is empty, or only a placeholder.
pub(super) fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "nil",
        "true",
        "false",
        "undefined",
        "string",
        "str",
        "int",
        "number",
        "boolean",
        "bool",
        "required",
        "optional",
        "redacted",
        "hidden",
        "example",
        "include",
        "omit",
        "same-origin",
        "yes",
        "no",
        "bearer",
        "basic",
        "text",
        "password",
        "secret",
        "token",
        "varchar",
        "char",
        "object",
        "any",
        "todo",
        "tbd",
        "n/a",
        "unset",
        "empty",
        "self",
        "this",
        "inherit",
        "iota",
        "value",
        // Words of a change log about an item with this name.
        "added",
        "changed",
        "deprecated",
        "fixed",
        "removed",
    ];
    let lower = value.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_ascii_punctuation());
    bare.is_empty() && value.is_ascii()
        || lower.bytes().all(|byte| matches!(byte, b'x' | b'*' | b'.' | b'-' | b'_' | b'?'))
        || WORDS.contains(&bare)
        || ["put_your", "put-your", "your_token", "your_api", "your_key"]
            .iter()
            .any(|said| lower.contains(said))
        || ["your", "my-", "my_", "enter", "insert", "replace"]
            .iter()
            .any(|start| bare.starts_with(start))
            && !value.bytes().any(|b| b.is_ascii_digit())
        || is_filled_up(value)
        || is_template(value)
}

/// Returns whether most of a value is filler characters: `pplx-xxxxxxxxxxxx`.
fn is_filled_up(value: &str) -> bool {
    let fill = value.bytes().filter(|byte| matches!(byte, b'x' | b'X' | b'*' | b'#')).count();
    value.len() >= 10 && fill * 10 >= value.len() * 7
}

/// Returns whether a value is made of template holes and words around them: `${DB_PASSWORD}`,
/// `Bearer {{ token }}`, `%(password)s`.
pub(super) fn is_template(value: &str) -> bool {
    // A hole that is cut off is still a template.
    if ["${", "{{", "$(", "%(", "%{", "#{", "<%"].iter().any(|start| value.starts_with(start)) {
        return true;
    }
    let (mut rest, mut around, mut holes) = (value, String::new(), 0);
    while let Some(c) = rest.chars().next() {
        // The `$` in `super$ecret` is a sign inside a word.
        let inside = c == '$' && around.ends_with(char::is_alphanumeric);
        if let Some(length) = hole(rest).filter(|_| !inside) {
            holes += 1;
            rest = &rest[length..];
        } else {
            around.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    let words = around.trim_matches(|c: char| !c.is_alphanumeric());
    holes > 0
        && (words.is_empty() || !words.contains(|c: char| c.is_ascii_digit()) && is_name(words))
}

/// Returns the length of the template hole that begins here.
fn hole(text: &str) -> Option<usize> {
    const PAIRS: &[(&str, &str)] = &[
        ("{{", "}}"),
        ("${", "}"),
        ("$(", ")"),
        ("#{", "}"),
        ("%{", "}"),
        ("%(", ")s"),
        ("<%", "%>"),
        ("<", ">"),
        ("{", "}"),
        ("[", "]"),
    ];
    for (open, close) in PAIRS {
        let Some(inside) = text.strip_prefix(open) else { continue };
        let Some(length) = inside.find(close) else { continue };
        let name = inside[..length].trim();
        let plain = open.len() == 1;
        // `{token}` is a hole; `{a8Xk2…}` is a value in braces.
        if !plain || name.is_empty() || is_word(name) {
            return Some(open.len() + length + close.len());
        }
    }
    if text.starts_with("%s") || text.starts_with("{}") {
        return Some(2);
    }
    let variable = text.strip_prefix('$')?;
    let length = variable.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (length > 0 && is_word(&variable[..length])).then_some(1 + length)
}

/// Returns whether a text is a word or an identifier.
fn is_word(name: &str) -> bool {
    let letters = !name.bytes().any(|b| b.is_ascii_digit());
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b" _-.:/'|()".contains(&b));
    plain && (letters || name.len() <= 4 || is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_no_secret_and_what_is_in_brackets_may_be() {
        for value in [
            "${DB_PASSWORD}",
            "$TOKEN_2",
            "{{ .Values.token }}",
            "Bearer {api_key}",
            "<your token>",
            "%(password)s",
            "#{ENV['X']}",
            "[password]",
            "********",
            "${PASSW",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in
            ["$A3ae68d9f8ccfc898ee2555a", "{kx82mzq0ab}", "<h7n!e4>", "[x9!q2w]", "$w0rd1sh"]
        {
            assert!(!is_placeholder(value), "{value}");
        }
    }
}
