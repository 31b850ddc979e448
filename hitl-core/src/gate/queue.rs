//! The queue, as one viewer sees it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use hitl_base::Timestamp;

use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use crate::approval::{Decision, DecisionKind};
use crate::call::{Risk, Tenant};
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::policy::ApprovalLevel;
use crate::queue::{
    Cursor, QueueCounts, QueueEntry, QueueFilter, QueueOrder, QueuePosition, QueueQuery, QueueScan,
    ReviewScope, rank,
};

/// How many calls one page looks at. With a filter that fits few, a page may hold fewer than were
/// asked for, or none, and still go on: no page costs more than this.
const LOOKED_AT: usize = 1000;
/// How many are read in one go when a filter leaves some out.
const AT_ONCE: usize = 100;
/// How many are read of each tenant in one go when there are several.
const OF_EACH: usize = 10;
/// How many tenants are listed in one go.
const TENANTS: usize = 1000;
/// How many decisions are on their way at a time.
const DECIDED_AT_ONCE: usize = 16;

/// What waits for a human, as far as one viewer may see it. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(super) gate: Arc<Inner>,
    pub(super) viewer: ReviewScope,
}

/// A page of the queue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueuePage {
    /// The calls, in the order that was asked for.
    pub entries: Vec<CallRecord>,
    /// Where the next page begins; nothing when this is the last one. A page that its filter left
    /// short, or empty, may still have one.
    pub next: Option<Cursor>,
    /// The present, by the store's clock: what is due before it is overdue.
    pub now: Timestamp,
}

impl Gate {
    /// The queue, as far as `viewer` may see it.
    ///
    /// ```no_run
    /// # use hitl_core::{Gate, GateError, QueueQuery, ReviewScope};
    /// # async fn list(gate: Gate) -> Result<(), GateError> {
    /// let queue = gate.queue(ReviewScope::tenant("acme"));
    /// let mut query = QueueQuery::pending().tool("sign_contract");
    /// loop {
    ///     let page = queue.page(query.clone()).await?;
    ///     for record in &page.entries {
    ///         println!("{}", record.request.title);
    ///     }
    ///     let Some(next) = page.next else { break };
    ///     query = query.after(next);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue(&self, viewer: ReviewScope) -> Queue {
        Queue { gate: Arc::clone(&self.inner), viewer }
    }
}

impl Queue {
    /// One page. Calls that come and go between two pages move nothing: what waits all the time is
    /// neither left out nor shown twice.
    ///
    /// What a page costs does not depend on how much waits. With several tenants it grows with
    /// their number.
    ///
    /// Refused with [`GateErrorKind::InvalidQuery`]: a cursor of another listing, and what has
    /// ended in another order than by creation.
    pub async fn page(&self, query: QueueQuery) -> Result<QueuePage, GateError> {
        let QueueQuery { filter, order, after, limit } = query;
        let states = filter.states();
        if order != QueueOrder::Created && states.iter().any(|state| state.is_terminal()) {
            let why = "what has ended is listed by creation only: ask for `QueueOrder::Created`";
            return Err(GateError::new(GateErrorKind::InvalidQuery, why));
        }
        let keys = self.gate.keys.keys();
        let after = match after {
            None => None,
            Some(cursor) => {
                Some(cursor.open(keys, &self.viewer, &filter, order).map_err(|error| {
                    GateError::new(GateErrorKind::InvalidQuery, error.to_string())
                })?)
            }
        };
        // Of one priority, the reviewers' order is a stretch that begins and ends where it does.
        let priority = filter.priority.filter(|_| order == QueueOrder::Reviewer);
        let begin = priority.map(|priority| [rank(priority), i64::MIN, i64::MIN, i64::MIN]);
        let is_past = |place: &QueuePosition| {
            priority.is_some_and(|priority| rank(place.priority) > rank(priority))
                || (order == QueueOrder::Due
                    && filter.due_before.is_some_and(|moment| place.due_at >= moment))
        };
        let tenants = self.tenants().await?;
        let every = filter == QueueFilter::default();
        let at_once = match tenants.len() {
            0 | 1 if every => limit + 1,
            0 | 1 => AT_ONCE,
            _ => OF_EACH,
        };
        let mut merge = Merge::new(&self.gate, order);
        for tenant in tenants {
            merge.add(QueueScan {
                tenant,
                states: states.clone(),
                order,
                after: after.max(begin),
                limit: at_once,
            });
        }
        let (mut entries, mut looked_at, mut last) = (Vec::new(), 0, None);
        let more = loop {
            let Some(QueueEntry { place, record }) = merge.next().await? else { break false };
            if is_past(&place) {
                break false;
            }
            if entries.len() == limit || looked_at == LOOKED_AT {
                break true;
            }
            looked_at += 1;
            last = Some(place.key(order));
            if filter.fits(&record) {
                entries.push(record);
            }
        };
        let next = last.filter(|_| more);
        let key = keys.current();
        let next = next.map(|place| Cursor::seal(place, key, &self.viewer, &filter, order));
        Ok(QueuePage { entries, next, now: self.gate.store.now().await? })
    }

