//! Templates: text with `{argument}` where an argument of a call belongs. `{{` and `}}` are braces.

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    Text(&'t str),
    /// The place of the argument with this name.
    Argument(&'t str),
    /// A brace that opens or closes nothing: it is text, and surely a mistake.
    LoneBrace(&'t str),
}

/// Returns the parts of a template, in order.
pub(crate) fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (part, bytes) = first(rest)?;
        rest = &rest[bytes..];
        Some(part)
    })
}

/// Returns the first part of a text, and its length in bytes.
fn first(text: &str) -> Option<(Part<'_>, usize)> {
    let at = text.find(['{', '}']).unwrap_or(text.len());
    if at > 0 {
        return Some((Part::Text(&text[..at]), at));
    }
    let (brace, after) = text.split_at_checked(1)?;
    if after.starts_with(brace) {
        return Some((Part::Text(brace), 2));
    }
    match after.find('}').filter(|_| brace == "{") {
        Some(end) => Some((Part::Argument(after[..end].trim()), end + 2)),
        None => Some((Part::LoneBrace(brace), 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_texts_arguments_and_lone_braces() {
        use Part::{Argument, LoneBrace, Text};
        for (template, expected) in [
            ("", &[][..]),
            ("pay {to}", &[Text("pay "), Argument("to")]),
            ("{{{ to }}}", &[Text("{"), Argument("to"), Text("}")]),
            ("{}é{é}", &[Argument(""), Text("é"), Argument("é")]),
            ("a}b{c", &[Text("a"), LoneBrace("}"), Text("b"), LoneBrace("{"), Text("c")]),
            ("{{x}", &[Text("{"), Text("x"), LoneBrace("}")]),
            ("{a{b}", &[Argument("a{b")]),
        ] {
            assert_eq!(parts(template).collect::<Vec<_>>(), expected, "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_parts_and_its_braces_can_be_escaped(text in "[a{}é ]{0,12}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            let back: String = parts(&escaped)
                .map(|part| match part {
                    Part::Text(text) => text,
                    other => panic!("{other:?}"),
                })
                .collect();
            proptest::prop_assert_eq!(back, &*text);
            proptest::prop_assert!(parts(&text).count() <= text.len());
        }
    }
}
