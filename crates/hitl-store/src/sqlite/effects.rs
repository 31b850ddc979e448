//! The call that holds each effect.

use hitl_core::call::EffectDigest;
use hitl_core::store::EffectHolder;
use hitl_core::{RequestId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;

const HOLDER: &str = "SELECT call, earlier FROM effects WHERE tenant = ?1 AND effect = ?2";
const SET: &str = "INSERT INTO effects (tenant, effect, call, earlier) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (tenant, effect) DO UPDATE \
                   SET call = excluded.call, earlier = excluded.earlier";
/// Lets earlier calls take the place of a holder that is being forgotten.
const HAND_BACK: &str = "UPDATE effects SET call = earlier, earlier = NULL \
                         WHERE earlier IS NOT NULL AND call = (SELECT id FROM calls WHERE n = ?1)";
const FORGET: &str = "DELETE FROM effects WHERE call = (SELECT id FROM calls WHERE n = ?1)";
const FORGET_EARLIER: &str =
    "UPDATE effects SET earlier = NULL WHERE earlier = (SELECT id FROM calls WHERE n = ?1)";

/// Returns the holder of an effect.
pub(super) fn holder(
    on: &Connection,
    tenant: &Tenant,
    effect: EffectDigest,
) -> Result<Option<EffectHolder>, Fault> {
    let row = on
        .prepare_cached(HOLDER)?
        .query_row([tenant.as_str(), &effect.to_string()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    let Some((call, earlier)) = row else { return Ok(None) };
    let id = |text: String| text.parse().map_err(|_| Fault::Damaged("the holder of an effect"));
    Ok(Some(EffectHolder { call: id(call)?, earlier: earlier.map(id).transpose()? }))
}

/// Makes `to` the holder, if it is still the call `from`. Returns whether it is now: it may be the
/// result of this operation's own lost commit, which is repeated.
pub(super) fn reserve(
    on: &Connection,
    (tenant, effect): (&Tenant, EffectDigest),
    from: Option<RequestId>,
    to: EffectHolder,
) -> Result<bool, Fault> {
    let holder = holder(on, tenant, effect)?.map(|holder| holder.call);
    if holder == Some(to.call) {
        return Ok(true);
    }
    if holder != from {
        return Ok(false);
    }
    let earlier = to.earlier.map(|call| call.to_string());
    let (effect, call) = (effect.to_string(), to.call.to_string());
    on.prepare_cached(SET)?.execute(params![tenant.as_str(), effect, call, earlier])?;
    Ok(true)
}

/// Forgets call `n`, which is being forgotten: an earlier call takes its place.
pub(super) fn forget(on: &Connection, n: i64) -> Result<(), Fault> {
    for statement in [FORGET_EARLIER, HAND_BACK, FORGET] {
        on.prepare_cached(statement)?.execute([n])?;
    }
    Ok(())
}
