//! Compares the contents that arguments name with those that were shown. Pure.

use std::collections::BTreeMap;

use super::referent::{ReferentState, Referents};
use crate::approval::{ContentState, ToolChange, ToolDifference, argument};
use crate::call::ReferentDigest;
use crate::machine::CallRecord;
use crate::seal::KeyRing;

/// The most contents that a change names one by one.
const MAX_NAMED: usize = 4;

/// The result of a comparison.
pub(in crate::gate) enum ContentComparison {
    /// All contents are those that were shown.
    Same(Referents),
    /// Some contents differ, and the call is asked about again.
    Changed(Box<ChangedContents>),
    /// A content cannot be read now, but could be when the call was asked about.
    Unknown,
}

/// Contents that differ from those that were shown.
pub(in crate::gate) struct ChangedContents {
    pub(in crate::gate) change: ToolChange,
    pub(in crate::gate) found: Referents,
}

/// Compares contents that were just read with those that the request shows.
pub(super) fn compare_contents(
    record: &CallRecord,
    found: Referents,
    ring: &KeyRing,
) -> ContentComparison {
    let shown = &record.request.contents;
    // They were bound under the key of that time, which may have been replaced since.
    let same = |digests: &[(&str, ReferentDigest)]| {
        let pairs = shown.iter().zip(digests);
        pairs.filter(|(shown, (at, digest))| shown.at == *at && shown.digest == *digest).count()
    };
    let all = ring.digests().map(|key| found.digests(key, record.id()));
    let Some(digests) = all.max_by_key(|digests| same(digests)) else {
        return ContentComparison::Unknown;
    };
    if shown.len() == digests.len() && same(&digests) == shown.len() {
        return ContentComparison::Same(found);
    }
    let before: BTreeMap<_, _> = shown.iter().map(|shown| (shown.at.as_str(), shown)).collect();
    let mut names = Vec::new();
    let mut passing = false;
    for (referent, (at, digest)) in found.iter().zip(&digests) {
        let before = before.get(at);
        if before.is_some_and(|before| before.digest == *digest) {
            continue;
        }
        names.push(argument(at));
        let unread_now =
            matches!(&referent.state, ReferentState::Unread { why, .. } if why.is_passing());
        let was_read =
            before.is_some_and(|before| !matches!(before.found, ContentState::Unread { .. }));
        passing |= unread_now && was_read;
    }
    if passing {
        return ContentComparison::Unknown;
    }
    let now: Vec<&str> = digests.iter().map(|(at, _)| *at).collect();
    let gone = shown.iter().filter(|shown| !now.contains(&shown.at.as_str()));
    names.extend(gone.map(|shown| argument(&shown.at)));
    names.truncate(MAX_NAMED);
    let content = |argument| ToolDifference::Content { argument };
    let change = ToolChange {
        tool: record.request.tool.clone(),
        differences: names.into_iter().map(content).collect(),
    };
    ContentComparison::Changed(Box::new(ChangedContents { change, found }))
}
