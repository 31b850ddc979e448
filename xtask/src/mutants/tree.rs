//! The copy of the sources that is changed: the checkout stays as it is.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::root;

/// The folder of its builds, in the copy.
pub(super) const BUILDS: &str = "target";

/// Makes the copy below `folder`, or makes it equal to the sources again, and returns its path.
///
/// Files that are equal are not written, so that cargo does not build them again.
pub(super) fn refresh(folder: &Path) -> Result<PathBuf, String> {
    let tree = folder.join("tree");
    let files = files()?;
    for file in &files {
        let from = root().join(file);
        let content = fs::read(&from).map_err(|error| failed(&from, &error))?;
        let content = if file.ends_with("Cargo.toml") { lean(content) } else { content };
        write(&tree.join(file), &content)?;
    }
    let known: HashSet<PathBuf> = files.iter().map(|file| tree.join(file)).collect();
    remove_others(&tree, &tree.join(BUILDS), &known)?;
    Ok(tree)
}

/// Lists the files of the checkout, relative to it.
fn files() -> Result<Vec<PathBuf>, String> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output =
        command.current_dir(root()).output().map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let list =
        String::from_utf8(output.stdout).map_err(|error| format!("git ls-files: {error}"))?;
    let all = list.split('\0').filter(|file| !file.is_empty()).map(PathBuf::from);
    // A deleted file is listed until the deletion is committed.
    Ok(all.filter(|file| root().join(file).is_file()).collect())
}

/// Leaves out two dependencies that a test of the copy does without, and each mutant would build:
/// that of an inner crate on the facade, which only examples in documentation use, and that of a
/// crate on itself, which sets features of its tests. Here all are set.
fn lean(manifest: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&manifest) else { return manifest };
    let on_facade = |line: &str| line.starts_with("hitl = { path = \"..");
    let on_itself = |line: &str| line.contains(" = { path = \".\", features = ");
    let is_kept = |line: &&str| !on_facade(line) && !on_itself(line);
    text.split_inclusive('\n').filter(is_kept).collect::<String>().into_bytes()
}

fn write(file: &Path, content: &[u8]) -> Result<(), String> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    fs::write(file, content).map_err(|error| failed(file, &error))
}

/// Removes the files below `folder` that are not `known`, without looking into `builds`.
fn remove_others(folder: &Path, builds: &Path, known: &HashSet<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        if path.is_dir() {
            if path != builds {
                remove_others(&path, builds, known)?;
            }
        } else if !known.contains(&path) {
            fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
        }
    }
    Ok(())
}

fn failed(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_holds_the_sources_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = refresh(folder.path()).expect("a copy");
        let of_base = "crates/hitl-base/Cargo.toml";
        let (original, copy) = (root().join(of_base), tree.join(of_base));
        let (original, copy) = (fs::read_to_string(original), fs::read_to_string(&copy));
        let (original, copy) = (original.expect("a manifest"), copy.expect("its copy"));
        assert!(original.contains("\nhitl = { path") && !copy.contains("\nhitl = { path"));
        assert_eq!(original.lines().count(), copy.lines().count() + 1);
        let of_core = fs::read_to_string(tree.join("hitl-core/Cargo.toml")).expect("a manifest");
        assert!(!of_core.contains("\nhitl-core = "), "each mutant would be built twice");
        let whole = fs::read_to_string(tree.join("Cargo.toml")).expect("a manifest");
        assert!(whole.contains("\nhitl = { path = \".\", version = "), "{whole}");

        // What a run changed, what has been deleted, and what has been built.
        let changed = tree.join("xtask/src/mutants/tree.rs");
        let old = fs::metadata(tree.join("xtask/src/main.rs")).expect("a file").modified().ok();
        let (deleted, built) = (tree.join("src/gone.rs"), tree.join(BUILDS).join("debug/built"));
        for file in [&changed, &deleted, &built] {
            write(file, b"changed").expect("written");
        }
        assert_eq!(refresh(folder.path()).expect("a copy"), tree);
        let copied = fs::read_to_string(&changed).expect("a copy");
        assert_eq!(copied, include_str!("tree.rs"));
        assert!(!deleted.exists() && built.exists());
        let now = fs::metadata(tree.join("xtask/src/main.rs")).expect("a file").modified().ok();
        assert_eq!(now, old, "what is equal is not written");
    }
}
