//! The result of looking at a store without opening it. Pure data.

use hitl_base::Timestamp;

/// The result of looking at a store without opening it, which creates, migrates and repairs
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInspection {
    /// The kind of thing that is there.
    pub identity: StoreIdentity,
    /// The newest schema that this version of hitl knows.
    pub newest_schema: usize,
    /// True if it takes writes of this process.
    pub takes_writes: bool,
    /// Its state. `None` unless it is a store of the newest schema.
    pub state: Option<StoreState>,
}

/// The kind of thing that is in place of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreIdentity {
    /// There is nothing yet.
    Empty,
    /// A store of this schema.
    Store {
        /// The version of its schema, from 1.
        schema: usize,
    },
    /// Something of another program.
    Foreign,
}

/// The state of a store of the newest schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreState {
    /// True if it is a backup or an older copy of itself: the next program that opens it begins a
    /// new epoch, and asks again about everything that waits or was approved.
    pub begins_new_epoch: bool,
    /// The time of its last change, by the machine's clock. `None` if nothing has happened yet, or
    /// if the store has a clock of its own.
    pub last_change: Option<Timestamp>,
    /// The number of changes that are not known to be in the audit, and whose auditor is alive: it
    /// still owes them.
    pub owed_by_living: u64,
    /// The number of changes that are not known to be in the audit, and whose auditor is dead: the
    /// next program that recovers takes them over.
    pub owed_by_dead: u64,
}

impl StoreInspection {
    /// Returns whether opening it changes nothing but what each opening does: it is a store of the
    /// newest schema, and begins no new epoch.
    pub fn opens_unchanged(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.begins_new_epoch)
    }
}
