//! Paths from a condition to values in a call's arguments.

use hitl_base::Json;

/// A parsed path like `payments[*].amount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Box<[Step]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(Box<str>),
    Item(usize),
    /// Every item of a list, or every value of an object.
    Each,
    /// Values at any depth.
    Deep,
}

impl Path {
    /// Parses a path. The error describes the mistake in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        let mut first = true;
        while first || !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (index, after) = inside
                    .split_once(']')
                    .ok_or("a `[` has no `]`; write `list[0]` or `list[*]`")?;
                steps.push(match index {
                    "*" => Step::Each,
                    index => Step::Item(
                        index
                            .parse()
                            .map_err(|_| "between `[` and `]` stands a number or `*`".to_owned())?,
                    ),
                });
                rest = after;
            } else {
                if !first {
                    rest = rest.strip_prefix('.').ok_or("after a `]` comes `.` or `[`")?;
                }
                let (step, after) = key(rest)?;
                steps.push(step);
                rest = after;
            }
            first = false;
        }
        if matches!(steps.last(), Some(Step::Deep)) {
            return Err("after `**` comes the key to look for, like `**.amount`".to_owned());
        }
        Ok(Self(steps.into()))
    }

    /// Calls `see` with every value under the path, and with `None` for a dead end. Always calls it
    /// at least once.
    pub(super) fn visit<'j>(&self, tree: &'j Json, see: &mut dyn FnMut(Option<&'j Json>)) {
        let mut seen = false;
        walk(&self.0, tree, MissingPath::Said, &mut |value| {
            seen = true;
            see(value);
        });
        if !seen {
            see(None);
        }
    }
}

/// Calls `see` with every value under a path, and with `None` for a dead end. The error describes
/// the mistake in the path.
pub(crate) fn each_value<'j>(
    path: &str,
    tree: &'j Json,
    see: &mut dyn FnMut(Option<&'j Json>),
) -> Result<(), String> {
    Path::parse(path)?.visit(tree, see);
    Ok(())
}

/// The reporting of dead ends. Below `**` they are skipped: that searches.
#[derive(Clone, Copy)]
enum MissingPath {
    Said,
    Passed,
}

fn walk<'j>(
    steps: &[Step],
    tree: &'j Json,
    lost: MissingPath,
    see: &mut dyn FnMut(Option<&'j Json>),
) {
    let Some((step, rest)) = steps.split_first() else { return see(Some(tree)) };
    let found = match step {
        Step::Key(key) => tree.get(key),
        Step::Item(at) => tree.as_array().and_then(|items| items.get(*at)),
        Step::Each if values(tree).is_none() => None,
        Step::Each => {
            for value in values(tree).into_iter().flatten() {
                walk(rest, value, lost, see);
            }
            return;
        }
        Step::Deep => {
            walk(rest, tree, MissingPath::Passed, see);
            for value in values(tree).into_iter().flatten() {
                walk(steps, value, MissingPath::Passed, see);
            }
            return;
        }
    };
    match found {
        Some(value) => walk(rest, value, lost, see),
        None if matches!(lost, MissingPath::Said) => see(None),
        None => {}
    }
}

/// Returns the items of a list, or the values of an object.
fn values(tree: &Json) -> Option<impl Iterator<Item = &Json>> {
    let (items, entries) = match tree {
        Json::Array(items) => (items.as_slice(), [].as_slice()),
        Json::Object(entries) => ([].as_slice(), entries.as_slice()),
        _ => return None,
    };
    Some(items.iter().chain(entries.iter().map(|(_, value)| value)))
}

/// Parses one key, plain or quoted, and returns it with the rest of the text.
fn key(text: &str) -> Result<(Step, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut key = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return Ok((Step::Key(key.into()), &quoted[at + 1..])),
                '\\' => key.extend(chars.next().map(|(_, c)| c)),
                c => key.push(c),
            }
        }
        return Err("a quoted key has no closing quote".to_owned());
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let step = match &text[..end] {
        "" => return Err("a key is empty; write `a.b`, `a[0]`, `a[*].b` or `**.b`".to_owned()),
        "*" => Step::Each,
        "**" => Step::Deep,
        key => Step::Key(key.into()),
    };
    Ok((step, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    fn seen(path: &str, arguments: &str) -> Vec<String> {
        let tree = parse_json(arguments).unwrap();
        let mut seen = Vec::new();
        Path::parse(path).unwrap().visit(&tree, &mut |value| {
            seen.push(value.map_or_else(|| "-".to_owned(), Json::to_text));
        });
        seen
    }

    #[test]
    fn paths_find_what_they_name() {
        let call = r#"{"a": {"b": [1, {"c": 2}], "x.y": 3}, "c": 4}"#;
        for (path, expected) in [
            ("c", vec!["4"]),
            ("a.b[0]", vec!["1"]),
            ("a.b[1].c", vec!["2"]),
            ("a.b[2]", vec!["-"]),
            ("a.b[*].c", vec!["-", "2"]),
            ("a.\"x.y\"", vec!["3"]),
            ("**.c", vec!["4", "2"]),
            ("**.z", vec!["-"]),
            ("a.*", vec![r#"[1,{"c":2}]"#, "3"]),
            ("c.d", vec!["-"]),
        ] {
            assert_eq!(seen(path, call), expected, "{path}");
        }
        assert_eq!(seen("list[*]", r#"{"list": []}"#), ["-"]);
    }

    #[test]
    fn a_path_that_is_none_says_why() {
        for path in ["", ".", "a..b", "a[", "a[x]", "a[0]b", "\"a", "**", "a.**"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }
}
