//! Reads a small text file that somebody else may have put there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a whole file of at most `largest` bytes as text. Anything but a regular file is refused
/// before it is opened: opening a named pipe would wait for a writer for ever, and with it whoever
/// watches the file.
pub(super) fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    let odd = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(odd());
    }
    let file = open(path)?;
    // It may be another one by now.
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

/// Opens a file for reading. Where the flag is known, a pipe that was put there meanwhile does not
/// hold the thread either.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(
        all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
        target_os = "macos"
    ))]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        const O_NONBLOCK: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0o4000 };
        options.custom_flags(O_NONBLOCK);
    }
    options.open(path)
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
