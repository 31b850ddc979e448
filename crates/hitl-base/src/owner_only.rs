//! Files that only their owner can read, and that survive a power loss.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the files that these options create readable and writable by their owner alone, from the
/// moment they exist: mode 0600 on Unix. Elsewhere the rights of the folder apply. A file that
/// exists keeps its mode.
pub fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a name in a folder survive a power loss, after the file has been created or renamed.
/// `path` is that of the file. Does nothing where a folder cannot be opened as a file.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        // A path of one part is in the working directory.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_of_a_file_is_synced_also_of_a_path_of_one_part() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync_folder(&folder.path().join("file")).is_ok());
        assert!(sync_folder(Path::new("file")).is_ok());
        assert!(sync_folder(&folder.path().join("absent/file")).is_err());
    }

    #[test]
    fn invariant_8_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        fs::write(&old, "").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o640)).unwrap();
        for (path, mode) in [(new, 0o600), (old, 0o640)] {
            let file = owner_only(OpenOptions::new().append(true).create(true)).open(path).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
