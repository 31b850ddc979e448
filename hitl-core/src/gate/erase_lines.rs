//! What the audit says of erased calls is replaced by placeholders, once a record of the audit lists those
//! very lines.
//!
//! Which lines go follows from the store, not from what was just erased, so an erasure that was cut off is
//! completed by the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hitl_base::Timestamp;

use super::erase::ErasureScope;
use super::error::GateError;
use super::handle::Inner;
use crate::approval::Authority;
use crate::audit::{AuditEvent, AuditRecord, AuditSink, ErasableLog, ErasedLine, LISTED, Line};
use crate::call::{CallKey, Tenant};
use crate::ids::{GrantId, RequestId};
use crate::store::{Erasable, Holds};

/// What the lines are erased for.
pub(super) struct Wanted<'w> {
    pub(super) scope: &'w ErasureScope,
    pub(super) by: &'w Authority,
    /// Without secrets.
    pub(super) reason: &'w str,
    /// What the store has just erased: each has a record in the audit, also without lines.
    pub(super) erased: &'w [Erasable],
}

/// The logs of an audit.
pub(super) struct Lines<'l> {
    pub(super) gate: &'l Inner,
    pub(super) logs: &'l [Arc<dyn ErasableLog>],
}

/// Lines that are to go: of a call, or of read-only calls and grants, which are none of the store's calls.
type Going = BTreeMap<Option<RequestId>, (Option<CallKey>, Vec<ErasedLine>)>;

