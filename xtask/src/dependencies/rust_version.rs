//! `rust-version` is a promise to users: what they build asks for no newer Rust.

use std::process::{Command, Stdio};

use super::tree::{Package, Tree};
use crate::cargo::root;

const CHECK: [&str; 4] = ["check", "--workspace", "--all-features", "--locked"];

/// The oldest Rust that a published package promises to build with.
pub(super) fn promise(tree: &Tree) -> Result<String, String> {
    let promised = tree.members().filter(|package| package.is_published());
    let promised = promised.filter_map(|package| package.rust_version.clone());
    let oldest = promised.min_by_key(|version| parsed(version));
    oldest.ok_or_else(|| "no published package says its rust-version".to_owned())
}

/// Nothing that the published packages are built from asks for more than is promised.
pub(super) fn check(tree: &Tree, promise: &str) -> Vec<String> {
    let built = tree.built(tree.members().filter(|package| package.is_published()));
    built.into_iter().filter_map(|package| of_package(package, promise)).collect()
}

fn of_package(package: &Package, promise: &str) -> Option<String> {
    let asked = package.rust_version.as_deref()?;
    if parsed(asked) <= parsed(promise) {
        return None;
    }
    let wrong = format!("it needs Rust {asked}, and rust-version in Cargo.toml promises {promise}");
    let remedy = "keep an older version of it, or raise rust-version as SEMVER.md says";
    Some(package.problem(&wrong, remedy))
}

/// Compiles with the promised Rust if it is installed, and says whether it did.
pub(super) fn compile(promise: &str) -> Result<(), String> {
    let Some(toolchain) = installed(&toolchains(), promise) else {
        println!(
            "rust-version: Rust {promise} is not installed, so clippy's incompatible_msrv alone \
             looks for what is newer"
        );
        return Ok(());
    };
    let typed = format!("cargo +{toolchain} {}", CHECK.join(" "));
    println!("rust-version: Rust {promise} is installed: {typed}");
    let mut command = Command::new("rustup");
    command.args(["run", &toolchain, "cargo"]).args(CHECK).current_dir(root());
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "rust-version promises {promise}, and that does not build this: do without what is newer, \
         or raise rust-version as SEMVER.md says. Again: {typed}"
    ))
}

/// Returns the toolchains that rustup has, one a line; an empty text without rustup.
fn toolchains() -> String {
    let output = Command::new("rustup").args(["toolchain", "list"]).output();
    output.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

/// The name of the toolchain of this version: `1.89` is also `1.89.0-x86_64-unknown-linux-gnu`.
fn installed(toolchains: &str, version: &str) -> Option<String> {
    let mut names = toolchains.lines().filter_map(|line| line.split_whitespace().next());
    let is_it = |name: &&str| {
        let number = name.split('-').next().unwrap_or_default();
        parsed(number)[..2] == parsed(version)[..2]
            && parsed(number) >= parsed(version)
            && !name.contains("-beta")
    };
    names.find(is_it).map(str::to_owned)
}

/// Comparable. What is unreadable is newer than all else, so that it is found.
fn parsed(version: &str) -> [u32; 3] {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(u32::MAX));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Kind;
    use super::super::tree::tests::{member, package, tree};
    use super::*;

    fn asking(version: &str, package: Package) -> Package {
        Package { rust_version: Some(version.to_owned()), ..package }
    }

    #[test]
    fn a_dependency_that_asks_for_more_is_found() {
        for (version, found) in [
            ("1.89", 0),
            ("1.89.0", 0),
            ("1.9", 0),
            ("1.89.1", 1),
            ("1.90", 1),
            ("1.100.0", 1),
            ("2.0", 1),
            ("new", 1),
        ] {
            let asking = asking(version, package("a"));
            assert_eq!(of_package(&asking, "1.89").iter().count(), found, "{version}");
        }
        assert_eq!(of_package(&package("a"), "1.89"), None, "it says nothing");
        let why = of_package(&asking("1.90", package("a")), "1.89").unwrap_or_default();
        assert!(why.starts_with("a 1.2.3: it needs Rust 1.90, and rust-version"), "{why}");
        assert!(why.contains("promises 1.89: keep an older version"), "{why}");
    }

    #[test]
    fn the_oldest_of_published_packages_is_promised() {
        let tool = Package { publish: Some(Vec::new()), ..member("tool") };
        let packages = [("1.9", tool), ("1.90", member("a")), ("1.89", member("b"))];
        let mut packages: Vec<_> = packages.map(|(version, of)| asking(version, of)).into();
        packages.extend([member("c"), asking("1.8", package("theirs"))]);
        assert_eq!(promise(&tree(packages, &[])).as_deref(), Ok("1.89"));
        assert!(promise(&tree(vec![member("c")], &[])).is_err(), "it promises nothing");
    }

    #[test]
    fn only_what_published_packages_are_built_from_counts() {
        let edges = |kind| [("ours", "a", Kind::Normal), ("a", "b", kind), ("tool", "c", kind)];
        let packages = || {
            let tool = Package { publish: Some(Vec::new()), ..member("tool") };
            let new = ["b", "c"].map(|name| asking("1.95", package(name)));
            let ours = asking("1.89", member("ours"));
            [ours, asking("1.90", tool), package("a")].into_iter().chain(new).collect()
        };
        let build = tree(packages(), &edges(Kind::Build));
        let found = check(&build, "1.89");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("b "), "{found:?}");
        assert_eq!(check(&tree(packages(), &edges(Kind::Dev)), "1.89").len(), 0);
    }

    #[test]
    fn the_promised_toolchain_is_found_by_its_number() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\nnightly-a\n1.95.0-a\n";
        assert_eq!(installed(list, "1.89"), None);
        assert_eq!(installed("1.90-a\n1.8-a\n1.890-a\n1.89.0-beta.1-a\n", "1.89"), None);
        assert_eq!(installed("1.89.0-a\n", "1.89.1"), None, "older than promised");
        for name in ["1.89-a", "1.89.0-x86_64-unknown-linux-gnu", "1.89"] {
            let found = installed(&format!("{list}{name} (default)\n"), "1.89");
            assert_eq!(found.as_deref(), Some(name));
        }
    }
}
