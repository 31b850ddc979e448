//! Times both sides of a pair in turns.

use std::time::Duration;

use crate::heap;
use crate::pair::{Pair, Run, Sides, Unit};
use crate::statistics::{Middle, middle};

/// The amount of time that a measurement may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Each side once: shows that it works.
    Smoke,
    /// All paths in under two minutes.
    Quick,
    /// The large sizes too, and more stable numbers.
    Thorough,
}

impl Effort {
    /// Returns the minimum duration of one sample, and the number of samples.
    fn samples(self) -> (Duration, usize) {
        match self {
            Self::Smoke => (Duration::ZERO, 1),
            Self::Quick => (Duration::from_millis(8), 21),
            Self::Thorough => (Duration::from_millis(40), 61),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    pub path: String,
    pub against: &'static str,
    pub unit: Unit,
    /// The time of one operation of hitl.
    pub ours: Middle,
    /// The time of one operation of the yardstick.
    pub yardstick: Middle,
    /// The ratio of each sample to the one next to it.
    pub ratio: Middle,
    pub budget: Option<f64>,
}

impl Row {
    /// Returns whether the ratio is within its budget; `None` without a budget.
    pub fn holds(&self) -> Option<bool> {
        self.budget.map(|budget| self.ratio.median <= budget)
    }
}

/// Measures a pair.
pub fn measure(pair: Pair, effort: Effort) -> Row {
    let Pair { path, against, unit, budget, sides } = pair;
    let (ours, yardstick, ratio) = match sides {
        Sides::Counted(count) => exact(count()),
        Sides::OnHeap(_) => exact(heap::ask(&path)),
        Sides::Timed { ours, yardstick, most } => in_turns(ours(), yardstick(), most, effort),
    };
    Row { path, against, unit, ours, yardstick, ratio, budget }
}

fn exact((ours, yardstick): (f64, f64)) -> (Middle, Middle, Middle) {
    let exact = |median| Middle { median, spread: 0.0 };
    (exact(ours), exact(yardstick), exact(ours / yardstick))
}

fn in_turns(
    mut ours: Run,
    mut yardstick: Run,
    most: u64,
    effort: Effort,
) -> (Middle, Middle, Middle) {
    let (length, samples) = effort.samples();
    let (mine, other) =
        (repetitions(&mut ours, length, most), repetitions(&mut yardstick, length, most));
    let mut times = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..samples {
        let (a, b) = (one(&mut ours, mine), one(&mut yardstick, other));
        times.0.push(a);
        times.1.push(b);
        times.2.push(a / b);
    }
    (middle(times.0), middle(times.1), middle(times.2))
}

/// Returns the nanoseconds of one operation, from a run of `times`.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn one(run: &mut Run, times: u64) -> f64 {
    run(times).as_nanos().max(1) as f64 / times as f64
}

/// Returns the number of operations in a sample of this length. Warms up along the way.
fn repetitions(run: &mut Run, length: Duration, most: u64) -> u64 {
    let mut times = 1;
    loop {
        let spent = run(times);
        if spent >= length || times >= most {
            return times;
        }
        let grow = length.as_nanos() / spent.as_nanos().max(1);
        let factor = u64::try_from(grow).unwrap_or(u64::MAX).clamp(2, 100);
        times = times.saturating_mul(factor).min(most);
    }
}
