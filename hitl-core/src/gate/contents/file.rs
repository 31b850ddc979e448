//! Reads a file within limits, and only if it is a regular one. Blocks the thread.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::links::{is_linked, resolve};
use super::own_files::{find_open_own_file, find_same_own_file, is_at, is_remote};
use super::referent::{MAX_DIGESTED, MAX_KEPT, Referent, ReferentState};
use crate::approval::UnreadReason;
use crate::open::{LastLink, open_to_read};
use crate::policy::OwnFiles;

/// The number of bytes read at a time.
const STEP: usize = 64 * 1024;

/// Reads the file that the argument at this place names.
pub(super) fn read_file(own: &OwnFiles, at: String, path: &Path) -> Referent {
    if is_remote(path) {
        return Referent::new(at, ReferentState::unread(UnreadReason::Remote));
    }
    let target = match resolve(path) {
        Ok(target) => target,
        Err(error) => return Referent::new(at, unread_error(&error)),
    };
    let linked = is_linked(path, &target);
    let state =
        if own.resolved(&target, false).is_some() || find_same_own_file(own, &target).is_some() {
            ReferentState::unread(UnreadReason::OwnFile)
        } else {
            read_regular(own, &target).unwrap_or_else(|error| unread_error(&error))
        };
    Referent::file(at, target, linked, state)
}

fn read_regular(own: &OwnFiles, target: &Path) -> std::io::Result<ReferentState> {
    // Opening a pipe waits for a writer, and opening a device may have an effect.
    let is = std::fs::metadata(target)?;
    if !is.is_file() {
        return Ok(ReferentState::unread(UnreadReason::NotAFile));
    }
    if is.len() > MAX_DIGESTED {
        return Ok(ReferentState::unread(UnreadReason::TooLarge));
    }
    read_open(own, target)
}

/// Reads the file that is there now, which may not be the one that was checked. So the open file is
/// checked, and after that the path: a file that is the gate's own, or was reached through a link,
/// is not read.
fn read_open(own: &OwnFiles, target: &Path) -> std::io::Result<ReferentState> {
    let file = open_to_read(target, LastLink::Refused)?;
    let is = file.metadata()?;
    if !is.is_file() {
        return Ok(ReferentState::unread(UnreadReason::NotAFile));
    }
    if find_open_own_file(own, &is).is_some() {
        return Ok(ReferentState::unread(UnreadReason::OwnFile));
    }
    if !is_at(target, &is) {
        let why = "it was replaced while it was opened";
        return Ok(ReferentState::unread_because(UnreadReason::Failed, why.to_owned()));
    }
    // Some files report a length of zero and never end.
    let mut rest = file.take(MAX_DIGESTED + 1);
    let (mut hash, mut kept, mut bytes) = (Sha256::new(), Vec::new(), 0_u64);
    let mut step = vec![0; STEP];
    loop {
        let read = match rest.read(&mut step) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = &step[..read];
        hash.update(read);
        bytes += read.len() as u64;
        if kept.len() <= MAX_KEPT {
            kept.extend_from_slice(read);
        }
    }
    Ok(ReferentState::from_digest(kept, bytes, hash.finalize().into()))
}

