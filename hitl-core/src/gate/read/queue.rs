//! The queue, as one viewer sees it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use hitl_base::Timestamp;

use crate::approval::{Decision, DecisionKind};
use crate::call::{Risk, Tenant};
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::review::decide::decide_detached;
use crate::machine::CallRecord;
use crate::policy::ApprovalLevel;
use crate::queue::{
    Cursor, QueueCounts, QueueEntry, QueueFilter, QueueOrder, QueuePosition, QueueQuery, QueueScan,
    ReviewScope, rank,
};

/// The most calls that one page reads. With a filter that matches few calls, a page may have fewer
/// than requested, or none, and still not be the last: this bounds the cost of a page.
const MAX_READ: usize = 1000;
/// The number of calls read at a time if there is a filter.
const PAGE: usize = 100;
/// The number of calls of each tenant read at a time if there are several tenants.
const PAGE_OF_EACH: usize = 10;
/// The most decisions that are applied at a time.
const MAX_CONCURRENT: usize = 16;

/// The queue of waiting calls that one person may see: [`ScopedGate::queue`]. Cheap to clone.
///
/// ```no_run
/// # use hitl::{queue::{QueueQuery, ReviewScope}, Gate, GateError};
/// # async fn list(gate: Gate) -> Result<(), GateError> {
/// let queue = gate.scoped_to(ReviewScope::tenant("acme")).queue();
/// let mut query = QueueQuery::pending().tool("sign_contract");
/// loop {
///     let page = queue.page(query.clone()).await?;
///     for record in &page.entries {
///         println!("{}", record.request().title);
///     }
///     let Some(next) = page.next else { break };
///     query = query.after(next);
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`ScopedGate::queue`]: crate::ScopedGate::queue
#[derive(Clone)]
pub struct Queue {
    core: Arc<GateCore>,
    viewer: ReviewScope,
}

/// A page of the queue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueuePage {
    /// The calls, in the requested order.
    pub entries: Vec<CallRecord>,
    /// The beginning of the next page; `None` if this is the last one. A page that its filter left
    /// short, or empty, may still have one.
    pub next: Option<Cursor>,
    /// The current time of the store's clock: a call that is due before it is overdue.
    pub now: Timestamp,
}

impl Queue {
    pub(super) fn new(core: Arc<GateCore>, viewer: ReviewScope) -> Self {
        Self { core, viewer }
    }

    /// Returns the gate's parts.
    pub(super) fn core(&self) -> &Arc<GateCore> {
        &self.core
    }

