//! Slices of the history.

use crate::machine::HistoryEntry;

/// A slice of the history of all calls.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct History {
    /// Entries with their sequence numbers, in order and without a gap: a slice ends where entries
    /// are missing, and the next one begins with a gap.
    pub entries: Vec<(u64, HistoryEntry)>,
    /// True if entries between the one asked for and the first one here are no longer kept.
    pub gap: bool,
}

impl History {
    /// Returns a slice of history.
    pub fn new(entries: Vec<(u64, HistoryEntry)>, gap: bool) -> Self {
        Self { entries, gap }
    }

    /// Returns the slice at the beginning of `kept`, the entries after `after`, up to the first
    /// missing one. `last` is the sequence number of the last entry ever written.
    pub fn stretch(
        after: u64,
        last: u64,
        kept: impl IntoIterator<Item = (u64, HistoryEntry)>,
    ) -> Self {
        let mut entries: Vec<(u64, HistoryEntry)> = Vec::new();
        for (seq, entry) in kept {
            if entries.last().is_some_and(|(before, _)| before + 1 != seq) {
                break;
            }
            entries.push((seq, entry));
        }
        let next = entries.first().map_or(last.saturating_add(1), |(seq, _)| *seq);
        // A position beyond the end belongs to another history, from before a restore: nothing
        // follows from it.
        Self { entries, gap: after > last || after.saturating_add(1) < next }
    }
}
