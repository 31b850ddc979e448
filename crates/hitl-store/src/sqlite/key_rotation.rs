//! Replacing the key in the file beside the store.

use std::path::Path;
use std::time::Duration;

use hitl_core::KeyId;
use hitl_core::store::{StoreError, StoreErrorKind};

use super::error::file_error;
use super::host_key_file;
use super::rotation::retire;
use super::schema::beside;
use super::session::Sessions;
use super::store::SqliteStore;

/// The time limit for other processes that are opening the store.
const PATIENCE: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Makes a new key the current one in the key file beside the store at `path`, and keeps the
    /// others in it as previous ones. Returns the new key's id.
    ///
    /// A process that opens the store from then on seals under the new key. Processes that have it
    /// open keep the key that they have read, and cannot open what others seal from now on: restart
    /// them, then call [`Gate::reseal`](hitl_core::Gate::reseal), then
    /// [`retire_key_file`](Self::retire_key_file).
    ///
    /// A crash leaves the file as it was before or after. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// Fails with the kind [`Key`](StoreErrorKind::Key) if there is no key file: a store whose host
    /// keeps the key is opened with a new key and the former one.
    pub fn rotate_key_file(path: impl AsRef<Path>) -> Result<KeyId, StoreError> {
        let path = canonical(path.as_ref())?;
        while_nobody_opens(&path, || {
            host_key_file::rotate(&beside(&path, ".key")).map(|keys| keys.current().id())
        })
    }

    /// Removes the previous keys from the key file, once nothing is sealed under them and no
    /// process seals under them.
    ///
    /// A gate keeps the digest keys that recognise earlier calls: use
    /// [`Gate::retire_keys`](hitl_core::Gate::retire_keys) first.
    ///
    /// # Errors
    ///
    /// Fails with the kind [`Key`](StoreErrorKind::Key) while something is sealed under another
    /// key, or while another process may still seal under one, and if the store was opened with
    /// keys of the host's own. Nothing has changed then.
    pub async fn retire_key_file(&self) -> Result<(), StoreError> {
        let current = self.shared.keys.current().clone();
        let path = self.path().to_owned();
        let file = beside(&path, ".key");
        host_key_file::check_current(&file, &current)?;
        retire(&self.shared, &current).await?;
        while_nobody_opens(&path, || host_key_file::forget_previous(&file, &current))
    }
}

fn canonical(path: &Path) -> Result<std::path::PathBuf, StoreError> {
    std::fs::canonicalize(path).map_err(|error| file_error(path, error))
}

fn while_nobody_opens<T>(
    path: &Path,
    change: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let folder = beside(path, ".sessions");
    let io = |error| file_error(&folder, error);
    let sessions = Sessions::in_folder(folder.clone()).map_err(io)?;
    let Some(_opening) = sessions.lock_opening(PATIENCE).map_err(io)? else {
        return Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("another process is still opening {}; try again", path.display()),
        ));
    };
    change()
}