impl Lines<'_> {
    /// Erases the lines. Gives how many, and whether there is a log at all.
    pub(super) async fn erase(&self, wanted: &Wanted<'_>) -> Result<(u64, bool), GateError> {
        let sink = self.gate.trail.shared_sink();
        let has_logs = !self.all(&sink).is_empty();
        let erased = self.erased_calls(&sink).await?;
        let holds = Holds::new(self.gate.store.holds().await?);
        let in_force = self.live_grants(&sink).await?;
        let going = self.going(&sink, wanted, (&erased, &in_force), &holds)?;
        self.say(wanted, &going).await?;
        // What the audit says of it is on the disk before it is done.
        for log in sink.erasable() {
            log.sync()?;
        }
        // Placed since: what is covered now stays, listed or not.
        let holds = Holds::new(self.gate.store.holds().await?);
        let places: BTreeSet<(String, u64)> = going
            .values()
            .flat_map(|(_, lines)| lines.iter().map(|line| (line.stream.clone(), line.seq)))
            .collect();
        if places.is_empty() {
            return Ok((0, has_logs));
        }
        let ids: Vec<String> = going.keys().flatten().map(ToString::to_string).collect();
        let mut count = 0;
        for log in self.all(&sink) {
            count += log.rewrite(&mut |bytes| {
                let line = Line::read(bytes)?;
                let (stream, seq) = line.place();
                let goes = places.contains(&(stream.to_owned(), seq))
                    && holds.on_audited(&line.event).is_none();
                goes.then(|| line.placeholder(bytes)).flatten()
            })?;
            // The id comes before anything that is said of a call.
            log.forget_torn(&mut |piece| {
                ids.iter().any(|id| piece.windows(id.len()).any(|part| part == id.as_bytes()))
            })?;
        }
        Ok((count, has_logs))
    }

    fn all<'s>(&'s self, sink: &'s Arc<dyn AuditSink>) -> Vec<&'s dyn ErasableLog> {
        let own = sink.erasable().into_iter();
        own.chain(self.logs.iter().map(|log| &**log)).collect()
    }

    fn visit(
        &self,
        sink: &Arc<dyn AuditSink>,
        mut look: impl FnMut(Line, &[u8]),
    ) -> Result<(), GateError> {
        for log in self.all(sink) {
            log.visit(&mut |bytes| {
                if let Some(line) = Line::read(bytes).filter(|line| !line.is_about_erasure()) {
                    look(line, bytes);
                }
            })?;
        }
        Ok(())
    }

    /// The calls of the log of which the store has no more than that they were.
    async fn erased_calls(
        &self,
        sink: &Arc<dyn AuditSink>,
    ) -> Result<BTreeMap<RequestId, CallKey>, GateError> {
        let mut calls: BTreeMap<RequestId, CallKey> = BTreeMap::new();
        self.visit(sink, |line, _| {
            if let (Some(id), Some(key)) = (line.event.call, line.event.key) {
                calls.entry(id).or_insert(key);
            }
        })?;
        let store = &self.gate.store;
        let forgotten = store.runs_forgotten_before().await?;
        let mut erased = BTreeMap::new();
        for (id, key) in calls {
            let is_gone = match store.get(&key.tenant, id).await? {
                Some(record) => record.erased,
                None => key.run.began().is_some_and(|began| Some(began) < forgotten),
            };
            if is_gone {
                erased.insert(id, key);
            }
        }
        Ok(erased)
    }

    /// The ids of the grants of the log that the store still has.
    async fn live_grants(&self, sink: &Arc<dyn AuditSink>) -> Result<BTreeSet<String>, GateError> {
        let mut grants: BTreeMap<GrantId, Tenant> = BTreeMap::new();
        self.visit(sink, |line, _| {
            let record = line.event;
            let id = record.subject.and_then(|subject| subject.parse().ok());
            if let (None, Some(id), Some(key)) = (record.call, id, record.key) {
                grants.insert(id, key.tenant);
            }
        })?;
        let mut live = BTreeSet::new();
        for (id, tenant) in grants {
            if self.gate.store.grant(&tenant, id).await?.is_some() {
                live.insert(id.to_string());
            }
        }
        Ok(live)
    }

    /// The lines that go. Of a call of which a hold covers one line, none does.
    fn going(
        &self,
        sink: &Arc<dyn AuditSink>,
        wanted: &Wanted<'_>,
        (erased, live): (&BTreeMap<RequestId, CallKey>, &BTreeSet<String>),
        holds: &Holds,
    ) -> Result<Going, GateError> {
        let (mut going, mut held) = (Going::new(), BTreeSet::new());
        self.visit(sink, |line, bytes| {
            let record = &line.event;
            let goes = if let Some(id) = record.call {
                erased.contains_key(&id)
            } else {
                let lives = record.subject.as_ref().is_some_and(|grant| live.contains(grant));
                is_of_no_record(record) && !lives && is_within(wanted.scope, record)
            };
            if !goes {
                return;
            }
            if holds.on_audited(record).is_some() {
                held.extend(record.call);
                return;
            }
            let key = record.call.and(record.key.clone());
            let lines = going.entry(record.call).or_insert_with(|| (key, Vec::new()));
            lines.1.push(line.erased(bytes));
        })?;
        for id in held {
            going.remove(&Some(id));
        }
        for call in wanted.erased {
            if let Some(key) = erased.get(&call.id) {
                going.entry(Some(call.id)).or_insert_with(|| (Some(key.clone()), Vec::new()));
            }
        }
        Ok(going)
    }

    /// Has the audit list what goes. One record lists a hundred lines at most.
    async fn say(&self, wanted: &Wanted<'_>, going: &Going) -> Result<(), GateError> {
        let at = self.gate.store.now().await?;
        for (call, (key, lines)) in going {
            let mut rest = lines.as_slice();
            loop {
                let (some, more) = rest.split_at(rest.len().min(LISTED));
                let mut entry = said(*call, key.clone(), at).known(wanted.by);
                entry.note = Some(wanted.reason.to_owned());
                entry.erased = some.to_vec();
                self.gate.trail.intent(&entry)?;
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn said(call: Option<RequestId>, key: Option<CallKey>, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::bare(AuditEvent::Erased, at);
    (entry.call, entry.key) = (call, key);
    if call.is_none() {
        entry.subject = Some("read-only calls and grants".to_owned());
    }
    entry
}

/// Whether it is about a call that the store never had, one that only reads, or about a grant.
fn is_of_no_record(record: &AuditRecord) -> bool {
    record.call.is_none() && record.tool.is_some() && record.key.is_some()
}

fn is_within(scope: &ErasureScope, record: &AuditRecord) -> bool {
    match scope {
        ErasureScope::Call { .. } => false,
        ErasureScope::Principal { tenant, principal } => {
            record.key.as_ref().is_some_and(|key| key.tenant == *tenant)
                && record.principal.as_ref() == Some(principal)
        }
        ErasureScope::EndedBefore(moment) => record.at < *moment,
    }
}
