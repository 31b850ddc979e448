//! Reading the records of one call from an audit log.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{AuditError, AuditRecord, segments};
use crate::ids::RequestId;

/// The most bytes of files that are searched for one call. The oldest records beyond them are left
/// out.
const MOST: u64 = 256 * 1024 * 1024;

/// One record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRecord {
    /// The name of its chain; `None` if records are not chained.
    pub stream: Option<String>,
    /// Its number in the chain, from 1; if records are not chained, its number among those that are
    /// kept.
    pub seq: u64,
    /// The record.
    pub record: AuditRecord,
}

impl StoredRecord {
    /// Parses a line of a chain, without its line break, if it is about this call.
    pub fn from_line(line: &[u8], call: RequestId) -> Option<Self> {
        // Most lines are about another call and need not be parsed.
        let id = call.to_string();
        if !line.windows(id.len()).any(|part| part == id.as_bytes()) {
            return None;
        }
        let Line { seq, stream, event } = serde_json::from_slice(line).ok()?;
        (event.call == Some(call)).then_some(Self { stream: Some(stream), seq, record: event })
    }
}

#[derive(Deserialize)]
struct Line {
    seq: u64,
    stream: String,
    event: AuditRecord,
}

/// The records of one call in an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallAudit {
    /// Its records, oldest first.
    pub records: Vec<StoredRecord>,
    /// True if older records were not searched: there may be more.
    pub cut: bool,
}

impl CallAudit {
    /// Collects these records, oldest first by their time.
    pub fn new(mut records: Vec<StoredRecord>, cut: bool) -> Self {
        // A stable sort: within a chain, records of the same millisecond keep their order.
        records.sort_by_key(|kept| kept.record.at);
        Self { records, cut }
    }
}

/// An audit that can be read back and shown. Reading does not verify: use the
/// [`Verifier`](super::Verifier) with a checkpoint that was kept elsewhere.
///
/// May block; call it where blocking is allowed.
pub trait AuditReader: Send + Sync + 'static {
    /// Returns the records of one call, within retention.
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError>;
}

impl<R: AuditReader + ?Sized> AuditReader for Arc<R> {
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        (**self).read_call(call)
    }
}

/// Audit files of this or other processes, for reading: files that
/// [`JsonlAudit`](super::JsonlAudit) writes.
#[derive(Clone, Debug)]
pub struct JsonlFiles(Place);

#[derive(Clone, Debug)]
enum Place {
    Files(Vec<PathBuf>),
    Folder(PathBuf),
}

impl JsonlFiles {
    /// Reads these files, one for each chain; the segments that they were rotated from are found.
    pub fn new(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self(Place::Files(files.into_iter().map(Into::into).collect()))
    }

    /// Reads every file that [`JsonlAudit::in_folder`](super::JsonlAudit::in_folder) has created,
    /// or creates later, in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self(Place::Folder(folder.into()))
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let folder = match &self.0 {
            Place::Files(files) => return Ok(files.clone()),
            Place::Folder(folder) => folder,
        };
        super::segments::in_folder(folder)
    }
}

impl AuditReader for JsonlFiles {
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        self.files().and_then(|files| read(&files, call, MOST)).map_err(|error| {
            AuditError::new("the audit files cannot be read; see that they are there")
                .with_source(error)
        })
    }
}

/// Searches the newest segments of each chain, in turn, until `most` bytes were read.
fn read(files: &[PathBuf], call: RequestId, most: u64) -> io::Result<CallAudit> {
    let (mut records, mut cut, mut left) = (Vec::new(), false, most);
    for file in files {
        let mut segments = segments::of(file)?;
        segments.push(file.clone());
        for segment in segments.iter().rev() {
            let size = fs::metadata(segment)?.len();
            if size > left {
                cut = true;
                break;
            }
            left -= size;
            look_through(segment, call, &mut records)?;
        }
    }
    // Segments were read newest first.
    records
        .sort_by(|a: &StoredRecord, b: &StoredRecord| (&a.stream, a.seq).cmp(&(&b.stream, b.seq)));
    Ok(CallAudit::new(records, cut))
}

