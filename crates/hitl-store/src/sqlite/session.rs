//! Sessions of live processes: one locked file for each.
//!
//! The operating system drops a lock when its process dies, however it dies: no clock is involved,
//! and a suspended machine kills no session. A session is alive while its file's lock is held, so a
//! process that can take the lock (shared, so that two that check do not see each other) knows that
//! the session is dead. Files of dead sessions may be removed: a session without a file is dead
//! too, and ids are never used twice.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hitl_base::owner_only;
use hitl_base::sync::lock;
use hitl_core::{KeyId, SessionId};

use crate::failpoint::reach;

/// The name of the file that is locked while a process opens the store.
const OPENING: &str = "opening";

/// The sessions of one file; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    folder: PathBuf,
    own: Arc<Mutex<HashMap<SessionId, File>>>,
}

impl Sessions {
    /// Creates `folder` if it is missing, and keeps the sessions in it.
    pub(super) fn in_folder(folder: PathBuf) -> io::Result<Self> {
        match private_folder().create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Self { folder, own: Arc::default() }),
        }
    }

    /// Returns the sessions in `folder`, which may not exist, to look at them.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder, own: Arc::default() }
    }

    /// Waits until no other process is opening the store; `None` if it takes too long. The lock
    /// lasts as long as the file is kept open.
    pub(super) fn lock_opening(&self, patience: Duration) -> io::Result<Option<File>> {
        let path = self.folder.join(OPENING);
        let mut options = OpenOptions::new();
        let file = owner_only(options.create(true).truncate(false).write(true)).open(path)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(None),
                // Opening is short and rare: polling is simpler than a lock with a timeout.
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Opens a session of this process, which seals under this key. Its file names the key for
    /// others.
    pub(super) fn open(&self, key: KeyId) -> io::Result<SessionId> {
        loop {
            let session = SessionId::new();
            let stamped = self.folder.join(format!("{session}.new"));
            let mut options = OpenOptions::new();
            let mut file = owner_only(options.create_new(true).write(true)).open(&stamped)?;
            file.lock()?;
            file.write_all(key.to_string().as_bytes())?;
            reach("session-half-open");
            // Under its final name the file was never unlocked. If another process that tidied up
            // between the two steps above took it for an orphan, there is nothing to rename, and
            // this tries again.
            match fs::rename(&stamped, self.path(session)) {
                Ok(()) => {
                    self.own().insert(session, file);
                    return Ok(session);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes a session of this process. Sessions of others are left alone.
    pub(super) fn close(&self, session: SessionId) -> io::Result<()> {
        let Some(file) = self.own().remove(&session) else { return Ok(()) };
        drop(file);
        ignore_missing(fs::remove_file(self.path(session)))
    }

    /// Returns whether a session is dead. If that cannot be determined, it counts as alive, so that
    /// nothing is given up.
    pub(super) fn is_dead(&self, session: SessionId) -> bool {
        if self.own().contains_key(&session) {
            return false;
        }
        match File::open(self.path(session)) {
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Returns the number of live sessions of others that seal under another key, or that do not
    /// name theirs: those of older versions of hitl.
    pub(super) fn under_other_keys(&self, own: KeyId) -> io::Result<u64> {
        let mut others = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|id| id.parse().ok());
            if !is_session(&path) || id.is_some_and(|id| self.own().contains_key(&id)) {
                continue;
            }
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if file.try_lock_shared().is_ok() {
                continue;
            }
            let mut key = String::new();
            let is_ours = file.take(64).read_to_string(&mut key).is_ok() && key.parse() == Ok(own);
            others += u64::from(!is_ours);
        }
        Ok(others)
    }

    /// Removes the files of dead sessions.
    pub(super) fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if is_session(&path) && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                ignore_missing(fs::remove_file(&path))?;
            }
        }
        Ok(())
    }

    fn path(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.lock"))
    }

    fn own(&self) -> MutexGuard<'_, HashMap<SessionId, File>> {
        // Each critical section is one map operation, so a panic cannot leave it half done.
        lock(&self.own)
    }
}

/// Returns a builder of folders that only their owner can access: nobody else may hold locks there.
fn private_folder() -> fs::DirBuilder {
    let builder = fs::DirBuilder::new();
    #[cfg(unix)]
    let builder = {
        let mut builder = builder;
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
    };
    builder
}

fn is_session(path: &Path) -> bool {
    let is = |extension: &std::ffi::OsStr| extension == "lock" || extension == "new";
    path.extension().is_some_and(is)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

#[cfg(test)]
mod tests {
    use hitl_core::HostKey;

    use super::*;

    fn key(byte: u8) -> KeyId {
        HostKey::from_bytes([byte; 32]).id()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_session_is_alive_until_it_is_closed_or_its_owner_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mine = Sessions::in_folder(folder.path().to_owned()).unwrap();
        let theirs = Sessions::in_folder(folder.path().to_owned()).unwrap();
        let (a, b) = (theirs.open(key(1)).unwrap(), theirs.open(key(1)).unwrap());
        assert!(!mine.is_dead(a) && !theirs.is_dead(a));
        mine.close(a).unwrap();
        assert!(!mine.is_dead(a), "only its owner closes it");
        theirs.close(a).unwrap();
        assert!(mine.is_dead(a) && theirs.is_dead(a) && !mine.is_dead(b));
        drop(theirs);
        assert!(mine.is_dead(b), "its owner is gone");
        assert!(mine.is_dead(SessionId::new()), "never opened");
    }

    #[test]
    fn only_files_of_dead_sessions_are_tidied_up() {
        let folder = tempfile::tempdir().unwrap();
        let mine = Sessions::in_folder(folder.path().to_owned()).unwrap();
        let alive = mine.open(key(1)).unwrap();
        let dead = Sessions::in_folder(folder.path().to_owned()).unwrap().open(key(1)).unwrap();
        fs::write(folder.path().join("orphan.new"), "").unwrap();
        fs::write(folder.path().join("README"), "not ours").unwrap();
        mine.tidy().unwrap();
        assert!(mine.is_dead(dead) && !mine.is_dead(alive));
        let mut left = names(folder.path());
        left.sort();
        let mut expected = ["README".to_owned(), format!("{alive}.lock")];
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn who_seals_under_another_key_is_counted_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mine = Sessions::in_folder(folder.path().to_owned()).unwrap();
        let theirs = Sessions::in_folder(folder.path().to_owned()).unwrap();
        mine.open(key(1)).unwrap();
        theirs.open(key(1)).unwrap();
        assert_eq!(mine.under_other_keys(key(1)).unwrap(), 0);
        assert_eq!(mine.under_other_keys(key(2)).unwrap(), 1, "its own do not count");
        theirs.open(key(2)).unwrap();
        assert_eq!(mine.under_other_keys(key(1)).unwrap(), 1);
        drop(theirs);
        assert_eq!(mine.under_other_keys(key(2)).unwrap(), 0);
        // A session of an older version names no key.
        let old = folder.path().join(format!("{}.lock", SessionId::new()));
        let old = OpenOptions::new().create(true).truncate(true).write(true).open(old).unwrap();
        old.lock().unwrap();
        assert_eq!(mine.under_other_keys(key(1)).unwrap(), 1);
    }

    #[test]
    fn one_opens_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::in_folder(folder.path().to_owned()).unwrap();
        let first = sessions.lock_opening(Duration::ZERO).unwrap();
        assert!(first.is_some());
        assert!(sessions.lock_opening(Duration::ZERO).unwrap().is_none());
        drop(first);
        assert!(sessions.lock_opening(Duration::ZERO).unwrap().is_some());
    }
}
