//! Bytes on the heap and the number of allocations: counted by a separate program, so that no
//! timing includes the counting.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::measure::Effort;
use crate::pair::Sides;
use crate::paths;

/// The heap use of some work.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// The bytes that it allocated and still holds.
    pub kept: f64,
    /// The number of allocations.
    pub allocations: f64,
}

/// Measures the whole process while `work` runs; nothing else may run.
///
/// # Panics
/// In a program whose allocator does not count.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn watch<O>(work: impl FnOnce() -> O) -> (O, Used) {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    drop(black_box(Box::new(0_u8)));
    assert_eq!(region.change().allocations, 1, "only `hitl-heap` counts");
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let made = work();
    let stats = region.change();
    let kept = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
    let allocations = (stats.allocations + stats.reallocations) as f64;
    (made, Used { kept, allocations })
}

/// Returns the counts of `hitl-heap` for the row of this name: hitl's, and the yardstick's.
pub fn ask(row: &str) -> (f64, f64) {
    let program = program();
    let ran = Command::new(&program).arg(row).output().unwrap_or_else(|error| {
        panic!("cannot start {} ({error}): build all programs of hitl-benches", program.display())
    });
    assert!(ran.status.success(), "{row}: {}", String::from_utf8_lossy(&ran.stderr));
    let told = String::from_utf8(ran.stdout).expect("text");
    let (ours, yardstick) = told.trim_end().split_once(' ').expect("two numbers");
    (ours.parse().expect("a number"), yardstick.parse().expect("a number"))
}

/// Answers [`ask()`]. The `main` of `hitl-heap`.
pub fn answer() -> ExitCode {
    let row = std::env::args().nth(1).unwrap_or_default();
    let mut pairs = paths::ALL.iter().flat_map(|(_, pairs)| pairs(Effort::Quick));
    let count = pairs.find_map(|pair| match pair.sides {
        Sides::OnHeap(count) if pair.path == row => Some(count),
        _ => None,
    });
    let Some(count) = count else { panic!("no row with this name is counted on the heap: {row}") };
    let (ours, yardstick) = count();
    println!("{ours} {yardstick}");
    ExitCode::SUCCESS
}

/// Returns the path of `hitl-heap`. Cargo puts programs into one folder, and those of benchmarks
/// into `deps` below it.
fn program() -> PathBuf {
    let mut here = std::env::current_exe().expect("this program");
    here.pop();
    if here.ends_with("deps") {
        here.pop();
    }
    here.join(format!("hitl-heap{}", std::env::consts::EXE_SUFFIX))
}