fn look_through(path: &Path, call: RequestId, found: &mut Vec<StoredRecord>) -> io::Result<()> {
    let (mut lines, mut line) = (BufReader::new(File::open(path)?), Vec::with_capacity(4096));
    while lines.read_until(b'\n', &mut line)? > 0 {
        // A line without a break is being written, or was torn.
        if line.pop() != Some(b'\n') {
            break;
        }
        found.extend(StoredRecord::from_line(&line, call));
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditEvent, AuditSink as _, JsonlAudit, MemoryAudit};
    use hitl_base::Timestamp;

    fn record(call: RequestId, event: AuditEvent, at: i64) -> AuditRecord {
        let at = Timestamp::from_millis(at);
        AuditRecord { call: Some(call), subject: None, ..AuditRecord::about(event, "", at) }
    }

    fn events(audit: &CallAudit) -> Vec<AuditEvent> {
        audit.records.iter().map(|kept| kept.record.event).collect()
    }

    #[test]
    fn a_call_is_found_in_every_chain_and_segment_and_no_other_call() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, other) = (RequestId::new(), RequestId::new());
        let first = JsonlAudit::in_folder(folder.path()).unwrap();
        let second = JsonlAudit::in_folder(folder.path()).unwrap();
        first.append(&record(mine, AuditEvent::Requested, 1)).unwrap();
        first.append(&record(other, AuditEvent::Requested, 2)).unwrap();
        first.rotate().unwrap();
        second.append(&record(mine, AuditEvent::Decided, 3)).unwrap();
        first.append(&record(mine, AuditEvent::Claimed, 4)).unwrap();
        // The note names the call, but the record is about another one.
        let mut note = record(other, AuditEvent::Cancelled, 5);
        note.note = Some(format!("instead of {mine}"));
        first.append(&note).unwrap();

        let all = JsonlFiles::in_folder(folder.path()).read_call(mine).unwrap();
        let expected = [AuditEvent::Requested, AuditEvent::Decided, AuditEvent::Claimed];
        assert_eq!((events(&all).as_slice(), all.cut), (&expected[..], false));
        assert_eq!(all.records.iter().map(|kept| kept.seq).collect::<Vec<_>>(), [1, 1, 3]);
        assert_ne!(all.records[0].stream, all.records[1].stream);
        let own = first.read_call(mine).unwrap();
        assert_eq!(events(&own), [AuditEvent::Requested, AuditEvent::Claimed]);
        let file = folder.path().join("none.jsonl");
        assert!(JsonlFiles::new([file]).read_call(mine).is_err());
    }

    #[test]
    fn invariant_13_no_more_than_so_much_is_read_and_it_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = JsonlAudit::open(&path).unwrap();
        let call = RequestId::new();
        audit.append(&record(call, AuditEvent::Requested, 1)).unwrap();
        audit.rotate().unwrap();
        audit.append(&record(call, AuditEvent::Decided, 2)).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        let cut = read(std::slice::from_ref(&path), call, size).unwrap();
        assert_eq!((events(&cut), cut.cut), (vec![AuditEvent::Decided], true));
    }

    #[test]
    fn memory_is_read_in_order() {
        let (audit, call) = (MemoryAudit::new(), RequestId::new());
        audit.append(&record(RequestId::new(), AuditEvent::Requested, 1)).unwrap();
        audit.append(&record(call, AuditEvent::Requested, 2)).unwrap();
        audit.append(&record(call, AuditEvent::Decided, 2)).unwrap();
        let found = audit.read_call(call).unwrap();
        assert_eq!(events(&found), [AuditEvent::Requested, AuditEvent::Decided]);
        assert_eq!((found.records[0].seq, found.cut), (2, false));
    }
}
