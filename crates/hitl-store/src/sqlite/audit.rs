//! The audit in an SQLite file: the same lines, one row each.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use hitl_base::id::Uuid;
use hitl_base::sync::lock;
use hitl_core::RequestId;
use hitl_core::audit::{
    AuditError, AuditReader, AuditRecord, AuditSink, CallAudit, ChainHead, ChainWriter, Durability,
    ErasableLog, Replace, StoredRecord,
};
use rusqlite::{Connection, OptionalExtension as _, params};

/// "hita" in the file's header marks an audit of hitl.
const APPLICATION_ID: i32 = 0x6869_7461;

/// The file's `user_version` once everything deleted in it was overwritten.
const OVERWRITTEN: i32 = 1;

/// The number of records that are searched for one call, and the number that are read at once.
const LOOKED_AT: u64 = 100_000;
const STRETCH: u64 = 2_000;

/// An audit that keeps each record as a row of an SQLite file of its own: the same line that
/// [`JsonlAudit`](hitl_core::JsonlAudit) would write, chained in the same way.
///
/// The file has one writer, which holds it locked. [`export`](Self::export) writes the lines out,
/// for a [`Verifier`](hitl_core::audit::Verifier) or any other tool.
pub struct SqliteAudit {
    path: PathBuf,
    durability: Durability,
    writer: Mutex<Writer>,
}

struct Writer {
    connection: Connection,
    chain: ChainWriter,
    /// The current setting: true if a commit waits for the disk. `None` if not set yet.
    syncs: Option<bool>,
}

impl SqliteAudit {
    /// Opens or creates the file, and continues its chain.
    ///
    /// # Errors
    ///
    /// Fails if another process holds the file, if it cannot be written to, or if it is a database
    /// of another program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditError> {
        let path = path.as_ref().to_path_buf();
        let failed = |error| failed("open", &path, error);
        let connection = Connection::open(&path).map_err(failed)?;
        let chain = prepare(&connection).map_err(failed)?.ok_or_else(|| {
            AuditError::new(format!(
                "{} is a database of another program; choose another path",
                path.display()
            ))
        })?;
        let writer = Writer { connection, chain, syncs: None };
        Ok(Self { path, durability: Durability::default(), writer: Mutex::new(writer) })
    }

    /// Sets the meaning of `Ok` for a record.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Writes every line, with its line break, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or `to` cannot be written.
    pub fn export(&self, mut to: impl Write) -> Result<(), AuditError> {
        let writer = self.writer();
        let sql = "SELECT line FROM audit ORDER BY seq";
        let mut lines = writer.connection.prepare(sql).map_err(|e| self.failed("read", e))?;
        let mut rows = lines.query([]).map_err(|e| self.failed("read", e))?;
        while let Some(row) = rows.next().map_err(|e| self.failed("read", e))? {
            let line: Vec<u8> = row.get(0).map_err(|e| self.failed("read", e))?;
            to.write_all(&line)
                .and_then(|()| to.write_all(b"\n"))
                .map_err(|e| AuditError::new("the audit could not be exported").with_source(e))?;
        }
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A line that was made and not stored is made again.
        lock(&self.writer)
    }

    fn failed(&self, what: &str, error: rusqlite::Error) -> AuditError {
        failed(what, &self.path, error)
    }
}

fn failed(what: &str, path: &Path, error: rusqlite::Error) -> AuditError {
    let why = format!("cannot {what} the audit file {}", path.display());
    AuditError::new(why).with_source(io::Error::other(error))
}

/// Locks the file for this process alone, and finds where its chain continues. `None` if the file
/// is not ours.
fn prepare(connection: &Connection) -> rusqlite::Result<Option<ChainWriter>> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.busy_timeout(std::time::Duration::ZERO)?;
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && (id, tables) != (0, 0) {
        return Ok(None);
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    // Nothing of an erased line remains in the pages that it was on.
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    if tables == 0 {
        connection.pragma_update(None, "user_version", OVERWRITTEN)?;
    }
    // The lock taken for this write is kept.
    connection.execute_batch(
        "BEGIN EXCLUSIVE; \
         CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT; \
         COMMIT",
    )?;
    let sql = "SELECT line FROM audit ORDER BY seq DESC LIMIT 1";
    let last: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let head = match last {
        None => Some(ChainHead::genesis(Uuid::new_v4().to_string())),
        Some(line) => ChainHead::from_line(&line),
    };
    Ok(head.map(ChainWriter::after))
}