    /// Returns one page. Calls that are added and removed between two pages do not shift it: a call
    /// that waits all the time is neither skipped nor returned twice.
    ///
    /// The cost of a page does not depend on the number of waiting calls. With several tenants it
    /// grows with their number.
    ///
    /// Refused with [`GateErrorKind::InvalidQuery`]: a cursor from another listing, and ended calls
    /// in any order but that of creation.
    pub async fn page(&self, query: QueueQuery) -> Result<QueuePage, GateError> {
        let QueueQuery { filter, order, after, limit } = query;
        let states = filter.states();
        if order != QueueOrder::Created && states.iter().any(|state| state.is_terminal()) {
            let why = "what has ended is listed by creation only: ask for `QueueOrder::Created`";
            return Err(GateError::new(GateErrorKind::InvalidQuery, why));
        }
        let keys = self.core.vault.ring().keys();
        let after = match after {
            None => None,
            Some(cursor) => {
                Some(cursor.open(keys, &self.viewer, &filter, order).map_err(|error| {
                    GateError::new(GateErrorKind::InvalidQuery, error.to_string())
                })?)
            }
        };
        // In the reviewers' order, the calls of one priority are a contiguous range with these
        // bounds.
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
            0 | 1 => PAGE,
            _ => PAGE_OF_EACH,
        };
        let mut merge = MergedQueues::new(&self.core, order);
        for tenant in tenants {
            merge.add(QueueScan {
                tenant,
                states: states.clone(),
                order,
                after: after.max(begin),
                limit: at_once,
            });
        }
        let (mut entries, mut read, mut last) = (Vec::new(), 0, None);
        let more = loop {
            let Some(QueueEntry { place, record }) = merge.next().await? else { break false };
            if is_past(&place) {
                break false;
            }
            if entries.len() == limit || read == MAX_READ {
                break true;
            }
            read += 1;
            last = Some(place.key(order));
            if filter.fits(&record) {
                let mut record = record;
                self.core.effects.show_earlier(&mut record).await?;
                entries.push(record);
            }
        };
        let next = last.filter(|_| more);
        let key = keys.current();
        let next = next.map(|place| Cursor::seal(place, key, &self.viewer, &filter, order));
        Ok(QueuePage { entries, next, now: self.core.calls.store().now().await? })
    }

    /// Counts the calls, each kind up to [`COUNTED`](crate::queue::COUNTED).
    pub async fn counts(&self) -> Result<QueueCounts, GateError> {
        let mut sum = QueueCounts::default();
        for tenant in self.tenants().await? {
            sum.add(&self.core.calls.store().queue_counts(&tenant).await?);
        }
        Ok(sum)
    }

    /// Applies many decisions at once, each about exactly the revision that was shown: there is no
    /// "everything that matches now". Each has its own answer, in the order in which they were
    /// given, and none depends on another.
    ///
    /// Only for calls that need Quick: a call that needs Full, or whose risk is critical, is
    /// refused with [`GateErrorKind::NotInBulk`]. So is the approval of a call that has
    /// [cautions](crate::ApprovalRequest::cautions): a warning, or an amount above its limit.
    /// Decide it alone with [`Gate::decide`].
    ///
    /// Cancel safety: as for [`Gate::decide`]; decisions that were not begun are not applied.
    ///
    /// [`Gate::decide`]: crate::Gate::decide
    pub async fn decide_all(
        &self,
        decisions: impl IntoIterator<Item = Decision>,
    ) -> Vec<Result<CallRecord, GateError>> {
        let decide = |decision| self.decide_quick(decision);
        stream::iter(decisions).map(decide).buffered(MAX_CONCURRENT).collect().await
    }

    async fn decide_quick(&self, decision: Decision) -> Result<CallRecord, GateError> {
        let (tenant, id) = (&decision.tenant, decision.request);
        // A call that the viewer may not see does not exist for them.
        let found = if self.viewer.sees(tenant) {
            self.core.calls.store().get(tenant, id).await?
        } else {
            None
        };
        let record = found.ok_or_else(|| GateError::not_found(id))?;
        // A call that needs more since then has another revision, which this decision does not
        // name.
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
        if decision.answer == DecisionKind::Approve && !request.cautions().is_empty() {
            let why = "this call has a warning or an amount above its limit, so it is not approved \
                       in bulk; look at it, and decide it alone";
            return Err(GateError::new(GateErrorKind::NotInBulk, why));
        }
        decide_detached(&self.core, decision).await
    }

    /// Returns the scope of the calls that it shows.
    pub fn viewer(&self) -> &ReviewScope {
        &self.viewer
    }

    /// Returns the tenants whose calls the viewer may see.
    pub(super) async fn tenants(&self) -> Result<Vec<Tenant>, GateError> {
        if let Some(tenants) = self.viewer.tenant_list() {
            return Ok(tenants.to_vec());
        }
        self.core.calls.tenants().await
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}

/// The merged queues of several tenants, read page by page.
struct MergedQueues<'g> {
    core: &'g GateCore,
    order: QueueOrder,
    sources: Vec<TenantQueue>,
}

/// The queue of one tenant.
struct TenantQueue {
    scan: QueueScan,
    read: VecDeque<QueueEntry>,
    is_over: bool,
}

impl<'g> MergedQueues<'g> {
    fn new(core: &'g GateCore, order: QueueOrder) -> Self {
        Self { core, order, sources: Vec::new() }
    }

    fn add(&mut self, scan: QueueScan) {
        self.sources.push(TenantQueue { scan, read: VecDeque::new(), is_over: false });
    }

    /// Returns the next call of all queues.
    async fn next(&mut self) -> Result<Option<QueueEntry>, GateError> {
        for source in &mut self.sources {
            if source.read.is_empty() && !source.is_over {
                source.read = self.core.calls.store().queue(&source.scan).await?.into();
                source.is_over = source.read.len() < source.scan.limit;
                if let Some(last) = source.read.back() {
                    source.scan.after = Some(last.place.key(self.order));
                }
            }
        }
        let order = self.order;
        let head = |source: &TenantQueue| source.read.front().map(|placed| placed.place.key(order));
        let heads = self.sources.iter_mut().filter(|source| !source.read.is_empty());
        let first = heads.min_by_key(|source| head(source));
        Ok(first.and_then(|source| source.read.pop_front()))
    }
}
