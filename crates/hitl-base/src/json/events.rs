//! The keys, strings and numbers of a document as a stream of tokens that borrow its text.

use super::tree::special;

/// A token of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: JSON has no other tokens.
pub enum Token<'t> {
    /// The key of an entry.
    Key(&'t str),
    /// A string under a key, or the whole document.
    Value(&'t str),
    /// A string in an array, and whether it is the first item.
    Item(&'t str, bool),
    /// A number.
    Number(&'t str),
    /// A key or a string whose raw text differs from its value (it has an escape, or no end), or
    /// text that hitl does not write. Callers must not rely on a walk that returns this.
    Escaped,
}

/// Returns the tokens of a document that hitl has written itself: compact, in the form of
/// [`Json::write`](super::Json::write). Text that cannot be in that form, such as a blank between
/// tokens, is [`Token::Escaped`].
///
/// ```
/// # use hitl::json::{Token, walk};
/// let tokens: Vec<Token> = walk(r#"{"to":"bob","ids":["a",12],"ok":true}"#).collect();
/// assert_eq!(tokens, [
///     Token::Key("to"), Token::Value("bob"),
///     Token::Key("ids"), Token::Item("a", true), Token::Number("12"),
///     Token::Key("ok"),
/// ]);
/// ```
pub fn walk(text: &str) -> impl Iterator<Item = Token<'_>> {
    Walk { text, at: 0 }
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Walk<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            match bytes.get(start)? {
                b'"' => return Some(self.string(start + 1)),
                b'-' | b'0'..=b'9' => {
                    let more = |byte: &&u8| !matches!(byte, b',' | b']' | b'}');
                    self.at += bytes[start..].iter().take_while(more).count();
                    // The token may end within a character; then it is no number.
                    return Some(
                        self.text.get(start..self.at).map_or(Token::Escaped, Token::Number),
                    );
                }
                b'{' | b'}' | b'[' | b']' | b',' | b':' | b'a'..=b'z' => self.at += 1,
                _ => {
                    self.at += 1;
                    return Some(Token::Escaped);
                }
            }
        }
    }
}

impl<'t> Walk<'t> {
    /// Returns the string that begins here, after its opening quote.
    fn string(&mut self, start: usize) -> Token<'t> {
        let bytes = self.text.as_bytes();
        let before = start.checked_sub(2).map(|at| bytes[at]);
        self.at = start;
        let mut escaped = false;
        loop {
            let Some(plain) = special(&bytes[self.at..]) else {
                self.at = bytes.len();
                return Token::Escaped;
            };
            self.at += plain + 1;
            match bytes[self.at - 1] {
                b'"' => break,
                // An escaped character does not end the string.
                b'\\' => self.at += 1,
                _ => {}
            }
            escaped = true;
            self.at = self.at.min(bytes.len());
        }
        // Quotes are ASCII, so this cuts between characters.
        match (&self.text[start..self.at - 1], before) {
            _ if escaped => Token::Escaped,
            (key, _) if bytes.get(self.at) == Some(&b':') => Token::Key(key),
            (value, Some(b':') | None) => Token::Value(value),
            (item, before) => Token::Item(item, before == Some(b'[')),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Json, trees};

    /// Collects the same tokens from the tree.
    fn told(tree: &Json, from: Option<bool>, out: &mut Vec<String>) {
        let string = |text: &str, how: &str| {
            let mut literal = String::new();
            crate::json::write_string(&mut literal, text);
            if literal.len() > text.len() + 2 {
                "escaped".to_owned()
            } else {
                format!("{how} {text}")
            }
        };
        match tree {
            Json::String(text) => out.push(match from {
                None => string(text, "value"),
                Some(first) => string(text, &format!("item {first}")),
            }),
            Json::Number(lexeme) => out.push(format!("number {lexeme}")),
            Json::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    told(item, Some(at == 0), out);
                }
            }
            Json::Object(entries) => {
                for (key, value) in entries {
                    out.push(string(key, "key"));
                    told(value, None, out);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    proptest! {
        #[test]
        fn it_tells_what_the_tree_has(tree in trees("[a-z\"\\\\{}\\[\\],: é\n]{0,12}")) {
            let mut plainly = Vec::new();
            told(&tree, None, &mut plainly);
            let text = tree.to_text();
            let tokens: Vec<String> = walk(&text)
                .map(|token| match token {
                    Token::Key(key) => format!("key {key}"),
                    Token::Value(text) => format!("value {text}"),
                    Token::Item(text, first) => format!("item {first} {text}"),
                    Token::Number(lexeme) => format!("number {lexeme}"),
                    Token::Escaped => "escaped".to_owned(),
                })
                .collect();
            prop_assert_eq!(tokens, plainly, "{}", text);
        }

        #[test]
        fn what_is_written_otherwise_is_told(tree in trees("[a-z]{0,6}"), at: prop::sample::Index) {
            let mut text = tree.to_text();
            let places: Vec<usize> =
                text.match_indices(['{', '[', ',', ':']).map(|(at, _)| at + 1).collect();
            prop_assume!(!places.is_empty());
            text.insert(places[at.index(places.len())], ' ');
            prop_assert!(walk(&text).any(|token| token == Token::Escaped), "{}", text);
        }

        #[test]
        fn it_ends_whatever_it_is_given(text in "[\"\\\\{}\\[\\],:0-9a-zé-]{0,40}") {
            let _ = walk(&text).count();
        }
    }
}