impl AuditReader for SqliteAudit {
    /// Searches the latest hundred thousand records. The file has one connection, so the search
    /// releases it after each part: an append waits for one part to be read, and not for all.
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        let end = self.writer().chain.head().seq;
        let begin = end.saturating_sub(LOOKED_AT);
        let (mut found, mut after) = (Vec::new(), begin);
        while after < end {
            let stretch = self.stretch(call, after).map_err(|e| self.failed("read", e))?;
            found.extend(stretch);
            after += STRETCH;
        }
        Ok(CallAudit::new(found, begin > 0))
    }
}

impl SqliteAudit {
    /// Returns a call's records in one part of the file.
    fn stretch(&self, call: RequestId, after: u64) -> rusqlite::Result<Vec<StoredRecord>> {
        let writer = self.writer();
        let sql = "SELECT line FROM audit WHERE seq > ?1 AND seq <= ?1 + ?2 \
                   AND instr(line, CAST(?3 AS BLOB)) > 0 ORDER BY seq";
        let mut lines = writer.connection.prepare_cached(sql)?;
        let (after, length) = (after.cast_signed(), STRETCH.cast_signed());
        let rows = lines.query_map(params![after, length, call.to_string()], |row| row.get(0))?;
        let kept =
            rows.map(|line: rusqlite::Result<Vec<u8>>| Ok(StoredRecord::from_line(&line?, call)));
        kept.filter_map(Result::transpose).collect()
    }
}

impl SqliteAudit {
    /// Returns the lines after one, with their numbers; at most [`STRETCH`] of them.
    fn lines(on: &Connection, after: i64) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
        let sql = "SELECT seq, line FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut lines = on.prepare_cached(sql)?;
        let rows = lines.query_map(params![after, STRETCH.cast_signed()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    }

    fn replace(writer: &mut Writer, replace: &mut Replace<'_>) -> rusqlite::Result<u64> {
        let Writer { connection, syncs, .. } = writer;
        // A replacement is on the disk before it counts.
        connection.pragma_update(None, "synchronous", "FULL")?;
        *syncs = Some(true);
        let within = connection.transaction()?;
        let (mut replaced, mut after) = (0, 0);
        loop {
            let lines = Self::lines(&within, after)?;
            let Some((last, _)) = lines.last() else { break };
            after = *last;
            for (seq, line) in lines {
                if let Some(with) = replace(&line) {
                    within
                        .prepare_cached("UPDATE audit SET line = ?2 WHERE seq = ?1")?
                        .execute(params![seq, with])?;
                    replaced += 1;
                }
            }
        }
        within.commit()?;
        let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if replaced > 0 && version != OVERWRITTEN {
            // An older version may have left pieces of lines where pages were split.
            connection.execute_batch("VACUUM")?;
            connection.pragma_update(None, "user_version", OVERWRITTEN)?;
        }
        Self::empty_the_log(connection)?;
        Ok(replaced)
    }

    /// Copies the content of the write-ahead log into the file, synced, and empties the log.
    fn empty_the_log(on: &Connection) -> rusqlite::Result<()> {
        on.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            // The file has one connection, so no other one can be reading it.
            if row.get::<_, i64>(0)? == 0 { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) }
        })
    }
}

impl ErasableLog for SqliteAudit {
    fn visit(&self, look: &mut dyn FnMut(&[u8])) -> Result<(), AuditError> {
        let mut after = 0;
        loop {
            // Part by part: an append waits for one part only.
            let lines = Self::lines(&self.writer().connection, after);
            let lines = lines.map_err(|e| self.failed("read", e))?;
            let Some((last, _)) = lines.last() else { return Ok(()) };
            after = *last;
            for (_, line) in &lines {
                look(line);
            }
        }
    }

    fn sync(&self) -> Result<(), AuditError> {
        Self::empty_the_log(&self.writer().connection).map_err(|e| self.failed("sync", e))
    }

