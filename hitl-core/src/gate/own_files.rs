//! Whether a call names a file that this gate lives by: what is pure is in
//! `policy/matcher/own_files.rs`, and where links lead is looked up here.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Json;

use super::error::GateError;
use super::handle::Inner;
use super::prepare::{Prepared, tree_of};
use super::registry::Registered;
use crate::arguments::Snapshot;
use crate::confidence::{Factor, OWN_FILE};
use crate::policy::{ApprovalLevel, OwnFiles, Verdict};

/// How long the file system may take to say where the paths of a call lead.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// The files, and others by whose names they are reached: as given, and with links followed.
pub(super) fn own_files(files: Vec<PathBuf>) -> OwnFiles {
    let mut all = Vec::new();
    for file in files {
        let Ok(file) = std::path::absolute(&file) else { continue };
        all.push(followed(&file));
        // The name itself may be a link, and can be replaced as one.
        if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
            all.push(followed(folder).join(name));
        }
        all.push(file);
    }
    let here = std::env::current_dir().ok();
    let home = std::env::home_dir();
    OwnFiles::new(&all, here.as_deref(), home.as_deref())
}

impl Inner {
    /// What the arguments alone say about it.
    pub(super) fn own_file(&self, arguments: &Json, read_only: bool) -> Option<Factor> {
        let named = self.own_files.named_in(arguments, read_only);
        let too_many =
            "The call has more paths than are looked up; one may lead to a file of this gate.";
        match (named.file, named.too_many) {
            (Some(file), _) => Some(names(&file)),
            (None, true) => Some(factor(too_many)),
            (None, false) => None,
        }
    }

    /// Looks up where the paths of a new call lead, and routes it again when one is a link to a
    /// file of this gate.
    ///
    /// Cancel safe: it only looks.
    pub(super) async fn follow_links(&self, prepared: &mut Prepared) -> Result<(), GateError> {
        let denied = matches!(prepared.routed.verdict, Verdict::Deny(_));
        if denied || self.own_files.surely_unnamed(prepared.snapshot.text()) {
            return Ok(());
        }
        // Boxed, so that other calls do not carry it around.
        let found = Box::pin(self.linked_file(&prepared.tool, &prepared.snapshot)).await?;
        let Some(found) = found else { return Ok(()) };
        let mut said = prepared.record.request.assessment.opinions();
        said.push(found);
        let context = &prepared.record.context;
        let judged = self.judge(&prepared.tool, &prepared.snapshot, context, &said)?;
        prepared.judged(judged);
        Ok(())
    }

    /// The file of this gate to which a path of the call is a link. A file system that does not say
    /// counts as one that said yes.
    pub(super) async fn linked_file(
        &self,
        tool: &Registered,
        snapshot: &Snapshot,
    ) -> Result<Option<Factor>, GateError> {
        if self.own_files.surely_unnamed(snapshot.text()) {
            return Ok(None);
        }
        let read_only = tool.spec.config.hints.read_only;
        let named = self.own_files.named_in(&tree_of(snapshot)?, read_only);
        // What it names outright is known without looking.
        if named.file.is_some() || named.paths.is_empty() {
            return Ok(None);
        }
        let unknown = "It cannot be said where the paths of this call lead; one may be a link to a file of this gate.";
        if named.paths.iter().any(|path| is_remote(path)) {
            return Ok(Some(factor(unknown)));
        }
        let own = Arc::clone(&self.own_files);
        let looking = async move { linked(&own, &named.paths, read_only) };
        let Ok(found) = self.links.run_blocking(looking).await else {
            return Ok(Some(factor(unknown)));
        };
        Ok(found.map(|file| names(&file)))
    }
}

fn names(file: &str) -> Factor {
    factor(format!(
        "This call names {file}, a file that this gate itself lives by, or a folder above it."
    ))
}

fn factor(why: impl Into<Cow<'static, str>>) -> Factor {
    Factor::at_least(OWN_FILE, ApprovalLevel::Full, why)
}

/// The first of the gate's files to which one of these paths leads.
fn linked(own: &OwnFiles, paths: &[PathBuf], read_only: bool) -> Option<String> {
    let places = Places::of(own);
    paths.iter().find_map(|path| {
        let path = match (path.strip_prefix("~"), std::env::home_dir()) {
            (Ok(below), Some(home)) => home.join(below),
            _ => std::path::absolute(path).ok()?,
        };
        // As the system reads `..`, through links, and as programs do that tidy a path up first.
        [followed(&path), followed(&tidied(&path))].iter().find_map(|there| {
            let file = own.resolved(there, read_only).map(str::to_owned);
            file.or_else(|| places.same_as(own, there, read_only))
        })
    })
}

