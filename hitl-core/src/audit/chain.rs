//! The chain: each line names the hash of the line before it.
//!
//! A line is `{"seq":n,"prev":"<sha-256 of the line before, in hex>","ts":"..","schema":1,
//! "stream":"<writer>","event":{..}}`. The hash covers the exact bytes of the line without its
//! line break; the first line's `prev` is the hash of the stream's name. So any standard tool can
//! check a file:
//!
//! ```text
//! head -n 1 audit.jsonl | tr -d '\n' | sha256sum    # equals "prev" of line 2
//! ```

use std::io::{self, BufRead};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// The parts of a line that link it.
#[derive(Deserialize)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) prev: String,
    pub(super) stream: String,
}

/// What a file was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Number of records.
    pub records: u64,
    /// The hash of the last line: write it down elsewhere, and a later truncation shows.
    pub head: String,
}

/// Where a chain is broken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A line is not a record.
    #[error("line {line} is not an audit record")]
    NotARecord {
        /// From 1.
        line: u64,
    },
    /// A line does not follow from the one before: something was changed, removed, added or moved.
    #[error(
        "line {line} does not follow from the line before it: something was changed there or just before"
    )]
    Broken {
        /// From 1.
        line: u64,
    },
    /// The file ends within a line.
    #[error("the last line, {line}, is torn: its writer was interrupted")]
    Torn {
        /// From 1.
        line: u64,
    },
    /// The file cannot be read.
    #[error("the audit cannot be read")]
    Io(#[from] io::Error),
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Checks a whole chain, line by line. What it cannot see: lines cut off at the end (compare
/// [`Verified::head`] with one that was kept elsewhere), and a file written anew from the first line.
pub fn verify(mut lines: impl BufRead) -> Result<Verified, ChainError> {
    let mut line = Vec::new();
    let mut verified = Verified { records: 0, head: String::new() };
    let mut stream: Option<String> = None;
    while lines.read_until(b'\n', &mut line)? > 0 {
        let number = verified.records + 1;
        if line.pop() != Some(b'\n') {
            return Err(ChainError::Torn { line: number });
        }
        let found: Link =
            serde_json::from_slice(&line).map_err(|_| ChainError::NotARecord { line: number })?;
        let stream = stream.get_or_insert_with(|| found.stream.clone());
        if number == 1 {
            verified.head = hash(stream.as_bytes());
        }
        if found.seq != number || found.prev != verified.head || found.stream != *stream {
            return Err(ChainError::Broken { line: number });
        }
        verified = Verified { records: number, head: hash(&line) };
        line.clear();
    }
    Ok(verified)
}
