//! Where the paths of a call lead. Looks into the file system, and so blocks the thread.

use std::io;
use std::path::{Path, PathBuf};

use hitl_base::display::clip;
use hitl_base::redact::Taint;
use hitl_base::{Json, JsonText};

use crate::approval::{Link, ReferenceKind, references};
use crate::arguments::Snapshot;
use crate::gate::handle::Inner;
use crate::gate::own_files::{followed, is_remote, tidied};

/// The most links that are followed one after another.
const MAX_STEPS: usize = 40;
/// The most characters of a path that are shown.
const MAX_SHOWN: usize = 500;

/// A path with all links followed, also where the last of them leads to nothing.
pub(super) fn resolved(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut at = std::path::absolute(path)?;
    for _ in 0..MAX_STEPS {
        let Ok(to) = std::fs::read_link(&at) else { return Ok(followed(&at)) };
        at = at.parent().unwrap_or(Path::new("/")).join(to);
    }
    Err(io::Error::other("too many links follow one another"))
}

/// Whether links stand between a path as it is written and where it leads.
pub(super) fn is_linked(path: &Path, target: &Path) -> bool {
    std::path::absolute(path).is_ok_and(|path| tidied(&path) != target)
}

impl Inner {
    /// Returns where links lead that these arguments name, as far as the file system answers in
    /// time. It tells a reviewer more, and nothing is decided by it.
    pub(in crate::gate) async fn links_in(
        &self,
        arguments: &JsonText,
        snapshot: &Snapshot,
    ) -> Vec<Link> {
        let Ok(tree) = arguments.tree() else { return Vec::new() };
        let paths = references(&tree).listed.into_iter();
        let paths: Vec<(String, PathBuf)> = paths
            .filter(|reference| reference.kind == ReferenceKind::Path)
            .filter_map(|reference| {
                let path = at_pointer(&tree, &reference.at)?.as_str()?;
                Some((reference.at, home(path)))
            })
            .filter(|(_, path)| !is_remote(path))
            .collect();
        if paths.is_empty() {
            return Vec::new();
        }
        let looking = async move {
            let lead = |(at, path): (String, PathBuf)| {
                let target = resolved(&path).ok().filter(|target| is_linked(&path, target))?;
                Some((at, target))
            };
            paths.into_iter().filter_map(lead).collect::<Vec<_>>()
        };
        let found = self.links.run_blocking(looking).await.unwrap_or_default();
        if found.is_empty() {
            return Vec::new();
        }
        let secrets = snapshot.own_taint();
        let shown = |target: PathBuf| self.shown_path(&target, &secrets);
        found.into_iter().map(|(at, target)| Link { at, to: shown(target) }).collect()
    }

    /// A path as it is shown: without secrets, and not too long.
    pub(super) fn shown_path(&self, path: &Path, secrets: &Taint) -> String {
        let text = path.display().to_string();
        clip(&self.clean(&text, secrets), MAX_SHOWN).into_owned()
    }
}

/// What stands at a JSON Pointer.
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

/// A path in the home of whoever runs the program, where it is written so.
fn home(path: &str) -> PathBuf {
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
            let target = resolved(&at(path)).unwrap();
            assert_eq!(target, at(leads_to), "{path}");
            assert_eq!(is_linked(&at(path), &target), linked, "{path}");
        }
        assert!(resolved(&at("loop")).is_err());
    }
}
