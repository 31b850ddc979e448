//! The driver: asks cargo for the packages and their files, and packs them.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::{contents, manifest, order};
use crate::cargo::{Cargo, cargo, root};
use crate::dependencies;
use crate::dependencies::tree::Package;

/// Checks every rule, then packs all packages without building them. The error lists all that is
/// wrong.
pub(crate) fn check() -> Result<(), String> {
    let tree = dependencies::tree()?;
    let packages: Vec<&Package> = tree.members().filter(|member| member.is_published()).collect();
    let mut found = Vec::new();
    let mut readmes = Vec::new();
    for package in &packages {
        let folder = package.manifest_path.parent().unwrap_or(root());
        let files = files(&package.name)?;
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        found.extend(contents::check(&package.name, &files, text));
        found.extend(licences(&package.name, folder));
        readmes.push(text("README.md"));
    }
    found.extend(manifest::check(&packages, &readmes));
    let releasing = fs::read_to_string(root().join("RELEASING.md")).unwrap_or_default();
    found.extend(order::check(&packages, &releasing));
    if !found.is_empty() {
        return Err(format!("not fit to be published:\n  {}", found.join("\n  ")));
    }
    run(&publish().and(&["--no-verify", "--quiet"]))?;
    println!("packages: {} crates could be published", packages.len());
    Ok(())
}

/// The command that packs all packages, and builds each from the files that it would have.
pub(crate) fn build() -> Cargo {
    publish().and(&["--all-features"])
}

/// A developer's tree may have changes.
fn publish() -> Cargo {
    cargo(&["publish", "--dry-run", "--workspace", "--allow-dirty"])
}

/// Returns the paths of the files in a package.
fn files(name: &str) -> Result<Vec<String>, String> {
    let mut command = cargo(&["package", "--list", "--allow-dirty", "--quiet"]).command();
    let output = command.args(["-p", name]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start cargo package: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo package --list -p {name} failed ({})", output.status));
    }
    let list = String::from_utf8_lossy(&output.stdout);
    Ok(list.lines().map(|line| line.replace('\\', "/")).collect())
}

/// The licences beside a Cargo.toml are links, which a checkout may have made files of.
fn licences(name: &str, folder: &Path) -> Vec<String> {
    let read = |folder: &Path, file: &str| fs::read(folder.join(file)).ok();
    contents::LICENCES
        .into_iter()
        .filter(|file| read(folder, file) != read(root(), file))
        .map(|file| format!("{name}: its {file} is not the repository's: link to that"))
        .collect()
}

fn run(command: &Cargo) -> Result<(), String> {
    let typed = command.typed();
    println!("{typed}");
    let status = command.command().status();
    let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("the packages cannot be made ({status}). Again: {typed}"))
}