/// Returns the reason for a file that cannot be read.
fn unread_error(error: &std::io::Error) -> ReferentState {
    match error.kind() {
        // The path has a file where it needs a folder, so it leads nowhere.
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            ReferentState::unread(UnreadReason::Missing)
        }
        ErrorKind::PermissionDenied => ReferentState::unread(UnreadReason::Forbidden),
        ErrorKind::IsADirectory => ReferentState::unread(UnreadReason::NotAFile),
        kind => ReferentState::unread_because(UnreadReason::Failed, kind.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    #[cfg(unix)]
    use crate::gate::contents::own_files::resolve_own_files;

    fn find(path: &Path) -> ReferentState {
        read_file(&OwnFiles::default(), "/path".to_owned(), path).state
    }

    fn unread(state: &ReferentState) -> Option<UnreadReason> {
        match state {
            ReferentState::Unread { why, .. } => Some(*why),
            _ => None,
        }
    }

    #[test]
    fn invariant_13_what_is_no_regular_file_of_moderate_size_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(unread(&find(&at("missing"))), Some(UnreadReason::Missing));
        assert_eq!(unread(&find(Path::new(""))), Some(UnreadReason::Missing));
        assert_eq!(unread(&find(folder.path())), Some(UnreadReason::NotAFile));
        fs::write(at("text"), "hello").unwrap();
        assert_eq!(unread(&find(&at("text/below"))), Some(UnreadReason::Missing));
        assert!(
            matches!(find(&at("text")), ReferentState::Kept { bytes, .. } if &*bytes == b"hello")
        );
        let most = u64::try_from(MAX_KEPT).unwrap();
        for (length, found) in [(most, "kept"), (most + 1, "large"), (MAX_DIGESTED, "large")] {
            File::create(at("zeros")).unwrap().set_len(length).unwrap();
            let what = match find(&at("zeros")) {
                ReferentState::Kept { .. } => "kept",
                ReferentState::Large { bytes, .. } if bytes == length => "large",
                _ => "other",
            };
            assert_eq!(what, found, "{length}");
        }
        File::create(at("zeros")).unwrap().set_len(MAX_DIGESTED + 1).unwrap();
        assert_eq!(unread(&find(&at("zeros"))), Some(UnreadReason::TooLarge));
    }

    /// A file that is swapped in after the lookup is not read.
    #[cfg(unix)]
    #[test]
    fn invariant_5_what_is_swapped_in_before_a_file_is_opened_is_not_read() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir(at("gate")).unwrap();
        let own = resolve_own_files(vec![at("gate/hitl.db")]);
        for name in ["gate/hitl.db", "gate/hitl.db.key", "other"] {
            fs::write(at(name), "the key").unwrap();
        }
        let read = |path: &str| read_open(&own, &at(path));
        assert!(matches!(read("other"), Ok(ReferentState::Kept { .. })));
        // Another name, a link, and a link on the way, whatever was there before.
        for name in ["gate/hitl.db", "gate/hitl.db.key"] {
            let _ = fs::remove_file(at("hard"));
            fs::hard_link(at(name), at("hard")).unwrap();
            assert_eq!(unread(&read("hard").unwrap()), Some(UnreadReason::OwnFile), "{name}");
            let _ = fs::remove_file(at("link"));
            symlink(at(name), at("link")).unwrap();
            assert!(!matches!(
                read("link"),
                Ok(ReferentState::Kept { .. } | ReferentState::Large { .. })
            ));
            let _ = fs::remove_file(at("way"));
            symlink(at("gate"), at("way")).unwrap();
            let below = name.replace("gate/", "way/");
            assert_eq!(unread(&read(&below).unwrap()), Some(UnreadReason::OwnFile), "{name}");
        }
        // A file that is not the gate's is not read either if a link leads to it.
        symlink(at("other"), at("to other")).unwrap();
        assert!(!matches!(
            read("to other"),
            Ok(ReferentState::Kept { .. } | ReferentState::Large { .. })
        ));
        symlink(&folder, at("here")).unwrap();
        assert_eq!(unread(&read("here/other").unwrap()), Some(UnreadReason::Failed));
        // A pipe without a writer does not block the thread.
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(unread(&read("pipe").unwrap()), Some(UnreadReason::NotAFile));
        }
    }

    #[cfg(unix)]
    #[test]
    fn invariant_13_pipes_and_devices_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(unread(&find(&pipe)), Some(UnreadReason::NotAFile));
        }
        let socket = folder.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [socket.as_path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            assert_eq!(unread(&find(other)), Some(UnreadReason::NotAFile), "{}", other.display());
        }
        // It reports a length of zero.
        if Path::new("/proc/self/maps").exists() {
            assert!(
                !matches!(find(Path::new("/proc/self/maps")), ReferentState::Kept { bytes, .. } if bytes.is_empty())
            );
        }
    }
}
