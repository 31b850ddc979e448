//! The files that a gate depends on, as the file system has them: the targets of links, and the
//! different names of one file. Blocks the thread.

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use crate::policy::OwnFiles;

/// Returns these files under every name by which they can be reached: as given, and with links
/// followed.
pub(in crate::gate) fn resolve_own_files(files: Vec<PathBuf>) -> OwnFiles {
    let mut all = Vec::new();
    for file in files {
        let Ok(file) = std::path::absolute(&file) else { continue };
        all.push(follow_links(&file));
        // The name itself may be a link, and can be replaced as one.
        if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
            all.push(follow_links(folder).join(name));
        }
        all.push(file);
    }
    let here = std::env::current_dir().ok();
    let home = std::env::home_dir();
    OwnFiles::new(&all, here.as_deref(), home.as_deref())
}

/// Returns the first of the gate's files to which one of these paths leads.
pub(super) fn find_linked_own_file(
    own: &OwnFiles,
    paths: &[PathBuf],
    read_only: bool,
) -> Option<String> {
    let ids = FileIds::new(own);
    paths.iter().find_map(|path| {
        let path = match (path.strip_prefix("~"), std::env::home_dir()) {
            (Ok(below), Some(home)) => home.join(below),
            _ => std::path::absolute(path).ok()?,
        };
        // Both as the system resolves `..`, through links, and as programs do that normalize a path
        // first.
        [follow_links(&path), follow_links(&normalize(&path))].iter().find_map(|there| {
            let file = own.resolved(there, read_only).map(str::to_owned);
            file.or_else(|| ids.find_same(own, there, read_only))
        })
    })
}

/// Returns the file of the gate that this path, with links followed, is another name of.
pub(super) fn find_same_own_file(own: &OwnFiles, path: &Path) -> Option<String> {
    FileIds::new(own).find_same(own, path, false)
}

/// Returns whether a path belongs to another machine: accessing it would reveal the user, and the
/// system would sign in to that machine.
pub(super) fn is_remote(path: &Path) -> bool {
    cfg!(windows) && names_a_server(&path.as_os_str().to_string_lossy())
}

/// Returns whether Windows treats a path as a share, a pipe or a device: `\\server\share`,
/// `//server/share`, `\\?\UNC\server\share`, `\\.\pipe\x`; but not `\\?\C:\x`.
fn names_a_server(path: &str) -> bool {
    let separator = |c: char| matches!(c, '/' | '\\');
    let rest = path.strip_prefix(separator).and_then(|rest| rest.strip_prefix(separator));
    let Some(rest) = rest else { return false };
    let verbatim = rest.strip_prefix('?').and_then(|rest| rest.strip_prefix(separator));
    let is_drive = verbatim.is_some_and(|rest| {
        let mut start = rest.chars();
        start.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && start.next() == Some(':')
    });
    !is_drive
}

/// Returns a path without `..`, resolved without the file system.
pub(super) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The system's numbers of the gate's files and the folders above them: a hard link and a mount are
/// other names for the same number.
#[cfg(unix)]
struct FileIds(Vec<((u64, u64), PathBuf)>);

#[cfg(unix)]
impl FileIds {
    fn new(own: &OwnFiles) -> Self {
        let mut paths: Vec<&Path> =
            own.paths().flat_map(|file| Path::new(file).ancestors()).collect();
        paths.sort_unstable();
        paths.dedup();
        let there = |path: &&Path| Some((file_id(path)?, path.to_path_buf()));
        Self(paths.iter().filter_map(there).collect())
    }

    /// Returns the file of the gate that this path is another name of.
    fn find_same(&self, own: &OwnFiles, path: &Path, read_only: bool) -> Option<String> {
        // A folder of the path may be mounted elsewhere, so each step is compared.
        let mounted = path.ancestors().find_map(|at| {
            let number = file_id(at)?;
            let below = path.strip_prefix(at).ok()?;
            let same = self.0.iter().filter(|(it, _)| *it == number);
            let mut names = same.map(|(_, name)| name.join(below));
            names.find_map(|name| own.resolved(&name, read_only).map(str::to_owned))
        });
        mounted.or_else(|| find_hard_linked(own, path))
    }
}

