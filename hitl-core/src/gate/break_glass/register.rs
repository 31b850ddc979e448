//! The grants that were given by breaking the glass and are in force: a small list in the store,
//! changed by compare-and-set. A grant that is not in it covers nothing, so that none is in force
//! unseen, and the process that takes it out audits its end: one of them.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::call::Tenant;
use crate::gate::error::GateError;
use crate::grant::{GrantError, GrantRecord};
use crate::ids::GrantId;
use crate::store::{Store, StoreError, StoreErrorKind};

/// The name under which the list is kept.
const NAME: &str = "break_glass.v1";
/// The most grants in force at once, of all tenants.
const MOST: usize = 64;
/// The most attempts at a change that other changes overtake.
const ATTEMPTS: u32 = 32;

/// A grant in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::gate) struct OpenGlass {
    pub(in crate::gate) tenant: Tenant,
    pub(in crate::gate) grant: GrantId,
    /// When it ends by itself.
    pub(in crate::gate) until: Timestamp,
}

/// Returns the list.
pub(in crate::gate) async fn list(store: &dyn Store) -> Result<Vec<OpenGlass>, StoreError> {
    parse(store.metadata(NAME).await?.as_deref())
}

/// Returns whether a grant is in the list.
pub(in crate::gate) async fn is_open(store: &dyn Store, id: GrantId) -> Result<bool, StoreError> {
    Ok(list(store).await?.iter().any(|open| open.grant == id))
}

/// Adds a grant.
pub(in crate::gate) async fn add(
    store: &dyn Store,
    record: &GrantRecord,
    until: Timestamp,
) -> Result<(), GateError> {
    let open = OpenGlass { tenant: record.grant.tenant.clone(), grant: record.id(), until };
    let added = change(store, |list| {
        if list.iter().any(|other| other.grant == open.grant) {
            return Change::None(true);
        }
        if list.len() >= MOST {
            return Change::None(false);
        }
        list.push(open.clone());
        Change::Write(true)
    });
    if added.await? { Ok(()) } else { Err(GrantError::TooManyInForce.into()) }
}

/// Takes a grant out. Returns whether it was there: of several processes, one gets `true`.
pub(in crate::gate) async fn take(store: &dyn Store, id: GrantId) -> Result<bool, StoreError> {
    change(store, |list| {
        let before = list.len();
        list.retain(|open| open.grant != id);
        if list.len() < before { Change::Write(true) } else { Change::None(false) }
    })
    .await
}

/// A change of the list, and its answer.
enum Change {
    None(bool),
    Write(bool),
}

async fn change(
    store: &dyn Store,
    mut change: impl FnMut(&mut Vec<OpenGlass>) -> Change,
) -> Result<bool, StoreError> {
    for _ in 0..ATTEMPTS {
        let kept = store.metadata(NAME).await?;
        let mut list = parse(kept.as_deref())?;
        let answer = match change(&mut list) {
            Change::None(answer) => return Ok(answer),
            Change::Write(answer) => answer,
        };
        let to = serde_json::to_string(&list).map_err(|_| unreadable())?;
        if store.compare_and_set_metadata(NAME, kept.as_deref(), &to).await? {
            return Ok(answer);
        }
    }
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        "the list of what was given by breaking the glass changes too often; try again",
    ))
}

fn parse(kept: Option<&str>) -> Result<Vec<OpenGlass>, StoreError> {
    kept.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_str(kept).map_err(|_| unreadable()))
}

fn unreadable() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the store's list of what was given by breaking the glass cannot be read",
    )
}