    /// How many calls there are, counted as far as [`COUNTED`](crate::queue::COUNTED) of each kind.
    pub async fn counts(&self) -> Result<QueueCounts, GateError> {
        let mut sum = QueueCounts::default();
        for tenant in self.tenants().await? {
            sum.add(&self.gate.store.queue_counts(&tenant).await?);
        }
        Ok(sum)
    }

    /// Takes many decisions at once, each about exactly the revision that was shown: there is no
    /// "all that match now". Each has its own answer, in the order in which they were given, and
    /// none depends on another.
    ///
    /// For what is quickly decided only: a call that needs Full, or whose risk is critical, is
    /// refused with [`GateErrorKind::NotInBulk`] and goes to [`Gate::decide`], alone.
    ///
    /// Cancel safety: as of [`Gate::decide`]; what was not begun is not decided.
    pub async fn decide_all(
        &self,
        decisions: impl IntoIterator<Item = Decision>,
    ) -> Vec<Result<CallRecord, GateError>> {
        let decide = |decision| self.decide_quick(decision);
        stream::iter(decisions).map(decide).buffered(DECIDED_AT_ONCE).collect().await
    }

    async fn decide_quick(&self, decision: Decision) -> Result<CallRecord, GateError> {
        let id = decision.request;
        let record = self.get(&decision.tenant, id).await?.ok_or_else(|| Inner::not_found(id))?;
        // A call that needs more since then is another revision, which this decision does not name.
        let request = &record.request;
        if request.needs_uncovering() && decision.answer == DecisionKind::Approve {
            let why =
                "this call has masked places, and nobody uncovers them in bulk; decide it alone";
            return Err(GateError::new(GateErrorKind::NotInBulk, why));
        }
        if request.level > ApprovalLevel::Quick || request.risk >= Risk::Critical {
            let why =
                "this call needs a full review, so it is not decided in bulk; decide it alone";
            return Err(GateError::new(GateErrorKind::NotInBulk, why));
        }
        self.gate.decide_to_the_end(decision).await
    }

    /// A call's record, when this viewer may see it.
    pub async fn get(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        if !self.viewer.sees(tenant) {
            return Ok(None);
        }
        Ok(self.gate.store.get(tenant, id).await?)
    }

    /// Whose calls it shows.
    pub fn viewer(&self) -> &ReviewScope {
        &self.viewer
    }

    pub(super) async fn tenants(&self) -> Result<Vec<Tenant>, GateError> {
        if let Some(tenants) = self.viewer.tenant_list() {
            return Ok(tenants.to_vec());
        }
        let mut all: Vec<Tenant> = Vec::new();
        loop {
            let some = self.gate.store.tenants(all.last(), TENANTS).await?;
            let last = some.len() < TENANTS;
            all.extend(some);
            if last {
                return Ok(all);
            }
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}

/// Several tenants' queues as one, read a stretch at a time.
struct Merge<'g> {
    gate: &'g Inner,
    order: QueueOrder,
    sources: Vec<Source>,
}

struct Source {
    scan: QueueScan,
    read: VecDeque<QueueEntry>,
    is_over: bool,
}

impl<'g> Merge<'g> {
    fn new(gate: &'g Inner, order: QueueOrder) -> Self {
        Self { gate, order, sources: Vec::new() }
    }

    fn add(&mut self, scan: QueueScan) {
        self.sources.push(Source { scan, read: VecDeque::new(), is_over: false });
    }

    /// The next call of them all.
    async fn next(&mut self) -> Result<Option<QueueEntry>, GateError> {
        for source in &mut self.sources {
            if source.read.is_empty() && !source.is_over {
                source.read = self.gate.store.queue(&source.scan).await?.into();
                source.is_over = source.read.len() < source.scan.limit;
                if let Some(last) = source.read.back() {
                    source.scan.after = Some(last.place.key(self.order));
                }
            }
        }
        let order = self.order;
        let head = |source: &Source| source.read.front().map(|placed| placed.place.key(order));
        let heads = self.sources.iter_mut().filter(|source| !source.read.is_empty());
        let first = heads.min_by_key(|source| head(source));
        Ok(first.and_then(|source| source.read.pop_front()))
    }
}