/// Returns the system's number of the file at a path.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// The most files of a folder that are compared with a file that has several names.
#[cfg(unix)]
const MAX_ENTRIES: usize = 10_000;

/// Returns the file of the gate that a file with several names is, including the files beside it
/// (`-wal`, a segment of the audit).
#[cfg(unix)]
fn find_hard_linked(own: &OwnFiles, path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let is = std::fs::metadata(path).ok().filter(|it| it.is_file() && it.nlink() > 1)?;
    find_by_id(own, (is.dev(), is.ino()))
}

/// Returns the file of the gate that an open file is, whatever path it was opened by.
#[cfg(unix)]
pub(super) fn find_open_own_file(own: &OwnFiles, is: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    find_by_id(own, (is.dev(), is.ino()))
}

#[cfg(not(unix))]
pub(super) fn find_open_own_file(_: &OwnFiles, _: &Metadata) -> Option<String> {
    None
}

/// Returns whether an open file is the one at a path with all links followed, and no link is on the
/// path now.
pub(super) fn is_at(path: &Path, is: &Metadata) -> bool {
    let unlinked = std::fs::canonicalize(path).is_ok_and(|there| there == path);
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt as _;
        file_id(path) == Some((is.dev(), is.ino()))
    };
    #[cfg(not(unix))]
    let same = is.is_file();
    unlinked && same
}

/// Returns the file of the gate, or the one beside it, that has this number.
#[cfg(unix)]
fn find_by_id(own: &OwnFiles, number: (u64, u64)) -> Option<String> {
    let mut named = own.paths().filter(|file| file_id(Path::new(file)) == Some(number));
    if let Some(file) = named.next() {
        return Some(file.to_owned());
    }
    let mut folders: Vec<&Path> = own.paths().filter_map(|file| Path::new(file).parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).find_map(|entries| {
        entries.take(MAX_ENTRIES).filter_map(Result::ok).find_map(|entry| {
            let name = entry.path();
            let file = own.resolved(&name, true)?.to_owned();
            (file_id(&name)? == number).then_some(file)
        })
    })
}

#[cfg(not(unix))]
struct FileIds;

#[cfg(not(unix))]
impl FileIds {
    fn new(_: &OwnFiles) -> Self {
        Self
    }

    fn find_same(&self, _: &OwnFiles, _: &Path, _: bool) -> Option<String> {
        None
    }
}

/// The most links that are followed to a file that does not exist yet.
const MAX_LINKS: usize = 40;

/// Returns a path with links followed, as far as its files exist. A link whose target does not
/// exist yet is followed too: a write through it creates the target.
pub(super) fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Some((there, rest)) = split_existing(&path) else {
            // `x/..`, where there is no `x` yet.
            path = normalize(&path);
            continue;
        };
        let Some((next, below)) = rest.split_first() else { return there };
        let at = there.join(next);
        let Ok(target) = std::fs::read_link(&at) else {
            return below.iter().fold(at, |path, step| path.join(step));
        };
        // An absolute target replaces the whole path.
        path = below.iter().fold(there.join(target), |path, step| path.join(step));
    }
    path
}

/// Returns the part of a path that exists, with links followed, and the steps below it. `None` if
/// one of those steps leads up again.
fn split_existing(path: &Path) -> Option<(PathBuf, Vec<OsString>)> {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(there) = std::fs::canonicalize(at) {
            rest.reverse();
            return Some((there, rest));
        }
        let (above, name) = (at.parent()?, at.file_name()?);
        rest.push(name.to_owned());
        at = above;
    }
}

#[cfg(test)]
mod tests {
    use super::names_a_server;

    #[test]
    fn invariant_13_paths_of_other_machines_are_known_by_how_they_are_written() {
        for remote in [
            r"\\server\share\x",
            "//server/share/x",
            r"\/server\share",
            r"/\server/share",
            r"\\?\UNC\server\share",
            r"//?/UNC/server/share",
            r"\\.\pipe\x",
            r"\\",
            r"\\?\",
        ] {
            assert!(names_a_server(remote), "{remote}");
        }
        for local in [r"\\?\C:\x", "//?/c:/x", "/etc/x", r"\x", r"C:\x", "x//y", "", "~//x"] {
            assert!(!names_a_server(local), "{local}");
        }
    }
}
