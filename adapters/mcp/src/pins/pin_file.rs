//! The pin file: read whole, changed under a lock, and replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hitl_base::{owner_only, sync_folder};

use super::{PinDocument, PinDocumentError, PinDocumentErrorKind};

/// The largest pin file that is read.
const MOST_BYTES: u64 = 64 << 20;

/// The kind of a [`PinError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinErrorKind {
    /// The file cannot be read or written.
    Io,
    /// The file is damaged.
    Broken,
    /// The file was written by a newer version of hitl.
    Newer,
}

/// The error for a pin file that cannot be used: no tool is served.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct PinError {
    kind: PinErrorKind,
    path: PathBuf,
    message: String,
}

impl PinError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self { kind: PinErrorKind::Io, path: path.to_owned(), message: error.to_string() }
    }

    /// The error for a change of which it is not known how far it came.
    pub(crate) fn interrupted(path: &Path) -> Self {
        Self::io(path, &io::Error::other("the comparison with the pins was interrupted"))
    }

    fn document(path: &Path, error: &PinDocumentError) -> Self {
        let kind = match error.kind() {
            PinDocumentErrorKind::Newer => PinErrorKind::Newer,
            PinDocumentErrorKind::Broken => PinErrorKind::Broken,
        };
        Self { kind, path: path.to_owned(), message: error.to_string() }
    }

    /// Returns the kind.
    pub fn kind(&self) -> PinErrorKind {
        self.kind
    }
}

/// A file of pins. Several gateways may use one: each change reads the file again under a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinFile {
    path: PathBuf,
}

impl PinFile {
    /// Names the file. Nothing is read yet; a file that does not exist has no pins.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the pins.
    ///
    /// # Errors
    /// See [`PinErrorKind`].
    pub fn read(&self) -> Result<PinDocument, PinError> {
        match fs::metadata(&self.path) {
            Ok(found) if found.len() > MOST_BYTES => {
                let message = "the file is larger than 64 MiB".to_owned();
                let (kind, path) = (PinErrorKind::Broken, self.path.clone());
                return Err(PinError { kind, path, message });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(PinDocument::default());
            }
            Ok(_) => {}
            Err(error) => return Err(PinError::io(&self.path, &error)),
        }
        let text =
            fs::read_to_string(&self.path).map_err(|error| PinError::io(&self.path, &error))?;
        PinDocument::parse(&text).map_err(|error| PinError::document(&self.path, &error))
    }

    /// Changes the pins: `change` gets them as they are now and returns what the caller wants to
    /// know. The file is replaced as a whole, if the pins are different afterwards. Blocks while
    /// another process changes them.
    ///
    /// # Errors
    /// See [`PinErrorKind`]: nothing has changed then.
    pub fn change<R>(&self, change: impl FnOnce(&mut PinDocument) -> R) -> Result<R, PinError> {
        let failed = |error: io::Error| PinError::io(&self.path, &error);
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // The lock is on a file of its own: the list itself is replaced.
        let lock = self.beside("lock");
        let lock = owner_only(OpenOptions::new().write(true).create(true).truncate(false))
            .open(lock)
            .map_err(failed)?;
        lock.lock().map_err(failed)?;
        let before = self.read()?;
        let mut document = before.clone();
        let result = change(&mut document);
        if document != before {
            self.replace(&document.to_text()).map_err(failed)?;
        }
        Ok(result)
    }

    /// Returns the time of the last change, to notice the next one. `None` if there is no file.
    pub fn changed_at(&self) -> Option<(SystemTime, u64)> {
        let found = fs::metadata(&self.path).ok()?;
        Some((found.modified().ok()?, found.len()))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        // Written to another name first: a crash leaves no partial file.
        let unfinished = self.beside("new");
        let _absent = fs::remove_file(&unfinished);
        let mut options = OpenOptions::new();
        let mut file: File = owner_only(options.write(true).create_new(true)).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        sync_folder(&self.path)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::{Pin, ToolDefinition};

    #[test]
    fn a_change_is_there_for_the_next_reader_and_two_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = PinFile::new(folder.path().join("new folder/pins.json"));
        assert_eq!(file.read().unwrap(), PinDocument::default());
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let file = file.clone();
                scope.spawn(move || {
                    let text = format!(r#"{{"name":"t{writer}","inputSchema":{{}}}}"#);
                    let tool = ToolDefinition::parse(&text).unwrap();
                    let pin = Pin::new(tool, "ann", "2026-12-01T09:00:00Z");
                    file.change(|pins| pins.upstream_mut("u").pin_tool(pin)).unwrap();
                });
            }
        });
        assert_eq!(file.read().unwrap().upstream("u").unwrap().pinned().count(), 8);
    }

    #[test]
    fn invariant_5_a_damaged_pin_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = PinFile::new(folder.path().join("pins.json"));
        for (text, kind) in [
            ("{", PinErrorKind::Broken),
            ("\u{feff}{}", PinErrorKind::Broken),
            (r#"{"version": 2}"#, PinErrorKind::Newer),
        ] {
            fs::write(file.path(), text).unwrap();
            let error = file.change(|pins| pins.upstream_mut("u").unpin("t")).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains("pins.json"), "{error}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
        fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert_eq!(file.read().unwrap_err().kind(), PinErrorKind::Io);
        fs::remove_file(file.path()).unwrap();
        fs::create_dir(file.path()).unwrap();
        assert_eq!(file.read().unwrap_err().kind(), PinErrorKind::Io);
    }
}
