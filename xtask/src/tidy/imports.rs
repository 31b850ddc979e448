//! Reads the paths that Rust code imports or names. Pure.

/// A path that begins in the crate, as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// The name by which the importing module refers to it.
    pub(super) name: String,
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `use ..;`
    Use,
    /// `pub use ..;`, with any visibility.
    Export,
    /// A path in an expression or a type.
    Inline,
}

/// Returns the imports of a file, without those of its tests.
pub(super) fn imports(source: &str) -> Vec<Import> {
    let code = without_tests(&without_texts(source));
    let tokens = tokens(&code);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).map_or("", |before| tokens[before]);
        let form = match *token {
            "use" if matches!(before, "pub" | ")") => Form::Export,
            "use" => Form::Use,
            "crate" | "super" if before != "::" && tokens.get(at + 1) == Some(&"::") => {
                Form::Inline
            }
            _ => {
                at += 1;
                continue;
            }
        };
        at += usize::from(form != Form::Inline);
        read_tree(&tokens, &mut at, &[], form, &mut found);
    }
    found
}

/// Reads `a::b::{c, d as e}` from the token at `at`, and advances `at` past it.
fn read_tree(
    tokens: &[&str],
    at: &mut usize,
    prefix: &[String],
    form: Form,
    found: &mut Vec<Import>,
) {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        if *token == "{" {
            while tokens.get(*at).is_some_and(|token| *token != "}") {
                read_tree(tokens, at, &path, form, found);
                *at += usize::from(tokens.get(*at) == Some(&","));
            }
            *at += 1;
            return;
        }
        if !is_name(token) && *token != "*" {
            // `crate::Type::<T>` ends before its generics; `crate)` is a visibility.
            *at -= usize::from(matches!(*token, "}" | ","));
            break;
        }
        path.push((*token).to_owned());
        if tokens.get(*at) != Some(&"::") {
            break;
        }
        *at += 1;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if form != Form::Inline && tokens.get(*at) == Some(&"as") {
        name = tokens.get(*at + 1).map(|name| (*name).to_owned()).unwrap_or_default();
        *at += 2;
    }
    found.push(Import { path, name, form });
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_part(first) {
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

/// Returns the code without comments and without the contents of strings and characters.
fn without_texts(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            string_length(rest)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = 2 + hashes;
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if first == '\'' {
            character_length(rest)
        } else {
            0
        };
        let kept = if skipped == 0 { first.len_utf8() } else { 0 };
        code.push_str(&rest[..kept]);
        rest = &rest[skipped + kept..];
    }
    code
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// Returns the number of `#` at the start of a raw string, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of a character literal, or 0 for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// Returns the code without test-only items.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        let end = rest.find(['{', ';']).unwrap_or(rest.len());
        rest = if rest[end..].starts_with('{') {
            &rest[end + block_length(&rest[end..])..]
        } else {
            &rest[(end + 1).min(rest.len())..]
        };
    }
    kept.push_str(rest);
    kept
}

/// Returns the length of a block, its braces included.
fn block_length(block: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in block.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    block.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Vec<(String, String, Form)> {
        let import = |import: Import| (import.path.join("::"), import.name, import.form);
        imports(source).into_iter().map(import).collect()
    }

    #[test]
    fn every_form_of_an_import_is_read() {
        let source = "pub(crate) use self::a::{B, c::{D as E, self}};\nuse std::fmt::{self, Debug};\n\
                      fn f(x: &'a crate::g::H<'a>) -> u8 { super::i::<u8>(x) }";
        let expected = [
            ("self::a::B", "B", Form::Export),
            ("self::a::c::D", "E", Form::Export),
            ("self::a::c::self", "self", Form::Export),
            ("std::fmt::self", "self", Form::Use),
            ("std::fmt::Debug", "Debug", Form::Use),
            ("crate::g::H", "H", Form::Inline),
            ("super::i", "i", Form::Inline),
        ];
        let expected = expected.map(|(path, name, form)| (path.to_owned(), name.to_owned(), form));
        assert_eq!(read(source), expected);
    }

    #[test]
    fn texts_comments_and_tests_import_nothing() {
        let source = "// use crate::a;\nconst A: &str = \"use crate::b;\\\"\"; /* crate::c */\n\
                      const B: char = '\"'; const C: &str = r#\"crate::d\"#;\n\
                      #[cfg(test)]\nmod tests { use super::*; }\npub(crate) fn e() {}";
        assert_eq!(read(source), []);
    }
}
