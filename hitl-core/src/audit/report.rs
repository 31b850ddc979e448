//! The findings of a verification, and their places.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ChainHead;
use crate::ids::RequestId;

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FindingKind {
    /// A line is not an audit record.
    NotARecord,
    /// A record was changed: the next one names another hash.
    Altered,
    /// Records are missing.
    Missing,
    /// A record is in the wrong place: repeated, moved, or inserted.
    OutOfPlace,
    /// A record belongs to another chain.
    Stranger,
    /// The file ends within a line: its writer was interrupted, or it was truncated.
    Torn,
    /// The log ends before a record that a checkpoint names: it was cut off, or an older copy was
    /// restored.
    Truncated,
    /// The log has a different record from the one that a checkpoint or a second copy names: it was
    /// written again from an earlier point.
    Forked,
    /// A checkpoint is not signed by a trusted key, or was changed.
    BadCheckpoint,
    /// A chain that a checkpoint or the store knows is not among those that were given.
    MissingWriter,
    /// According to the store a call ran, and the log has no intent of it.
    NoIntent,
    /// The log has a change of a call that the store does not have: an older store was restored.
    NotInStore,
    /// The content of a line is gone, and no record of an erasure lists that line: it was removed
    /// without permission.
    NotErased,
    /// The content of a line is gone, and nothing outside the log vouches for the record of its
    /// erasure: none of the checkpoints that were given covers that record. Give a later one.
    ErasureNotVouched,
    /// According to the log a call was erased, and the store has it: an older store was restored.
    /// Erase it again.
    StillInStore,
}

impl FindingKind {
    /// Returns its name, as on the wire.
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

/// A single finding, and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// The name of the file, if the finding is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The number of the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The name of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The explanation.
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

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// The number of records that were checked.
    pub records: u64,
    /// The heads of all chains, sorted. Export them as a [`Checkpoint`](super::Checkpoint) if
    /// nothing was found.
    pub heads: Vec<ChainHead>,
    /// The number of records that are placeholders: their content was erased.
    #[serde(default)]
    pub erased: u64,
    /// The calls that the placeholders were about, sorted: at most a thousand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased_calls: Vec<RequestId>,
    /// The findings, in the order in which they were found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Returns whether something of this kind was found.
    pub fn has(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }
}
