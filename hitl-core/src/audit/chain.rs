//! The chain: each line names the hash of the line before it.
//!
//! A line is `{"seq":n,"prev":"<sha-256 of the line before, in hex>","ts":"..","schema":2,
//! "stream":"<writer>","event":{..}}`. The hash covers the exact bytes of the line without its
//! line break; the first line's `prev` is the hash of the stream's name. So any standard tool can
//! check a file:
//!
//! ```text
//! head -n 1 audit.jsonl | tr -d '\n' | sha256sum    # equals "prev" of line 2
//! ```

use std::fmt;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::placeholder::Placeholder;
use super::{AUDIT_SCHEMA, AuditError, AuditRecord};
use crate::hex::hex;

/// The parts of a line that link it to the chain.
#[derive(Deserialize)]
pub(super) struct Link<'l> {
    pub(super) seq: u64,
    #[serde(borrow)]
    pub(super) prev: &'l str,
    #[serde(borrow)]
    pub(super) stream: &'l str,
    /// Present if the line is a placeholder, or pretends to be one.
    #[serde(default)]
    pub(super) erased: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize)]
struct Out<'a> {
    seq: u64,
    prev: &'a str,
    ts: Timestamp,
    schema: u16,
    stream: &'a str,
    event: &'a AuditRecord,
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The last record of a chain, which the next one will name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChainHead {
    /// The unique name of the chain.
    pub stream: String,
    /// The number of the last record; 0 if there is none.
    pub seq: u64,
    /// The SHA-256 of the last record's bytes, in hexadecimal; that of the chain's name if there is
    /// no record.
    pub hash: String,
}

impl ChainHead {
    /// Creates the head of a chain without records.
    pub fn genesis(stream: impl Into<String>) -> Self {
        let stream = stream.into();
        Self { seq: 0, hash: hash(stream.as_bytes()), stream }
    }

    /// Returns the head after this line, given without its line break; `None` if it is not an audit
    /// record. If the content of the line was erased, the hash is that of the original line.
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let Link { seq, stream, erased, .. } = serde_json::from_slice(line).ok()?;
        let hash = match erased {
            Some(_) => Placeholder::read(line)?.hash().to_owned(),
            None => hash(line),
        };
        Some(Self { stream: stream.to_owned(), seq, hash })
    }
}

impl fmt::Debug for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} {}", self.stream, self.seq, self.hash)
    }
}

/// The writer of the lines of one chain: for the sinks here, and for your own.
///
/// A line counts only once it is kept: [`next`](Self::next) creates it, [`keep`](Self::keep)
/// confirms that it was written.
#[derive(Debug)]
pub struct ChainWriter {
    head: ChainHead,
    /// The line that was created last, with its line break.
    line: Vec<u8>,
    /// The hash of that line, until it is kept.
    made: Option<[u8; 32]>,
}

impl ChainWriter {
    /// Continues after this head.
    pub fn after(head: ChainHead) -> Self {
        Self { head, line: Vec::new(), made: None }
    }

    /// Returns the head of the kept lines.
    pub fn head(&self) -> &ChainHead {
        &self.head
    }

    /// Returns the next line, without its line break.
    pub fn next(&mut self, record: &AuditRecord) -> Result<&[u8], AuditError> {
        let line = self.next_line(record)?;
        Ok(&line[..line.len() - 1])
    }

    /// Returns the next line, with its line break.
    pub(super) fn next_line(&mut self, record: &AuditRecord) -> Result<&[u8], AuditError> {
        self.made = None;
        let out = Out {
            seq: self.head.seq + 1,
            prev: &self.head.hash,
            ts: record.at,
            schema: AUDIT_SCHEMA,
            stream: &self.head.stream,
            event: record,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &out)
            .map_err(|_| AuditError::new("a record cannot be written as JSON"))?;
        self.made = Some(Sha256::digest(&self.line).into());
        self.line.push(b'\n');
        Ok(&self.line)
    }

    /// Confirms that the line which [`next`](Self::next) created was written.
    pub fn keep(&mut self) {
        if let Some(hash) = self.made.take() {
            self.head.seq += 1;
            self.head.hash = hex(&hash);
        }
    }
}
