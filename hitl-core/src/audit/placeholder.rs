//! The replacement of a line whose call was erased. Pure.
//!
//! A placeholder is `{"seq":n,"prev":"..","ts":"..","schema":2,"stream":"..","erased":{"hash":"<the
//! line's>","event":"decided","call":".."}}`. The line after it names the hash of the line that was
//! there, and so does the placeholder: the chain stays whole. It counts only where a record of a
//! chain ([`AuditEvent::Erased`](super::AuditEvent::Erased)) lists that very line.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::hash;
use super::{AuditEvent, AuditRecord};
use crate::ids::RequestId;

/// The most lines that one record of an erasure lists.
pub(crate) const LISTED: usize = 100;

/// A line that is erased or about to be erased: its place, and the part of it that remains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErasedLine {
    /// The name of its chain.
    pub stream: String,
    /// Its number in the chain.
    pub seq: u64,
    /// The SHA-256 of the line's bytes, in hexadecimal.
    pub hash: String,
    /// The name of the event that it recorded.
    pub event: String,
    /// The time of the event.
    pub at: Timestamp,
}

/// A line of a chain that has its content.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    prev: String,
    ts: Timestamp,
    schema: u16,
    stream: String,
    pub(crate) event: AuditRecord,
}

impl Line {
    /// Reads a line, without its line break; returns `None` if it has no content, or is not a line
    /// of a chain.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Returns the part of it that remains once it is erased.
    pub(crate) fn erased(&self, bytes: &[u8]) -> ErasedLine {
        let event = self.event.event.to_string();
        let (stream, seq, at) = (self.stream.clone(), self.seq, self.ts);
        ErasedLine { stream, seq, hash: hash(bytes), event, at }
    }

    /// Returns its chain and number.
    pub(crate) fn place(&self) -> (&str, u64) {
        (&self.stream, self.seq)
    }

    /// Returns whether the line is never erased, because it documents an erasure.
    pub(crate) fn is_about_erasure(&self) -> bool {
        matches!(
            self.event.event,
            AuditEvent::Erased
                | AuditEvent::ErasureOrdered
                | AuditEvent::HoldPlaced
                | AuditEvent::HoldReleased
        )
    }

    /// Returns the line that replaces it.
    pub(crate) fn placeholder(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let erased = self.erased(bytes);
        let mark = Mark { hash: erased.hash, event: erased.event, call: self.event.call };
        let Self { seq, prev, ts, schema, stream, .. } = self;
        let (prev, stream) = (prev.clone(), stream.clone());
        let placeholder =
            Placeholder { seq: *seq, prev, ts: *ts, schema: *schema, stream, erased: mark };
        serde_json::to_vec(&placeholder).ok()
    }
}

/// A line whose content was erased.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placeholder {
    pub(super) seq: u64,
    prev: String,
    ts: Timestamp,
    schema: u16,
    stream: String,
    erased: Mark,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    hash: String,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<RequestId>,
}

impl Placeholder {
    /// Reads a placeholder. Returns `None` unless these are exactly the bytes that an erasure
    /// writes, so that a placeholder has no room for anything else.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let placeholder: Self = serde_json::from_slice(line).ok()?;
        let hash = placeholder.erased.hash.as_bytes();
        let is_hash = hash.len() == 64
            && hash.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        let same = serde_json::to_vec(&placeholder).is_ok_and(|written| written == line);
        (is_hash && same).then_some(placeholder)
    }

    /// Returns the line that it replaces.
    pub(super) fn line(&self) -> ErasedLine {
        let Mark { hash, event, .. } = &self.erased;
        ErasedLine {
            stream: self.stream.clone(),
            seq: self.seq,
            hash: hash.clone(),
            event: event.clone(),
            at: self.ts,
        }
    }

    pub(super) fn hash(&self) -> &str {
        &self.erased.hash
    }

    pub(super) fn call(&self) -> Option<RequestId> {
        self.erased.call
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{ChainHead, ChainWriter};
    use super::*;

    fn line(record: &AuditRecord) -> Vec<u8> {
        ChainWriter::after(ChainHead::genesis("s")).next(record).unwrap().to_vec()
    }

    #[test]
    fn a_placeholder_has_the_place_and_hash_of_its_line_and_none_of_its_words() {
        let call = RequestId::new();
        let mut record = AuditRecord::about(AuditEvent::Decided, "private", Timestamp::EPOCH);
        record.call = Some(call);
        record.note = Some("private".to_owned());
        let bytes = line(&record);
        let read = Line::read(&bytes).unwrap();
        let placeholder = read.placeholder(&bytes).unwrap();
        assert!(!String::from_utf8(placeholder.clone()).unwrap().contains("private"));
        let kept = Placeholder::read(&placeholder).unwrap();
        assert_eq!((kept.line(), kept.call()), (read.erased(&bytes), Some(call)));
        assert_eq!(ChainHead::from_line(&placeholder), ChainHead::from_line(&bytes));
        assert!(Line::read(&placeholder).is_none() && Placeholder::read(&bytes).is_none());
    }

    #[test]
    fn invariant_6_a_placeholder_has_no_room_for_anything_else() {
        let bytes = line(&AuditRecord::about(AuditEvent::Decided, "x", Timestamp::EPOCH));
        let good = Line::read(&bytes).unwrap().placeholder(&bytes).unwrap();
        let good = String::from_utf8(good).unwrap();
        assert!(Placeholder::read(good.as_bytes()).is_some());
        for bad in [
            good.replacen('{', "{\"event\":{\"event\":\"decided\"},", 1),
            good.replace("\"seq\":", " \"seq\":"),
            good.replace("\"erased\":{", "\"erased\":{\"note\":\"x\","),
            good.replace("\"hash\":\"", "\"hash\":\"A"),
            format!("{good} "),
        ] {
            assert_ne!(bad, good);
            assert!(Placeholder::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
