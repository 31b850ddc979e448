//! The queue: its order is that of an index, so that reading a part costs as much as that part is
//! long.

use hitl_core::Tenant;
use hitl_core::machine::{CallRecord, CallState, NewCall};
use hitl_core::queue::{
    COUNTED, Cap, CappedCount, QueueCounts, QueueEntry, QueueOrder, QueuePosition, QueueScan, rank,
    turn,
};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::error::Fault;
use super::query::{self, count};

/// Selects the first turn of the queue.
pub(super) const FIRST_TURN: &str = "SELECT turn FROM calls INDEXED BY calls_queue \
    WHERE tenant = ?1 AND state = 'pending' AND rank = ?2 ORDER BY turn LIMIT 1";
/// Selects the last turn of one principal.
pub(super) const OWN_TURN: &str = "SELECT turn FROM calls INDEXED BY calls_turns \
    WHERE state = 'pending' AND tenant = ?1 AND principal = ?3 AND rank = ?2 \
    ORDER BY turn DESC LIMIT 1";
pub(super) const NEXT_TENANT: &str =
    "SELECT tenant FROM calls WHERE tenant > ?1 ORDER BY tenant LIMIT 1";
pub(super) const FIRST_TENANT: &str =
    "SELECT tenant FROM calls WHERE tenant >= '' ORDER BY tenant LIMIT 1";
const OWN_WAITING: &str = "SELECT count(*) FROM (SELECT 1 FROM calls INDEXED BY calls_turns \
    WHERE state = 'pending' AND tenant = ?1 AND principal = ?2 LIMIT ?3)";
const MAX_QUEUED: &str = "SELECT count(*) FROM (SELECT 1 FROM calls INDEXED BY calls_levels \
    WHERE state = 'pending' AND tenant = ?1 LIMIT ?2)";
const IN_STATE: &str =
    "SELECT count(*) FROM (SELECT 1 FROM calls WHERE tenant = ?1 AND state = ?2 LIMIT ?3)";
const AT_LEVEL: &str = "SELECT count(*) FROM (SELECT 1 FROM calls INDEXED BY calls_levels \
    WHERE state = 'pending' AND tenant = ?1 AND rank = ?2 AND level = ?3 LIMIT ?4)";

/// The listings of the calls in one state: by turn, and by due time.
///
/// The state is a literal in the text: only then is a partial index known to contain them all.
macro_rules! listings {
    ($state:literal) => {
        [
            concat!(
                "SELECT n, rank, turn, due_at FROM calls INDEXED BY calls_queue \
                 WHERE tenant = ?1 AND state = '",
                $state,
                "' AND (rank, turn, due_at, n) > (?2, ?3, ?4, ?5) \
                 ORDER BY rank, turn, due_at, n LIMIT ?6"
            ),
            concat!(
                "SELECT n, rank, turn, due_at FROM calls INDEXED BY calls_due \
                 WHERE tenant = ?1 AND state = '",
                $state,
                "' AND (due_at, n) > (?2, ?3) ORDER BY due_at, n LIMIT ?4"
            ),
        ]
    };
}

pub(super) const OPEN: [(CallState, [&str; 2]); 4] = [
    (CallState::Pending, listings!("pending")),
    (CallState::Approved, listings!("approved")),
    (CallState::Claimed, listings!("claimed")),
    (CallState::OutcomeUnknown, listings!("outcomeUnknown")),
];
pub(super) const CREATED: &str = "SELECT n, rank, turn, due_at FROM calls \
    WHERE tenant = ?1 AND state = ?2 AND n > ?3 ORDER BY n LIMIT ?4";

/// The queries that count: a state, and a level of a priority.
#[cfg(test)]
pub(super) const COUNTS: [&str; 2] = [IN_STATE, AT_LEVEL];

/// Returns every query here: an index must answer it.
#[cfg(test)]
pub(super) fn listings() -> Vec<&'static str> {
    let mut all = vec![
        FIRST_TURN,
        OWN_TURN,
        NEXT_TENANT,
        FIRST_TENANT,
        CREATED,
        OWN_WAITING,
        MAX_QUEUED,
        COUNTS[0],
        COUNTS[1],
    ];
    all.extend(OPEN.iter().flat_map(|(_, texts)| texts));
    all
}

/// Returns the turn of a call that begins to wait.
pub(super) fn turn_of(on: &Connection, record: &CallRecord) -> Result<i64, Fault> {
    let request = record.request();
    let (tenant, rank) = (record.key().tenant.as_str(), rank(request.priority));
    let asked = |sql, given: &[&dyn ToSql]| -> Result<Option<u64>, Fault> {
        let found = on.prepare_cached(sql)?.query_row(given, |row| row.get(0)).optional()?;
        Ok(found.map(i64::cast_unsigned))
    };
    let own = asked(OWN_TURN, &[&tenant, &rank, &request.principal.as_str()])?;
    // The head of the queue does not matter to a principal that has a call waiting.
    let first = if own.is_none() { asked(FIRST_TURN, &[&tenant, &rank])? } else { None };
    Ok(turn(first, own).cast_signed())
}

