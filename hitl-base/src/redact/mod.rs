//! Keeping secrets out of everything that is shown or kept.
//!
//! Two questions decide: is the key's *name* that of a secret ([`is_secret_key`]), and has the value
//! the *shape* of one? A hit is masked, not dropped, so that a reader sees that something was there.

mod keys;
mod sensitive;
mod shapes;

use std::borrow::Cow;

pub use keys::is_secret_key;
pub use sensitive::{Sensitive, marking, reveal};

use crate::json::Json;

/// What stands in the place of a secret.
pub const MASK: &str = "[redacted]";

/// Masks secrets in text and in JSON. Cheap to clone and to share.
///
/// ```
/// # use hitl_base::{json::scan, Redactor};
/// let redactor = Redactor::standard();
/// let call = scan(r#"{"user": {"apiKey": "abc"}, "note": "use Bearer abcdefgh12345678"}"#)?;
/// assert_eq!(
///     redactor.json(&call).to_text(),
///     r#"{"user":{"apiKey":"[redacted]"},"note":"use [redacted]"}"#,
/// );
/// # Ok::<(), hitl_base::json::ScanError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Redactor {}

impl Redactor {
    /// Secret key names, and the shapes of well-known tokens, keys, passwords in URLs and payment
    /// card numbers.
    pub fn standard() -> Self {
        Self {}
    }

    /// A copy of `tree` without secrets.
    pub fn json(&self, tree: &Json) -> Json {
        match tree {
            Json::Object(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let value = if is_secret_key(key) && !is_harmless(value) {
                            Json::String(MASK.to_owned())
                        } else {
                            self.json(value)
                        };
                        (self.text(key).into_owned(), value)
                    })
                    .collect(),
            ),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.json(item)).collect()),
            Json::String(text) => Json::String(self.text(text).into_owned()),
            Json::Number(lexeme) if shapes::is_card_number(lexeme) => Json::String(MASK.to_owned()),
            other => other.clone(),
        }
    }

    /// `text` with every secret shape in it masked.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        shapes::mask(text)
    }
}

/// Values that hold no secret even under a secret's name: nothing, and the mask itself.
fn is_harmless(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty() || text == MASK,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::scan;
    use proptest::prelude::*;

    fn redacted(text: &str) -> String {
        Redactor::standard().json(&scan(text).unwrap()).to_text()
    }

    #[test]
    fn invariant_8_a_secret_key_hides_whatever_is_under_it() {
        assert_eq!(
            redacted(r#"{"a":{"password":{"x":[1,2]}}}"#),
            r#"{"a":{"password":"[redacted]"}}"#
        );
        assert_eq!(redacted(r#"{"pin":1234}"#), r#"{"pin":"[redacted]"}"#);
        assert_eq!(redacted(r#"{"token":null}"#), r#"{"token":null}"#);
    }

    #[test]
    fn a_card_number_is_masked_as_text_and_as_number() {
        assert_eq!(
            redacted(r#"{"n":4111111111111111,"s":"card 4111 1111 1111 1111."}"#),
            r#"{"n":"[redacted]","s":"card [redacted]."}"#
        );
    }

    proptest! {
        #[test]
        fn redacting_twice_changes_nothing(key in "[a-zA-Z_-]{1,16}", value in ".{0,60}") {
            let tree = Json::Object(vec![(key, Json::String(value))]);
            let once = Redactor::standard().json(&tree);
            prop_assert_eq!(&Redactor::standard().json(&once), &once);
            prop_assert!(scan(&once.to_text()).is_ok());
        }
    }
}
