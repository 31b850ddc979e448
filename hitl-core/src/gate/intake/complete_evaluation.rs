//! Completes the evaluation of a new call with the steps that must be awaited or that block:
//! scorers, the file system, the host's readers and previews, the directory.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::gate::contents::display::ShownRequest;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::policy::Verdict;

/// Completes the evaluation of a new call with the steps that must be awaited: scorers, links, the
/// contents that it names, its preview, and the directory.
pub(in crate::gate) async fn complete_evaluation(
    core: &GateCore,
    prepared: &mut PreparedCall,
) -> Result<(), GateError> {
    core.evaluator.score(prepared).await?;
    check_links(core, prepared).await?;
    if prepared.tool.looks_ahead() {
        read_named_contents(core, prepared).boxed().await?;
    }
    name_requester(core, prepared);
    Ok(())
}

/// Resolves the paths of a new call, and routes it again if one is a link to a file of this gate.
///
/// Cancel safe: it only reads.
async fn check_links(core: &GateCore, prepared: &mut PreparedCall) -> Result<(), GateError> {
    let denied = matches!(prepared.routed.verdict, Verdict::Deny(_));
    let files = core.contents.files();
    if denied || files.is_surely_unnamed(prepared.snapshot.text()) {
        return Ok(());
    }
    let read_only = prepared.tool.config().hints.read_only;
    // Boxed, so that the futures of other calls stay small.
    let found = Box::pin(files.linked_file_factor(&prepared.snapshot, read_only)).await?;
    let Some(found) = found else { return Ok(()) };
    let mut opinions = prepared.record.request.assessment.opinions();
    opinions.push(found);
    core.evaluator.evaluate_again(prepared, &opinions)
}

/// Reads the contents that a new call names and renders its preview, shows them on the request, and
/// routes the call again if a reviewer cannot see all of them.
///
/// Cancel safe: it only reads.
async fn read_named_contents(
    core: &GateCore,
    prepared: &mut PreparedCall,
) -> Result<(), GateError> {
    if matches!(prepared.routed.verdict, Verdict::Deny(_)) {
        return Ok(());
    }
    let referents =
        core.contents.read(&prepared.tool, &prepared.snapshot, &prepared.record).await?;
    if !prepared.is_as_approved(&referents, core.vault.ring()) {
        prepared.approval = None;
    }
    if referents.is_empty() {
        return Ok(());
    }
    let (display, request) = (core.contents.display(), ShownRequest::new(prepared.record.id()));
    let contents = display.show(request, &prepared.snapshot, &referents).await;
    let preview = display.show_preview(request, &prepared.snapshot, &referents).await;
    let found = [display.factor(&contents), display.preview_factor(preview.as_ref())];
    if found.iter().any(Option::is_some) {
        let mut opinions = prepared.record.request.assessment.opinions();
        opinions.extend(found.into_iter().flatten());
        core.evaluator.evaluate_again(prepared, &opinions)?;
    }
    let content = prepared.record.content;
    let request = Arc::make_mut(&mut prepared.record.request);
    request.contents = contents;
    request.preview = preview;
    request.bind(content);
    prepared.referents = referents;
    Ok(())
}

/// Adds to a request, about which somebody is asked, the links that its arguments name.
pub(in crate::gate) async fn note_links(core: &GateCore, prepared: &mut PreparedCall) {
    let links = core.contents.files().links_in(&prepared.record.request.arguments).await;
    let links = core.contents.display().show_links(links, &prepared.snapshot);
    if !links.is_empty() {
        Arc::make_mut(&mut prepared.record.request).links = links;
    }
}

/// Asks the directory who the requester is, if somebody may be compared with them: if the call is
/// asked about, or may be before it is claimed. If the directory cannot answer, the call is denied.
fn name_requester(core: &GateCore, prepared: &mut PreparedCall) {
    if !prepared.is_claimed_later() && !prepared.is_asked_about() {
        return;
    }
    match core.identities.canonical(&prepared.record.context.principal) {
        Ok(canonical) => prepared.record.canonical = canonical,
        Err(unknown) => prepared.deny(unknown.to_string()),
    }
}