/// The file of the gate that this path, with links followed, is by another name.
pub(super) fn same_file(own: &OwnFiles, path: &Path) -> Option<String> {
    Places::of(own).same_as(own, path, false)
}

/// Whether a path is of another machine's files: looking there would tell that machine who looks,
/// and the system would sign in at it.
pub(super) fn is_remote(path: &Path) -> bool {
    cfg!(windows) && names_a_server(&path.as_os_str().to_string_lossy())
}

/// Whether Windows takes a path for a share, a pipe or a device: `\\server\share`,
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

/// A path without `..`, as it is written.
pub(super) fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// Where the gate's files and the folders above them are, as the system numbers them: a hard link
/// and a mount are other names of the same number.
#[cfg(unix)]
struct Places(Vec<((u64, u64), PathBuf)>);

#[cfg(unix)]
impl Places {
    fn of(own: &OwnFiles) -> Self {
        let mut paths: Vec<&Path> =
            own.paths().flat_map(|file| Path::new(file).ancestors()).collect();
        paths.sort_unstable();
        paths.dedup();
        let there = |path: &&Path| Some((number_of(path)?, path.to_path_buf()));
        Self(paths.iter().filter_map(there).collect())
    }

    /// The file of the gate that this path is by another name.
    fn same_as(&self, own: &OwnFiles, path: &Path, read_only: bool) -> Option<String> {
        // A folder of it may be mounted elsewhere, so each step is compared.
        let mounted = path.ancestors().find_map(|at| {
            let number = number_of(at)?;
            let below = path.strip_prefix(at).ok()?;
            let same = self.0.iter().filter(|(it, _)| *it == number);
            let mut names = same.map(|(_, name)| name.join(below));
            names.find_map(|name| own.resolved(&name, read_only).map(str::to_owned))
        });
        mounted.or_else(|| own_link(own, path))
    }
}

/// The number that the system gives what is there.
#[cfg(unix)]
fn number_of(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// The most files of a folder that are compared with one that has several names.
#[cfg(unix)]
const MAX_ENTRIES: usize = 10_000;

/// The file of the gate that a file of several names is, one of those beside it included (`-wal`, a
/// segment of the audit).
#[cfg(unix)]
fn own_link(own: &OwnFiles, path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let is = std::fs::metadata(path).ok().filter(|it| it.is_file() && it.nlink() > 1)?;
    own_number(own, (is.dev(), is.ino()))
}

/// The file of the gate that an open file is, by whatever path it was opened.
#[cfg(unix)]
pub(super) fn own_open_file(own: &OwnFiles, is: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    own_number(own, (is.dev(), is.ino()))
}

#[cfg(not(unix))]
pub(super) fn own_open_file(_: &OwnFiles, _: &Metadata) -> Option<String> {
    None
}

/// Whether an open file is what a path with all links followed leads to, with none on it now.
pub(super) fn is_at(path: &Path, is: &Metadata) -> bool {
    let unlinked = std::fs::canonicalize(path).is_ok_and(|there| there == path);
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt as _;
        number_of(path) == Some((is.dev(), is.ino()))
    };
    #[cfg(not(unix))]
    let same = is.is_file();
    unlinked && same
}

/// The file of the gate, or one of those beside it, that has this number.
#[cfg(unix)]
fn own_number(own: &OwnFiles, number: (u64, u64)) -> Option<String> {
    let mut named = own.paths().filter(|file| number_of(Path::new(file)) == Some(number));
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
            (number_of(&name)? == number).then_some(file)
        })
    })
}

#[cfg(not(unix))]
struct Places;

#[cfg(not(unix))]
impl Places {
    fn of(_: &OwnFiles) -> Self {
        Self
    }

    fn same_as(&self, _: &OwnFiles, _: &Path, _: bool) -> Option<String> {
        None
    }
}

/// The most links that are followed to what is not there yet.
const MAX_LINKS: usize = 40;

/// A path with links followed, as far as there is anything. A link whose target is not there yet is
/// followed too: whoever writes through it makes the target.
pub(super) fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Some((there, rest)) = existing(&path) else {
            // `x/..`, where there is no `x` yet.
            path = tidied(&path);
            continue;
        };
        let Some((next, below)) = rest.split_first() else { return there };
        let at = there.join(next);
        let Ok(target) = std::fs::read_link(&at) else {
            return below.iter().fold(at, |path, step| path.join(step));
        };
        // An absolute target takes the place of all of it.
        path = below.iter().fold(there.join(target), |path, step| path.join(step));
    }
    path
}

/// The part of a path that is there, with links followed, and the steps below it. Nothing when one
/// of those leads up again.
fn existing(path: &Path) -> Option<(PathBuf, Vec<OsString>)> {
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
