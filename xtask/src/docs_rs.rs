//! Documentation as docs.rs builds it, where items say which feature they need.

use std::fs;

use crate::cargo::{Cargo, cargo, root};

/// A target folder apart: what a nightly compiler builds differently is not mixed with the rest.
const FOLDER: &str = "target/docsrs";

/// Pages of items, and the feature that each needs. The last three are of other crates, shown as
/// the facade's.
const PAGES: [(&str, &str); 5] = [
    ("hitl/struct.SqliteStore.html", "sqlite"),
    ("hitl/struct.PostgresStore.html", "postgres"),
    ("hitl/approval/struct.TerminalApprover.html", "terminal"),
    ("hitl/policy/struct.RuleFile.html", "policy-files"),
    ("hitl/audit/struct.SigningKey.html", "checkpoints"),
];

/// The command that builds it for our libraries. Docs.rs has a nightly compiler.
pub(crate) fn build() -> Cargo {
    let options = ["doc", "--no-deps", "--all-features", "--target-dir", FOLDER];
    let libraries = ["-p", "hitl", "-p", "hitl-base", "-p", "hitl-core", "-p", "hitl-macros"];
    let others = ["-p", "hitl-tasks", "-p", "hitl-store", "-p", "hitl-wire", "-p", "hitl-console"];
    cargo(&options)
        .and(&libraries)
        .and(&others)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings")
}

/// Checks that its pages name features.
pub(crate) fn check() -> Result<(), String> {
    for (page, feature) in PAGES {
        let path = root().join(FOLDER).join("doc").join(page);
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if !names(&text, feature) {
            let why =
                "an item that the facade shows needs a `cfg` of its own, its module's is lost";
            return Err(format!("{page} does not name the feature {feature}: {why}"));
        }
    }
    Ok(())
}

fn names(page: &str, feature: &str) -> bool {
    page.contains(&format!("crate feature <code>{feature}</code>"))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_page_names_its_feature_in_a_badge() {
        let page = "Available on <strong>crate feature <code>sqlite</code></strong> only.";
        assert!(names(page, "sqlite") && !names(page, "postgres"));
        assert!(!names("<p>The feature <code>sqlite</code></p>", "sqlite"));
    }
}
