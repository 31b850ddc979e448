//! Replaces the lines of erased calls in the audit by placeholders, once a record of the audit
//! lists exactly those lines.
//!
//! Only lines within the scope of the erasure are replaced. The store determines which of its calls
//! are erased, not the erasure that has just run: so a repeated erasure of the same scope completes
//! one that was interrupted. The lines of a call that the store does not know stay: the call may
//! belong to another store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hitl_base::Timestamp;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord, AuditSink, ErasableLog, ErasedLine, LISTED, Line};
use crate::call::{CallKey, Tenant};
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::calls::call_store::CallStore;
use crate::gate::erasure::report::ErasureScope;
use crate::gate::erasure::scope::{
    KnownCalls, LinePlace, MentionedCalls, ScopeFilter, ended_within, place_line,
};
use crate::gate::error::GateError;
use crate::ids::{GrantId, RequestId};
use crate::store::{Erasable, Holds, StoreErrorKind};

/// The number of tenants read at a time.
const PAGE: usize = 1_000;

/// The order to erase lines.
pub(in crate::gate) struct ErasureOrder<'w> {
    pub(in crate::gate) scope: &'w ErasureScope,
    pub(in crate::gate) by: &'w ReviewerIdentity,
    /// The reason, without secrets.
    pub(in crate::gate) reason: &'w str,
    /// The calls that the store has just erased: each gets a record in the audit, even if it has no
    /// lines.
    pub(in crate::gate) erased: &'w [Erasable],
}

/// The result of erasing lines.
pub(in crate::gate) struct LinesErased {
    /// The number of lines whose content is gone.
    pub(in crate::gate) erased: u64,
    /// The number of lines of the scope that stay, because it is unknown whether they may be
    /// erased.
    pub(in crate::gate) left: u64,
    /// True if there is a log whose lines can be erased.
    pub(in crate::gate) has_logs: bool,
}

/// The lines in the logs of an audit.
pub(in crate::gate) struct AuditLines<'l> {
    pub(in crate::gate) audit: &'l AuditLedger,
    pub(in crate::gate) calls: &'l CallStore,
    pub(in crate::gate) logs: &'l [Arc<dyn ErasableLog>],
}

/// Lines to erase, of one call, or of everything without a call in the store.
#[derive(Default)]
struct LineGroup {
    key: Option<CallKey>,
    lines: Vec<ErasedLine>,
    /// The distinct fields of a call's lines that holds match.
    hold_fields: Vec<AuditRecord>,
}

impl LineGroup {
    fn is_held(&self, holds: &Holds) -> bool {
        self.hold_fields.iter().any(|fields| holds.on_audited(fields).is_some())
    }
}

/// The lines to erase.
#[derive(Default)]
struct LinesToErase {
    /// The groups by call; `None` for the lines of read-only calls and grants.
    groups: BTreeMap<Option<RequestId>, LineGroup>,
    left: u64,
    /// The indexes of the logs that have such lines.
    logs: BTreeSet<usize>,
}

