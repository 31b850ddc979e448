//! Reading of a small text file that somebody else may have put there.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::open::{LastLink, open_to_read};

/// Reads a whole file of at most `largest` bytes as text. Anything but a regular file is refused
/// before it is opened: opening a named pipe would wait for a writer forever, and block the file's
/// watcher.
pub(super) fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    let odd = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(odd());
    }
    let file = open_to_read(path, LastLink::Followed)?;
    // The file may have been replaced since.
    if !file.metadata()?.is_file() {
        return Err(odd());
    }
    let mut text = String::new();
    file.take(largest + 1).read_to_string(&mut text)?;
    if text.len() as u64 > largest {
        let why = format!("it is larger than {} KiB", largest >> 10);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "four").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "four");
        assert_eq!(read_text(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_text(folder.path(), 4).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let missing = read_text(&folder.path().join("y"), 4).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
