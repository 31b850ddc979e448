//! Host state that bodies use: one value per exact type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// A type of host state that a tool needs.
#[derive(Clone, Copy)]
pub struct StateRequirement {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
}

impl StateRequirement {
    /// Declares the need for a `T`.
    pub const fn new<T: Send + Sync + 'static>() -> Self {
        Self { id: TypeId::of::<T>, name: std::any::type_name::<T> }
    }

    /// Returns the type's name, for messages.
    pub fn type_name(&self) -> &'static str {
        (self.name)()
    }
}

impl fmt::Debug for StateRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateRequirement({})", self.type_name())
    }
}

/// The host's state, by type.
#[derive(Default)]
pub(crate) struct StateMap(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl StateMap {
    /// Adds a value; returns whether its type was new.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> bool {
        self.0.insert(TypeId::of::<T>(), Box::new(value)).is_none()
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    pub(crate) fn has(&self, requirement: &StateRequirement) -> bool {
        self.0.contains_key(&(requirement.id)())
    }
}

impl fmt::Debug for StateMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateMap({} values)", self.0.len())
    }
}
