//! Several events, each to another call, in one transaction: all of them, or none.

use hitl_core::machine::{
    self, CallChange, CallRecord, GrantUpdates, Refusal, Transition, grant_of,
};
use hitl_core::store::{ApplyError, ApplyRequest, StoreError};
use hitl_core::{GrantId, Tenant};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::Fault;
use super::grants;
use super::operation::{HistoryLine, Operation, WriteContext};
use super::query::{self, StoredCall};
use super::write::write_next;
use crate::failpoint::reach;

type Answer = Result<Vec<CallRecord>, ApplyError>;

/// The application of several events.
pub(super) struct ApplyAll {
    pub(super) tenant: Tenant,
    pub(super) events: Vec<ApplyRequest>,
    pub(super) answer: Option<Answer>,
    pub(super) reply: oneshot::Sender<Answer>,
}

impl ApplyAll {
    /// Returns the results of the events; adds the lines of history of those that changed
    /// something.
    fn advance(
        &mut self,
        on: &Connection,
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<Answer, Fault> {
        let mut found = Vec::with_capacity(self.events.len());
        let mut before = GrantUpdates::new();
        for ApplyRequest { id, event, .. } in &self.events {
            let Some(kept) = query::get(on, &self.tenant, *id)? else {
                return Ok(Err(ApplyError::NotFound(*id)));
            };
            if let Some(grant) = grant_of(&kept.record, event) {
                self.load(on, grant, &mut before)?;
            }
            found.push(kept);
        }
        let now = context.clock.now()?;
        let changes = self.events.iter().zip(&found).map(|(applied, StoredCall { record, .. })| {
            let event = &applied.event;
            Ok(CallChange { record, event, facts: context.facts(on, record, event, now)? })
        });
        let changes: Vec<_> = changes.collect::<Result<_, Fault>>()?;
        let (steps, drawn) = match machine::apply_all(&changes, &before) {
            Ok(done) => done,
            Err((at, refusal)) => return self.refused(refusal, at, found),
        };
        for (id, next) in &drawn {
            let from = before.get(id).ok_or(Fault::Damaged("a grant that is drawn on"))?;
            grants::update(on, next, from)?;
            reach("grant-drawn");
        }
        let mut records = Vec::with_capacity(steps.len());
        for ((step, StoredCall { n, record }), applied) in
            steps.into_iter().zip(found).zip(&self.events)
        {
            records.push(match step {
                Transition::Replayed => *record,
                Transition::Changed(next) => {
                    let (event, enclosed) = (&applied.event, &applied.enclosed);
                    let next = enclosed.complete(next);
                    let (next, line) = write_next(on, n, next, &record, event, enclosed)?;
                    written.push(line);
                    *next.into_record()
                }
            });
        }
        Ok(Ok(records))
    }

    fn load(&self, on: &Connection, id: GrantId, into: &mut GrantUpdates) -> Result<(), Fault> {
        if !into.contains_key(&id) {
            into.extend(grants::get(on, &self.tenant, id)?.map(|grant| (id, grant)));
        }
        Ok(())
    }

    /// Returns the refusal, unless the operation's own earlier attempt caused it: then the events
    /// happened.
    fn refused(
        &self,
        refusal: Refusal,
        at: usize,
        found: Vec<StoredCall>,
    ) -> Result<Answer, Fault> {
        let mut current: Vec<CallRecord> = found.into_iter().map(|kept| *kept.record).collect();
        match &self.answer {
            Some(Ok(first)) if *first == current => return Ok(Ok(current)),
            // Others have changed the calls since changes that may be this operation's.
            Some(Ok(first))
                if first.iter().zip(&current).all(|(f, c)| c.version() >= f.version()) =>
            {
                return Err(Fault::Ambiguous);
            }
            _ => {}
        }
        if at >= current.len() {
            return Err(Fault::Damaged("an event that is none of those"));
        }
        let current = Box::new(current.swap_remove(at));
        Ok(Err(ApplyError::Rejected { refusal, current }))
    }
}

impl Operation for ApplyAll {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn perform(
        &mut self,
        on: &Connection,
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        let answer = self.advance(on, context, written)?;
        self.answer = Some(answer);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // The caller may have gone: the write still counts.
            let _ = self.reply.send(answer);
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error.into()));
    }
}
