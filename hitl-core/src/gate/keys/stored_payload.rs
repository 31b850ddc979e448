//! Reads the stored payload of a call.

use crate::arguments::Snapshot;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::keys::vault::{OpenedPayload, OpenedReferents};
use crate::machine::CallRecord;

/// The stored arguments of a call, the contents that they name, and its preview, as they were
/// shown.
pub(in crate::gate) struct StoredContents {
    pub(in crate::gate) snapshot: Snapshot,
    pub(in crate::gate) referents: OpenedReferents,
}

/// Returns the stored snapshot, if it is exactly the one that was approved. `None` if the store has
/// no payload any more.
pub(in crate::gate) async fn stored_snapshot(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<Snapshot>, GateError> {
    Ok(stored_payload(core, record).await?.map(|payload| payload.snapshot))
}

/// Does what [`stored_snapshot`] does, and also returns the contents that its arguments name, and
/// its preview.
pub(in crate::gate) async fn stored_contents(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<StoredContents>, GateError> {
    let Some(payload) = stored_payload(core, record).await? else { return Ok(None) };
    let Some(referents) = core.vault.sealed_referents(record, &payload.plain) else {
        let why =
            "the call's payload holds another content or preview than was shown; cancel the call";
        return Err(GateError::new(GateErrorKind::Payload, why));
    };
    Ok(Some(StoredContents { snapshot: payload.snapshot, referents }))
}

async fn stored_payload(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<OpenedPayload>, GateError> {
    let sealed = core.calls.store().payload(&record.key().tenant, record.id()).await?;
    sealed.map(|sealed| core.vault.open_payload(record, &sealed)).transpose()
}
