//! The effect of a call: the consequence in the world that must not happen twice.

use hitl_base::Json;
use hitl_base::display::is_unseen;
use hitl_base::json::{Whole, parse_json, whole, write_string};

use super::EffectDigest;
use super::template::{Part, parts};

/// The treatment of a call whose effect an earlier call had, has now, or may have had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectRepeat {
    /// A human is asked, in full, and is shown the earlier call.
    #[default]
    Ask,
    /// The call is denied.
    Refuse,
}

/// Returns the text of an effect: the template, with `{name}` replaced by that argument.
///
/// Different arguments give different texts: what could be taken for a part of the template is
/// quoted.
pub(crate) fn effect_text(template: &str, arguments: &Json) -> String {
    let mut text = String::new();
    for part in parts(template) {
        match part {
            Part::Text(word) | Part::LoneBrace(word) => text.push_str(word),
            Part::Argument(name) => add_value(&mut text, arguments.get(name)),
        }
    }
    text
}

fn add_value(text: &mut String, value: Option<&Json>) {
    let is_plain = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !word.is_empty() && word.bytes().all(plain)
    };
    match value {
        Some(Json::String(word)) if is_plain(word) => text.push_str(word),
        Some(value) => write_canonical(text, value),
        None => text.push_str("null"),
    }
}

/// Writes a value as JSON, each number in one spelling.
fn write_canonical(text: &mut String, value: &Json) {
    match value {
        Json::Number(number) => write_number(text, number),
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write_canonical(text, item);
            }
            text.push(']');
        }
        Json::Object(entries) => {
            text.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write_string(text, key);
                text.push(':');
                write_canonical(text, item);
            }
            text.push('}');
        }
        other => other.write(text),
    }
}

/// Writes a number: `7.0` is 7, and `10.50` is 10.5. Numbers that differ after 17 digits may be
/// written alike, so that their effects count as one.
fn write_number(text: &mut String, number: &str) {
    if let Some(Whole { negative, magnitude }) = whole(number) {
        text.push_str(if negative { "-" } else { "" });
        text.push_str(&magnitude.to_string());
    } else if let Ok(number) = number.parse::<f64>() {
        text.push_str(&number.to_string());
    } else {
        text.push_str(number);
    }
}

/// Returns the digest of a call's effect, by which effects are compared.
pub(crate) fn effect_digest(template: &str, arguments: &str) -> EffectDigest {
    // A text that is not JSON has no arguments: all such calls have one effect.
    let arguments = parse_json(arguments).unwrap_or(Json::Null);
    EffectDigest::new(&compared_text(template, arguments))
}

/// Returns the text of an effect as it is compared: with [`folded`] texts.
fn compared_text(template: &str, arguments: Json) -> String {
    effect_text(template, &with_folded_texts(arguments))
}

fn with_folded_texts(tree: Json) -> Json {
    match tree {
        Json::String(text) => Json::String(folded(&text)),
        Json::Array(items) => Json::Array(items.into_iter().map(with_folded_texts).collect()),
        Json::Object(entries) => {
            let fold = |(key, value)| (key, with_folded_texts(value));
            Json::Object(entries.into_iter().map(fold).collect())
        }
        other => other,
    }
}

/// Returns a text without what seldom tells two things apart: letter case, white space around and
/// between words, and characters that nobody sees. A tool or its provider may leave these out too,
/// and then what looks like another consequence is the same.
fn folded(text: &str) -> String {
    let seen: String = text.chars().filter(|c| c.is_whitespace() || !is_unseen(*c)).collect();
    let words: Vec<String> = seen.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(template: &str, arguments: &str) -> String {
        effect_text(template, &parse_json(arguments).unwrap())
    }

    #[test]
    fn a_template_names_arguments() {
        let arguments = r#"{"id":"pay_1","n":7,"parts":["a","b"],"note":"a:b","none":null}"#;
        for (template, expected) in [
            ("refund:{id}", "refund:pay_1"),
            ("{n}/{id}", "7/pay_1"),
            ("x:{parts}", r#"x:["a","b"]"#),
            ("x:{note}", r#"x:"a:b""#),
            ("x:{none}:{absent}", "x:null:null"),
            ("{{{id}}}", "{pay_1}"),
            ("a}b{", "a}b{"),
            ("", ""),
        ] {
            assert_eq!(text(template, arguments), expected, "{template}");
        }
    }

    #[test]
    fn a_number_is_the_same_in_every_spelling() {
        for same in [r#"{"id":"7"}"#, r#"{"id":7.0}"#, r#"{"id":70e-1}"#] {
            assert_eq!(text("refund:{id}", r#"{"id":7}"#), text("refund:{id}", same), "{same}");
        }
        for same in [r#"{"id":[10.50]}"#, r#"{"id":[105e-1]}"#] {
            assert_eq!(text("refund:{id}", r#"{"id":[10.5]}"#), text("refund:{id}", same));
        }
    }

    #[test]
    fn invariant_3_a_text_is_the_same_in_every_case_and_spacing() {
        let of = |id: &str| {
            let arguments = Json::Object(vec![("id".to_owned(), Json::String(id.to_owned()))]);
            compared_text("refund:{id}", arguments)
        };
        for same in ["PAY_1", " pay_1", "pay_1\n", "pay\u{200b}_1", "\u{feff}Pay_1\u{a0}"] {
            assert_eq!(of(same), of("pay_1"), "{same:?}");
        }
        assert_eq!(of("Ann  Lee"), of("ann\tlee "));
        assert_eq!(of("\u{c9}MILE"), of("\u{e9}mile"));
        for other in ["pay-1", "pay_10", "pay 1", "p\u{430}y_1", "", "pay_\u{661}"] {
            assert_ne!(of(other), of("pay_1"), "{other:?}");
        }
        // In lists and objects too; keys are as the tool names them.
        let inside = |json: &str| compared_text("x:{v}", parse_json(json).unwrap());
        assert_eq!(inside(r#"{"v":["A ",{"k":" B"}]}"#), inside(r#"{"v":["a",{"k":"b"}]}"#));
        assert_ne!(inside(r#"{"v":{"K":1}}"#), inside(r#"{"v":{"k":1}}"#));
    }

    proptest::proptest! {
        #[test]
        fn different_arguments_are_different_effects(
            a in "[a:\"\\\\{}]{0,4}", b in "[a:\"\\\\{}]{0,4}",
            c in "[a:\"\\\\{}]{0,4}", d in "[a:\"\\\\{}]{0,4}",
        ) {
            let of = |one: &str, two: &str| {
                let arguments = Json::Object(vec![
                    ("one".to_owned(), Json::String(one.to_owned())),
                    ("two".to_owned(), Json::String(two.to_owned())),
                ]);
                effect_text("x:{one}:{two}", &arguments)
            };
            proptest::prop_assert_eq!(of(&a, &b) == of(&c, &d), a == c && b == d);
        }
    }
}
