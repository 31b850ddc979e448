//! The audit as a file of JSON lines, chained. See [`chain`](super::verify).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hitl_base::Timestamp;
use hitl_base::id::Uuid;
use serde::Serialize;

use super::chain::{Link, hash};
use super::{AUDIT_SCHEMA, AuditError, AuditRecord, AuditSink};

/// Appends each record to a file as one line of JSON that names the hash of the line before.
///
/// The file is locked for this process: two writers would fork the chain. `Ok` means handed to the
/// operating system; it survives `kill -9`, not a power loss.
#[derive(Debug)]
pub struct JsonlAudit {
    path: PathBuf,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    seq: u64,
    head: String,
    stream: String,
    line: Vec<u8>,
    /// A write failed and what it left could not be taken back.
    broken: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    prev: &'a str,
    ts: Timestamp,
    schema: u16,
    stream: &'a str,
    event: &'a AuditRecord,
}

impl JsonlAudit {
    /// Opens or creates the file, and goes on with its chain. A last line that was torn by a crash is
    /// moved to `<path>.torn`, so that nothing is lost and the chain goes on.
    ///
    /// Fails when another process holds the file, when it cannot be written to, or when its last line
    /// is no audit record.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditError> {
        let path = path.as_ref().to_path_buf();
        let name = path.display();
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(|e| {
                AuditError::new(format!("cannot open the audit file {name} for writing")).because(e)
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = format!(
                    "the audit file {name} is in use by another process; give each process its own"
                );
                return Err(AuditError::new(why));
            }
            Err(TryLockError::Error(e)) => {
                return Err(
                    AuditError::new(format!("cannot lock the audit file {name}")).because(e)
                );
            }
        }
        let unreadable =
            |e| AuditError::new(format!("cannot read the audit file {name}")).because(e);
        let (last, length) = last_line(&mut file, &path).map_err(unreadable)?;
        let (seq, head, stream) = match last {
            None => {
                let stream = Uuid::new_v4().to_string();
                (0, hash(stream.as_bytes()), stream)
            }
            Some(last) => {
                let link: Link = serde_json::from_slice(&last).map_err(|_| {
                    AuditError::new(format!(
                        "the last line of {name} is no audit record; move the file away"
                    ))
                })?;
                (link.seq, hash(&last), link.stream)
            }
        };
        let writer = Writer { file, length, seq, head, stream, line: Vec::new(), broken: false };
        Ok(Self { path, writer: Mutex::new(writer) })
    }
}

/// The last whole line, without its break, and the length of the whole lines. Puts a torn tail aside.
fn last_line(file: &mut File, path: &Path) -> io::Result<(Option<Vec<u8>>, u64)> {
    const STEP: u64 = 64 * 1024;
    let end = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    let mut from = end;
    // Reads backwards until two line breaks, or the whole file, are in view.
    while from > 0 && tail.iter().filter(|b| **b == b'\n').nth(1).is_none() {
        let step = from.min(STEP);
        from -= step;
        file.seek(SeekFrom::Start(from))?;
        let mut block = vec![0; usize::try_from(step).unwrap_or(0)];
        file.read_exact(&mut block)?;
        block.append(&mut tail);
        tail = block;
    }
    let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let length = from + whole as u64;
    if length < end {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".torn");
        let mut torn = OpenOptions::new().create(true).append(true).open(aside)?;
        torn.write_all(&tail[whole..])?;
        torn.write_all(b"\n")?;
        file.set_len(length)?;
        tracing::warn!(path = %path.display(), bytes = end - length, "put a torn last line of the audit aside");
    }
    tail.truncate(whole.saturating_sub(1));
    let start = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    Ok(((whole > 0).then(|| tail.split_off(start)), length))
}

impl AuditSink for JsonlAudit {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let name = self.path.display();
        // A panic in here leaves `broken` set, so a poisoned writer refuses by itself.
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = &mut *guard;
        if writer.broken {
            return Err(AuditError::new(format!(
                "the audit file {name} failed before; open it again"
            )));
        }
        let line = Line {
            seq: writer.seq + 1,
            prev: &writer.head,
            ts: record.at,
            schema: AUDIT_SCHEMA,
            stream: &writer.stream,
            event: record,
        };
        writer.line.clear();
        serde_json::to_writer(&mut writer.line, &line)
            .map_err(|_| AuditError::new("a record cannot be written as JSON"))?;
        let head = hash(&writer.line);
        writer.line.push(b'\n');
        writer.broken = true;
        if let Err(error) = writer.file.write_all(&writer.line) {
            // Takes back what was written of the line, so that the chain stays whole.
            writer.broken = writer.file.set_len(writer.length).is_err();
            return Err(
                AuditError::new(format!("cannot write to the audit file {name}")).because(error)
            );
        }
        writer.broken = false;
        writer.length += writer.line.len() as u64;
        writer.seq += 1;
        writer.head = head;
        Ok(())
    }
}
