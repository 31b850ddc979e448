//! The audit as a file of JSON lines, chained. See [`chain`](super::chain).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitl_base::id::Uuid;
use hitl_base::owner_only;

use super::erasable::{self, Successor};
use super::group_commit::{Commit, GroupCommit, PendingSync};
use super::segments::{self, Tail};
use super::{
    AuditError, AuditReader, AuditRecord, AuditSink, CallAudit, ChainHead, ChainWriter, Durability,
    ErasableLog, JsonlFiles, Replace,
};
use crate::ids::RequestId;
use crate::sync::{Mutex, MutexGuard, lock};

/// The most files in one folder, one for each writer.
const WRITERS: u32 = 1_000;

/// A sink that appends each record to a file as one line of JSON that names the hash of the line
/// before.
///
/// The file is locked for this process: two writers would fork the chain. Several processes have a
/// file each; [`in_folder`](Self::in_folder) finds a free one. [`durability`](Self::durability)
/// sets the meaning of `Ok`; by default, a record survives `kill -9`, but not a power loss. A
/// dedicated thread syncs the records that must be on the disk, together with all others that wait
/// by then.
#[derive(Debug)]
pub struct JsonlAudit {
    path: PathBuf,
    durability: Durability,
    rotate_at: Option<u64>,
    torn: Option<PathBuf>,
    writer: Mutex<Writer>,
    commits: GroupCommit,
    /// The last head that was passed on.
    kept: Mutex<ChainHead>,
}

#[derive(Debug)]
struct Writer {
    file: Arc<File>,
    /// Held as long as the writer lives; the file itself changes with each rotation.
    _lock: File,
    /// The bytes of complete lines.
    length: u64,
    chain: ChainWriter,
    /// True if a write failed and its partial output could not be removed.
    broken: bool,
}

