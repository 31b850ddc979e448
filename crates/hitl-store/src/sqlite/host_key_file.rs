//! The host's key, in a file beside the database that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use hitl_base::{hex, owner_only, sync_folder};
use hitl_core::store::{StoreError, StoreErrorKind};
use hitl_core::{HostKey, HostKeys};

use super::error::file_error;
use super::schema::beside;
use crate::failpoint::reach;

/// The most keys in a file: the current one and those that still open some text.
const MOST: usize = 16;
/// The length of a line: the digits of a key, and the line break.
const LINE: usize = 65;

/// Reads the keys, one per line, the current one first; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<HostKeys>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let hint = "the key file {} cannot be read; let this process read it";
            return Err(wrong(path, hint).with_source(error));
        }
    };
    if is_exposed(&file).map_err(|error| file_error(path, error))? {
        return Err(wrong(path, "others can read the key file {}; make it private: chmod 600"));
    }
    let mut text = String::new();
    let most = (MOST * LINE) as u64 + 16;
    let parsed = match file.take(most + 1).read_to_string(&mut text) {
        Ok(read) if read as u64 <= most => parse_all(text.trim_end()),
        Ok(_) | Err(_) => None,
    };
    let unreadable =
        "{} holds no key (64 hexadecimal digits on a line of its own); restore it from your backup";
    parsed.map(Some).ok_or_else(|| wrong(path, unreadable))
}

/// Generates a new key and writes it. No other process may be opening the store.
pub(super) fn create(path: &Path) -> Result<HostKey, StoreError> {
    let key = generate(path)?;
    write(path, &HostKeys::new(key.clone()))?;
    Ok(key)
}

/// Makes a new key the current one, and keeps the others as previous ones. No other process may be
/// opening the store.
pub(super) fn rotate(path: &Path) -> Result<HostKeys, StoreError> {
    let keys = read(path)?.ok_or_else(|| wrong(path, "there is no key file {} to replace"))?;
    if keys.all().count() >= MOST {
        let why = "{} holds too many keys; retire the previous ones first (`hitl key retire`)";
        return Err(wrong(path, why));
    }
    let stamped = HostKeys::new(generate(path)?);
    let rotated = keys.all().fold(stamped, |keys, key| keys.with_previous(key.clone()));
    write(path, &rotated)?;
    Ok(rotated)
}

/// Removes the previous keys, unless the file's current key is no longer `current`. No other
/// process may be opening the store.
pub(super) fn forget_previous(path: &Path, current: &HostKey) -> Result<(), StoreError> {
    check_current(path, current)?;
    write(path, &HostKeys::new(current.clone()))
}

/// Fails if the file's current key is not this one.
pub(super) fn check_current(path: &Path, current: &HostKey) -> Result<(), StoreError> {
    let keys = read(path)?.ok_or_else(|| wrong(path, "there is no key file {}"))?;
    if keys.current().id() == current.id() {
        return Ok(());
    }
    Err(wrong(path, "the current key in {} is another one than this store was opened with"))
}

fn generate(path: &Path) -> Result<HostKey, StoreError> {
    HostKey::generate().map_err(|error| wrong(path, "no key can be made for {}").with_source(error))
}

/// Writes the complete file under another name first: a crash leaves either the former keys or
/// these.
fn write(path: &Path, keys: &HostKeys) -> Result<(), StoreError> {
    let unfinished = beside(path, ".new");
    let text: String = keys.all().map(line).collect();
    let written = write_private(&unfinished, &text).and_then(|()| {
        reach("key-half-written");
        fs::rename(&unfinished, path)?;
        reach("key-written");
        sync_folder(path)
    });
    written.map_err(|error| file_error(path, error))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A file that a crash left under this name was never used.
    let _absent = fs::remove_file(path);
    let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
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

fn line(key: &HostKey) -> String {
    hex::encode(key.expose()) + "\n"
}

fn parse_all(text: &str) -> Option<HostKeys> {
    let mut keys = text.lines().map(parse);
    let current = HostKeys::new(keys.next()??);
    keys.try_fold(current, |keys, key| Some(keys.with_previous(key?)))
}

fn parse(text: &str) -> Option<HostKey> {
    hex::decode_array(text).map(HostKey::from_bytes)
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
        assert_eq!(read(&path).unwrap().unwrap().current().expose(), key.expose());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db.key");
        let half = format!("{}\n{}", "a".repeat(64), "b".repeat(63));
        let blank = format!("{}\n\n{}", "a".repeat(64), "b".repeat(64));
        let many = (0..20).map(|n| format!("{n:064x}")).collect::<Vec<_>>().join("\n");
        for text in [
            &half,
            &blank,
            &many,
            "",
            "hunter2",
            &"z".repeat(64),
            &"a".repeat(63),
            &"+1".repeat(32),
        ] {
            write_private(&path, text).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Key);
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }

    #[test]
    fn a_new_key_is_put_before_the_others_and_they_are_forgotten_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db.key");
        let first = create(&path).unwrap();
        let second = rotate(&path).unwrap();
        let kept = read(&path).unwrap().unwrap();
        assert_eq!(kept.current().id(), second.current().id());
        assert_eq!(kept.previous().len(), 1);
        assert!(kept.knows(first.id()) && kept.current().id() != first.id());
        assert!(forget_previous(&path, &first).is_err(), "it is not the current one any more");
        assert!(read(&path).unwrap().unwrap().knows(first.id()));
        forget_previous(&path, kept.current()).unwrap();
        assert!(!read(&path).unwrap().unwrap().knows(first.id()));
        for _ in 0..MOST - 1 {
            rotate(&path).unwrap();
        }
        let full = fs::read(&path).unwrap();
        assert!(rotate(&path).unwrap_err().to_string().contains("retire"));
        assert_eq!(fs::read(&path).unwrap(), full);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
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
