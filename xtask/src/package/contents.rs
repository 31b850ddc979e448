//! The files of a package: sources and what they include, licences, a README; no tests, nothing of
//! the repository's own.

use std::path::Path;

use crate::tidy::beside;

pub(super) const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The files that cargo adds.
const OF_CARGO: [&str; 4] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];

/// Says what is wrong with the files of a package; `text` reads one.
pub(super) fn check(name: &str, files: &[String], text: impl Fn(&str) -> String) -> Vec<String> {
    let has = |file: &str| files.iter().any(|found| found == file);
    let mut found = Vec::new();
    for file in files {
        if is_test(file) {
            found.push(format!("{name}: {file} is a test"));
        } else if !is_expected(file) {
            found.push(format!("{name}: {file} does not belong in a package"));
        }
    }
    for needed in LICENCES.into_iter().chain(["README.md"]) {
        if !has(needed) {
            found.push(format!("{name}: {needed} is missing"));
        }
    }
    if !has("src/lib.rs") && !has("src/main.rs") {
        found.push(format!("{name}: its sources are missing"));
    }
    for source in files.iter().filter(|file| has_extension(file, &["rs"])) {
        let included = included(&text(source)).into_iter().map(|path| beside(source, &path));
        found.extend(
            included
                .filter(|path| !has(path))
                .map(|path| format!("{name}: {source} includes {path}, which is not packed")),
        );
    }
    found
}

fn is_test(file: &str) -> bool {
    let mut folders = file.split('/');
    let name = folders.next_back().unwrap_or_default();
    folders.any(|folder| matches!(folder, "tests" | "benches" | "fuzz" | "snapshots"))
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
        || has_extension(name, &["snap"])
}

fn is_expected(file: &str) -> bool {
    if let Some(source) = file.strip_prefix("src/") {
        return has_extension(source, &["rs", "sql"]);
    }
    if let Some(asset) = file.strip_prefix("assets/") {
        return has_extension(asset, &["css", "html", "js", "svg"]);
    }
    // The examples on them are compiled with the crate's.
    if let Some(page) = file.strip_prefix("docs/") {
        return has_extension(page, &["md"]) && (!page.contains('/') || page.starts_with("guide/"));
    }
    OF_CARGO.contains(&file)
        || LICENCES.contains(&file)
        || ["README.md", "CHANGELOG.md"].contains(&file)
}

fn has_extension(file: &str, of: &[&str]) -> bool {
    let extension = Path::new(file).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| of.contains(&extension))
}

/// Returns the paths of literal `include_str!` and `include_bytes!`, relative to the source.
fn included(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["include_str!(\"", "include_bytes!(\""] {
        let rest = source.split(start).skip(1);
        found.extend(rest.filter_map(|rest| rest.split_once('"')).map(|(path, _)| path.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [&str; 6] =
        ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs", "src/a.sql"];

    fn checked(more: &[&str], source: &str) -> Vec<String> {
        let files: Vec<String> = SOUND.iter().chain(more).map(|&file| file.to_owned()).collect();
        check("hitl-x", &files, |_| source.to_owned())
    }

    #[test]
    fn a_sound_package_has_sources_licences_and_a_readme() {
        assert_eq!(
            checked(&["assets/page.js", "docs/guide/a/b.md", "src/rule_test.rs"], ""),
            [""; 0]
        );
        let found = check("hitl-x", &[], |_| String::new());
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn tests_and_files_of_the_repository_are_found() {
        for test in
            ["tests/a.rs", "src/a/tests/b.rs", "src/tests.rs", "src/a_tests.rs", "src/a.snap"]
        {
            assert_eq!(checked(&[test], ""), [format!("hitl-x: {test} is a test")]);
        }
        for other in [
            ".github/workflows/ci.yml",
            "docs/page.png",
            "docs/decisions/audit.md",
            "examples/a.rs",
        ] {
            let found = checked(&[other], "");
            assert_eq!(found, [format!("hitl-x: {other} does not belong in a package")]);
        }
    }

    #[test]
    fn what_a_source_includes_is_packed() {
        assert_eq!(checked(&[], r#"include_str!("a.sql") include_str!("../README.md")"#), [""; 0]);
        let found = checked(&[], r#"#[doc = include_str!("../docs/effects.md")]"#);
        assert_eq!(found, ["hitl-x: src/lib.rs includes docs/effects.md, which is not packed"]);
    }
}
