//! Edits at a gate that does not have the tool: checked against the schema that an executor has
//! recorded.
//!
//! A tool that is defined by its schema alone reads the arguments in the same way everywhere. A
//! typed tool reads them with its type, which may refuse what its schema accepts, or write it
//! otherwise: the executor reads them before it runs anything, and asks again if it finds another
//! text.

use hitl_base::json::parse_with_limits;

use crate::approval::{Patch, PreviewFailure, TitleWords};
use crate::arguments::{ArgumentError, DeclaredOrder, Snapshot, patched};
use crate::call::{Shown, ToolFacts, ToolKind, fingerprint};
use crate::dynamic::{Schema, places_of};
use crate::gate::contents::display::ShownRequest;
use crate::gate::contents::referent::Referents;
use crate::gate::contents::rendered::RenderedPreview;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::keys::vault::CallContent;
use crate::gate::review::revision::{ShownTool, show_revision};
use crate::gate::stored_text::UNLIMITED;
use crate::machine::{CallRecord, EditedRevision};

/// The revision of an edit, and its arguments.
pub(in crate::gate) struct SchemaRevision {
    pub(in crate::gate) revision: EditedRevision,
    pub(in crate::gate) snapshot: Snapshot,
}

/// Creates the next revision. Its score and its requirement stay as they are: the process that
/// claims it evaluates it with its tool and its policies, and may only raise them.
pub(in crate::gate) async fn revise_by_schema(
    core: &GateCore,
    record: &CallRecord,
    snapshot: &Snapshot,
    patch: &Patch,
) -> Result<SchemaRevision, GateError> {
    let request = &record.request;
    let known = core.calls.executors().await?;
    let facts = known.as_ref().and_then(|known| known.known(&request.tool, request.fingerprint));
    let Some(facts) = facts else { return Err(GateError::unknown_tool(&request.tool)) };
    let schema = reviewed_schema(facts).ok_or_else(|| {
        let why = format!(
            "the recorded schema of `{}` cannot be checked here: edit where the tool is registered",
            facts.name
        );
        GateError::new(GateErrorKind::UnknownTool, why)
    })?;
    let text = patched(snapshot, patch.as_str(), core.tools.limits())?;
    let tree = parse_with_limits(&text, UNLIMITED)
        .map_err(|error| schema.without_secrets(ArgumentError::from(error)))?;
    schema.check(&tree)?;
    let next = schema.snapshot(&tree)?;
    if !next.has_the_secrets_of(snapshot) {
        return Err(ArgumentError::other_secrets().into());
    }
    let order = DeclaredOrder::of_shown(&request.arguments);
    let by = ShownTool {
        title: TitleWords {
            tool: &facts.name,
            name: facts.title.as_deref(),
            template: facts.describe.as_deref(),
        },
        effect: facts.effect.as_deref(),
        order: &order,
    };
    let shown = show_revision(core, record, by, &next);
    // Only an executor reads the contents that the arguments name, and renders the preview: it
    // finds different ones when it claims the call, and asks again.
    let places = facts.contents.iter().flat_map(|path| places_of(&tree, path));
    let unread = Referents::unreadable_here(places.map(|(at, _)| at));
    let unrendered = facts.previews.then(|| RenderedPreview::failed(PreviewFailure::Elsewhere));
    let unread = unread.with_preview(unrendered);
    let (display, before) = (core.contents.display(), ShownRequest::stored(record));
    let contents = display.show(before, &next, &unread).await;
    let preview = display.show_preview(before, &next, &unread).await;
    let mut because = request.reasons.clone();
    let why = "edited by a program that does not have the tool: the program that runs it scores the new \
               arguments, and you are asked again if they need more";
    if !because.iter().any(|said| said == why) {
        because.push(why.to_owned());
    }
    let content = CallContent { tool: &facts.name, snapshot: &next, context: &record.context };
    let revision = EditedRevision {
        content: core.vault.recognize_digest(record.current_content(), content),
        arguments: shown.arguments,
        masks: shown.masks,
        more_masks: shown.more_masks,
        contents,
        preview,
        links: Vec::new(),
        title: shown.title,
        effect: shown.effect,
        assessment: request.assessment.clone(),
        requirement: request.requirement(),
        reasons: because,
        priority: request.priority,
        unread: true,
    };
    Ok(SchemaRevision { revision, snapshot: next })
}

/// Returns the schema of a tool, if it is the one that was reviewed.
fn reviewed_schema(facts: &ToolFacts) -> Option<Schema> {
    let shown = Shown {
        name: &facts.name,
        description: &facts.description,
        describe: facts.describe.as_deref(),
        title: facts.title.as_deref(),
        schema: &facts.schema,
    };
    let same = fingerprint(
        &shown,
        facts.sensitive.iter().map(String::as_str),
        &facts.contents,
        facts.previews,
    ) == facts.fingerprint;
    if !same {
        return None;
    }
    let schema = match facts.kind {
        ToolKind::Dynamic => Schema::read(&facts.schema, &facts.unchecked, &facts.sensitive),
        ToolKind::Typed => Schema::read_typed(&facts.schema, &facts.sensitive),
    };
    schema.ok()
}
