//! The template of `describe`: text with `{parameter}`; `{{` and `}}` represent braces.

/// Returns the names of its placeholders, in order. The error tells what is wrong with the
/// template.
pub(crate) fn placeholders(template: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            rest = after;
        } else if brace == "}" {
            return Err("this `}` closes nothing: write `}}` for a brace".to_owned());
        } else {
            let Some((name, after)) = after.split_once('}') else {
                return Err("this `{` is not closed: write `{{` for a brace".to_owned());
            };
            names.push(name);
            rest = after;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_escapes() {
        let found = |template| placeholders(template).unwrap();
        assert_eq!(found("Pay ${amount} to {payee}, {payee}"), ["amount", "payee", "payee"]);
        assert_eq!(found("{{{x}}} {{y}}"), ["x"]);
        assert_eq!(found("nothing"), <[&str; 0]>::default());
        assert_eq!(found("{}{ a }{a:?}"), ["", " a ", "a:?"]);
    }

    #[test]
    fn lone_braces() {
        assert!(placeholders("{{x}").unwrap_err().contains("closes nothing"));
        assert!(placeholders("{x").unwrap_err().contains("not closed"));
        assert!(placeholders("}").unwrap_err().contains("closes nothing"));
    }
}
