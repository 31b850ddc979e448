//! Measures the heap use of one path, with an allocator that counts. `hitl-bench` starts this
//! program: its own allocator does not count, because counting takes time that would be measured.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    hitl_benches::heap::answer()
}
