//! The check that this process may still seal under its key.

use hitl_core::HostKeys;
use hitl_core::store::StoreError;

use super::database::Database;
use super::metadata;
use crate::known_keys::{self, KEY_CHECK};

/// Refuses a process whose key others have retired.
pub(super) async fn check_may_seal(on: &Database, keys: &HostKeys) -> Result<(), StoreError> {
    let stored = metadata::get(on, KEY_CHECK).await.map_err(|fault| on.error(fault))?;
    if known_keys::may_seal(stored.as_deref(), keys) {
        return Ok(());
    }
    Err(known_keys::retired(&on.place))
}
