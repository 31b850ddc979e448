//! Evaluates the next revision of a call, after an edit or a change of its tool.

use std::sync::Arc;

use hitl_base::{Json, JsonText};

use crate::approval::{Content, Mask, RequestPreview, TitleWords, title};
use crate::arguments::{DeclaredOrder, Snapshot};
use crate::gate::contents::display::ShownRequest;
use crate::gate::contents::referent::Referents;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::evaluated_call::Evaluation;
use crate::gate::evaluation::evaluator::CallToEvaluate;
use crate::gate::evaluation::requirement::requirement;
use crate::gate::keys::vault::CallContent;
use crate::gate::masking::{mask_title, show_effect};
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::{CallRecord, EditedRevision};
use crate::policy::priority;
use crate::seal::Sealed;

/// The next revision of a call, evaluated.
pub(in crate::gate) struct EvaluatedRevision {
    pub(in crate::gate) tool: Arc<RegisteredTool>,
    pub(in crate::gate) snapshot: Snapshot,
    pub(in crate::gate) evaluation: Evaluation,
    /// The contents that its arguments name, and their form for a reviewer.
    pub(in crate::gate) referents: Referents,
    pub(in crate::gate) contents: Vec<Content>,
    /// The preview in its form for a reviewer.
    pub(in crate::gate) preview: Option<RequestPreview>,
}

/// The arguments of the next revision as a reviewer sees them.
pub(in crate::gate) struct RevisionDisplay {
    pub(in crate::gate) arguments: JsonText,
    pub(in crate::gate) masks: Vec<Mask>,
    pub(in crate::gate) more_masks: usize,
    pub(in crate::gate) title: String,
    pub(in crate::gate) effect: Option<String>,
}

/// Reads the contents that new arguments name and renders the preview, unless they were just
/// `found`, and scores and routes the call again.
pub(in crate::gate) async fn evaluate_revision(
    core: &GateCore,
    record: &CallRecord,
    tool: Arc<RegisteredTool>,
    snapshot: Snapshot,
    found: Option<Referents>,
) -> Result<EvaluatedRevision, GateError> {
    let referents = match found {
        Some(found) => found,
        None => core.contents.read(&tool, &snapshot, record).await?,
    };
    let display = core.contents.display();
    let shown = ShownRequest::stored(record);
    let contents = display.show(shown, &snapshot, &referents).await;
    let preview = display.show_preview(shown, &snapshot, &referents).await;
    // The opinions of scorers about the earlier revision still count: they may only lower.
    let mut opinions = record.request.assessment.opinions_without_contents();
    opinions.extend(display.factor(&contents));
    opinions.extend(display.preview_factor(preview.as_ref()));
    let evaluation = core.evaluator.evaluate(CallToEvaluate {
        tool: &tool,
        snapshot: &snapshot,
        context: &record.context,
        opinions: &opinions,
    })?;
    core.record_policies(&evaluation.routed.policies);
    Ok(EvaluatedRevision { tool, snapshot, evaluation, referents, contents, preview })
}

/// Converts an evaluated revision to the one that is stored.
pub(in crate::gate) async fn edited_revision(
    core: &GateCore,
    record: &CallRecord,
    revision: EvaluatedRevision,
) -> EditedRevision {
    let EvaluatedRevision { tool, snapshot, evaluation, contents, preview, .. } = revision;
    let Evaluation { assessment, routed } = evaluation;
    let requester = core.identities.requester_rule(&tool, &record.context);
    let config = tool.config();
    let by = ShownTool {
        title: tool.title_words(),
        effect: tool.terms().effect.as_deref(),
        order: tool.order(),
    };
    let shown = show_revision(core, record, by, &snapshot);
    let links = core.contents.files().links_in(&shown.arguments).await;
    let content = CallContent { tool: tool.name(), snapshot: &snapshot, context: &record.context };
    EditedRevision {
        content: core.vault.recognize_digest(record.current_content(), content),
        arguments: shown.arguments,
        masks: shown.masks,
        more_masks: shown.more_masks,
        contents,
        preview,
        links: core.contents.display().show_links(links, &snapshot),
        title: shown.title,
        effect: shown.effect,
        requirement: requirement(&tool, &routed, requester),
        reasons: routed.reasons,
        priority: priority(config.risk, assessment.confidence),
        assessment,
        unread: false,
    }
}

/// The parts of a tool that determine how its arguments are shown.
pub(in crate::gate) struct ShownTool<'t> {
    pub(in crate::gate) title: TitleWords<'t>,
    pub(in crate::gate) effect: Option<&'t str>,
    pub(in crate::gate) order: &'t DeclaredOrder,
}

/// Returns the arguments of a call's next revision as a reviewer sees them.
pub(in crate::gate) fn show_revision(
    core: &GateCore,
    record: &CallRecord,
    tool: ShownTool<'_>,
    next: &Snapshot,
) -> RevisionDisplay {
    let shown = next.shown_marked(&core.redactor).in_order(tool.order);
    let (masks, more_masks) = shown.masks(&core.redactor, record.id());
    let tree = shown.text.tree().unwrap_or(Json::Null);
    let title = title(tool.title, &tree);
    let secrets = next.own_taint();
    let title = mask_title(&core.redactor, &title, &secrets);
    let effect = tool.effect.map(|template| show_effect(&core.redactor, template, &tree, &secrets));
    RevisionDisplay { arguments: shown.text, masks, more_masks, title, effect }
}

/// Seals the arguments of a call's next revision, the contents that they name, and its preview.
pub(in crate::gate) fn seal_next(
    core: &GateCore,
    record: &CallRecord,
    next: &Snapshot,
    referents: &Referents,
) -> Result<Sealed, GateError> {
    let revision = record.request.revision.saturating_add(1);
    core.vault.seal_payload(record.id(), revision, next, referents)
}
