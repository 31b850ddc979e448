//! The run of a gateway. It survives the process: a client that repeats a call after a crash gets
//! the outcome of the first one, which needs the same run.
//!
//! Gateways with the same servers, of the same person, share a folder of slots. A gateway takes the
//! first slot that no other one holds; the slot has the run until the gateway ends in order and
//! nothing of the run is open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use hitl_base::{hex, owner_only, sync_folder};
use hitl_core::store::PageRequest;
use hitl_core::{Gate, GateError, RunId, Tenant};
use sha2::{Digest as _, Sha256};

/// The most gateways of one kind.
const MOST: usize = 256;
/// The number of calls that are read at a time.
const PAGE: usize = 500;
/// The longest name of a run.
const LONGEST: u64 = 200;

/// A slot that this process holds.
#[derive(Debug)]
pub(super) struct RunSlot {
    run: RunId,
    path: PathBuf,
    /// Locked while the process lives.
    file: File,
}

impl RunSlot {
    /// Takes the first free slot of gateways with this description.
    pub(super) fn take(folder: &Path, description: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let digest = hex::encode(&Sha256::digest(description.as_bytes())[..8]);
        for number in 1..=MOST {
            let path = folder.join(format!("{digest}-{number}.run"));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = owner_only(&mut options).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let mut text = String::new();
            // A damaged file gets another run.
            let read = Read::take(&file, LONGEST).read_to_string(&mut text);
            let is_run = read.is_ok() && !text.is_empty() && text.chars().all(is_plain);
            if !is_run {
                text = format!("mcp-{}", hitl_base::id::new_v7());
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                sync_folder(&path)?;
            }
            return Ok(Self { run: RunId::new(text), path, file });
        }
        Err(io::Error::other("over 256 gateways with the same servers run"))
    }

    /// Returns the run.
    pub(super) fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns the file that names the run.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the run if nothing of it is open, so that a rejection does not hold for ever. A call
    /// that waits, was approved, runs or has an outcome that nobody got keeps the run: in another
    /// one, the same call would run again. So does a store that cannot be read.
    pub(super) async fn end_if_over(self, gate: &Gate, tenant: &Tenant) {
        if matches!(is_open(gate, tenant, &self.run).await, Ok(false)) {
            self.end();
        }
    }

    /// Ends the run: the next gateway in this slot has another one.
    fn end(self) {
        // A run that continues is no harm.
        let _kept = self.file.set_len(0);
    }
}

/// Returns whether a call of the run has not ended, or has an outcome that was not delivered.
async fn is_open(gate: &Gate, tenant: &Tenant, run: &RunId) -> Result<bool, GateError> {
    let calls = gate.unscoped();
    let mut page = PageRequest::all().root(run.clone()).limit(PAGE);
    loop {
        let records = calls.list(tenant, page.clone()).await?;
        if records.iter().any(|call| !call.state().is_terminal() || call.is_attachable()) {
            return Ok(true);
        }
        match records.last() {
            Some(last) if records.len() == PAGE => page = page.after(last.request().id),
            _ => return Ok(false),
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_survives_a_crash_and_not_an_end_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let take = |what: &str| RunSlot::take(&folder.path().join("runs"), what).unwrap();
        let first = take("a");
        let run = first.run().clone();
        // At the same time: another run.
        let second = take("a");
        assert_ne!(second.run(), &run);
        assert_ne!(take("b").run(), &run);
        // A crash unlocks the file and leaves it.
        drop(first);
        let again = take("a");
        assert_eq!(again.run(), &run);
        again.end();
        assert_ne!(take("a").run(), &run);
    }
}
