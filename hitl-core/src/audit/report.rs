//! What a verification found, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ChainHead;
use crate::ids::RequestId;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FindingKind {
    /// A line is no audit record.
    NotARecord,
    /// A record was changed: the one after it names another hash.
    Altered,
    /// Records are missing.
    Missing,
    /// A record stands where it does not belong: repeated, moved, or put in.
    OutOfPlace,
    /// A record of another chain.
    Stranger,
    /// The file ends within a line: its writer was interrupted, or somebody cut it.
    Torn,
    /// The log ends before a record that a checkpoint names: cut off, or an older copy put back.
    Truncated,
    /// The log has another record where a checkpoint, or a second copy, names one: it was written
    /// again from an earlier place.
    Forked,
    /// A checkpoint is not signed by a key that is trusted, or was changed.
    BadCheckpoint,
    /// A chain that a checkpoint or the store knows is not among those that were given.
    MissingWriter,
    /// A call ran, says the store, and the log has no intent of it.
    NoIntent,
    /// The log has a change of a call that the store does not have: an older store was put back.
    NotInStore,
    /// The content of a line is gone, and no record of an erasure lists that line: somebody else
    /// took it away.
    NotErased,
    /// The content of a line is gone, and nothing outside the log vouches for the record of its
    /// erasure: none of the checkpoints that were given covers that record. Give a later one.
    ErasureNotVouched,
    /// The log says that a call was erased, and the store has it: an older store was put back.
    /// Erase it again.
    StillInStore,
}

impl FindingKind {
    /// Its name, as on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotARecord => "notARecord",
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::OutOfPlace => "outOfPlace",
            Self::Stranger => "stranger",
            Self::Torn => "torn",
            Self::Truncated => "truncated",
            Self::Forked => "forked",
            Self::BadCheckpoint => "badCheckpoint",
            Self::MissingWriter => "missingWriter",
            Self::NoIntent => "noIntent",
            Self::NotInStore => "notInStore",
            Self::NotErased => "notErased",
            Self::ErasureNotVouched => "erasureNotVouched",
            Self::StillInStore => "stillInStore",
        }
    }
}

/// One thing that is not as it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// In which file, when in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// On which line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In which chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// What it means.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", hitl_base::display::visible(file))?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}: {}", self.kind.name(), self.message)
    }
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// How many records were looked at.
    pub records: u64,
    /// How every chain ends, sorted. Export them as a [`Checkpoint`](super::Checkpoint) when
    /// nothing was found.
    pub heads: Vec<ChainHead>,
    /// How many of the records are placeholders: their content was erased.
    #[serde(default)]
    pub erased: u64,
    /// The calls that these were about, sorted: at most a thousand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased_calls: Vec<RequestId>,
    /// What is not as it should be, in the order in which it was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether something of this kind was found.
    pub fn has(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }
}
