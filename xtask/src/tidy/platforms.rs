//! Code for one platform is in the files that `docs/platforms.md` names.

use std::path::Path;

use super::Text;

const PAGE: &str = "docs/platforms.md";
/// The beginnings of conditions on the platform.
const CONDITIONS: [&str; 3] = ["unix", "windows", "target_os"];

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let page = super::text(texts, PAGE);
    let code = texts.iter().filter(|text| is_code(&text.path));
    let depends = |text: &&Text| depends_on_platform(&text.content);
    let unnamed = |text: &&Text| !page.contains(&format!("`{}`", text.path));
    code.filter(depends)
        .filter(unnamed)
        .map(|text| {
            format!("{}: code for one platform, and {PAGE} does not name the file", text.path)
        })
        .collect()
}

/// Returns whether a file is compiled into a published crate, and is not only tests.
fn is_code(path: &str) -> bool {
    let published =
        ["src/", "hitl-core/src/", "hitl-macros/src/", "hitl-tasks/src/", "crates/hitl-"];
    let rust = Path::new(path).extension().is_some_and(|end| end == "rs");
    rust && published.iter().any(|start| path.starts_with(start))
        && path.contains("src/")
        && !path.contains("/tests")
        && !path.ends_with("_tests.rs")
}

fn depends_on_platform(code: &str) -> bool {
    code.lines().any(|line| {
        let code = line.split("//").next().unwrap_or_default();
        let condition = code.split_once("cfg").map(|(_, rest)| rest);
        let words = |rest: &str| {
            let mut words = rest.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| CONDITIONS.contains(&word))
        };
        condition.is_some_and(words) || code.trim_start().starts_with("target_os")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_the_platform_are_found() {
        for code in [
            "#[cfg(unix)]",
            "    if cfg!(windows) {",
            "#[cfg(all(test, not(target_os = \"linux\")))]",
            "        target_os = \"macos\"",
        ] {
            assert!(depends_on_platform(code), "{code}");
        }
        for code in ["#[cfg(test)]", "// #[cfg(unix)]", "unix::read_line()", "let windows = 1;"] {
            assert!(!depends_on_platform(code), "{code}");
        }
    }

    #[test]
    fn tests_are_no_code_of_a_published_crate() {
        assert!(is_code("crates/hitl-store/src/sqlite/open.rs") && is_code("src/lib.rs"));
        for path in ["xtask/src/main.rs", "hitl-core/src/policy/rules/judge_tests.rs"] {
            assert!(!is_code(path), "{path}");
        }
    }
}
