//! The call that holds each effect.

use hitl_core::call::EffectDigest;
use hitl_core::{RequestId, Tenant};
use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;

pub(super) const HOLDER: &str = "SELECT call FROM effects WHERE tenant = ?1 AND effect = ?2";
const SET: &str = "INSERT INTO effects (tenant, effect, call) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (tenant, effect) DO UPDATE SET call = excluded.call";
pub(super) const FORGET: &str =
    "DELETE FROM effects WHERE call = (SELECT id FROM calls WHERE n = ?1)";

/// Returns the holder of an effect.
pub(super) fn holder(
    on: &Connection,
    tenant: &Tenant,
    effect: EffectDigest,
) -> Result<Option<RequestId>, Fault> {
    let given = [tenant.as_str(), &effect.to_string()];
    let holder = on.prepare_cached(HOLDER)?.query_row(given, |row| row.get::<_, String>(0));
    let holder = holder.optional()?.map(|id| id.parse());
    holder.transpose().map_err(|_| Fault::Damaged("the holder of an effect"))
}

/// Makes `to` the holder, if it is still `from`. Returns whether it is now: it may be the result of
/// this operation's own lost commit, which is repeated.
pub(super) fn reserve(
    on: &Connection,
    (tenant, effect): (&Tenant, EffectDigest),
    from: Option<RequestId>,
    to: RequestId,
) -> Result<bool, Fault> {
    let holder = holder(on, tenant, effect)?;
    if holder != from {
        return Ok(holder == Some(to));
    }
    let given = [tenant.as_str(), &effect.to_string(), &to.to_string()];
    on.prepare_cached(SET)?.execute(given)?;
    Ok(true)
}

/// Forgets the effects that call `n` holds, which is being forgotten.
pub(super) fn forget(on: &Connection, n: i64) -> Result<(), Fault> {
    on.prepare_cached(FORGET)?.execute([n])?;
    Ok(())
}
