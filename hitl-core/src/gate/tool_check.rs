//! Whether a call's tool is still the one that was shown, here and at others; and what follows when
//! it is not: the call is asked about again, or closed when that is certain, and whoever decides or
//! submits it again hears why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::json::Limits;
use hitl_base::{Json, JsonText};

use super::claim::REASON;
use super::contents::{Compared, Referents};
use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use super::prepare::{Prepared, payload_text, required};
use super::registry::Registered;
use crate::approval::{
    Decision, DecisionKind, Mask, ToolChange, ToolDifference, names_the_same, title,
};
use crate::arguments::{ArgumentError, Snapshot};
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{BINDING_VERSION, CallKey, Principal, ToolFacts};
use crate::confidence::Assessment;
use crate::machine::{CallRecord, CallState, EditedRevision, Event, Reask, Refusal};
use crate::policy::{ApprovalLevel, Requirement, Route, Verdict, priority};
use crate::seal::{Bound, Purpose};
use crate::store::{ApplyError, EventPayload, Executors, StoreError, StoreErrorKind};

/// How long an approved call is left to the executors that have its tool as it was shown. They
/// claim it in an instant; those that do not within this time do not run calls of others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(300);

/// Whether a call's tool is still the one that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolStatus {
    /// A living executor has it as it was shown.
    Current,
    /// Every living executor that has it has another than the one that was shown. An approval is
    /// refused, and the call is asked about again.
    Changed(ToolChange),
    /// There are executors, and none of them has it. An approval is refused.
    Gone(ToolChange),
    /// No executor is alive. An approval waits for one, which compares the tool then.
    NoExecutor,
    /// The store does not record who has which tool.
    Unknown,
}

impl ToolStatus {
    /// Returns what a reviewer should know of it before they decide. `None` if there is nothing to
    /// say.
    pub fn warning(&self) -> Option<String> {
        Some(match self {
            Self::Current => return None,
            Self::Changed(change) => format!("{change}; it is asked about again when you approve"),
            Self::Gone(change) => format!("{change}; it cannot be approved now"),
            Self::NoExecutor => {
                "no executor is alive; what you approve waits until one is".to_owned()
            }
            Self::Unknown => {
                "whether an executor has this tool is not known: the store does not record it"
                    .to_owned()
            }
        })
    }
}

impl fmt::Display for ToolStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.warning().as_deref().unwrap_or("the tool is as it was shown"))
    }
}

/// What is known of a call's tool, and what to do with the call.
pub(super) enum ToolCheck {
    /// This gate has the tool as it was shown.
    Same(Arc<Registered>),
    /// This gate does not, and a living executor does.
    Elsewhere,
    /// Nobody alive has it as it was shown. This is what there is.
    Changed(Box<Changed>),
    /// Executors are alive, and none has it. Who does may be about to start.
    Gone,
    /// An executor that had it was replaced by one that does not.
    Retired,
    /// No executor is alive.
    NoExecutor,
    /// Nobody records who has which tool.
    Unknown,
}

/// A tool that is another than the one that was shown.
pub(super) struct Changed {
    pub(super) change: ToolChange,
    now: ToolFacts,
    /// The tool, when this gate has it.
    own: Option<Arc<Registered>>,
    /// What the arguments name, if it was just read.
    found: Option<Referents>,
}

impl Changed {
    /// A tool that reads the arguments otherwise than they were written.
    pub(super) fn arguments(tool: &Arc<Registered>) -> Self {
        let differences = vec![ToolDifference::Arguments];
        let change = ToolChange { tool: tool.facts.name.clone(), differences };
        Self { change, now: tool.facts.clone(), own: Some(Arc::clone(tool)), found: None }
    }

    /// The same tool, of a call that names other contents than were shown.
    pub(super) fn contents(tool: &Arc<Registered>, change: ToolChange, found: Referents) -> Self {
        let (now, own) = (tool.facts.clone(), Some(Arc::clone(tool)));
        Self { change, now, own, found: Some(found) }
    }
}

