//! The handshake between store and audit: every change that a gate makes is in the store's outbox
//! until the gate acknowledges that the audit has it. If the gate dies in between, another one
//! audits the change.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::audit::{AuditSink, UnacknowledgedChanges, heads, learn};
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::sync::sleep;

/// The pause before an acknowledgement, so that one transaction covers many changes.
const ACK_DELAY: Duration = Duration::from_millis(500);
/// The pause after a failed acknowledgement.
const RETRY_DELAY: Duration = Duration::from_secs(10);
/// The number of acknowledgements between two exchanges of the audit's chain heads.
const HEADS_EVERY: u32 = 20;
/// The number of changes that are acknowledged, or requested, at a time.
pub(in crate::gate) const BATCH: usize = 256;
/// The age after which a change of our own that is still not in the trail counts as left by a
/// dropped future.
pub(in crate::gate) const ORPHAN_AGE: Duration = Duration::from_secs(60);

/// Acknowledges to the store, at intervals, until everything that is audited is acknowledged.
pub(in crate::gate) async fn acknowledge_until_idle(
    kept: Arc<UnacknowledgedChanges>,
    sink: Weak<dyn AuditSink>,
    store: Weak<dyn Store>,
) {
    let (mut pause, mut rounds) = (ACK_DELAY, 0_u32);
    while !kept.is_idle() {
        sleep(pause).await;
        let Some(store) = store.upgrade() else { return };
        let mut result = acknowledge(&kept, &*store).await;
        if result.is_ok() && rounds.is_multiple_of(HEADS_EVERY) {
            result = exchange_heads(&sink, &*store).await;
        }
        rounds = rounds.wrapping_add(1);
        pause = match result {
            Ok(()) => ACK_DELAY,
            Err(error) => {
                tracing::warn!(%error, "the store was not told what is audited; trying again");
                RETRY_DELAY
            }
        };
    }
}

/// Acknowledges to the store all changes that are audited.
pub(in crate::gate) async fn acknowledge(
    kept: &UnacknowledgedChanges,
    store: &dyn Store,
) -> Result<(), StoreError> {
    loop {
        let changes = kept.some(BATCH);
        if changes.is_empty() {
            return Ok(());
        }
        store.outbox_ack(&changes).await?;
        kept.acknowledged(&changes);
    }
}

/// Reports the ends of our chains to the store, and the ends of other writers' chains to the sink,
/// so that a checkpoint of one vouches for all.
pub(in crate::gate) async fn exchange_heads(
    sink: &Weak<dyn AuditSink>,
    store: &dyn Store,
) -> Result<(), StoreError> {
    // The sink is not held during a call to the store: it must be free as soon as its gate is gone.
    let Some(own) = sink.upgrade().map(|sink| heads(&*sink)) else { return Ok(()) };
    if own.is_empty() {
        return Ok(());
    }
    for head in own.iter().filter(|head| head.seq > 0) {
        match store.writer_advance(head).await {
            Err(error) if error.kind() == StoreErrorKind::Unsupported => return Ok(()),
            other => other?,
        }
    }
    let mut others = store.writer_heads().await?;
    others.retain(|other| own.iter().all(|head| head.stream != other.stream));
    if let Some(sink) = sink.upgrade() {
        learn(&*sink, &others);
    }
    Ok(())
}
