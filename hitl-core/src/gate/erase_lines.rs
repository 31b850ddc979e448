//! What the audit says of erased calls is replaced by placeholders, once a record of the audit
//! lists those very lines.
//!
//! Only lines within the scope of the erasure go. Which of its calls are erased follows from the
//! store, not from what was just erased: so an erasure that was cut off is completed by the same
//! one, given again. A call that the store does not know stays: it may be another store's, or one
//! that was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hitl_base::Timestamp;

use super::erase::ErasureScope;
use super::erase_scope::{Known, Mentioned, Place, ended_within, place};
use super::error::GateError;
use super::handle::Inner;
use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord, AuditSink, ErasableLog, ErasedLine, LISTED, Line};
use crate::call::{CallKey, Tenant};
use crate::ids::{GrantId, RequestId};
use crate::store::{Erasable, Holds, StoreErrorKind};

/// How many tenants are listed in one go.
const TENANTS: usize = 1_000;

/// What the lines are erased for.
pub(super) struct Wanted<'w> {
    pub(super) scope: &'w ErasureScope,
    pub(super) by: &'w ReviewerIdentity,
    /// Without secrets.
    pub(super) reason: &'w str,
    /// What the store has just erased: each has a record in the audit, also without lines.
    pub(super) erased: &'w [Erasable],
}

/// What became of the lines.
pub(super) struct Outcome {
    /// Lines whose content is gone.
    pub(super) erased: u64,
    /// Lines of the scope that stay, because it is not known that they may go.
    pub(super) left: u64,
    /// Whether there is a log in which lines can be erased.
    pub(super) has_logs: bool,
}

/// The logs of an audit.
pub(super) struct Lines<'l> {
    pub(super) gate: &'l Inner,
    pub(super) logs: &'l [Arc<dyn ErasableLog>],
}

/// Lines that are to go, of a call, or of what is none of the store's calls.
#[derive(Default)]
struct Group {
    key: Option<CallKey>,
    lines: Vec<ErasedLine>,
    /// What holds are judged by, of a call: of each of its lines, each once.
    faces: Vec<AuditRecord>,
}

impl Group {
    fn is_held(&self, holds: &Holds) -> bool {
        self.faces.iter().any(|face| holds.on_audited(face).is_some())
    }
}

/// By call; without one, of read-only calls and grants.
#[derive(Default)]
struct Going {
    groups: BTreeMap<Option<RequestId>, Group>,
    left: u64,
    /// Which logs have such lines, by their place among all.
    logs: BTreeSet<usize>,
}

