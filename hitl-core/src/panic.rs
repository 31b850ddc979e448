//! Containment of panics in the host's code: that of hitl-base, and the same for futures.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
pub(crate) use hitl_base::panic::{Panicked, catch};

/// Polls the future of host code, and catches a panic.
///
/// Cancel safety: that of the future.
#[expect(clippy::disallowed_methods, reason = "the payload is dropped with care")]
pub(crate) async fn catch_async<F: Future>(code: F) -> Result<F::Output, Panicked> {
    AssertUnwindSafe(code).catch_unwind().await.map_err(Panicked::new)
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }

    #[tokio::test]
    async fn a_future_whose_payload_panics_when_it_is_dropped_is_contained() {
        assert_eq!(catch_async(async { 7 }).await, Ok(7));
        let caught: Result<(), Panicked> = catch_async(async { panic_any(Bomb) }).await;
        assert!(caught.is_err());
    }
}
