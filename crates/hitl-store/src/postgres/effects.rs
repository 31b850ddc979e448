//! The call that holds each effect.

use hitl_core::call::EffectDigest;
use hitl_core::store::{EffectHolder, StoreError};
use hitl_core::{RequestId, Tenant};
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::{Fault, ambiguous};
use super::row::storable;
use super::statement::{Params, Statement};
use super::transaction::{WriteOutcome, WriteTarget};

static HOLDER: Statement = Statement {
    text: "SELECT call::text, earlier::text FROM {s}.effects WHERE tenant = $1 AND effect = $2",
    types: &[Type::TEXT, Type::TEXT],
};

/// Replaces the holder, and returns the number of rows set: also when it is repeated.
static REPLACE: Statement = Statement {
    text: "WITH set AS (UPDATE {s}.effects SET call = $4::text::uuid, earlier = CASE \
               WHEN call = $4::text::uuid THEN earlier ELSE $5::text::uuid END \
             WHERE tenant = $1 AND effect = $2 AND call IN ($3::text::uuid, $4::text::uuid) \
             RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
};

/// Sets the first holder.
static INSERT: Statement = Statement {
    text: "WITH set AS (INSERT INTO {s}.effects AS e VALUES ($1, $2, $3::text::uuid) \
             ON CONFLICT (tenant, effect) DO UPDATE SET call = excluded.call \
             WHERE e.call = excluded.call RETURNING 1) \
           SELECT count(*) FROM set",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&HOLDER, &REPLACE, &INSERT];

/// Returns the holder of an effect.
pub(super) async fn holder(
    on: &Database,
    tenant: &Tenant,
    effect: EffectDigest,
) -> Result<Option<EffectHolder>, Fault> {
    let rows = on.read(&HOLDER, &[&storable(tenant.as_str()), &effect.to_string()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (call, earlier): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let id = |text: String| text.parse().map_err(|_| Fault::Damaged("the holder of an effect"));
    Ok(Some(EffectHolder { call: id(call)?, earlier: earlier.map(id).transpose()? }))
}

/// Makes `to` the holder, if it is still the call `from`. Returns whether it is now.
pub(super) async fn reserve(
    on: &Database,
    (tenant, effect): (&Tenant, EffectDigest),
    from: Option<RequestId>,
    to: EffectHolder,
) -> Result<bool, StoreError> {
    let way = WriteTarget::SingleStatement(on);
    let (tenant, effect) = (storable(tenant.as_str()), effect.to_string());
    let earlier = to.earlier.map(|call| call.to_string());
    let to = to.call.to_string();
    let wrote = match from {
        Some(from) => {
            let given: Params<'_> = &[&tenant, &effect, &from.to_string(), &to, &earlier];
            way.write(&REPLACE, given).await
        }
        None => way.write(&INSERT, &[&tenant, &effect, &to]).await,
    };
    match wrote.map_err(|fault| on.error(fault))? {
        WriteOutcome::Done => Ok(true),
        WriteOutcome::Missed => Ok(false),
        WriteOutcome::Unclear => Err(ambiguous(&on.place)),
    }
}
