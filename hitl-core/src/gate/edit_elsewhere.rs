//! An edit at a gate that does not have the tool: checked by the schema that an executor has
//! recorded.
//!
//! Only tools that are known by their schema alone can be edited so: of a typed tool only its type
//! says how the arguments read, so its edit is refused here.

use hitl_base::json::{Limits, parse_with_limits};

use super::contents::Referents;
use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use crate::approval::Patch;
use crate::arguments::{ArgumentError, Snapshot, patched};
use crate::call::{Shown, ToolFacts, ToolKind, fingerprint};
use crate::dynamic::{Schema, places_of};
use crate::machine::{CallRecord, EditedRevision};

impl Inner {
    /// The next revision, and its arguments. Its score and what it needs stay as they are: whoever
    /// claims it assesses it with its tool and its policies, and may only raise.
    pub(super) async fn revise_elsewhere(
        &self,
        record: &CallRecord,
        snapshot: &Snapshot,
        patch: &Patch,
    ) -> Result<(EditedRevision, Snapshot), GateError> {
        let request = &record.request;
        let known = self.executors().await?;
        let facts =
            known.as_ref().and_then(|known| known.known(&request.tool, request.fingerprint));
        let Some(facts) = facts else { return Err(GateError::unknown_tool(&request.tool)) };
        let schema = schema_of(facts).ok_or_else(|| {
            let why = format!(
                "only a program that has the tool `{}` can check its arguments: edit where it is registered",
                facts.name
            );
            GateError::new(GateErrorKind::UnknownTool, why)
        })?;
        let text = patched(snapshot, patch.as_str(), self.limits)?;
        let unlimited = Limits { depth: usize::MAX, bytes: usize::MAX };
        let tree = parse_with_limits(&text, unlimited)
            .map_err(|error| schema.without_secrets(ArgumentError::from(error)))?;
        schema.check(&tree)?;
        let next = schema.snapshot(&tree)?;
        if !next.has_the_secrets_of(snapshot) {
            return Err(ArgumentError::other_secrets().into());
        }
        let shown = self.shown_again(record, (&facts.name, facts.describe.as_deref()), &next);
        // Only an executor reads what the arguments name: it finds something else than this when it
        // claims the call, and asks again.
        let places = facts.contents.iter().flat_map(|path| places_of(&tree, path));
        let unread = Referents::elsewhere(places.map(|(at, _)| at));
        let contents = self.show_contents((record.id(), &request.contents), &next, &unread).await;
        let mut because = request.reasons.clone();
        let why = "edited where its tool is not: whoever runs it assesses it again";
        if !because.iter().any(|said| said == why) {
            because.push(why.to_owned());
        }
        let revised = EditedRevision {
            content: self
                .content_as(record.current_content(), (&facts.name, &next, &record.context)),
            arguments: shown.arguments,
            masks: shown.masks,
            more_masks: shown.more_masks,
            contents,
            links: Vec::new(),
            title: shown.title,
            assessment: request.assessment.clone(),
            requirement: request.requirement(),
            reasons: because,
            priority: request.priority,
        };
        Ok((revised, next))
    }
}

/// The schema of a tool that is known by it alone, if it is the one that was reviewed.
fn schema_of(facts: &ToolFacts) -> Option<Schema> {
    let shown = Shown {
        name: &facts.name,
        description: &facts.description,
        describe: facts.describe.as_deref(),
        schema: &facts.schema,
    };
    let same = fingerprint(&shown, facts.sensitive.iter().map(String::as_str), &facts.contents)
        == facts.fingerprint;
    if facts.kind != ToolKind::Dynamic || !same {
        return None;
    }
    Schema::read(&facts.schema, &facts.unchecked, &facts.sensitive).ok()
}
