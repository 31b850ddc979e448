//! The host's key, in a file beside the database that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use hitl_core::HostKey;
use hitl_core::store::{StoreError, StoreErrorKind};

use super::error::file_error;
use super::schema::beside;

/// Reads the key; nothing when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<HostKey>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let hint = "the key file {} cannot be read; let this process read it";
            return Err(wrong(path, hint).because(error));
        }
    };
    if is_exposed(&file).map_err(|error| file_error(path, error))? {
        return Err(wrong(path, "others can read the key file {}; make it private: chmod 600"));
    }
    let mut text = String::new();
    let parsed = match file.take(256).read_to_string(&mut text) {
        Ok(_) => parse(text.trim_end()),
        Err(_) => None,
    };
    let unreadable = "{} holds no key (64 hexadecimal digits); restore it from your backup";
    parsed.map(Some).ok_or_else(|| wrong(path, unreadable))
}

/// Makes a new key and keeps it. Nobody else may be opening the store.
pub(super) fn create(path: &Path) -> Result<HostKey, StoreError> {
    let key = HostKey::generate()
        .map_err(|error| wrong(path, "no key can be made for {}").because(error))?;
    // Written whole under another name first: a crash leaves no half key.
    let unfinished = beside(path, ".new");
    let written = write_private(&unfinished, &hex(&key)).and_then(|()| {
        fs::rename(&unfinished, path)?;
        sync_folder(path)
    });
    written.map_err(|error| file_error(path, error))?;
    Ok(key)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // What a crash left under this name was never used.
    let _absent = fs::remove_file(path);
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Files that it creates can be read by their owner alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a new name in a folder survive a loss of power.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &File) -> io::Result<bool> {
    Ok(false)
}

fn wrong(path: &Path, message: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Key, message.replace("{}", &path.display().to_string()))
}

fn hex(key: &HostKey) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(65);
    for byte in key.expose() {
        // Writing to a string cannot fail.
        let _ok = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text
}

fn parse(text: &str) -> Option<HostKey> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(HostKey::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db.key");
        assert!(read(&path).unwrap().is_none());
        let key = create(&path).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().expose(), key.expose());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db.key");
        for text in ["", "hunter2", &"z".repeat(64), &"a".repeat(63), &"+1".repeat(32)] {
            write_private(&path, text).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Key);
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }

    #[cfg(unix)]
    #[test]
    fn invariant_8_a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db.key");
        create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Key);
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }
}
