//! The one line that says what would happen.

use std::borrow::Cow;

use hitl_base::Json;
use hitl_base::display::{clip, visible};

/// The most characters of one argument in a title, and of the whole title.
const ARGUMENT: usize = 80;
const TITLE: usize = 240;

/// Fills `{parameter}` in a tool's template with the shown arguments; `{{` and `}}` are braces.
/// Without a template the line names the tool. What an argument says is made visible and clipped.
pub(crate) fn title(tool: &str, template: Option<&str>, shown: &Json) -> String {
    let Some(template) = template else { return format!("Run {tool}") };
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if after.starts_with(brace) {
            out.push_str(brace);
            rest = &after[1..];
        } else if let (true, Some(end)) = (brace == "{", after.find('}')) {
            out.push_str(&argument(shown.get(after[..end].trim())));
            rest = &after[end + 1..];
        } else {
            out.push_str(brace);
            rest = after;
        }
    }
    out.push_str(rest);
    clip(&out, TITLE).into_owned()
}

fn argument(value: Option<&Json>) -> String {
    let text = match value {
        None => Cow::Borrowed("?"),
        Some(Json::String(text)) => Cow::Borrowed(text.as_str()),
        Some(other) => Cow::Owned(other.to_text()),
    };
    visible(&clip(&text, ARGUMENT)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::scan;

    #[test]
    fn fills_in_what_is_shown_and_nothing_unseen() {
        let shown = scan(r#"{"id": "C-7\u202e", "amount": 5000.0, "to": ["a", "b"]}"#).unwrap();
        let line = title("pay", Some("Sign {id} for ${amount} to {to} {{ok}} {missing}"), &shown);
        assert_eq!(line, "Sign C-7\\u{202e} for $5000.0 to [\"a\",\"b\"] {ok} ?");
        assert_eq!(title("pay", None, &shown), "Run pay");
        assert_eq!(title("pay", Some("broken { and }"), &shown), "broken ?");
        assert_eq!(title("pay", Some("open {"), &shown), "open {");
    }

    #[test]
    fn a_line_stays_a_line() {
        let shown = scan(&format!(r#"{{"a": "{}"}}"#, "x".repeat(90))).unwrap();
        let line = title("t", Some("{a} {a} {a} {a} {a}"), &shown);
        assert!(line.chars().count() < 320 && line.contains("characters left out"), "{line}");
    }

    #[test]
    fn an_argument_cannot_inject_a_placeholder() {
        let shown = scan(r#"{"a": "{b}", "b": "secret"}"#).unwrap();
        assert_eq!(title("t", Some("{a}"), &shown), "{b}");
    }
}
