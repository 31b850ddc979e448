//! The tables of features in README and in the facade's tour name the features of Cargo.toml.

use std::collections::BTreeSet;

use super::Text;

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let features = of_manifest(super::text(texts, "Cargo.toml"));
    let mut found = Vec::new();
    for page in ["README.md", "src/lib.rs"] {
        let named = of_table(super::text(texts, page));
        for feature in features.symmetric_difference(&named) {
            found.push(format!("{page}: the feature `{feature}` is there or in Cargo.toml alone"));
        }
    }
    found
}

fn of_manifest(manifest: &str) -> BTreeSet<&str> {
    let Some((_, rest)) = manifest.split_once("[features]\n") else { return BTreeSet::new() };
    let section = rest.lines().take_while(|line| !line.starts_with('['));
    let names = section
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    names.filter(|name| *name != "default").collect()
}

/// Returns the names in the first column of the table that begins with `feature`.
fn of_table(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows = lines.skip_while(|line| !line.starts_with("| feature")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('`').nth(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn a_feature_that_one_side_lacks_is_found() {
        let manifest = "[features]\ndefault = [\"a\"]\n# Why.\na = []\nb = []\n[dependencies]\n";
        let table =
            "| feature | default | adds |\n|---|---|---|\n| `a` | yes | x |\n| `c` | no | y |\n";
        let tour = "//! | feature | adds |\n//! |---|---|\n//! | `a` | x |\n//! | `b` | y |\n";
        let texts = [of("Cargo.toml", manifest), of("README.md", table), of("src/lib.rs", tour)];
        let found = check(&texts);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("`b`") && found[1].contains("`c`"), "{found:?}");
    }
}
