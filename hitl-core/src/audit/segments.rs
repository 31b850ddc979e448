//! A chain over several files: the current one, and those that it was rotated from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use hitl_base::owner_only;

/// Returns the segments that `path` was rotated from, oldest first.
pub(super) fn of(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return Ok(Vec::new());
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let other = entry.file_name().to_string_lossy().into_owned();
        let digits = other.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        if digits
            .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
        {
            found.push(entry.path());
        }
    }
    // The number of a segment's last record has twenty digits, so the names sort in the order of
    // the chain.
    found.sort();
    Ok(found)
}

/// Returns the current files of the chains that [`JsonlAudit::in_folder`](super::JsonlAudit) has
/// written in this folder, in the order of their numbers.
pub(super) fn in_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number =
            name.and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok());
        files.extend(number.map(|number: u32| (number, path.clone())));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Returns the name of `path` after rotation.
pub(super) fn rotated(path: &Path, last: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{last:020}"));
    name.into()
}

/// The end of a file of lines.
pub(super) struct Tail {
    /// The last whole line, without its break.
    pub(super) last: Option<Vec<u8>>,
    /// The bytes of the complete lines.
    pub(super) length: u64,
    /// The bytes after them.
    pub(super) torn: Vec<u8>,
}

/// Reads the end of a file, backwards, and no more than needed.
pub(super) fn tail(file: &mut File) -> io::Result<Tail> {
    const STEP: u64 = 64 * 1024;
    let end = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    let mut from = end;
    while from > 0 && tail.iter().filter(|b| **b == b'\n').nth(1).is_none() {
        let step = from.min(STEP);
        from -= step;
        file.seek(SeekFrom::Start(from))?;
        let mut block = vec![0; usize::try_from(step).unwrap_or(0)];
        file.read_exact(&mut block)?;
        block.append(&mut tail);
        tail = block;
    }
    let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let length = from + whole as u64;
    let torn = tail.split_off(whole);
    tail.pop();
    let start = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let last = (whole > 0).then(|| tail.split_off(start));
    Ok(Tail { last, length, torn })
}

/// Moves a torn end to `<path>.torn`, and cuts it off. Returns its new place.
pub(super) fn quarantine(file: &File, path: &Path, tail: &Tail) -> io::Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".torn");
    let mut torn = owner_only(OpenOptions::new().create(true).append(true)).open(&aside)?;
    torn.write_all(&tail.torn)?;
    torn.write_all(b"\n")?;
    torn.sync_data()?;
    file.set_len(tail.length)?;
    Ok(aside.into())
}
