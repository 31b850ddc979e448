//! Whether what the arguments name is still what was shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Referents;
use super::referent::What;
use crate::approval::{ContentState, ToolChange, ToolDifference, argument};
use crate::arguments::Snapshot;
use crate::call::ReferentDigest;
use crate::gate::error::GateError;
use crate::gate::handle::Inner;
use crate::gate::prepare::Prepared;
use crate::gate::registry::Registered;
use crate::gate::tool_check::Changed;
use crate::machine::CallRecord;
use crate::seal::KeyRing;

/// The most contents that a change names one by one.
const MAX_NAMED: usize = 4;

/// What came of a comparison.
pub(in crate::gate) enum Compared {
    /// All of it is as it was shown.
    Same(Referents),
    /// Something is not, and the call is asked about again.
    Changed(Box<Changed>),
    /// It could not be read now, and could when the call was asked about.
    Unknown,
}

impl Inner {
    /// Reads what the arguments of a call name and compares it with what was shown.
    ///
    /// Cancel safe: it only looks.
    pub(in crate::gate) async fn compare_contents(
        &self,
        record: &CallRecord,
        tool: &Arc<Registered>,
        snapshot: &Snapshot,
    ) -> Result<Compared, GateError> {
        let shown = &record.request.contents;
        if shown.is_empty() && !tool.reads_contents() {
            return Ok(Compared::Same(Referents::default()));
        }
        let found = self.read_contents(tool, snapshot).await?;
        // They were bound under the key of then, which may have been replaced since.
        let same = |digests: &[(&str, ReferentDigest)]| {
            let pairs = shown.iter().zip(digests);
            pairs.filter(|(shown, (at, digest))| shown.at == *at && shown.digest == *digest).count()
        };
        let all = self.keys.digests().map(|key| found.digests(key, record.id()));
        let Some(digests) = all.max_by_key(|digests| same(digests)) else {
            return Ok(Compared::Unknown);
        };
        if shown.len() == digests.len() && same(&digests) == shown.len() {
            return Ok(Compared::Same(found));
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
            let unread_now = matches!(&referent.what, What::Unread { why, .. } if why.is_passing());
            let was_read =
                before.is_some_and(|before| !matches!(before.found, ContentState::Unread { .. }));
            passing |= unread_now && was_read;
        }
        if passing {
            return Ok(Compared::Unknown);
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
        Ok(Compared::Changed(Box::new(Changed::contents(tool, change, found))))
    }
}

impl Prepared {
    /// Whether what the arguments name is what stood behind the approval of an earlier try.
    pub(super) fn approved_the_same(&self, found: &Referents, keys: &KeyRing) -> bool {
        let Some(approval) = &self.approval else { return true };
        let (request, shown) = (approval.failed, &approval.contents);
        let shown = || shown.iter().map(|content| (content.at.as_str(), content.digest));
        keys.digests().any(|key| shown().eq(found.digests(key, request)))
    }
}
