//! What a grant covers runs without asking: when it is submitted, and when it waits already.

use std::sync::Arc;

use super::error::GateError;
use super::handle::Inner;
use super::observe;
use super::prepare::{Prepared, state_of, tree_of};
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{Risk, ToolConfig};
use crate::grant::{GrantRecord, GrantRefusal, GrantUse, GrantedCall};
use crate::ids::{ClaimToken, DecisionId, GrantId, SessionId};
use crate::machine::{CallRecord, CallState, Claim, Event, Membership};
use crate::policy::Verdict;
use crate::queue::{QueueQuery, ReviewScope};
use crate::store::{ApplyError, EventPayload, GrantQuery};

/// How many calls or grants are read in one go.
const PAGE: usize = 100;
/// How many calls that wait one grant lets go on when it is saved. Others are asked about.
const MOST_COVERED: usize = 1000;

impl Inner {
    /// Finds a grant on which a call may run that somebody would be asked about. Those in `without`
    /// were tried.
    pub(super) async fn find_grant(
        &self,
        prepared: &Prepared,
        without: &[GrantId],
    ) -> Result<Option<(GrantRecord, GrantUse)>, GateError> {
        let (request, context) = (&prepared.record.request, &prepared.record.context);
        let snapshot = &prepared.snapshot;
        let mut page = GrantQuery::live()
            .tool(&*request.tool)
            .principal(request.principal.clone())
            .limit(PAGE);
        // Most tools have no grant at all; the arguments are read when there is one.
        let mut arguments = None;
        loop {
            let grants = self.store.grants(&context.tenant, page.clone()).await?;
            let Some(last) = grants.last().map(GrantRecord::id) else { return Ok(None) };
            let more = grants.len() == PAGE;
            let now = self.store.now().await?;
            for grant in grants.into_iter().filter(|grant| !without.contains(&grant.id())) {
                let of = &grant.grant;
                if prepared.record.takes_a_grant_of(&of.by, &of.giver()).is_err() {
                    continue;
                }
                let arguments = match &arguments {
                    Some(arguments) => arguments,
                    None => arguments.insert(tree_of(&prepared.snapshot)?),
                };
                let call = GrantedCall {
                    tool: &request.tool,
                    fingerprint: request.fingerprint,
                    context,
                    run: &request.key.run,
                    content: self.current_as(
                        prepared.record.content,
                        of.content,
                        (&request.tool, snapshot, context),
                    ),
                    arguments,
                    inert: prepared.tool.spec.config.inert,
                    risky: is_risky(&prepared.tool.spec.config),
                };
                let Ok(drawn) = grant.grant.covers(&call) else { continue };
                if grant.draw(&drawn, now).is_ok() {
                    return Ok(Some((grant, drawn)));
                }
            }
            if !more {
                return Ok(None);
            }
            page = page.after(last);
        }
    }

    /// The calls that wait and that a grant covers, oldest first and the one that it was given on
    /// before all others, as far as there is room.
    pub(super) async fn covered(
        self: &Arc<Self>,
        mut grant: GrantRecord,
    ) -> Result<Vec<(CallRecord, GrantUse)>, GateError> {
        let (of, mut covered) = (grant.grant.clone(), Vec::new());
        let first = self.current(&of.tenant, of.request).await?;
        let queue =
            super::handle::Gate { inner: Arc::clone(self) }.queue(ReviewScope::tenant(of.tenant));
        let query = QueueQuery::pending()
            .tool(&*of.tool)
            .principal(of.principal)
            .order(crate::queue::QueueOrder::Created);
        let (mut waiting, mut query) = (vec![first], Some(query));
        loop {
            for record in waiting {
                let drawn = match self.covers(&grant, &record).await {
                    Ok(Some(drawn)) => drawn,
                    Ok(None) => continue,
                    // What cannot be read is asked about.
                    Err(error) => {
                        tracing::debug!(call = %record.id(), %error, "a grant does not reach it");
                        continue;
                    }
                };
                match grant.draw(&drawn, self.store.now().await?) {
                    Ok(next) => grant = next,
                    Err(GrantRefusal::Sum) => continue,
                    Err(_) => return Ok(covered),
                }
                covered.push((record, drawn));
                if covered.len() == MOST_COVERED {
                    return Ok(covered);
                }
            }
            let Some(this) = query.take() else { return Ok(covered) };
            let page = queue.page(this.clone()).await?;
            query = page.next.map(|next| this.after(next));
            waiting = page.entries.into_iter().filter(|record| record.id() != of.request).collect();
        }
    }

