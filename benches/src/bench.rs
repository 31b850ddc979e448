//! Passes a path to criterion, or runs each of its pairs once for `cargo test`.

use std::time::Duration;

use criterion::Criterion;

use crate::child;
use crate::measure::{Effort, measure};
use crate::pair::{Pair, Sides};
use crate::paths;

/// Runs a bench target, as its `main`.
pub fn main(path: &str) {
    if child::is_one() {
        return;
    }
    if !std::env::args().any(|argument| argument == "--bench") {
        for pair in paths::of(path, Effort::Smoke).expect("a path of this name") {
            let row = measure(pair, Effort::Smoke);
            assert!(row.ours.median > 0.0 && row.yardstick.median > 0.0, "{}", row.path);
            println!("{} works", row.path);
        }
        return;
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for pair in paths::of(path, Effort::Quick).expect("a path of this name") {
        match pair {
            Pair { path, against, sides: Sides::Timed { ours, yardstick, .. }, .. } => {
                let mut group = criterion.benchmark_group(path);
                let (mut ours, mut yardstick) = (ours(), yardstick());
                group.bench_function("hitl", |bencher| bencher.iter_custom(&mut ours));
                group.bench_function(against, |bencher| bencher.iter_custom(&mut yardstick));
                group.finish();
            }
            pair => {
                let row = measure(pair, Effort::Quick);
                let (ours, yardstick) = (row.ours.median, row.yardstick.median);
                let unit = row.unit.name();
                println!("{}: {ours:.1} {unit}, {}: {yardstick:.1} {unit}", row.path, row.against);
            }
        }
    }
    criterion.final_summary();
}
