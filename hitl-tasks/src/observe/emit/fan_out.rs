//! Several emitters as one.

use std::fmt;

use crate::observe::emit::emitter::{ProgressEmitter, emit_guarded};
use crate::observe::event::TaskEvent;

/// Passes every event to each of its emitters, in the order in which they were added.
#[derive(Default)]
pub struct FanOut(Vec<Box<dyn ProgressEmitter>>);

impl FanOut {
    /// Creates an emitter that passes events to no other yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an emitter.
    #[must_use]
    pub fn with(mut self, emitter: impl ProgressEmitter) -> Self {
        self.0.push(Box::new(emitter));
        self
    }

    /// Returns the simplest equivalent emitter.
    pub(crate) fn into_emitter(mut self) -> Option<Box<dyn ProgressEmitter>> {
        match self.0.len() {
            0 => None,
            1 => self.0.pop(),
            _ => Some(Box::new(self)),
        }
    }
}

impl ProgressEmitter for FanOut {
    fn emit(&self, event: &TaskEvent) {
        for emitter in &self.0 {
            emit_guarded(&**emitter, event);
        }
    }
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FanOut").field(&self.0.len()).finish()
    }
}
