//! The envelopes that the host declares in code, and those that other processes were shown.

use crate::grant::Envelope;
use crate::sync::{Mutex, lock};

/// The envelopes that the host declares in code, and those that other processes were shown.
pub(in crate::gate) struct DeclaredEnvelopes {
    declared: Vec<Envelope>,
    published: Mutex<Vec<Envelope>>,
}

impl DeclaredEnvelopes {
    pub(in crate::gate) fn new(declared: Vec<Envelope>) -> Self {
        Self { declared, published: Mutex::default() }
    }

    /// Returns the envelopes that the host declares in code.
    pub(in crate::gate) fn declared(&self) -> &[Envelope] {
        &self.declared
    }

    /// Returns whether other processes were shown these envelopes last.
    pub(in crate::gate) fn is_published(&self, all: &[Envelope]) -> bool {
        *lock(&self.published) == *all
    }

    /// Notes that other processes were shown these envelopes.
    pub(in crate::gate) fn set_published(&self, all: Vec<Envelope>) {
        *lock(&self.published) = all;
    }
}
