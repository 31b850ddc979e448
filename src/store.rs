//! Stores for a gate, and what a host asks of one: pages, holds, erasures.
//!
//! Types for a store of your own are in [`backend`](crate::backend).

pub use hitl_core::store::{
    ErasedCount, Freeze, FreezeScope, GrantQuery, History, Hold, HoldId, HoldScope, Holds,
    MAX_HOLD_REASON, MemoryStore, NotErased, PageRequest, Store, StoreAddress, StoreError,
    StoreErrorKind, StoreWrapper,
};
#[cfg(feature = "postgres")]
pub use hitl_store::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use hitl_store::{SqliteAudit, SqliteOptions, SqliteStore};
