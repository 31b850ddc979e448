//! The call that each decision has counted for. Written together with the change that the decision
//! makes.

use hitl_core::RequestId;
use hitl_core::machine::Event;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::Fault;
use super::row::one;
use super::statement::Statement;
use super::transaction::Tx;

static USED: Statement = Statement {
    text: "SELECT EXISTS (SELECT FROM {s}.decisions d JOIN {s}.calls c ON c.n = d.call \
           WHERE d.id = $1::text::uuid AND c.id <> $2::text::uuid)",
    types: &[Type::TEXT, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&USED];

/// Returns whether the event carries a decision that has counted for another call.
pub(super) async fn is_used(on: &Database, call: RequestId, event: &Event) -> Result<bool, Fault> {
    let Some(id) = event.decision() else { return Ok(false) };
    Ok(one(&on.read(&USED, &[&id.to_string(), &call.to_string()]).await?)?.try_get(0)?)
}

/// Does the same as [`is_used`] in a transaction.
pub(super) async fn is_used_within(
    tx: &Tx<'_>,
    call: RequestId,
    event: &Event,
) -> Result<bool, Fault> {
    let Some(id) = event.decision() else { return Ok(false) };
    Ok(one(&tx.send(&USED, &[&id.to_string(), &call.to_string()]).await?)?.try_get(0)?)
}