/// Returns the cap that a new call would exceed.
pub(super) fn broken_cap(on: &Connection, call: &NewCall) -> Result<Option<Cap>, Fault> {
    let (caps, tenant) = (call.caps(), call.key().tenant.as_str());
    // Counted only up to the cap.
    let own = match caps.principal {
        None => 0,
        Some(most) => on
            .prepare_cached(OWN_WAITING)?
            .query_row(params![tenant, call.principal().as_str(), most], |row| row.get(0))?,
    };
    let all = match caps.tenant {
        None => 0,
        Some(most) => {
            on.prepare_cached(MAX_QUEUED)?.query_row(params![tenant, most], |row| row.get(0))?
        }
    };
    Ok(caps.broken(i64::cast_unsigned(own), i64::cast_unsigned(all)))
}

/// Returns a part of a tenant's queue.
pub(super) fn scan(on: &Connection, scan: &QueueScan) -> Result<Vec<QueueEntry>, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let mut found: Vec<([i64; 4], i64, i64)> = Vec::new();
    for state in &scan.states {
        for (n, rank, turn, due) in heads(&snapshot, scan, *state)? {
            let key = match scan.order {
                QueueOrder::Due => [0, 0, due, n],
                QueueOrder::Created => [0, 0, 0, n],
                _ => [rank, turn, due, n],
            };
            found.push((key, n, turn));
        }
    }
    found.sort_unstable();
    found.truncate(scan.limit);
    let load = |(_, n, turn): (_, i64, i64)| {
        let record = query::by_number(&snapshot, n)?;
        let request = record.request();
        let (priority, due_at) = (request.priority, request.due_at);
        let (turn, number) = (turn.cast_unsigned(), n.cast_unsigned());
        Ok(QueueEntry { place: QueuePosition { priority, turn, due_at, number }, record })
    };
    found.into_iter().map(load).collect()
}

type Head = (i64, i64, i64, i64);

fn heads(on: &Connection, scan: &QueueScan, state: CallState) -> Result<Vec<Head>, Fault> {
    let columns =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let (tenant, limit) = (scan.tenant.as_str(), count(scan.limit));
    let of_state = OPEN.iter().find(|(open, _)| *open == state).map(|(_, texts)| texts);
    let [rank, turn, due, n] = scan.after.unwrap_or([i64::MIN; 4]);
    let rows = match (scan.order, of_state) {
        (QueueOrder::Created, _) => {
            let mut statement = on.prepare_cached(CREATED)?;
            let given = params![tenant, state.name(), n, limit];
            statement.query_map(given, columns)?.collect::<Result<_, _>>()?
        }
        (QueueOrder::Due, Some([_, by_due])) => {
            let mut statement = on.prepare_cached(by_due)?;
            statement
                .query_map(params![tenant, due, n, limit], columns)?
                .collect::<Result<_, _>>()?
        }
        (_, Some([by_turn, _])) => {
            let mut statement = on.prepare_cached(by_turn)?;
            let given = params![tenant, rank, turn, due, n, limit];
            statement.query_map(given, columns)?.collect::<Result<_, _>>()?
        }
        // Ended calls are listed by creation only.
        (_, None) => Vec::new(),
    };
    Ok(rows)
}

/// Returns the numbers of a tenant's calls, each counted up to its limit.
pub(super) fn counts(on: &Connection, tenant: &Tenant) -> Result<QueueCounts, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let most = COUNTED.cast_signed() + 1;
    let mut counts = QueueCounts::default();
    for state in QueueCounts::STATES {
        let given = params![tenant.as_str(), state.name(), most];
        let counted: i64 = snapshot.prepare_cached(IN_STATE)?.query_row(given, |row| row.get(0))?;
        counts.states.insert(state, CappedCount::new(counted.cast_unsigned()));
    }
    for priority in QueueCounts::PRIORITIES {
        for level in QueueCounts::LEVELS {
            let given = params![tenant.as_str(), rank(priority), level.name(), most];
            let counted: i64 =
                snapshot.prepare_cached(AT_LEVEL)?.query_row(given, |row| row.get(0))?;
            if counted > 0 {
                counts.pending.insert((priority, level), CappedCount::new(counted.cast_unsigned()));
            }
        }
    }
    Ok(counts)
}

/// Returns the tenants that have calls, in order.
pub(super) fn tenants(
    on: &Connection,
    after: Option<&Tenant>,
    limit: usize,
) -> Result<Vec<Tenant>, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let mut found: Vec<Tenant> = Vec::new();
    while found.len() < limit {
        // A step goes from one tenant to the next: the calls of a tenant are skipped, however many
        // there are.
        let next: Option<String> = match found.last().or(after) {
            None => snapshot.prepare_cached(FIRST_TENANT)?.query_row([], |row| row.get(0)),
            Some(last) => {
                snapshot.prepare_cached(NEXT_TENANT)?.query_row([last.as_str()], |row| row.get(0))
            }
        }
        .optional()?;
        let Some(next) = next else { break };
        found.push(Tenant::new(next));
    }
    Ok(found)
}
