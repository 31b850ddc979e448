//! A folder that is removed at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hitl_core::RequestId;

/// A new folder for temporary files. Only its owner can read it.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Creates one in the system's folder for temporary files, named after its purpose.
    pub(super) fn new(purpose: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), purpose)
    }

    /// Creates one in this folder.
    pub(super) fn within(parent: &Path, purpose: &str) -> io::Result<Self> {
        let path = parent.join(format!("hitl-{purpose}-{}", RequestId::new()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left has a name that says what it was for.
        let _ = fs::remove_dir_all(&self.0);
    }
}
