//! The requests that a server serves at a time, over all its connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most calls that are served at a time. Further ones are answered at once that the server is
/// busy.
const MAX_CALLS: usize = 4_096;
/// The most arguments of calls that are served at a time, in KiB. More than one client can send.
const MAX_ARGUMENTS: usize = 96 * 1024;
/// The most requests for resources, prompts and the like that are served at a time.
const MAX_FEATURES: usize = 1_024;
/// The most calls whose answer is held back at a time. Further ones that wait are answered at once,
/// so that they take no place from calls that run.
const MAX_HELD: usize = 1_024;

/// The requests that a server can still take.
#[derive(Debug)]
pub(super) struct Capacity {
    calls: Arc<Semaphore>,
    arguments: Arc<Semaphore>,
    features: Arc<Semaphore>,
    held: Arc<Semaphore>,
}

/// The part of a server's capacity that a request has until it is dropped.
#[derive(Debug)]
#[must_use = "the request is counted until this is dropped"]
pub(super) struct Share {
    _one: OwnedSemaphorePermit,
    _size: Option<OwnedSemaphorePermit>,
}

impl Default for Capacity {
    fn default() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self {
            calls: of(MAX_CALLS),
            arguments: of(MAX_ARGUMENTS),
            features: of(MAX_FEATURES),
            held: of(MAX_HELD),
        }
    }
}

impl Capacity {
    /// Takes a call whose arguments have this many bytes. `None` if the server is busy.
    pub(super) fn take_call(&self, arguments: usize) -> Option<Share> {
        let size = u32::try_from(arguments.div_ceil(1024)).ok()?;
        let size = Arc::clone(&self.arguments).try_acquire_many_owned(size).ok()?;
        Some(Share { _size: Some(size), ..one(&self.calls)? })
    }

    /// Takes a request for a resource, a prompt or the like. `None` if the server is busy.
    pub(super) fn take_feature(&self) -> Option<Share> {
        one(&self.features)
    }

    /// Holds back the answer to a call. `None` if that is done for too many.
    pub(super) fn hold(&self) -> Option<Share> {
        one(&self.held)
    }
}

fn one(of: &Arc<Semaphore>) -> Option<Share> {
    let one = Arc::clone(of).try_acquire_owned().ok()?;
    Some(Share { _one: one, _size: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_limited_by_number_and_by_the_size_of_their_arguments() {
        let capacity = Capacity::default();
        for (bytes, most) in [(2, MAX_CALLS), (4 * 1024 * 1024, 24), (4 * 1024 * 1024 - 1, 24)] {
            let mut shares: Vec<_> =
                (0..most).map(|_| capacity.take_call(bytes).unwrap()).collect();
            assert!(capacity.take_call(bytes).is_none(), "{bytes}");
            shares.pop();
            assert!(capacity.take_call(bytes).is_some(), "{bytes}");
        }
        assert!(capacity.take_call(usize::MAX).is_none());
        assert!(capacity.take_call(0).is_some());
    }

    #[test]
    fn features_take_no_place_from_calls() {
        let capacity = Capacity::default();
        let shares: Vec<_> = std::iter::from_fn(|| capacity.take_feature()).collect();
        assert_eq!(shares.len(), MAX_FEATURES);
        assert!(capacity.take_call(1).is_some() && capacity.hold().is_some());
    }
}
