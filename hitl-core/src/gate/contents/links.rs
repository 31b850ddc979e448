//! Resolves the paths of a call. Reads the file system, and so blocks the thread.

use std::io;
use std::path::{Path, PathBuf};

use hitl_base::Json;

use super::linked_path::LinkedPath;
use super::own_files::{follow_links, is_remote, normalize};
use crate::approval::{ReferenceKind, references};

/// The most links that are followed one after another.
const MAX_STEPS: usize = 40;
/// Returns a path with all links followed, even if the last of them leads to nothing.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut at = std::path::absolute(path)?;
    for _ in 0..MAX_STEPS {
        let Ok(to) = std::fs::read_link(&at) else { return Ok(follow_links(&at)) };
        at = at.parent().unwrap_or(Path::new("/")).join(to);
    }
    Err(io::Error::other("too many links follow one another"))
}

/// Returns whether there are links between the written path and its target.
pub(super) fn is_linked(path: &Path, target: &Path) -> bool {
    std::path::absolute(path).is_ok_and(|path| normalize(&path) != target)
}

/// Returns the local paths in the arguments, each with its place: a JSON Pointer.
pub(super) fn referenced_paths(tree: &Json) -> Vec<(String, PathBuf)> {
    let paths = references(tree).listed.into_iter();
    paths
        .filter(|reference| reference.kind == ReferenceKind::Path)
        .filter_map(|reference| {
            let path = at_pointer(tree, &reference.at)?.as_str()?;
            Some((reference.at, expand_home(path)))
        })
        .filter(|(_, path)| !is_remote(path))
        .collect()
}

/// Returns those of these paths that go through links, with their targets.
pub(super) fn find_links(paths: Vec<(String, PathBuf)>) -> Vec<LinkedPath> {
    let lead = |(at, path): (String, PathBuf)| {
        let target = resolve(&path).ok().filter(|target| is_linked(&path, target))?;
        Some(LinkedPath { at, target })
    };
    paths.into_iter().filter_map(lead).collect()
}

/// Returns the value at a JSON Pointer.
fn at_pointer<'j>(tree: &'j Json, pointer: &str) -> Option<&'j Json> {
    pointer.split('/').skip(1).try_fold(tree, |tree, part| match tree {
        Json::Array(items) => items.get(part.parse::<usize>().ok()?),
        Json::Object(entries) => {
            let part = part.replace("~1", "/").replace("~0", "~");
            entries.iter().find(|(key, _)| *key == part).map(|(_, value)| value)
        }
        _ => None,
    })
}

/// Replaces `~/` by the home folder of the user who runs the program.
fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(path),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_what_is_not_there_too() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/file"), "").unwrap();
        symlink("real", at("alias")).unwrap();
        symlink("real/none", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (path, leads_to, linked) in [
            ("real/file", "real/file", false),
            ("real/./../real/file", "real/file", false),
            ("alias/file", "real/file", true),
            ("alias/new", "real/new", true),
            ("dangling", "real/none", true),
        ] {
            let target = resolve(&at(path)).unwrap();
            assert_eq!(target, at(leads_to), "{path}");
            assert_eq!(is_linked(&at(path), &target), linked, "{path}");
        }
        assert!(resolve(&at("loop")).is_err());
    }
}
