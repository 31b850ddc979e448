//! The earlier calls of the run of a call, read from the store when somebody looks at it.

use std::collections::VecDeque;

use crate::approval::{EarlierLeftOut, EarlierLine, earlier_text};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::read::scoped::ScopedGate;
use crate::machine::CallRecord;
use crate::store::PageRequest;

/// The most calls of a run that are looked through.
const MAX_READ: usize = 1_000;
/// The number of calls that are read at a time.
const PAGE: usize = 100;

/// The calls of a run before one call: of the run itself, and of those that it delegated to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EarlierCalls {
    /// The newest of them, the newest first.
    pub newest: Vec<CallRecord>,
    /// The number of those before them.
    pub more: usize,
    /// True if the run has more than a thousand calls before this one. Then the newest are not
    /// listed, and `more` is what was counted.
    pub too_many: bool,
}

impl EarlierCalls {
    /// The number of calls that a card lists.
    pub const SHOWN: usize = 5;

    /// Returns them as lines of text that are safe to show; empty if there are none.
    pub fn to_text(&self) -> String {
        let lines = self.newest.iter().map(|record| EarlierLine {
            at: record.updated_at,
            state: record.state,
            title: &record.request.title,
            tool: &record.request.tool,
        });
        earlier_text(lines, self.left_out())
    }

    /// Returns what the list lacks.
    fn left_out(&self) -> EarlierLeftOut {
        match (self.too_many, self.more) {
            (true, counted) => EarlierLeftOut::All { counted },
            (false, more) => EarlierLeftOut::Before { more },
        }
    }
}

impl ScopedGate {
    /// Returns the calls of the run that were submitted before this one: the `most` newest, and how
    /// many there are before them. They are read now, so their states are the present ones. A
    /// read-only call that ran at once has no record, and is not among them.
    ///
    /// [`GateErrorKind::Forbidden`](crate::GateErrorKind::Forbidden) if the person may not see the
    /// tenant's calls. Cancel safe.
    pub async fn earlier_calls(
        &self,
        record: &CallRecord,
        most: usize,
    ) -> Result<EarlierCalls, GateError> {
        self.check(&record.key().tenant)?;
        read_earlier(self.core(), record, most).await
    }
}

/// Reads the calls of the run before this one, of any tenant: the caller has checked that
/// they may be seen.
pub(in crate::gate) async fn read_earlier(
    core: &GateCore,
    record: &CallRecord,
    most: usize,
) -> Result<EarlierCalls, GateError> {
    let tenant = &record.key().tenant;
    let root = record.context().root_of(&record.key().run).clone();
    let mut newest: VecDeque<CallRecord> = VecDeque::new();
    let mut found = EarlierCalls::default();
    let (mut read, mut after) = (0, None);
    while !record.is_erased() {
        let mut page = PageRequest::all().root(root.clone()).limit(PAGE);
        page.after = after;
        let records = core.calls.store().list(tenant, page).await?;
        let is_last = records.len() < PAGE;
        after = records.last().map(CallRecord::id);
        for one in records {
            if one.id() == record.id() {
                found.newest = newest.into_iter().rev().collect();
                return Ok(found);
            }
            read += 1;
            newest.push_back(one);
            if newest.len() > most {
                newest.pop_front();
                found.more += 1;
            }
        }
        if is_last {
            break;
        }
        if read >= MAX_READ {
            return Ok(EarlierCalls { newest: Vec::new(), more: read, too_many: true });
        }
    }
    // It is not in its run, so nothing is before it.
    Ok(EarlierCalls::default())
}