impl JsonlAudit {
    /// Opens or creates the file, and continues its chain. A last line that was torn by a crash is
    /// moved to `<path>.torn` and [reported](Self::torn), so that nothing is lost and the chain
    /// continues.
    ///
    /// Fails if another process holds the file, if it cannot be written to, or if its last line is
    /// not an audit record.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditError> {
        Self::try_open(path.as_ref())?.ok_or_else(|| {
            AuditError::used_elsewhere(format!(
                "the audit file {} is in use by another process; give each process its own, or use `in_folder`",
                path.as_ref().display()
            ))
        })
    }

    /// Opens the first file of the folder that no other process holds: `audit-1.jsonl`,
    /// `audit-2.jsonl`, and so on. So each of several processes has its own chain, and a process
    /// that restarts continues an existing one. Creates the folder if it is missing.
    pub fn in_folder(folder: impl AsRef<Path>) -> Result<Self, AuditError> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|error| {
            AuditError::new(format!("cannot create the audit folder {}: {error}", folder.display()))
        })?;
        for number in 1..=WRITERS {
            if let Some(audit) = Self::try_open(&folder.join(format!("audit-{number}.jsonl")))? {
                return Ok(audit);
            }
        }
        let why = format!("{WRITERS} processes write to the audit folder {}", folder.display());
        Err(AuditError::new(why))
    }

    /// Sets the guarantee that `Ok` gives for a record.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Starts a new file once this one has grown to this number of bytes. The full one is renamed
    /// to `<path>.<number of its last record>`, and the chain continues in the new one.
    #[must_use]
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = Some(bytes);
        self
    }

    /// Returns the file to which a torn last line was moved at opening. The torn part was written
    /// to this chain but does not belong to it.
    pub fn torn(&self) -> Option<&Path> {
        self.torn.as_deref()
    }

    /// Starts a new file now. Does nothing if this one is empty.
    pub fn rotate(&self) -> Result<(), AuditError> {
        let mut writer = self.writer();
        self.start_segment(&mut writer).map_err(|e| self.failed("cannot rotate", e))
    }

    /// Returns `None` if another process holds the file.
    fn try_open(path: &Path) -> Result<Option<Self>, AuditError> {
        let name = path.display();
        let failed = |what: &str, error: io::Error| {
            AuditError::new(format!("cannot {what} the audit file {name}")).with_source(error)
        };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let lock = open(Path::new(&beside)).map_err(|e| failed("lock", e))?;
        let mut file = open(path).map_err(|e| failed("open for writing", e))?;
        for held in [&lock, &file] {
            match held.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(e)) => return Err(failed("lock", e)),
            }
        }
        // Removes an unfinished rewrite of a process that died; the file itself is whole.
        for file in segments::of(path).map_err(|e| failed("read", e))?.iter().map(PathBuf::as_path)
        {
            let _absent = fs::remove_file(erasable::beside(file));
        }
        let _absent = fs::remove_file(erasable::beside(path));
        let tail = segments::tail(&mut file).map_err(|e| failed("read", e))?;
        let torn = if tail.torn.is_empty() {
            None
        } else {
            let aside = segments::quarantine(&file, path, &tail).map_err(|e| failed("mend", e))?;
            tracing::warn!(path = %name, bytes = tail.torn.len(), aside = %aside.display(), "put a torn last line of the audit aside");
            Some(aside)
        };
        let head = match head_of(&tail, path).map_err(|e| failed("read", e))? {
            Some(head) => head,
            None if tail.last.is_none() => ChainHead::genesis(Uuid::new_v4().to_string()),
            None => {
                return Err(AuditError::new(format!(
                    "the last line of {name} is no audit record; move the file away"
                )));
            }
        };
        let kept = Mutex::new(head.clone());
        let writer = Writer {
            file: Arc::new(file),
            _lock: lock,
            length: tail.length,
            chain: ChainWriter::after(head),
            broken: false,
        };
        Ok(Some(Self {
            path: path.to_path_buf(),
            durability: Durability::default(),
            rotate_at: None,
            torn,
            writer: Mutex::new(writer),
            commits: GroupCommit::default(),
            kept,
        }))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic while the lock is held leaves `broken` set, so a poisoned writer refuses anyway.
        lock(&self.writer)
    }

    fn failed(&self, what: &str, error: io::Error) -> AuditError {
        AuditError::new(format!("{what} the audit file {}", self.path.display())).with_source(error)
    }

    /// Renames the file and continues in a new one. A crash in between leaves an empty file or
    /// none, and the chain continues after the newest segment.
    fn start_segment(&self, writer: &mut Writer) -> io::Result<()> {
        if writer.length == 0 {
            return Ok(());
        }
        self.sync_now(&writer.file)?;
        let full = segments::rotated(&self.path, writer.chain.head().seq);
        fs::rename(&self.path, &full)?;
        // From here on nothing may be written to the old file.
        writer.broken = true;
        let file = open(&self.path)?;
        file.try_lock().map_err(io::Error::from)?;
        writer.file = Arc::new(file);
        writer.length = 0;
        writer.broken = false;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    owner_only(OpenOptions::new().create(true).read(true).append(true)).open(path)
}

/// Returns the head at which the chain continues: after the last line of the file, or of its newest
/// segment.
fn head_of(tail: &Tail, path: &Path) -> io::Result<Option<ChainHead>> {
    if let Some(last) = &tail.last {
        return Ok(ChainHead::from_line(last));
    }
    let Some(newest) = segments::of(path)?.pop() else { return Ok(None) };
    let tail = segments::tail(&mut File::open(newest)?)?;
    Ok(tail.last.as_deref().and_then(ChainHead::from_line))
}

impl AuditReader for JsonlAudit {
    /// Reads this file and its segments; for files of other processes, see [`JsonlFiles`].
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        JsonlFiles::new([&self.path]).read_call(call)
    }
}

impl AuditSink for JsonlAudit {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.begin(record)?.wait().map(drop)
    }

    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        self.begin(record)?.wait()
    }

    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        let (head, sync) = self.write(record)?;
        Ok(Commit::after(head, sync))
    }

    /// Waits for the requested syncs: the store must not learn of a record that a power loss may
    /// undo.
    fn heads(&self) -> Vec<ChainHead> {
        let writer = self.writer();
        let head = writer.chain.head().clone();
        let requested = self.commits.requested();
        drop(writer);
        let is_kept = requested.wait().is_ok();
        let mut kept = lock(&self.kept);
        if is_kept && head.seq > kept.seq {
            *kept = head;
        }
        vec![kept.clone()]
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        vec![self]
    }

    fn unerasable(&self) -> Vec<String> {
        Vec::new()
    }
}

