//! Opens files that somebody else may have placed there.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// The treatment of a link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastLink {
    #[cfg(feature = "policy-files")]
    Followed,
    Refused,
}

/// Opens a file for reading. On platforms whose flags are known, a named pipe does not block the
/// thread until somebody writes to it, and a link that must be refused is not followed. Elsewhere
/// neither is guaranteed, so the caller must check the opened file.
pub(crate) fn open_to_read(path: &Path, link: LastLink) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(
        all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
        target_os = "macos"
    ))]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        const O_NONBLOCK: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0o4000 };
        const O_NOFOLLOW: i32 = if cfg!(target_os = "macos") {
            0x100
        } else if cfg!(target_arch = "aarch64") {
            0o100_000
        } else {
            0o400_000
        };
        let refused = if link == LastLink::Refused { O_NOFOLLOW } else { 0 };
        options.custom_flags(O_NONBLOCK | refused);
    }
    #[cfg(not(any(
        all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
        target_os = "macos"
    )))]
    let _ = link;
    options.open(path)
}
