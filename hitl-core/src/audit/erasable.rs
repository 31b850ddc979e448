//! Logs in which lines can be replaced by placeholders, and how files of lines are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::AuditError;

/// What is written in the place of a line, given without its line break; nothing where it stays.
pub type Replace<'r> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'r;

/// A log whose lines can be replaced, in the chain's own order: what an erasure needs of it.
///
/// Blocks for as long as it takes to read the log. A log that is not written by this process is not one
/// of these: it is refused, or waits until it is.
pub trait ErasableLog: Send + Sync {
    /// Shows every line, without its line break, oldest first.
    fn visit(&self, look: &mut dyn FnMut(&[u8])) -> Result<(), AuditError>;

    /// Sees to it that what was written so far is on the disk.
    fn sync(&self) -> Result<(), AuditError>;

    /// Replaces lines, and returns how many. Others wait that write to the log meanwhile.
    ///
    /// A crash leaves of each file what was there before or what is there after, and no line of either
    /// is lost.
    fn rewrite(&self, replace: &mut Replace<'_>) -> Result<u64, AuditError>;

    /// Removes what a crash tore off and was put aside, where `is_gone` says so. Returns how much.
    fn forget_torn(&self, is_gone: &mut dyn FnMut(&[u8]) -> bool) -> Result<u64, AuditError> {
        let _: &mut dyn FnMut(&[u8]) -> bool = is_gone;
        Ok(0)
    }
}

/// Where a file is written anew.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".erasing");
    name.into()
}

/// Shows the whole lines of a file.
pub(super) fn visit(path: &Path, look: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let (mut lines, mut line) = (BufReader::new(File::open(path)?), Vec::with_capacity(4096));
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.pop() != Some(b'\n') {
            break;
        }
        look(&line);
        line.clear();
    }
    Ok(())
}

/// Writes a file anew beside itself, with some lines replaced, and puts it in its place at once. Returns
/// how many; none leaves the file as it is. Nobody else may be writing to it.
pub(super) fn rewrite(path: &Path, replace: &mut Replace<'_>) -> io::Result<u64> {
    let mut replaced = 0;
    each_line(path, &mut |line| {
        let with = replace(line);
        replaced += u64::from(with.is_some());
        Some(with.unwrap_or_else(|| line.to_vec()))
    })?;
    Ok(replaced)
}

/// The same for lines that are kept or go.
pub(super) fn keep_lines(path: &Path, is_gone: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<u64> {
    let mut gone = 0;
    each_line(path, &mut |line| {
        let goes = is_gone(line);
        gone += u64::from(goes);
        (!goes).then(|| line.to_vec())
    })?;
    Ok(gone)
}

fn each_line(path: &Path, next: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> io::Result<()> {
    let anew = beside(path);
    let (mut lines, mut line) = (BufReader::new(File::open(path)?), Vec::with_capacity(4096));
    let file = OpenOptions::new().create(true).write(true).truncate(true).open(&anew)?;
    fs::set_permissions(&anew, fs::metadata(path)?.permissions())?;
    let mut out = BufWriter::new(file);
    let mut has_changed = false;
    while lines.read_until(b'\n', &mut line)? > 0 {
        let is_whole = line.last() == Some(&b'\n');
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let kept = next(text);
        has_changed |= kept.as_deref() != Some(text);
        if let Some(kept) = kept {
            out.write_all(&kept)?;
            out.write_all(if is_whole { b"\n" } else { b"" })?;
        }
        line.clear();
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if !has_changed {
        drop(file);
        return fs::remove_file(&anew);
    }
    // On the disk before it takes the place of what is there.
    file.sync_all()?;
    fs::rename(&anew, path)?;
    sync_folder(path)
}

/// Sees to it that a file's name is on the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Where folders cannot be opened, the file system orders renames itself.
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}
