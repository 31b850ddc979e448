//! The one line that describes what would happen.

use hitl_base::Json;
use hitl_base::display::{clip, quoted};

use super::render::in_a_sentence;
use crate::call::template::{Part, parts};

/// The most characters of one argument in a title, and of the whole title.
const ARGUMENT: usize = 80;
const TITLE: usize = 240;

/// The parts of a tool's declaration that the line is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TitleWords<'t> {
    pub(crate) tool: &'t str,
    /// The tool's name for people, if it has one. It may come from the tool's server.
    pub(crate) name: Option<&'t str>,
    pub(crate) template: Option<&'t str>,
}

/// Fills `{parameter}` in a tool's template with the shown arguments; `{{` and `}}` are braces.
/// Without a template the line names the tool, its name for people in quotes. Arguments are written
/// in common notation: amounts, dates and lists are formatted. The exact values are listed below
/// the title. The model's texts are quoted, so that none can be mistaken for our words.
pub(crate) fn title(words: TitleWords<'_>, shown: &Json) -> String {
    let TitleWords { tool, name, template } = words;
    let Some(template) = template else {
        return match name.map(str::trim).filter(|name| !name.is_empty()) {
            // Quoted, so that it cannot be mistaken for our words, and beside the exact name.
            Some(name) => format!("Run {} ({tool})", quoted(&clip(name, ARGUMENT))),
            None => format!("Run {tool}"),
        };
    };
    let mut out = String::with_capacity(template.len() + 32);
    let mut parts = parts(template).peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Part::Text(text) | Part::LoneBrace(text) => {
                out.push_str(text);
                continue;
            }
            Part::Argument(name) => name,
        };
        let money = out.ends_with(['$', '€', '£', '¥']);
        let said = argument(name, money, shown.get(name));
        // The template may have quotes of its own.
        let closes = matches!(parts.peek(), Some(Part::Text(text)) if text.starts_with('"'));
        let within = out.ends_with('"') && closes;
        let bare = said.strip_prefix('"').and_then(|said| said.strip_suffix('"'));
        out.push_str(bare.filter(|_| within).unwrap_or(&said));
    }
    clip(&out, TITLE).into_owned()
}

fn argument(name: &str, money: bool, value: Option<&Json>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| in_a_sentence(name, money, value, ARGUMENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    fn title(tool: &str, template: Option<&str>, shown: &Json) -> String {
        super::title(TitleWords { tool, name: None, template }, shown)
    }

    #[test]
    fn invariant_9_a_name_for_people_stands_in_quotes_beside_the_exact_name() {
        let named = |name| {
            let words = TitleWords { tool: "write_file", name: Some(name), template: None };
            super::title(words, &Json::Null)
        };
        assert_eq!(named("Write file"), r#"Run "Write file" (write_file)"#);
        assert_eq!(named(" \n"), "Run write_file");
        assert_eq!(
            named("Read (read_file)\" \u{202e}\n"),
            r#"Run "Read (read_file)\" \u{202e}" (write_file)"#
        );
        assert!(named(&"x".repeat(1_000)).chars().count() < 200);
        let words = TitleWords { tool: "t", name: Some("T"), template: Some("Write") };
        assert_eq!(super::title(words, &Json::Null), "Write");
    }

    #[test]
    fn fills_in_what_is_shown_and_nothing_unseen() {
        let shown =
            parse_json(r#"{"id": "C-7\u202e", "amount": 5000.0, "to": ["a", "b"]}"#).unwrap();
        let line = title("pay", Some("Sign {id} for ${amount} to {to} {{ok}} {missing}"), &shown);
        assert_eq!(line, r#"Sign "C-7\u{202e}" for $5,000.00 to "a", "b" {ok} ?"#);
        assert_eq!(title("pay", None, &shown), "Run pay");
        assert_eq!(title("pay", Some("broken { and }"), &shown), "broken ?");
        assert_eq!(title("pay", Some("open {"), &shown), "open {");
    }

    #[test]
    fn amounts_dates_and_lists_read_as_people_write_them() {
        let shown = r#"{"n": 1234567, "amount": 1234567.5, "on": "2026-01-02", "to": [1, 2, 3, 4, 5, 6, 7],
            "who": ["a, b", "c"], "path": "C:\\u{200b}", "x": {"k": "\u202e"}}"#;
        let shown = parse_json(shown).unwrap();
        let line = |template| title("t", Some(template), &shown);
        assert_eq!(line("{n} {amount} €{n}"), "1234567 1,234,567.50 €1,234,567.00");
        assert_eq!(line("on {on} to {to}"), "on Fri 2 January 2026 to 1, 2, 3, 4, 5 and 2 more");
        assert_eq!(line("{who}"), r#""a, b", "c""#);
        // A text that spells out an escape is not mistaken for one.
        assert_eq!(line("{path}"), r#""C:\\u{200b}""#);
        assert_eq!(line("{x}"), r#"{"k":"\u{202e}"}"#);
    }

    #[test]
    fn a_line_stays_a_line() {
        let shown = parse_json(&format!(r#"{{"a": "{}"}}"#, "x".repeat(90))).unwrap();
        let line = title("t", Some("{a} {a} {a} {a} {a}"), &shown);
        assert!(line.chars().count() < 320 && line.contains("characters left out"), "{line}");
    }

    #[test]
    fn an_argument_cannot_inject_a_placeholder() {
        let shown = parse_json(r#"{"a": "{b}", "b": "secret"}"#).unwrap();
        assert_eq!(title("t", Some("{a}"), &shown), r#""{b}""#);
    }

    #[test]
    fn invariant_9_words_of_the_model_stand_in_quotes() {
        let shown = r#"{"note": "Verified safe. Approved.", "id": "HAT-101", "word": "Approved",
            "list": ["Reviewed by security", "C-7"], "quote": "\" Approved \""}"#;
        let shown = parse_json(shown).unwrap();
        let line = |template| title("t", Some(template), &shown);
        assert_eq!(line("{note}"), r#""Verified safe. Approved.""#);
        assert_eq!(line("{word}: book {id}"), r#""Approved": book HAT-101"#);
        assert_eq!(line("to {list}"), r#"to "Reviewed by security", C-7"#);
        assert_eq!(line(r#"Send "{note}" now"#), r#"Send "Verified safe. Approved." now"#);
        assert_eq!(line(r#"Send "{quote}" now"#), r#"Send "\" Approved \"" now"#);
    }
}
