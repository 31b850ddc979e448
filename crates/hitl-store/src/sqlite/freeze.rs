//! The freezes in force, as read in the transaction of a claim.

use hitl_core::Tenant;
use hitl_core::machine::Event;
use hitl_core::store::is_frozen;
use rusqlite::Connection;

use super::error::Fault;
use super::metadata;
use crate::freeze::KEPT;

/// Returns whether nothing of a tenant may start.
pub(super) fn stops_starts(on: &Connection, tenant: &Tenant) -> Result<bool, Fault> {
    Ok(is_frozen(metadata::get(on, KEPT)?.as_deref(), tenant))
}

/// Returns whether the event is a start, and nothing of the tenant may start.
pub(super) fn stops(on: &Connection, tenant: &Tenant, event: &Event) -> Result<bool, Fault> {
    Ok(matches!(event, Event::Claim { .. }) && stops_starts(on, tenant)?)
}
