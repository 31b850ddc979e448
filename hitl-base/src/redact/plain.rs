//! A look at the text of a whole JSON document: whether it surely has nothing to hide, so that nobody
//! need make a tree of it.

use super::keys::{Name, judge};
use super::marks;
use crate::json::special;

/// Whether a document surely has nothing to hide. `false` says nothing: then its tree is looked at. Of
/// text that is no JSON it says nothing either.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Some(length) = length_of_string(&bytes[at + 1..]) else { return false };
                let literal = &text[at + 1..at + 1 + length];
                at += length + 2;
                let is_key = bytes.get(at) == Some(&b':');
                // What separates the words of a name may be an escape.
                let is_name = || literal.contains('\\') || judge(literal) != Name::Plain;
                if is_key && is_name() || !is_plain_literal(literal) {
                    return false;
                }
            }
            b'0'..=b'9' => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                // It may be the number of a card.
                if digits >= 13 {
                    return false;
                }
                at += digits;
            }
            _ => at += 1,
        }
    }
    true
}

/// How long the string literal is whose opening quote was just read.
fn length_of_string(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        length += special(bytes.get(length..)?)?;
        match bytes[length] {
            b'"' => return Some(length),
            b'\\' => length += 2,
            _ => return None,
        }
    }
}

/// Whether what a string literal stands for surely has nothing to hide. An escape stands for one
/// character of which no mark is made, so what has a mark or a long run has it in the literal too; but
/// the literal is not the text in which a whole document may stand.
fn is_plain_literal(literal: &str) -> bool {
    let document = |c| matches!(c, '{' | '[');
    let nested = if literal.contains('\\') {
        literal.contains(document)
    } else {
        literal.trim_start().starts_with(document)
    };
    !nested && !marks::may_hold_a_secret(literal)
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;
    use super::*;
    use crate::json::{Json, scan};
    use proptest::prelude::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let text = prop_oneof![
            "[a-z \n]{0,14}",
            "(my )?(pin|pass|token|note|s_e_cret|pass-word|key)(: | |=|_)?[a-z0-9]{0,12}",
            r#"( |\n)?[\[{]("(pin|se_cret|note)": ?"[a-z0-9]{1,9}"|[0-9]{1,17}|"a b")?[\]}]"#,
            r#"[a-z"\\/:{\[. -]{0,14}"#,
            "[0-9 -]{0,20}",
            "(se|p)(\n|\"|_|-)(cret|in|ass)",
        ];
        let leaf = prop_oneof![
            text.clone().prop_map(Json::String),
            "[1-9][0-9]{0,17}(\\.[0-9])?".prop_map(|n| Json::Number(n.into())),
            Just(Json::Null),
        ];
        leaf.prop_recursive(3, 12, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                proptest::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// What is plain stays as it is.
        #[test]
        fn invariant_8_what_is_taken_for_plain_has_nothing_to_hide(tree in any_json()) {
            let text = tree.to_text();
            prop_assert_eq!(scan(&text).unwrap(), tree.clone());
            if is_plain(&text) {
                prop_assert_eq!(Redactor::standard().cleaned(&tree), None);
            }
        }
    }

    #[test]
    fn ordinary_arguments_are_plain_and_others_are_looked_at() {
        for text in [
            r#"{"customer":"C-1042","limit":3,"note":"on the second leg"}"#,
            r#"{"lines":"one\ntwo","n":[1,2.5,-3e9],"none":null,"yes":true}"#,
            "{}",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            r#"{"pin":"1234"}"#,
            r#"{"pass-word":"x"}"#,
            r#"{"note":"token=abcdef"}"#,
            r#"{"se\ncret":"x"}"#,
            r#"{"note":"[1]"}"#,
            r#"{"note":"\n{\"se_cret\":\"x\"}"}"#,
            r#"{"card":4111111111111111}"#,
            r#"{"note":"unfinished"#,
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
