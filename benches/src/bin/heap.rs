//! Counts what one path does to the heap, with an allocator that counts. `hitl-bench` starts it:
//! its own allocator counts nothing, because counting takes time that would be measured.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    hitl_benches::heap::answer()
}