impl Gate {
    /// Returns whether a call's tool is still the one that was shown: for cards, before anybody
    /// decides. [`decide`](Self::decide) looks by itself.
    pub async fn tool_status(&self, record: &CallRecord) -> Result<ToolStatus, GateError> {
        Ok(match self.inner.check_tool(record).await? {
            ToolCheck::Same(_) | ToolCheck::Elsewhere => ToolStatus::Current,
            ToolCheck::Changed(changed) => ToolStatus::Changed(changed.change),
            ToolCheck::Gone | ToolCheck::Retired => {
                ToolStatus::Gone(ToolChange::gone(&record.request.tool))
            }
            ToolCheck::NoExecutor => ToolStatus::NoExecutor,
            ToolCheck::Unknown => ToolStatus::Unknown,
        })
    }
}

/// What a reviewer is shown of arguments that are not those of before.
pub(super) struct ShownAgain {
    pub(super) arguments: JsonText,
    pub(super) masks: Vec<Mask>,
    pub(super) more_masks: usize,
    pub(super) title: String,
}

impl Inner {
    /// The tool of a call, when this gate has the very one that the call was asked about.
    pub(super) fn same_tool(&self, record: &CallRecord) -> Result<Arc<Registered>, GateError> {
        let tool = self.tool(&record.request.tool)?;
        match ToolChange::between(&record.request, None, &tool.facts) {
            None => Ok(tool),
            Some(change) => {
                let then = "nothing was done; the call is asked about again before it runs";
                Err(GateError::tool_changed(change, record.clone(), then))
            }
        }
    }

