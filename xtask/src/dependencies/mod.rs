//! `cargo xtask dependencies`: what deny.toml and `rust-version` promise about the dependency tree.
//!
//! The rules are pure functions over what cargo and deny.toml say. They are those of cargo-deny
//! that need neither its build from source nor more network than the registry. The rest is left to
//! `cargo deny check` itself, which runs before a release: `[advisories]` (vulnerabilities, yanked
//! versions) and all that only warns. A key of deny.toml that is not read here is an error: no
//! promise goes unchecked without notice.

mod bans;
mod deny;
mod licenses;
mod rust_version;
mod sources;
pub(crate) mod tree;

use std::process::Stdio;

use self::deny::Deny;
use self::tree::Tree;
use crate::cargo::{cargo, root};

/// Checks every rule. The error lists all that is wrong.
pub(crate) fn check() -> Result<(), String> {
    let tree = tree()?;
    let deny = deny()?;
    let promise = rust_version::promise(&tree)?;
    let found = [
        licenses::check(&tree, &deny.licenses),
        sources::check(&tree, &deny.sources),
        bans::check(&tree, &deny.bans),
        rust_version::check(&tree, &promise),
    ]
    .concat();
    if !found.is_empty() {
        return Err(format!(
            "dependencies that may not be:\n  {}\nWhat needs one: cargo tree --workspace \
             --all-features --target all --invert NAME@VERSION",
            found.join("\n  ")
        ));
    }
    println!("dependencies: {} packages are as deny.toml says", tree.packages.len());
    rust_version::compile(&promise)
}

/// The tree with every feature, for every target.
pub(crate) fn tree() -> Result<Tree, String> {
    let command = cargo(&["metadata", "--format-version", "1", "--all-features", "--locked"]);
    let typed = command.typed();
    let output = command.command().stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("the dependencies are not known. Again: {typed}"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`{typed}` said: {error}"))
}

fn deny() -> Result<Deny, String> {
    let file = root().join("deny.toml");
    let text = std::fs::read_to_string(&file);
    let text = text.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Deny::read(&text)
}
