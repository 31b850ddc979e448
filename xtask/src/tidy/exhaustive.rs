//! A public type that others can build or match whole is `#[non_exhaustive]`, or says why not in a
//! comment that begins with `Exhaustive:`.

use super::Text;

/// The folders of the crates whose types are API. `hitl-wire` says it once: console and command
/// line are of one version.
const API: [&str; 6] = [
    "src/",
    "hitl-core/src/",
    "hitl-tasks/src/",
    "crates/hitl-base/src/",
    "crates/hitl-console/src/",
    "crates/hitl-store/src/",
];

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let is_api = |path: &str| {
        let is_test = path.contains("/tests") || path.contains("_tests.rs");
        !is_test && API.iter().any(|folder| path.starts_with(folder))
    };
    let code = texts.iter().filter(|text| is_api(&text.path));
    code.flat_map(|text| {
        unexplained(&text.content).into_iter().map(|line| {
            format!("{}:{line}: neither #[non_exhaustive] nor `// Exhaustive: why`", text.path)
        })
    })
    .collect()
}

/// Returns the lines of public types at the top level that say neither.
fn unexplained(code: &str) -> Vec<usize> {
    let lines: Vec<&str> = code.lines().collect();
    let is_type = |line: &str| line.starts_with("pub enum ") || line.starts_with("pub struct ");
    let types = lines.iter().enumerate().filter(|(_, line)| is_type(line));
    types
        .filter(|(at, line)| !line.starts_with("pub struct ") || is_open(&lines[*at..]))
        .filter(|(at, _)| {
            // Attributes and comments above, up to an empty line or the end of other code.
            let above = lines[..*at].iter().rev();
            let mut above = above.take_while(|line| !line.is_empty() && **line != "}");
            !above.any(|line| line.contains("non_exhaustive") || line.contains("xhaustive:"))
        })
        .map(|(at, _)| at + 1)
        .collect()
}

/// Returns whether a struct has only public fields, so that others can build it.
fn is_open(lines: &[&str]) -> bool {
    if !lines.first().is_some_and(|line| line.ends_with('{')) {
        return false;
    }
    let body = lines.iter().skip(1).take_while(|line| !line.starts_with('}'));
    let is_field = |line: &&&str| {
        let name = line.trim_start().split(':').next().unwrap_or_default();
        line.starts_with("    ") && line.contains(": ") && !name.contains(['/', '#'])
    };
    let mut fields = body.filter(is_field).peekable();
    fields.peek().is_some() && fields.all(|line| line.trim_start().starts_with("pub "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_can_be_built_whole_says_why() {
        for code in [
            "/// A.\npub enum A {\n    B,\n}",
            "/// A.\n#[derive(Debug)]\npub struct A {\n    /// B: c.\n    pub b: u8,\n}",
        ] {
            assert_eq!(unexplained(code).len(), 1, "{code}");
            let explained = code.replace("pub enum", "// Exhaustive: why.\npub enum");
            let explained = explained.replace("pub struct", "#[non_exhaustive]\npub struct");
            assert!(unexplained(&explained).is_empty(), "{explained}");
        }
    }

    #[test]
    fn a_type_with_a_private_field_need_not() {
        for code in [
            "pub struct A {\n    pub b: u8,\n    c: u8,\n}",
            "pub struct A {\n    pub b: u8,\n    pub(crate) c: u8,\n}",
            "pub struct A;",
            "pub struct A(u8);",
            "pub struct A {}",
            "pub(crate) enum A {\n    B,\n}",
        ] {
            assert!(unexplained(code).is_empty(), "{code}");
        }
    }
}
