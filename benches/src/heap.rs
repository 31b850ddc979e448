//! What stands on the heap, and how often it was asked for: by a counting allocator.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What some work did to the heap.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Bytes that it took and still holds.
    pub kept: f64,
    /// How often it asked for memory.
    pub allocations: f64,
}

/// Watches the whole process while `work` runs; nothing else may.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn watch<O>(work: impl FnOnce() -> O) -> (O, Used) {
    let region = Region::new(HEAP);
    let made = work();
    let stats = region.change();
    let kept = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
    let allocations = (stats.allocations + stats.reallocations) as f64;
    (made, Used { kept, allocations })
}
