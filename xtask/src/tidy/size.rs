//! Files have one purpose: past 500 lines, look for the seam; a library file has at most 600.

use super::{Text, is_rust};

const MAX_LINES: usize = 600;

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let long = |text: &&Text| is_library(&text.path) && text.content.lines().count() > MAX_LINES;
    let say = |text: &Text| {
        let lines = text.content.lines().count();
        format!("{}: {lines} lines; find the seam (at most {MAX_LINES})", text.path)
    };
    texts.iter().filter(long).map(say).collect()
}

fn is_library(path: &str) -> bool {
    let apart = ["tests/", "/tests/", "benches/", "examples/", "fuzz/", "tests.rs"];
    is_rust(path) && !apart.iter().any(|part| path.starts_with(part) || path.contains(part))
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn tests_may_be_long() {
        let long = "//\n".repeat(MAX_LINES + 1);
        let texts =
            [of("a/src/b.rs", &long), of("a/tests/b.rs", &long), of("a/src/b_tests.rs", &long)];
        let found = check(&texts);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a/src/b.rs: 601 lines"));
    }
}