impl ErasableLog for JsonlAudit {
    fn visit(&self, look: &mut dyn FnMut(&[u8])) -> Result<(), AuditError> {
        let failed = |e| self.failed("cannot read", e);
        // Takes a snapshot: appending does not wait until all of the file is read. A segment keeps
        // its name, and the current file is read by its handle, also when it is rotated away.
        let writer = self.writer();
        let segments = segments::of(&self.path).map_err(failed)?;
        let (last, length) = (File::open(&self.path).map_err(failed)?, writer.length);
        drop(writer);
        for segment in segments {
            File::open(segment).and_then(|file| erasable::visit(file, look)).map_err(failed)?;
        }
        erasable::visit(last.take(length), look).map_err(failed)
    }

    fn sync(&self) -> Result<(), AuditError> {
        let writer = self.writer();
        self.sync_now(&writer.file).map_err(|e| self.failed("cannot sync", e))
    }

    fn rewrite(&self, replace: &mut Replace<'_>) -> Result<u64, AuditError> {
        let mut writer = self.writer();
        self.check(&writer)?;
        let failed = |e| self.failed("cannot rewrite", e);
        let mut replaced = 0;
        for segment in segments::of(&self.path).map_err(failed)? {
            replaced += erasable::rewrite(&segment, replace).map_err(failed)?;
        }
        let Some(successor) = Successor::replacing(&self.path, replace).map_err(failed)? else {
            return Ok(replaced);
        };
        // From here on nothing may be written to the old file.
        writer.broken = true;
        replaced += successor.put().map_err(failed)?;
        let file = open(&self.path).map_err(failed)?;
        file.try_lock().map_err(|e| failed(e.into()))?;
        writer.length = file.metadata().map_err(failed)?.len();
        writer.file = Arc::new(file);
        writer.broken = false;
        erasable::sync_folder(&self.path).map_err(failed)?;
        Ok(replaced)
    }

    fn forget_torn(&self, is_gone: &mut dyn FnMut(&[u8]) -> bool) -> Result<u64, AuditError> {
        let _writer = self.writer();
        let mut aside = self.path.as_os_str().to_owned();
        aside.push(".torn");
        match erasable::keep_lines(Path::new(&aside), is_gone) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            done => done.map_err(|e| self.failed("cannot clean what was torn off", e)),
        }
    }
}

impl JsonlAudit {
    /// Refuses if the file failed before.
    fn check(&self, writer: &Writer) -> Result<(), AuditError> {
        if writer.broken || self.commits.has_failed() {
            return Err(AuditError::new(format!(
                "the audit file {} failed before; open it again",
                self.path.display()
            )));
        }
        Ok(())
    }

    /// Syncs the file on this thread. After a failed sync the content of the disk is unknown.
    fn sync_now(&self, file: &File) -> io::Result<()> {
        file.sync_data().inspect_err(|_| self.commits.fail())
    }

    /// Writes a record with one system call. Returns the head of the chain after it, and the sync
    /// that the record waits for, if its [durability](Self::durability) requires one.
    fn write(&self, record: &AuditRecord) -> Result<(ChainHead, Option<PendingSync>), AuditError> {
        let mut guard = self.writer();
        let writer = &mut *guard;
        self.check(writer)?;
        if self.rotate_at.is_some_and(|full| writer.length >= full) {
            self.start_segment(writer).map_err(|e| self.failed("cannot rotate", e))?;
        }
        let line = writer.chain.next_line(record)?;
        writer.broken = true;
        if let Err(error) = (&*writer.file).write_all(line) {
            // Removes the written part of the line, so that the chain stays whole.
            writer.broken = writer.file.set_len(writer.length).is_err();
            return Err(self.failed("cannot write to", error));
        }
        writer.broken = false;
        writer.length += line.len() as u64;
        writer.chain.keep();
        let syncs = self.durability.syncs(record);
        Ok((writer.chain.head().clone(), syncs.then(|| self.commits.request(&writer.file))))
    }
}