    /// What a call that waits would draw on a grant, when it is covered by it.
    async fn covers(
        &self,
        grant: &GrantRecord,
        record: &CallRecord,
    ) -> Result<Option<GrantUse>, GateError> {
        // Cheap to see, before anything is opened.
        let same = record.request.fingerprint == grant.grant.fingerprint;
        let names_contents = !record.request.contents.is_empty();
        if !same
            || names_contents
            || record.attempts > 0
            || record.restored
            || !record.request.quorum.is_one()
        {
            return Ok(None);
        }
        if record.takes_a_grant_of(&grant.grant.by, &grant.grant.giver()).is_err() {
            return Ok(None);
        }
        let Some(snapshot) = self.stored_snapshot(record).await? else { return Ok(None) };
        let arguments = tree_of(&snapshot)?;
        let call = GrantedCall {
            tool: &record.request.tool,
            fingerprint: record.request.fingerprint,
            context: &record.context,
            run: &record.request.key.run,
            content: self.content_as(
                grant.grant.content,
                (&record.request.tool, &snapshot, &record.context),
            ),
            arguments: &arguments,
            inert: self.inert_of(record),
            risky: record.request.risk >= Risk::High || record.request.hints.destructive,
        };
        let Ok(drawn) = grant.grant.covers(&call) else { return Ok(None) };
        let goes_on = match self.routed_now(record, &snapshot)? {
            Some(routed) => routed.may_be_granted(),
            // Nobody here can say; the one that a human looked at is judged when it is claimed.
            None => record.id() == grant.grant.request,
        };
        Ok(Some(drawn).filter(|_| goes_on))
    }

    /// The arguments of a call whose text nobody interprets, as its tool says; none where that is
    /// not registered.
    pub(super) fn inert_of(&self, record: &CallRecord) -> &'static [&'static str] {
        self.same_tool(record).map_or(&[], |tool| tool.spec.config.inert)
    }

    /// Allows what waits and is covered by a grant that was just saved.
    pub(super) async fn allow_what_waits(
        self: &Arc<Self>,
        grant: &GrantRecord,
    ) -> Result<Vec<CallRecord>, GateError> {
        let mut allowed = Vec::new();
        for (record, drawn) in self.covered(grant.clone()).await? {
            let event = Event::ApproveByGrant {
                decision: DecisionId::new(),
                binding: record.request.binding,
                drawn,
                by: grant.grant.by.clone(),
            };
            let tenant = &grant.grant.tenant;
            match self.apply(tenant, record.id(), event, EventPayload::none()).await {
                Ok(record) => {
                    self.note_allowed(&record, grant);
                    allowed.push(record);
                }
                // Somebody was faster, or the grant is gone: it is asked about.
                Err(ApplyError::Rejected { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(allowed)
    }

    fn note_allowed(&self, record: &CallRecord, grant: &GrantRecord) {
        observe::decided(record);
        let mut entry = AuditRecord::new(AuditEvent::Decided, record, record.updated_at);
        entry.decision = record.decided.as_ref().map(|decided| decided.id);
        entry.subject = Some(grant.id().to_string());
        let note = Some("approved by a grant".to_owned());
        self.note_entry(entry, Some(grant.grant.by.clone()), note);
    }

    /// Audits that a call was claimed on a grant.
    pub(super) fn note_grant_used(&self, record: &CallRecord) {
        let Some(drawn) = record.grant_use else { return };
        let mut entry = AuditRecord::new(AuditEvent::GrantUsed, record, record.updated_at);
        entry.subject = Some(drawn.grant.to_string());
        if !drawn.amount.is_zero() {
            entry.note = Some(format!("{} of its sum", drawn.amount));
        }
        self.note(&entry);
    }
}

/// Whether a grant on this tool needs a bound.
fn is_risky(config: &ToolConfig) -> bool {
    config.risk >= Risk::High || config.hints.destructive
}

impl Prepared {
    /// Whether a grant may answer in a human's place.
    pub(super) fn may_run_on_a_grant(&self) -> bool {
        let asks = matches!(self.routed.verdict, Verdict::Ask(_));
        let covered = self.covering().is_some();
        // A grant is about arguments; what they name is looked at each time.
        let names_contents = !self.record.request.contents.is_empty();
        asks && !covered
            && !names_contents
            && self.routed.grantable
            && self.record.request.quorum.is_one()
    }

    /// Lets the call run on a grant.
    pub(super) fn run_on(&mut self, grant: &GrantRecord, drawn: GrantUse) {
        self.record.grant_use = Some(drawn);
        let why = format!("runs on the grant {} that {} gave", grant.id(), grant.grant.by);
        Arc::make_mut(&mut self.record.request).reasons.push(why);
    }

    /// It does not run on a grant after all.
    pub(super) fn run_on_none(&mut self) {
        if self.record.grant_use.take().is_some() {
            Arc::make_mut(&mut self.record.request).reasons.pop();
        }
    }

    /// Whether it may run without anybody being asked.
    pub(super) fn runs(&self) -> bool {
        self.routed.verdict == Verdict::Run
            || self.record.grant_use.is_some()
            || self.covering().is_some()
    }

    /// What the gate makes of it, a grant considered.
    pub(super) fn verdict(&self) -> Verdict {
        if self.runs() { Verdict::Run } else { self.routed.verdict.clone() }
    }

    /// Enters it as what it is: claimed when it runs at once, approved when it runs with its
    /// siblings or under the approval of an earlier try, which the claim judges again.
    pub(super) fn start(&mut self, session: SessionId) {
        let held = self.record.batch.as_ref().is_some_and(Membership::is_held)
            || self.covering().is_some();
        let record = &mut self.record;
        (record.claim, record.attempts) = (None, 0);
        if !self.runs() {
            (self.record.state, self.record.ending) = state_of(&self.routed);
        } else if held {
            self.record.state = CallState::Approved;
        } else {
            self.record.state = CallState::Claimed;
            self.record.attempts = 1;
            self.record.claim = Some(Claim { token: ClaimToken::new(), session });
        }
    }
}
