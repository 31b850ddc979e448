//! Legal holds.

use hitl_base::Timestamp;
use hitl_core::store::{Hold, HoldScope, Holds};
use hitl_core::{HoldId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use super::row::encode;

const PLACE: &str = "INSERT INTO holds (id, tenant, scope, call, record) \
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
const ONE: &str = "SELECT record FROM holds WHERE id = ?1 AND tenant = ?2";
const ALL: &str = "SELECT record FROM holds ORDER BY id";
const RELEASE: &str = "DELETE FROM holds WHERE id = ?1";

/// Places a hold. Placing the same hold again changes nothing.
pub(super) fn place(on: &Connection, hold: &Hold, now: Timestamp) -> Result<Hold, Fault> {
    let placed = hold.clone().stamped(now);
    let (scope, call) = match &placed.scope {
        HoldScope::Call(id) => ("call", Some(id.to_string())),
        HoldScope::Principal(_) => ("principal", None),
        _ => ("tenant", None),
    };
    let given =
        params![placed.id.to_string(), placed.tenant.as_str(), scope, call, encode(&placed)?];
    on.prepare_cached(PLACE)?.execute(given)?;
    one(on, &placed.tenant, placed.id)?.ok_or(Fault::Damaged("a hold's tenant differs"))
}

/// Releases a hold. Returns the hold as it was.
pub(super) fn release(on: &Connection, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, Fault> {
    let Some(hold) = one(on, tenant, id)? else { return Ok(None) };
    on.prepare_cached(RELEASE)?.execute([id.to_string()])?;
    Ok(Some(hold))
}

/// Returns every hold.
pub(super) fn all(on: &Connection) -> Result<Holds, Fault> {
    let mut statement = on.prepare_cached(ALL)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let holds = rows.map(|row| read(&row?)).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Holds::new(holds))
}

fn one(on: &Connection, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, Fault> {
    let given = params![id.to_string(), tenant.as_str()];
    let text = on.prepare_cached(ONE)?.query_row(given, |row| row.get::<_, String>(0));
    text.optional()?.map(|text| read(&text)).transpose()
}

/// Parses a hold. One that cannot be read may cover anything: nothing is erased then.
fn read(text: &str) -> Result<Hold, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Damaged("a legal hold"))
}
