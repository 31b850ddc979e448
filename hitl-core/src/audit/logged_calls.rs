//! The calls of a log: the places of their intents, and the last change of each.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::ChainHead;
use crate::call::CallKey;
use crate::ids::RequestId;

/// The calls that a log mentions.
#[derive(Debug, Default)]
pub(super) struct LoggedCalls {
    pub(super) intents: HashMap<String, Vec<ChainHead>>,
    /// The change with the highest version, by call.
    pub(super) changes: BTreeMap<RequestId, LoggedChange>,
}

/// A change of a call, which the store must have.
#[derive(Debug)]
pub(super) struct LoggedChange {
    pub(super) key: CallKey,
    pub(super) version: u64,
    pub(super) event: String,
    pub(super) stream: String,
    pub(super) seq: u64,
}

#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    event: Record<'l>,
}

#[derive(Deserialize)]
struct Record<'l> {
    event: &'l str,
    call: Option<&'l str>,
    version: Option<u64>,
    key: Option<CallKey>,
}

impl LoggedCalls {
    /// Notes a line. Ignores lines that are about no call in the store.
    pub(super) fn add(&mut self, line: &[u8], at: &ChainHead) {
        let Ok(Line { event: record }) = serde_json::from_slice(line) else { return };
        let Some(call) = record.call else { return };
        if record.event == "claimed" {
            self.intents.entry(call.to_owned()).or_default().push(at.clone());
        }
        let (Ok(id), Some(key), Some(version)) = (call.parse(), record.key, record.version) else {
            return;
        };
        let change = LoggedChange {
            key,
            version,
            event: record.event.to_owned(),
            stream: at.stream.clone(),
            seq: at.seq,
        };
        match self.changes.entry(id) {
            Entry::Occupied(latest) if latest.get().version >= version => {}
            Entry::Occupied(mut latest) => {
                latest.insert(change);
            }
            Entry::Vacant(first) => {
                first.insert(change);
            }
        }
    }
}
