//! Logs whose lines can be replaced by placeholders, and the rewriting of files of lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use hitl_base::owner_only;

use super::AuditError;

/// A function from a line, given without its line break, to its replacement; `None` if the line
/// stays.
pub type Replace<'r> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'r;

/// A log whose lines can be replaced, in the order of the chain. An erasure works on it.
///
/// Blocks while the log is read. A log that this process does not write is not erased through this
/// trait: the erasure is refused, or waits until this process writes the log.
pub trait ErasableLog: Send + Sync {
    /// Passes every line, without its line break, to `look`, oldest first.
    fn visit(&self, look: &mut dyn FnMut(&[u8])) -> Result<(), AuditError>;

    /// Ensures that everything written so far is on the disk.
    fn sync(&self) -> Result<(), AuditError>;

    /// Replaces lines, and returns their number. Other writers of the log wait meanwhile.
    ///
    /// After a crash, each file has either its old or its new content, and no line of either is
    /// lost.
    fn rewrite(&self, replace: &mut Replace<'_>) -> Result<u64, AuditError>;

    /// Removes the fragments that a crash tore off and that were put aside, where `is_gone` returns
    /// `true`. Returns their number.
    fn forget_torn(&self, is_gone: &mut dyn FnMut(&[u8]) -> bool) -> Result<u64, AuditError> {
        let _: &mut dyn FnMut(&[u8]) -> bool = is_gone;
        Ok(0)
    }
}

/// Returns the path at which the new version of a file is written.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".erasing");
    name.into()
}

/// Passes the complete lines of a file to `look`.
pub(super) fn visit(file: impl Read, look: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let (mut lines, mut line) = (BufReader::new(file), Vec::with_capacity(4096));
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.pop() != Some(b'\n') {
            break;
        }
        look(&line);
        line.clear();
    }
    Ok(())
}

/// The new version of a file, on the disk beside the file that it will replace. It is removed when
/// dropped.
#[derive(Debug)]
pub(super) struct Successor {
    path: PathBuf,
    /// The number of lines that are replaced or removed.
    changed: u64,
    is_placed: bool,
}

/// A function from a line to its replacement, if there is one (`Some(None)` removes the line);
/// `None` if the line stays.
type Next<'n> = dyn FnMut(&[u8]) -> Option<Option<Vec<u8>>> + 'n;

impl Successor {
    /// Writes a new version of a file with some lines replaced; returns `None` if no line is.
    /// Nobody else may be writing to the file.
    pub(super) fn replacing(path: &Path, replace: &mut Replace<'_>) -> io::Result<Option<Self>> {
        Self::write(path, &mut |line| replace(line).map(Some))
    }

    /// Does the same with some lines removed.
    pub(super) fn without(
        path: &Path,
        is_gone: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<Self>> {
        Self::write(path, &mut |line| is_gone(line).then_some(None))
    }

    fn write(path: &Path, next: &mut Next<'_>) -> io::Result<Option<Self>> {
        let (mut lines, mut line) = (BufReader::new(File::open(path)?), Vec::with_capacity(4096));
        let anew = beside(path);
        let file =
            owner_only(OpenOptions::new().create(true).write(true).truncate(true)).open(&anew)?;
        let mut successor = Self { path: path.to_path_buf(), changed: 0, is_placed: false };
        fs::set_permissions(&anew, fs::metadata(path)?.permissions())?;
        let mut out = BufWriter::new(file);
        while lines.read_until(b'\n', &mut line)? > 0 {
            let is_whole = line.last() == Some(&b'\n');
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let put = next(text);
            successor.changed += u64::from(put.is_some());
            if let Some(kept) = put.as_ref().map_or(Some(text), Option::as_deref) {
                out.write_all(kept)?;
                out.write_all(if is_whole { b"\n" } else { b"" })?;
            }
            line.clear();
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        if successor.changed == 0 {
            return Ok(None);
        }
        // Must be on the disk before it replaces the file.
        file.sync_all()?;
        Ok(Some(successor))
    }

    /// Replaces the file atomically. Returns the number of changed lines; the new name is on the
    /// disk after [`sync_folder`].
    pub(super) fn put(mut self) -> io::Result<u64> {
        fs::rename(beside(&self.path), &self.path)?;
        self.is_placed = true;
        Ok(self.changed)
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.is_placed {
            let _absent = fs::remove_file(beside(&self.path));
        }
    }
}

/// Replaces lines of a file that nobody writes to. Returns their number.
pub(super) fn rewrite(path: &Path, replace: &mut Replace<'_>) -> io::Result<u64> {
    put(path, Successor::replacing(path, replace)?)
}

/// Does the same to remove lines.
pub(super) fn keep_lines(path: &Path, is_gone: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<u64> {
    put(path, Successor::without(path, is_gone)?)
}

fn put(path: &Path, successor: Option<Successor>) -> io::Result<u64> {
    let Some(successor) = successor else { return Ok(0) };
    let changed = successor.put()?;
    sync_folder(path)?;
    Ok(changed)
}

/// Ensures that a file's name is on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Where folders cannot be opened, the file system orders renames itself.
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}
