//! The registered writers of audit chains.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, StoreErrorKind};
use crate::audit::ChainHead;

/// The name under which the list is kept.
const WRITERS: &str = "audit.writers";
/// The prefix, before the chain's own name, of the name under which its last known end is kept.
const HEAD: &str = "audit.head.";
/// The most attempts when other writers keep winning the race.
const TRIES: u32 = 100;

/// A registered writer of an audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditWriter {
    /// Its chain's name. The chain begins with the hash of it.
    pub stream: String,
    /// The time of registration, by the store's clock.
    pub registered_at: Timestamp,
}

pub(super) async fn list<S: Store + ?Sized>(store: &S) -> Result<Vec<AuditWriter>, StoreError> {
    parse(store.metadata(WRITERS).await?.as_deref())
}

pub(super) async fn register<S: Store + ?Sized>(store: &S, stream: &str) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let kept = store.metadata(WRITERS).await?;
        let mut writers = parse(kept.as_deref())?;
        if writers.iter().any(|writer| writer.stream == stream) {
            return Ok(());
        }
        let registered_at = store.now().await?;
        writers.push(AuditWriter { stream: stream.to_owned(), registered_at });
        let list = serde_json::to_string(&writers).map_err(|_| unreadable())?;
        if store.compare_and_set_metadata(WRITERS, kept.as_deref(), &list).await? {
            return Ok(());
        }
    }
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        "too many audit writers register at once; try again",
    ))
}

/// Records the current end of a chain. A chain that is now shorter than its recorded end has lost
/// records.
pub(super) async fn advance<S: Store + ?Sized>(
    store: &S,
    head: &ChainHead,
) -> Result<(), StoreError> {
    let name = format!("{HEAD}{}", head.stream);
    let kept = store.metadata(&name).await?;
    if let Some(known) = kept.as_deref().map(head_of).transpose()? {
        if known == *head {
            return Ok(());
        }
        if known.seq >= head.seq {
            tracing::error!(
                stream = %head.stream, ends = head.seq, known = known.seq,
                "an audit chain is not what the store knows of it: it was cut off, or an older copy was put back; verify it"
            );
            return Ok(());
        }
    }
    let to = serde_json::to_string(head).map_err(|_| unreadable())?;
    // Any concurrent writer has recorded an end of the same chain.
    store.compare_and_set_metadata(&name, kept.as_deref(), &to).await.map(drop)
}

/// Returns the ends of the chains, as their writers last recorded them.
pub(super) async fn heads<S: Store + ?Sized>(store: &S) -> Result<Vec<ChainHead>, StoreError> {
    let mut heads = Vec::new();
    for writer in list(store).await? {
        if let Some(kept) = store.metadata(&format!("{HEAD}{}", writer.stream)).await? {
            heads.push(head_of(&kept)?);
        }
    }
    Ok(heads)
}

fn head_of(kept: &str) -> Result<ChainHead, StoreError> {
    serde_json::from_str(kept).map_err(|_| unreadable())
}

fn parse(kept: Option<&str>) -> Result<Vec<AuditWriter>, StoreError> {
    kept.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_str(kept).map_err(|_| unreadable()))
}

fn unreadable() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "the store's list of audit writers cannot be read")
}