    fn rewrite(&self, replace: &mut Replace<'_>) -> Result<u64, AuditError> {
        Self::replace(&mut self.writer(), replace).map_err(|e| self.failed("erase in", e))
    }
}

impl AuditSink for SqliteAudit {
    fn files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.keep(record).map(drop)
    }

    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        let mut guard = self.writer();
        let Writer { connection, chain, syncs } = &mut *guard;
        let wanted = self.durability.syncs(record);
        if *syncs != Some(wanted) {
            let level = if wanted { "FULL" } else { "NORMAL" };
            connection
                .pragma_update(None, "synchronous", level)
                .map_err(|e| self.failed("write to", e))?;
            *syncs = Some(wanted);
        }
        let seq = chain.head().seq + 1;
        let line = chain.next(record)?;
        connection
            .prepare_cached("INSERT INTO audit (seq, line) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![seq.cast_signed(), line]))
            .map_err(|e| self.failed("write to", e))?;
        chain.keep();
        Ok(Some(chain.head().clone()))
    }

    fn heads(&self) -> Vec<ChainHead> {
        vec![self.writer().chain.head().clone()]
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        vec![self]
    }

    fn unerasable(&self) -> Vec<String> {
        Vec::new()
    }
}

impl fmt::Debug for SqliteAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteAudit").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hitl_base::Timestamp;
    use hitl_core::audit::{AuditEvent, Checkpoint, Verifier};

    use super::*;

    fn record(n: u64) -> AuditRecord {
        AuditRecord::about(AuditEvent::PolicyLoaded, n.to_string(), Timestamp::EPOCH)
    }

    fn exported(audit: &SqliteAudit) -> Vec<u8> {
        let mut out = Vec::new();
        audit.export(&mut out).unwrap();
        out
    }

    #[test]
    fn the_chain_goes_on_and_its_lines_are_verified() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.db");
        for durability in [Durability::HandedOver, Durability::Synced] {
            let audit = SqliteAudit::open(&path).unwrap().durability(durability);
            assert!(SqliteAudit::open(&path).is_err(), "it has one writer");
            for n in 0..5 {
                audit.append(&record(n)).unwrap();
            }
        }
        let audit = SqliteAudit::open(&path).unwrap();
        let checkpoint = Checkpoint::new(Timestamp::EPOCH, audit.heads());
        let lines = exported(&audit);
        let report = Verifier::new().checkpoint(checkpoint).chain("audit.db", &lines[..]);
        let report = report.unwrap().finish();
        assert!(report.is_sound() && report.records == 10, "{:?}", report.findings);
        drop(audit);
        // A change in the file is detected.
        let file = Connection::open(&path).unwrap();
        file.execute("UPDATE audit SET line = CAST(replace(CAST(line AS TEXT), '\"3\"', '\"4\"') AS BLOB) WHERE seq = 4", [])
            .unwrap();
        drop(file);
        let lines = exported(&SqliteAudit::open(&path).unwrap());
        assert!(!Verifier::new().chain("audit.db", &lines[..]).unwrap().finish().is_sound());
    }

    #[test]
    fn a_calls_records_are_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        let audit = SqliteAudit::open(folder.path().join("audit.db")).unwrap();
        let (mine, other) = (RequestId::new(), RequestId::new());
        let of = |call, n| {
            let mut record = record(n);
            record.call = Some(call);
            record
        };
        audit.append(&of(mine, 1)).unwrap();
        for n in 2..STRETCH + 2 {
            audit.append(&of(other, n)).unwrap();
        }
        // This record names the call, but is about another one.
        let mut named = of(other, 0);
        named.note = Some(mine.to_string());
        audit.append(&named).unwrap();
        audit.append(&of(mine, 3)).unwrap();
        let found = audit.read_call(mine).unwrap();
        let numbers: Vec<u64> = found.records.iter().map(|kept| kept.seq).collect();
        assert_eq!((numbers, found.cut), (vec![1, STRETCH + 3], false));
        assert_eq!(found.records[0].record, of(mine, 1));
    }

    #[test]
    fn invariant_6_what_cannot_be_written_is_refused_and_the_chain_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.db");
        let audit = SqliteAudit::open(&path).unwrap();
        audit.append(&record(0)).unwrap();
        // As full as a disk can be: not one page more.
        {
            let writer = audit.writer();
            let pages: i64 =
                writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            writer
                .connection
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .unwrap();
        }
        let mut kept = 1;
        while audit.append(&record(kept)).is_ok() {
            kept += 1;
            assert!(kept < 10_000);
        }
        assert!(audit.append(&record(kept)).unwrap_err().to_string().contains("cannot write to"));
        let report = Verifier::new().chain("audit.db", &exported(&audit)[..]).unwrap().finish();
        assert!(report.is_sound() && report.records == kept);
    }

    /// Covers also a file of an older version, which has no mark that deleted data is overwritten.
    #[test]
    fn invariant_8_an_erased_line_leaves_its_place_and_no_words_in_the_file() {
        for is_older in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("audit.db");
            let audit = SqliteAudit::open(&path).unwrap();
            if is_older {
                audit.writer().connection.pragma_update(None, "user_version", 0).unwrap();
            }
            for n in 0..300 {
                let mut record = record(n);
                record.note = Some(format!(
                    "zqxMARKERqxz {n} {}",
                    "x".repeat(usize::try_from(n).unwrap() * 20)
                ));
                audit.append(&record).unwrap();
            }
            let placeholder = |bytes: &[u8]| {
                let line: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                let hash = ChainHead::from_line(bytes).unwrap().hash;
                let (prev, ts, stream) = (&line["prev"], &line["ts"], &line["stream"]);
                let (seq, event) = (&line["seq"], &line["event"]["event"]);
                format!(
                    "{{\"seq\":{seq},\"prev\":{prev},\"ts\":{ts},\"schema\":2,\"stream\":{stream},\
                     \"erased\":{{\"hash\":\"{hash}\",\"event\":{event}}}}}"
                )
                .into_bytes()
            };
            let mut seen = 0;
            ErasableLog::visit(&audit, &mut |_| seen += 1).unwrap();
            assert_eq!(seen, 300);
            assert_eq!(audit.rewrite(&mut |line| Some(placeholder(line))).unwrap(), 300);
            let heads = audit.heads();
            // The chain continues, now and after the file is reopened.
            audit.append(&record(300)).unwrap();
            assert_ne!(audit.heads(), heads);
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                assert!(!bytes.windows(12).any(|part| part == b"zqxMARKERqxz"));
            }
            drop(audit);
            let audit = SqliteAudit::open(&path).unwrap();
            audit.append(&record(301)).unwrap();
            let report = Verifier::new().chain("audit.db", &exported(&audit)[..]).unwrap().finish();
            assert_eq!((report.records, report.erased), (302, 300));
            // The erasures are not listed here, and that is the only finding.
            assert!(report.findings.iter().all(|found| found.kind.name() == "notErased"));
        }
    }

    /// Simulates a file on a disk that was remounted read-only, as SQLite reports it.
    #[test]
    fn invariant_6_a_read_only_file_refuses_and_goes_on_when_it_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let audit = SqliteAudit::open(folder.path().join("audit.db")).unwrap();
        let first = audit.keep(&record(0)).unwrap().unwrap();
        let query_only = |on: bool| {
            audit.writer().connection.pragma_update(None, "query_only", on).unwrap();
        };
        query_only(true);
        for n in 1..3 {
            let refused = audit.append(&record(n)).unwrap_err();
            assert!(refused.to_string().contains("cannot write to"), "{refused}");
            assert_eq!(audit.heads(), std::slice::from_ref(&first));
        }
        query_only(false);
        let second = audit.keep(&record(3)).unwrap().unwrap();
        assert_eq!((second.seq, audit.heads()), (2, vec![second.clone()]));
        let report = Verifier::new().chain("audit.db", &exported(&audit)[..]).unwrap().finish();
        assert!(report.is_sound() && report.records == 2, "{:?}", report.findings);
    }

    #[test]
    fn a_database_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
        assert!(SqliteAudit::open(&path).unwrap_err().to_string().contains("another program"));
    }
}
