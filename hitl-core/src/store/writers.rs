//! The writers of audit chains, as a store remembers them.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, StoreErrorKind};

/// Under which name the list is kept.
const WRITERS: &str = "audit.writers";
/// How often somebody else may be faster.
const TRIES: u32 = 100;

/// A writer of an audit chain, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditWriter {
    /// Its chain's name. The hash of it is what the chain begins with.
    pub stream: String,
    /// Since when, by the store's clock.
    pub registered_at: Timestamp,
}

pub(super) async fn list<S: Store + ?Sized>(store: &S) -> Result<Vec<AuditWriter>, StoreError> {
    parse(store.mark(WRITERS).await?.as_deref())
}

pub(super) async fn register<S: Store + ?Sized>(store: &S, stream: &str) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let kept = store.mark(WRITERS).await?;
        let mut writers = parse(kept.as_deref())?;
        if writers.iter().any(|writer| writer.stream == stream) {
            return Ok(());
        }
        let registered_at = store.now().await?;
        writers.push(AuditWriter { stream: stream.to_owned(), registered_at });
        let list = serde_json::to_string(&writers).map_err(|_| unreadable())?;
        if store.swap_mark(WRITERS, kept.as_deref(), &list).await? {
            return Ok(());
        }
    }
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        "too many audit writers register at once; try again",
    ))
}

fn parse(kept: Option<&str>) -> Result<Vec<AuditWriter>, StoreError> {
    kept.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_str(kept).map_err(|_| unreadable()))
}

fn unreadable() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "the store's list of audit writers cannot be read")
}
