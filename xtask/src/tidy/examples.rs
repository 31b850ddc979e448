//! Examples in the documentation of public items import the facade, as programs do.

use super::Text;

/// The crates behind the facade.
const INNER: [&str; 6] = ["base", "core", "macros", "store", "tasks", "wire"];
/// Names that the facade does not have: they are for those who write a store.
const ALLOWED: [&str; 1] = ["hitl_core::store_contract!"];

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let rust = texts.iter().filter(|text| is_published(&text.path));
    rust.flat_map(|text| {
        let inner = inner_imports(&text.content).into_iter();
        inner.map(|line| format!("{}:{line}: an example imports `hitl::`", text.path))
    })
    .collect()
}

fn is_published(path: &str) -> bool {
    let tops = ["src/", "hitl-core/src/", "hitl-macros/src/", "hitl-tasks/src/", "crates/hitl-"];
    tops.iter().any(|top| path.starts_with(top))
        && path.contains("src/")
        && super::has_extension(path, "rs")
}

/// Returns the lines of examples that name a crate behind the facade.
fn inner_imports(source: &str) -> Vec<usize> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (at, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let Some(text) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            inside = false;
            continue;
        };
        if text.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside && names_inner(text) {
            found.push(at + 1);
        }
    }
    found
}

fn names_inner(line: &str) -> bool {
    let line = ALLOWED.iter().fold(line.to_owned(), |line, allowed| line.replace(allowed, ""));
    INNER.iter().any(|name| line.contains(&format!("hitl_{name}::")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_examples_are_looked_at() {
        let source = "\
//! Text names [`Gate`](hitl_core::Gate).
//! ```
//! hitl_core::store_contract!(make_store);
//! # use hitl_base::Timestamp;
//! use hitl::Gate;
//! ```
use hitl_core::Gate;

    /// See [`Gate`](hitl_core::Gate).
    ///
    /// ```no_run
    /// let gate = hitl_core::Gate::builder();
    /// use hitl_console::router;
    /// ```
";
        assert_eq!(inner_imports(source), [4, 12]);
    }

    #[test]
    fn tests_and_chores_may_use_every_crate() {
        assert!(
            is_published("hitl-core/src/lib.rs") && is_published("crates/hitl-base/src/lib.rs")
        );
        for path in ["hitl-core/tests/gate/main.rs", "xtask/src/main.rs", "docs/tasks.md"] {
            assert!(!is_published(path), "{path}");
        }
    }
}