impl AuditLines<'_> {
    /// Erases the lines of the scope.
    pub(in crate::gate) async fn erase(
        &self,
        order: &ErasureOrder<'_>,
    ) -> Result<LinesErased, GateError> {
        let sink = self.audit.sink();
        let has_logs = !self.all(&sink).is_empty();
        let known = self.known_calls(&sink, order).await?;
        let holds = Holds::new(self.calls.store().holds().await?);
        let mut lines = self.lines_to_erase(&sink, order, &known, &holds)?;
        self.record_erasure(order, &lines).await?;
        // The order must be on the disk before it is carried out.
        for log in sink.erasable() {
            log.sync()?;
        }
        // A hold that was placed since, and that covers one line of a call, keeps every line of the
        // call, listed or not.
        let holds = Holds::new(self.calls.store().holds().await?);
        lines.groups.retain(|_, group| !group.is_held(&holds));
        let mut places: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for line in lines.groups.values().flat_map(|group| &group.lines) {
            places.entry(&line.stream).or_default().insert(line.seq);
        }
        let ids: Vec<String> = lines.groups.keys().flatten().map(ToString::to_string).collect();
        let mut erased = 0;
        for (n, log) in self.all(&sink).into_iter().enumerate() {
            if lines.logs.contains(&n) && !places.is_empty() {
                erased += log.rewrite(&mut |bytes| {
                    let line = Line::read(bytes)?;
                    let (stream, seq) = line.place();
                    let goes = places.get(stream).is_some_and(|of| of.contains(&seq))
                        && holds.on_audited(&line.event).is_none();
                    goes.then(|| line.placeholder(bytes)).flatten()
                })?;
            }
            if !ids.is_empty() {
                // The id comes before any text about the call.
                log.forget_torn(&mut |piece| {
                    ids.iter().any(|id| piece.windows(id.len()).any(|part| part == id.as_bytes()))
                })?;
            }
        }
        Ok(LinesErased { erased, left: lines.left, has_logs })
    }

    fn all<'s>(&'s self, sink: &'s Arc<dyn AuditSink>) -> Vec<&'s dyn ErasableLog> {
        let own = sink.erasable().into_iter();
        own.chain(self.logs.iter().map(|log| &**log)).collect()
    }

    fn visit(
        &self,
        sink: &Arc<dyn AuditSink>,
        mut look: impl FnMut(usize, Line, &[u8]),
    ) -> Result<(), GateError> {
        for (n, log) in self.all(sink).into_iter().enumerate() {
            log.visit(&mut |bytes| {
                if let Some(line) = Line::read(bytes).filter(|line| !line.is_about_erasure()) {
                    look(n, line, bytes);
                }
            })?;
        }
        Ok(())
    }

    /// Asks the store about the calls and grants within the scope, and about no others.
    async fn known_calls(
        &self,
        sink: &Arc<dyn AuditSink>,
        order: &ErasureOrder<'_>,
    ) -> Result<KnownCalls, GateError> {
        let ErasureOrder { scope, by, erased, .. } = *order;
        let mut mentioned = MentionedCalls::default();
        if let ErasureScope::Call { tenant, id } = scope {
            // The call is known, so no other one is searched.
            mentioned.calls.insert(*id, tenant.clone());
        } else {
            let filter = ScopeFilter { scope, by };
            self.visit(sink, |_, line, _| mentioned.add(line.event, filter))?;
        }
        for call in erased {
            mentioned.calls.insert(call.id, call.tenant.clone());
        }
        let mut known = KnownCalls::default();
        for (id, tenant) in mentioned.calls {
            match self.calls.store().get(&tenant, id).await? {
                Some(record) if record.erased && ended_within(scope, record.updated_at) => {
                    known.erased.insert(id, record.key().clone());
                }
                Some(_) => {}
                None => {
                    known.unknown.insert(id, tenant);
                }
            }
        }
        known.live = self.live_grants(mentioned.grants).await?;
        Ok(known)
    }

    /// Returns those of these grants that the store still has, or may have.
    async fn live_grants(
        &self,
        grants: BTreeMap<GrantId, Option<Tenant>>,
    ) -> Result<BTreeSet<GrantId>, GateError> {
        let (mut live, mut all) = (BTreeSet::new(), None);
        for (id, tenant) in grants {
            let tenants = if let Some(tenant) = tenant {
                Some(vec![tenant])
            } else {
                if all.is_none() {
                    all = Some(self.tenants().await?);
                }
                all.clone().flatten()
            };
            let Some(tenants) = tenants else {
                live.insert(id);
                continue;
            };
            for tenant in tenants {
                if self.calls.store().grant(&tenant, id).await?.is_some() {
                    live.insert(id);
                }
            }
        }
        Ok(live)
    }

    /// Returns every tenant; `None` if the store cannot list them.
    async fn tenants(&self) -> Result<Option<Vec<Tenant>>, GateError> {
        let mut tenants: Vec<Tenant> = Vec::new();
        loop {
            let some = match self.calls.store().tenants(tenants.last(), PAGE).await {
                Err(error) if error.kind() == StoreErrorKind::Unsupported => return Ok(None),
                some => some?,
            };
            if some.is_empty() {
                return Ok(Some(tenants));
            }
            tenants.extend(some);
        }
    }

    /// Returns the lines to erase. If a hold covers one line of a call, all lines of the call stay.
    fn lines_to_erase(
        &self,
        sink: &Arc<dyn AuditSink>,
        order: &ErasureOrder<'_>,
        known: &KnownCalls,
        holds: &Holds,
    ) -> Result<LinesToErase, GateError> {
        let mut lines = LinesToErase::default();
        let filter = ScopeFilter { scope: order.scope, by: order.by };
        self.visit(sink, |log, line, bytes| {
            let record = &line.event;
            match place_line(record, filter, known) {
                LinePlace::OutOfScope => {}
                LinePlace::Stays => lines.left += 1,
                LinePlace::Erased
                    if record.call.is_none() && holds.on_audited(record).is_some() => {}
                LinePlace::Erased => {
                    let group = lines.groups.entry(record.call).or_default();
                    if let Some(id) = record.call {
                        group.key = known.erased.get(&id).cloned();
                        let fields = hold_fields(record);
                        if !group.hold_fields.contains(&fields) {
                            group.hold_fields.push(fields);
                        }
                    }
                    group.lines.push(line.erased(bytes));
                    lines.logs.insert(log);
                }
            }
        })?;
        lines.groups.retain(|_, group| !group.is_held(holds));
        for call in order.erased {
            let group = lines.groups.entry(Some(call.id)).or_default();
            group.key = known.erased.get(&call.id).cloned();
        }
        Ok(lines)
    }

    /// Audits which lines are erased. One record lists at most a hundred lines.
    async fn record_erasure(
        &self,
        order: &ErasureOrder<'_>,
        to_erase: &LinesToErase,
    ) -> Result<(), GateError> {
        let at = self.calls.store().now().await?;
        for (call, LineGroup { key, lines, .. }) in &to_erase.groups {
            let mut rest = lines.as_slice();
            loop {
                let (some, more) = rest.split_at(rest.len().min(LISTED));
                let mut entry = erasure_record(*call, key.clone(), at).known(order.by);
                entry.note = Some(order.reason.to_owned());
                entry.erased = some.to_vec();
                self.audit.write_intent(&entry)?;
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Returns the fields of a line that holds match.
fn hold_fields(record: &AuditRecord) -> AuditRecord {
    let mut fields = AuditRecord::bare(AuditEvent::Erased, Timestamp::EPOCH);
    (fields.call, fields.key) = (record.call, record.key.clone());
    fields.principal.clone_from(&record.principal);
    fields.agent.clone_from(&record.agent);
    fields.by.clone_from(&record.by);
    fields
}

/// Returns the audit record of erased lines.
fn erasure_record(call: Option<RequestId>, key: Option<CallKey>, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::bare(AuditEvent::Erased, at);
    (entry.call, entry.key) = (call, key);
    if call.is_none() {
        entry.subject = Some("read-only calls and grants".to_owned());
    }
    entry
}
