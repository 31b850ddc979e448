//! Compares the contents that arguments name, and the preview of a call, with those that were
//! shown. Pure.

use std::collections::BTreeMap;

use super::referent::{ReferentState, Referents};
use super::rendered::RenderedPreview;
use crate::approval::{
    ApprovalRequest, ContentState, PreviewState, ToolChange, ToolDifference, argument,
};
use crate::call::ReferentDigest;
use crate::machine::CallRecord;
use crate::seal::KeyRing;

/// The most contents that a change names one by one.
const MAX_NAMED: usize = 4;

/// The result of a comparison.
pub(in crate::gate) enum ContentComparison {
    /// All contents, and the preview, are those that were shown.
    Same(Referents),
    /// Some contents or the preview differ, and the call is asked about again.
    Changed(Box<ChangedContents>),
    /// A content cannot be read now, or the preview cannot be rendered, but could be when the call
    /// was asked about.
    Unknown,
}

/// Contents, or a preview, that differ from those that were shown.
pub(in crate::gate) struct ChangedContents {
    pub(in crate::gate) change: ToolChange,
    pub(in crate::gate) found: Referents,
}

/// Compares what was just read and rendered with what the request shows.
pub(super) fn compare_contents(
    record: &CallRecord,
    found: Referents,
    ring: &KeyRing,
) -> ContentComparison {
    let Some(mut differences) = content_differences(record, &found, ring) else {
        return ContentComparison::Unknown;
    };
    match compare_preview(&record.request, found.preview(), ring) {
        PreviewComparison::Same => {}
        PreviewComparison::Changed => differences.push(ToolDifference::Preview),
        PreviewComparison::Unknown => return ContentComparison::Unknown,
    }
    if differences.is_empty() {
        return ContentComparison::Same(found);
    }
    let change = ToolChange { tool: record.request.tool.clone(), differences };
    ContentComparison::Changed(Box::new(ChangedContents { change, found }))
}

/// The result of comparing a preview.
enum PreviewComparison {
    Same,
    Changed,
    Unknown,
}

/// Compares a preview that was just rendered with the one that the request shows. A panic and a
/// late answer say nothing about the call, where it was rendered before; an error does.
fn compare_preview(
    request: &ApprovalRequest,
    found: Option<&RenderedPreview>,
    ring: &KeyRing,
) -> PreviewComparison {
    match (&request.preview, found) {
        (None, None) => PreviewComparison::Same,
        (Some(shown), Some(found)) if found.is_shown_by(shown, ring, request.id) => {
            PreviewComparison::Same
        }
        (Some(shown), Some(RenderedPreview::Failed { why, .. }))
            if why.is_passing() && matches!(shown.found, PreviewState::Rendered { .. }) =>
        {
            PreviewComparison::Unknown
        }
        _ => PreviewComparison::Changed,
    }
}

/// Returns the contents that differ. `None` if one cannot be read now that could be read before.
fn content_differences(
    record: &CallRecord,
    found: &Referents,
    ring: &KeyRing,
) -> Option<Vec<ToolDifference>> {
    let shown = &record.request.contents;
    // They were bound under the key of that time, which may have been replaced since.
    let same = |digests: &[(&str, ReferentDigest)]| {
        let pairs = shown.iter().zip(digests);
        pairs.filter(|(shown, (at, digest))| shown.at == *at && shown.digest == *digest).count()
    };
    let all = ring.digests().map(|key| found.digests(key, record.id()));
    let digests = all.max_by_key(|digests| same(digests))?;
    if shown.len() == digests.len() && same(&digests) == shown.len() {
        return Some(Vec::new());
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
        return None;
    }
    let now: Vec<&str> = digests.iter().map(|(at, _)| *at).collect();
    let gone = shown.iter().filter(|shown| !now.contains(&shown.at.as_str()));
    names.extend(gone.map(|shown| argument(&shown.at)));
    names.truncate(MAX_NAMED);
    let content = |argument| ToolDifference::Content { argument };
    Some(names.into_iter().map(content).collect())
}