impl Lines<'_> {
    /// Erases the lines of the scope.
    pub(super) async fn erase(&self, wanted: &Wanted<'_>) -> Result<Outcome, GateError> {
        let sink = self.gate.trail.shared_sink();
        let has_logs = !self.all(&sink).is_empty();
        let known = self.known(&sink, wanted).await?;
        let holds = Holds::new(self.gate.store.holds().await?);
        let mut going = self.going(&sink, wanted, &known, &holds)?;
        self.say(wanted, &going).await?;
        // What the audit says of it is on the disk before it is done.
        for log in sink.erasable() {
            log.sync()?;
        }
        // A hold that was placed since keeps every line of a call of which it covers one, listed or
        // not.
        let holds = Holds::new(self.gate.store.holds().await?);
        going.groups.retain(|_, group| !group.is_held(&holds));
        let mut places: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for line in going.groups.values().flat_map(|group| &group.lines) {
            places.entry(&line.stream).or_default().insert(line.seq);
        }
        let ids: Vec<String> = going.groups.keys().flatten().map(ToString::to_string).collect();
        let mut erased = 0;
        for (n, log) in self.all(&sink).into_iter().enumerate() {
            if going.logs.contains(&n) && !places.is_empty() {
                erased += log.rewrite(&mut |bytes| {
                    let line = Line::read(bytes)?;
                    let (stream, seq) = line.place();
                    let goes = places.get(stream).is_some_and(|of| of.contains(&seq))
                        && holds.on_audited(&line.event).is_none();
                    goes.then(|| line.placeholder(bytes)).flatten()
                })?;
            }
            if !ids.is_empty() {
                // The id comes before anything that is said of a call.
                log.forget_torn(&mut |piece| {
                    ids.iter().any(|id| piece.windows(id.len()).any(|part| part == id.as_bytes()))
                })?;
            }
        }
        Ok(Outcome { erased, left: going.left, has_logs })
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

    /// What the store says of what is within the scope, and of nothing else.
    async fn known(
        &self,
        sink: &Arc<dyn AuditSink>,
        wanted: &Wanted<'_>,
    ) -> Result<Known, GateError> {
        let Wanted { scope, by, erased, .. } = *wanted;
        let mut mentioned = Mentioned::default();
        if let ErasureScope::Call { tenant, id } = scope {
            // It is known which one: no other is looked for.
            mentioned.calls.insert(*id, tenant.clone());
        } else {
            self.visit(sink, |_, line, _| mentioned.add(line.event, scope, by))?;
        }
        for call in erased {
            mentioned.calls.insert(call.id, call.tenant.clone());
        }
        let mut known = Known::default();
        for (id, tenant) in mentioned.calls {
            match self.gate.store.get(&tenant, id).await? {
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

    /// Those of these grants that the store still has, or may have.
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
                if self.gate.store.grant(&tenant, id).await?.is_some() {
                    live.insert(id);
                }
            }
        }
        Ok(live)
    }

    /// Every tenant; nothing where the store cannot list them.
    async fn tenants(&self) -> Result<Option<Vec<Tenant>>, GateError> {
        let mut tenants: Vec<Tenant> = Vec::new();
        loop {
            let some = match self.gate.store.tenants(tenants.last(), TENANTS).await {
                Err(error) if error.kind() == StoreErrorKind::Unsupported => return Ok(None),
                some => some?,
            };
            if some.is_empty() {
                return Ok(Some(tenants));
            }
            tenants.extend(some);
        }
    }

    /// The lines that go. Of a call of which a hold covers one line, none does.
    fn going(
        &self,
        sink: &Arc<dyn AuditSink>,
        wanted: &Wanted<'_>,
        known: &Known,
        holds: &Holds,
    ) -> Result<Going, GateError> {
        let mut going = Going::default();
        self.visit(sink, |log, line, bytes| {
            let record = &line.event;
            match place(record, (wanted.scope, wanted.by), known) {
                Place::Elsewhere => {}
                Place::Left => going.left += 1,
                Place::Goes if record.call.is_none() && holds.on_audited(record).is_some() => {}
                Place::Goes => {
                    let group = going.groups.entry(record.call).or_default();
                    if let Some(id) = record.call {
                        group.key = known.erased.get(&id).cloned();
                        let face = face(record);
                        if !group.faces.contains(&face) {
                            group.faces.push(face);
                        }
                    }
                    group.lines.push(line.erased(bytes));
                    going.logs.insert(log);
                }
            }
        })?;
        going.groups.retain(|_, group| !group.is_held(holds));
        for call in wanted.erased {
            let group = going.groups.entry(Some(call.id)).or_default();
            group.key = known.erased.get(&call.id).cloned();
        }
        Ok(going)
    }

    /// Has the audit list what goes. One record lists a hundred lines at most.
    async fn say(&self, wanted: &Wanted<'_>, going: &Going) -> Result<(), GateError> {
        let at = self.gate.store.now().await?;
        for (call, Group { key, lines, .. }) in &going.groups {
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

/// What of a line holds are judged by.
fn face(record: &AuditRecord) -> AuditRecord {
    let mut face = AuditRecord::bare(AuditEvent::Erased, Timestamp::EPOCH);
    (face.call, face.key) = (record.call, record.key.clone());
    face.principal.clone_from(&record.principal);
    face.agent.clone_from(&record.agent);
    face.by.clone_from(&record.by);
    face
}

fn said(call: Option<RequestId>, key: Option<CallKey>, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::bare(AuditEvent::Erased, at);
    (entry.call, entry.key) = (call, key);
    if call.is_none() {
        entry.subject = Some("read-only calls and grants".to_owned());
    }
    entry
}
