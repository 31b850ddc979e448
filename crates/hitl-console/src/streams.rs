//! Counts open event streams, in total and per principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use hitl_base::sync::lock;
use hitl_core::{Principal, Tenant};

use crate::auth::Reviewer;

/// Counts open streams.
#[derive(Debug)]
pub(crate) struct Streams {
    max: usize,
    max_per_principal: usize,
    open: Mutex<OpenCounts>,
}

#[derive(Debug, Default)]
struct OpenCounts {
    all: usize,
    of: HashMap<(Tenant, Principal), usize>,
}

/// The reason why no further stream may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamLimit {
    /// The maximum number of streams is open.
    All,
    /// This principal has the maximum number of streams open.
    Principal,
}

impl Streams {
    pub(crate) fn new(max: usize, max_per_principal: usize) -> Self {
        Self { max, max_per_principal, open: Mutex::default() }
    }

    /// Counts one more stream of a reviewer, until the returned slot is dropped.
    pub(crate) fn open(self: &Arc<Self>, reviewer: &Reviewer) -> Result<StreamSlot, StreamLimit> {
        let who = (reviewer.tenant.clone(), reviewer.principal.clone());
        let mut open = self.lock();
        if open.of.get(&who).is_some_and(|count| *count >= self.max_per_principal)
            || self.max_per_principal == 0
        {
            return Err(StreamLimit::Principal);
        }
        if open.all >= self.max {
            return Err(StreamLimit::All);
        }
        open.all += 1;
        *open.of.entry(who.clone()).or_default() += 1;
        Ok(StreamSlot { streams: Arc::clone(self), who })
    }

    fn lock(&self) -> MutexGuard<'_, OpenCounts> {
        // No code under this lock can panic half-way.
        lock(&self.open)
    }
}

/// An open stream. Dropping it gives its slot back.
#[derive(Debug)]
pub(crate) struct StreamSlot {
    streams: Arc<Streams>,
    who: (Tenant, Principal),
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        open.all -= 1;
        if let Some(count) = open.of.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                open.of.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_principal_cannot_take_all_streams() {
        let streams = Arc::new(Streams::new(3, 2));
        let (ann, bob) = (Reviewer::new("ann"), Reviewer::new("bob"));
        let elsewhere = Reviewer::new("ann").of_tenant("other");
        let one = streams.open(&ann).unwrap();
        let _two = streams.open(&ann).unwrap();
        assert_eq!(streams.open(&ann).unwrap_err(), StreamLimit::Principal);
        let _three = streams.open(&elsewhere).unwrap();
        assert_eq!(streams.open(&bob).unwrap_err(), StreamLimit::All);
        drop(one);
        let four = streams.open(&bob).unwrap();
        drop(four);
        assert_eq!(streams.lock().of.len(), 2, "who has none is forgotten");
    }
}
