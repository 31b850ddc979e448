//! A verification's knowledge of erasures: the placeholders that it found, and the records that
//! allow them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::placeholder::{ErasedLine, Placeholder};
use super::{ChainHead, FindingKind};
use crate::call::CallKey;
use crate::ids::RequestId;

/// The erased lines, and the records that list them.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    /// Each placeholder: the line that it replaces, the call that it names, and its position.
    met: Vec<(ErasedLine, Option<RequestId>, (String, u64))>,
    /// The lines that records of erasures list, with the call and the place of each record.
    listed: HashMap<ErasedLine, Vec<(Option<RequestId>, ChainHead)>>,
    /// The calls that such records are about.
    said: BTreeMap<RequestId, (CallKey, ChainHead)>,
}

/// A finding: its kind, file, line, chain and message.
type Found = (FindingKind, String, u64, String, String);

#[derive(Deserialize)]
struct Line {
    event: Record,
}

#[derive(Deserialize)]
struct Record {
    call: Option<RequestId>,
    key: Option<CallKey>,
    #[serde(default)]
    erased: Vec<ErasedLine>,
}

/// The beginning that only the record of an erasure has, as it is written.
const BEGINNING: &[u8] = b"\"event\":{\"event\":\"erased\"";

impl Erasures {
    /// Notes a line that has its content.
    pub(super) fn add(&mut self, line: &[u8], at: &ChainHead) {
        // The event comes first, before anything that a call can influence.
        let is_one = line.windows(8).position(|part| part == b"\"event\":");
        if !is_one.is_some_and(|at| line[at..].starts_with(BEGINNING)) {
            return;
        }
        let Ok(Line { event }) = serde_json::from_slice::<Line>(line) else { return };
        for erased in event.erased {
            self.listed.entry(erased).or_default().push((event.call, at.clone()));
        }
        if let (Some(call), Some(key)) = (event.call, event.key) {
            self.said.entry(call).or_insert((key, at.clone()));
        }
    }

    /// Notes a placeholder.
    pub(super) fn stand_in(&mut self, placeholder: &Placeholder, met_at: (String, u64)) {
        self.met.push((placeholder.line(), placeholder.call(), met_at));
    }

    /// Returns the calls that the log reports as erased, with their keys and places.
    pub(super) fn said(&self) -> Vec<(RequestId, CallKey, ChainHead)> {
        let each = self.said.iter();
        each.map(|(id, (key, place))| (*id, key.clone(), place.clone())).collect()
    }

    /// Returns the errors in the placeholders. `covers` returns whether a checkpoint vouches for a
    /// record; the store cannot vouch, because it may have erased what the audit must keep.
    pub(super) fn findings(&self, covers: impl Fn(&ChainHead) -> bool) -> Vec<Found> {
        let mut found = Vec::new();
        for (line, call, (file, number)) in &self.met {
            let records = self.listed.get(line).into_iter().flatten();
            let allowing: Vec<&ChainHead> =
                records.filter(|(of, _)| of == call).map(|(_, place)| place).collect();
            let (kind, why) = if let Some(place) = allowing.first() {
                if allowing.iter().any(|place| covers(place)) {
                    continue;
                }
                let why = format!(
                    "the content of record {} is gone, as record {} of {} says, and no checkpoint covers that record: give a later one",
                    line.seq, place.seq, place.stream
                );
                (FindingKind::ErasureNotVouched, why)
            } else {
                let why = format!(
                    "the content of record {} is gone, and no record of an erasure lists it: somebody took it away",
                    line.seq
                );
                (FindingKind::NotErased, why)
            };
            found.push((kind, file.clone(), *number, line.stream.clone(), why));
        }
        found
    }

    /// Returns the number of placeholders.
    pub(super) fn lines(&self) -> u64 {
        self.met.len() as u64
    }

    /// Returns the calls that they were about, at most `most`.
    pub(super) fn calls(&self, most: usize) -> Vec<RequestId> {
        let calls: BTreeSet<RequestId> = self.met.iter().filter_map(|(_, call, _)| *call).collect();
        calls.into_iter().take(most).collect()
    }
}