    /// Who has which tools. `None` if the store does not record it.
    pub(super) async fn executors(&self) -> Result<Option<Executors>, GateError> {
        match self.store.executors().await {
            Ok(executors) => Ok(Some(executors)),
            Err(error) if error.kind() == StoreErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares a call's tool with what there is now. Asks the store only when this gate does not
    /// have it as it was shown.
    pub(super) async fn check_tool(&self, record: &CallRecord) -> Result<ToolCheck, GateError> {
        let request = &record.request;
        let own = self.tools.get(request.tool.as_str());
        let is_bound = request.binding_version == BINDING_VERSION;
        if let Some(tool) = own.filter(|tool| is_bound && tool.facts.is_of(request)) {
            return Ok(ToolCheck::Same(Arc::clone(tool)));
        }
        let known = self.executors().await?;
        let executors = known.as_ref();
        if is_bound && executors.is_some_and(|executors| executors.can_run(request)) {
            return Ok(ToolCheck::Elsewhere);
        }
        let newest = || executors.and_then(|executors| executors.newest(&request.tool));
        if let Some(now) = own.map(|own| &own.facts).or_else(newest) {
            let then = executors.and_then(|known| known.known(&request.tool, request.fingerprint));
            let change = ToolChange::between(request, then, now);
            let change = change.unwrap_or_else(|| ToolChange::gone(&request.tool));
            let (now, own) = (now.clone(), own.cloned());
            let changed = Changed { change, now, own, found: None };
            return Ok(ToolCheck::Changed(Box::new(changed)));
        }
        Ok(match executors {
            None => ToolCheck::Unknown,
            Some(executors) if !executors.is_any_alive() => ToolCheck::NoExecutor,
            Some(executors) if executors.is_retired(&request.tool) => ToolCheck::Retired,
            Some(_) => ToolCheck::Gone,
        })
    }

    /// Whether an approved call is for others to run, who have its tool as it was shown.
    pub(super) async fn is_left_to_others(&self, record: &CallRecord) -> Result<bool, GateError> {
        if record.state != CallState::Approved {
            return Ok(false);
        }
        Ok(matches!(self.check_tool(record).await?, ToolCheck::Elsewhere))
    }

    /// The tool as this gate has it, when an approved call was left to others long enough.
    pub(super) async fn no_longer_elsewhere(
        &self,
        record: &CallRecord,
    ) -> Result<Option<Box<Changed>>, GateError> {
        let Some(own) = self.tools.get(record.request.tool.as_str()) else { return Ok(None) };
        if self.store.now().await?.saturating_duration_since(record.updated_at) < LEFT_TO_OTHERS {
            return Ok(None);
        }
        let change = ToolChange::between(&record.request, None, &own.facts);
        let (now, own) = (own.facts.clone(), Some(Arc::clone(own)));
        Ok(change.map(|change| Box::new(Changed { change, now, own, found: None })))
    }

    /// Asks about a call again whose tool has changed, as its next revision. One whose arguments do
    /// not fit the tool any more, or that its policies deny now, is closed. Gives the call as it is
    /// then.
    ///
    /// Runs nothing. What fails leaves the call as it was.
    pub(super) async fn ask_of_changed(
        &self,
        record: &CallRecord,
        changed: &Changed,
    ) -> Result<CallRecord, GateError> {
        let Changed { change, now, own, found } = changed;
        let tenant = &record.key().tenant;
        let reason = format!("asked again: {change}");
        let mut reask = Reask::new(record.request.binding, now.clone(), reason);
        let mut enclosed = EventPayload::none();
        if let Some(tool) = own {
            let Some(stored) = self.stored_snapshot(record).await? else {
                // Over since it was read.
                return self.current(tenant, record.id()).await;
            };
            let next = match reread(tool, &stored) {
                Ok(next) => next,
                Err(error) => {
                    let why = format!("{change}, and its arguments do not fit any more: {error}");
                    return self.close_orphan(record, why).await;
                }
            };
            let referents = match found {
                Some(found) => found.clone(),
                None => self.read_contents(tool, &next).await?,
            };
            let contents = self
                .show_contents((record.id(), &record.request.contents), &next, &referents)
                .await;
            let mut said = record.request.assessment.opinions_without_contents();
            said.extend(self.content_factor(&contents));
            let (assessment, mut routed) = self.judge(tool, &next, &record.context, &said)?;
            self.note_policies(&routed.policies);
            if let Verdict::Deny(why) = &routed.verdict {
                if !routed.failed {
                    let why = format!("{change}, and it is not allowed as it is now: {why}");
                    return self.close_orphan(record, why).await;
                }
                // A policy that is broken here has not decided anything: the claim asks it again.
                routed.verdict = Verdict::Ask(ApprovalLevel::Full);
            }
            let requirement = required(tool, &routed, self.eyes(tool, &record.context));
            let judged = (assessment, routed);
            let mut revised = self.revised(record, (tool, &next), judged, requirement);
            revised.links = self.links_in(&revised.arguments, &next).await;
            let same = names_the_same(&contents, &record.request.contents);
            revised.contents = contents;
            if !same || revised.content != record.current_content() {
                enclosed = EventPayload::payload(self.seal_next(record, &next, &referents)?);
            }
            reask = reask.revised(revised);
        }
        let event = Event::Reask(Box::new(reask));
        match self.apply(tenant, record.id(), event, enclosed).await {
            Ok(record) => {
                let mut entry = AuditRecord::new(AuditEvent::Reopened, &record, record.updated_at);
                entry.note = record.request.reasons.last().cloned();
                entry.arguments = Some(record.request.arguments.clone());
                entry.assessment = Some(record.request.assessment.clone());
                self.note(&entry);
                Ok(record)
            }
            Err(ApplyError::Rejected { refusal: Refusal::AlreadyTried, .. }) => {
                let why = format!("{change}, and the call was tried before with other arguments");
                self.close_orphan(record, why).await
            }
            Err(ApplyError::Rejected { refusal, current }) => {
                if refusal == Refusal::Expired {
                    self.expire(tenant, record.id()).await?;
                    return self.current(tenant, record.id()).await;
                }
                // Somebody else has moved it on.
                Ok(*current)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What comes of arguments that were read again; not what they name.
    pub(super) fn revised(
        &self,
        record: &CallRecord,
        (tool, next): (&Registered, &Snapshot),
        (assessment, routed): (Assessment, Route),
        requirement: Requirement,
    ) -> EditedRevision {
        let config = &tool.spec.config;
        let shown = self.shown_again(record, (&tool.spec.name, config.describe), next);
        EditedRevision {
            content: self
                .content_as(record.current_content(), (&tool.spec.name, next, &record.context)),
            arguments: shown.arguments,
            masks: shown.masks,
            more_masks: shown.more_masks,
            contents: Vec::new(),
            links: Vec::new(),
            title: shown.title,
            requirement,
            reasons: routed.reasons,
            priority: priority(config.risk, assessment.confidence),
            assessment,
        }
    }

    /// What a reviewer is shown of the arguments of a call's next revision.
    pub(super) fn shown_again(
        &self,
        record: &CallRecord,
        (tool, describe): (&str, Option<&str>),
        next: &Snapshot,
    ) -> ShownAgain {
        let shown = next.shown_marked(&self.redactor);
        let (masks, more_masks) = shown.masks(&self.redactor, record.id());
        let tree = shown.text.tree().unwrap_or(Json::Null);
        let title = self.clean_title(&title(tool, describe, &tree), &next.own_taint());
        ShownAgain { arguments: shown.text, masks, more_masks, title }
    }

    /// Seals the arguments of a call's next revision, and what they name.
    pub(super) fn seal_next(
        &self,
        record: &CallRecord,
        next: &Snapshot,
        referents: &Referents,
    ) -> Result<crate::seal::Sealed, GateError> {
        let revision = record.request.revision.saturating_add(1);
        let bound = Bound::new(record.id(), Purpose::Payload, revision);
        let sealed = self.keys.seal(&payload_text(next, referents)?, &bound);
        Ok(sealed.map_err(|error| {
            StoreError::new(StoreErrorKind::Key, "the call's payload could not be sealed")
                .because(error)
        })?)
    }

    /// Ends a call that nobody can run any more, and says why in the audit.
    pub(super) async fn close_orphan(
        &self,
        record: &CallRecord,
        why: String,
    ) -> Result<CallRecord, GateError> {
        let why = hitl_base::display::clip(&why, REASON).into_owned();
        let event = Event::Deny { binding: record.request.binding, reason: why };
        self.move_on(record, event, AuditEvent::Denied).await?;
        self.current(&record.key().tenant, record.id()).await
    }

    /// Refuses an approval of a call whose tool is not the one that was shown, and asks about the
    /// call again. Of a decision that would be refused anyway, the machine says why.
    pub(super) async fn check_before_approval(&self, decision: &Decision) -> Result<(), GateError> {
        if !matches!(decision.answer, DecisionKind::Approve | DecisionKind::Edit { .. }) {
            return Ok(());
        }
        let (tenant, id) = (&decision.tenant, decision.request);
        let Some(record) = self.store.get(tenant, id).await? else { return Ok(()) };
        let is_about_it = record.state == CallState::Pending
            && record.request.binding == decision.binding
            && record.request.revision == decision.revision
            && decision.by.may_decide(tenant);
        if !is_about_it || self.store.now().await? >= record.request.expires_at {
            return Ok(());
        }
        let tool = &record.request.tool;
        match self.check_tool(&record).await? {
            ToolCheck::Same(_)
            | ToolCheck::Elsewhere
            | ToolCheck::NoExecutor
            | ToolCheck::Unknown => Ok(()),
            ToolCheck::Gone => {
                let then = "nothing was decided; approve it when an executor has the tool again, or reject it";
                Err(GateError::tool_changed(ToolChange::gone(tool), record, then))
            }
            ToolCheck::Retired => {
                let record = self.close_retired(&record).await?;
                let then = what_became_of(&record);
                Err(GateError::tool_changed(ToolChange::gone(tool), record, &then))
            }
            ToolCheck::Changed(changed) => {
                let record = self.ask_of_changed(&record, &changed).await?;
                let then = what_became_of(&record);
                Err(GateError::tool_changed(changed.change, record, &then))
            }
        }
    }

    /// Closes a call whose tool was taken away.
    pub(super) async fn close_retired(&self, record: &CallRecord) -> Result<CallRecord, GateError> {
        let change = ToolChange::gone(&record.request.tool);
        let why = format!("{change}, and those that had it were replaced");
        self.close_orphan(record, why).await
    }

    /// Brings a call that waits up to date with its tool and with what its arguments name, when it
    /// is submitted again.
    pub(super) async fn renew(&self, record: CallRecord) -> Result<CallRecord, GateError> {
        if !matches!(record.state, CallState::Pending | CallState::Approved) {
            return Ok(record);
        }
        match self.check_tool(&record).await? {
            ToolCheck::Changed(changed) => self.ask_of_changed(&record, &changed).await,
            ToolCheck::Retired => self.close_retired(&record).await,
            ToolCheck::Same(tool) if tool.reads_contents() => {
                let Some(snapshot) = self.stored_snapshot(&record).await? else {
                    return Ok(record);
                };
                match self.compare_contents(&record, &tool, &snapshot).await? {
                    Compared::Changed(changed) => self.ask_of_changed(&record, &changed).await,
                    Compared::Same(_) | Compared::Unknown => Ok(record),
                }
            }
            _ => Ok(record),
        }
    }

    /// The earlier call of a key whose content differs: the same call if only its tool reads it in
    /// another way now. Otherwise a conflict, which says what of the tool has changed.
    pub(super) async fn same_but_for_the_tool(
        &self,
        prepared: &Prepared,
        record: CallRecord,
    ) -> Result<CallRecord, GateError> {
        let Prepared { tool, snapshot, record: submitted, .. } = prepared;
        let conflict = |record: &CallRecord| GateError::key_conflict(record.key(), record.id());
        let theirs = submitted.context.principal == record.context.principal;
        if record.request.tool != tool.spec.name || !theirs {
            return Err(conflict(&record));
        }
        // What was recorded under a former host key is compared by it.
        let asked = (&*submitted.request.tool, snapshot, &submitted.context);
        let same = |known| self.current_as(submitted.content, known, asked) == known;
        if same(record.content) || record.reread.is_some_and(same) {
            return Ok(record);
        }
        let known = self.executors().await?;
        let then = known
            .as_ref()
            .and_then(|known| known.known(&record.request.tool, record.request.fingerprint));
        let change = ToolChange::between(&record.request, then, &tool.facts)
            .filter(|_| record.request.fingerprint != tool.fingerprint);
        let Some(change) = change else { return Err(conflict(&record)) };
        let is_open = matches!(record.state, CallState::Pending | CallState::Approved);
        if is_open && record.prior_revisions.is_empty() {
            let stored = self.stored_snapshot(&record).await?;
            let again = stored.and_then(|stored| tool.read(stored.text(), UNLIMITED).ok());
            if again.is_some_and(|again| again.snapshot == *snapshot) {
                return Ok(record);
            }
        }
        // What its tool cannot read any more waits for nobody.
        let key = record.key().clone();
        let record = self.renew(record).await?;
        let then = format!(
            "the key {key} was used before it did, and whether for the same call cannot be told; {}; \
             give a new call its own position in the run",
            what_became_of(&record)
        );
        Err(GateError::tool_changed(change, record, &then))
    }

    /// Says what of a tool has changed when a call of it is submitted again and is refused for
    /// that.
    pub(super) async fn with_the_change(
        &self,
        error: GateError,
        tool: &str,
        (key, by): (&CallKey, &Principal),
    ) -> GateError {
        let kind = error.kind();
        if !matches!(kind, GateErrorKind::InvalidArguments | GateErrorKind::UnknownTool) {
            return error;
        }
        match self.change_of(&error, tool, (key, by)).await {
            Ok(Some(changed)) => changed,
            Ok(None) => error,
            // The text was refused either way.
            Err(trouble) => {
                tracing::debug!(error = %trouble, "whether a tool has changed is not known");
                error
            }
        }
    }

    async fn change_of(
        &self,
        error: &GateError,
        tool: &str,
        (key, by): (&CallKey, &Principal),
    ) -> Result<Option<GateError>, GateError> {
        let Some(record) = self.store.get_by_key(key).await? else { return Ok(None) };
        // Another person's call is none of theirs.
        if record.request.tool != tool || record.context.principal != *by {
            return Ok(None);
        }
        let (change, record) = match self.check_tool(&record).await? {
            ToolCheck::Same(_) | ToolCheck::Unknown | ToolCheck::NoExecutor => return Ok(None),
            ToolCheck::Elsewhere => match self.tools.get(tool) {
                Some(own) if own.fingerprint != record.request.fingerprint => {
                    let change = ToolChange::between(&record.request, None, &own.facts);
                    let Some(change) = change else { return Ok(None) };
                    (change, record)
                }
                _ => return Ok(None),
            },
            ToolCheck::Gone => (ToolChange::gone(tool), record),
            ToolCheck::Retired => (ToolChange::gone(tool), self.renew(record).await?),
            ToolCheck::Changed(changed) => {
                let same = record.request.fingerprint == changed.now.fingerprint;
                if same {
                    return Ok(None);
                }
                (changed.change, self.renew(record).await?)
            }
        };
        let then = match error.arguments() {
            Some(refused) => format!(
                "the arguments do not fit any more ({refused}); {}",
                what_became_of(&record)
            ),
            None => what_became_of(&record),
        };
        Ok(Some(GateError::tool_changed(change, record, &then)))
    }

    /// Closes approved calls whose tool was taken away from whoever had it.
    pub(super) async fn close_retired_calls(&self) -> Result<(), GateError> {
        let Some(executors) = self.executors().await? else { return Ok(()) };
        let all = executors.all().iter().flat_map(|executor| executor.tools.iter());
        let mut gone: Vec<&str> = all.map(|facts| &*facts.name).collect();
        gone.sort_unstable();
        gone.dedup();
        gone.retain(|name| executors.is_retired(name));
        if gone.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let approved = self.store.approved(after, PAGE).await?;
            let Some((_, last)) = approved.last() else { return Ok(()) };
            after = Some(*last);
            for (tenant, id) in &approved {
                let Some(record) = self.store.get(tenant, *id).await? else { continue };
                let is_gone = gone.contains(&record.request.tool.as_str());
                if is_gone && record.state == CallState::Approved {
                    self.close_retired(&record).await?;
                }
            }
        }
    }
}

/// How many approved calls are looked at in one go.
const PAGE: usize = 100;

/// For text that this process wrote itself.
const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

/// Reads stored arguments as a tool reads them now.
fn reread(tool: &Registered, stored: &Snapshot) -> Result<Snapshot, ArgumentError> {
    let next = tool.read(stored.text(), UNLIMITED)?.snapshot;
    tool.read_back(&next)?;
    Ok(next)
}

/// What has become of a call whose tool has changed, in words.
fn what_became_of(record: &CallRecord) -> String {
    let revision = record.request.revision;
    match record.state {
        CallState::Pending => {
            format!(
                "nothing was decided; it is asked about as revision {revision}: look at it again"
            )
        }
        CallState::Approved => format!("the call is approved as revision {revision}"),
        CallState::Denied => "the call was closed".to_owned(),
        state => format!("the call is {state}"),
    }
}
