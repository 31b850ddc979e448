//! One path and its yardstick.

use std::time::Duration;

/// The unit of a number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds for one operation.
    Nanoseconds,
    /// Bytes of the heap for one item.
    Bytes,
    /// Allocations for one operation.
    Allocations,
    /// Crates.
    Crates,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// Returns the name in the table and in `results.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "B",
            Self::Allocations => "allocations",
            Self::Crates => "crates",
            Self::Seconds => "s",
        }
    }
}

/// Runs the operation the given number of times, and returns the duration.
pub type Run = Box<dyn FnMut(u64) -> Duration>;

/// One side of a pair. Created only when it is measured, so that a long set-up costs nothing if
/// only other pairs are measured.
pub type Side = Box<dyn FnOnce() -> Run>;

/// Counts hitl's use, and the value to compare it with.
pub type Count = Box<dyn FnOnce() -> (f64, f64)>;

/// The source of a pair's numbers.
pub enum Sides {
    /// Timed in turns.
    Timed {
        ours: Side,
        yardstick: Side,
        /// The most repetitions in one sample: for operations that leave something behind.
        most: u64,
    },
    /// Counted once: hitl's use, and the value to compare it with.
    Counted(Count),
    /// Counted once, by the program whose allocator counts.
    OnHeap(Count),
}

/// A path, its yardstick, and its budget.
pub struct Pair {
    pub path: String,
    /// A short description of the yardstick.
    pub against: &'static str,
    pub unit: Unit,
    /// The maximum of `ours / yardstick`; `None` if it is only reported.
    pub budget: Option<f64>,
    pub sides: Sides,
}

impl Pair {
    /// Creates a path that is timed against `against`.
    pub fn timed(
        path: impl Into<String>,
        ours: impl FnOnce() -> Run + 'static,
        against: &'static str,
        yardstick: impl FnOnce() -> Run + 'static,
    ) -> Self {
        let (ours, yardstick): (Side, Side) = (Box::new(ours), Box::new(yardstick));
        let sides = Sides::Timed { ours, yardstick, most: u64::MAX };
        Self { path: path.into(), against, unit: Unit::Nanoseconds, budget: None, sides }
    }

    /// Creates a path that is counted against `against`.
    pub fn counted(
        path: impl Into<String>,
        unit: Unit,
        against: &'static str,
        count: impl FnOnce() -> (f64, f64) + 'static,
    ) -> Self {
        let sides = Sides::Counted(Box::new(count));
        Self { path: path.into(), against, unit, budget: None, sides }
    }

    /// Creates a path whose `count` uses [`heap::watch()`](crate::heap::watch()).
    pub fn on_heap(
        path: impl Into<String>,
        unit: Unit,
        against: &'static str,
        count: impl FnOnce() -> (f64, f64) + 'static,
    ) -> Self {
        let sides = Sides::OnHeap(Box::new(count));
        Self { path: path.into(), against, unit, budget: None, sides }
    }

    /// Sets the maximum of the ratio.
    #[must_use]
    pub fn budget(mut self, ratio: f64) -> Self {
        self.budget = Some(ratio);
        self
    }

    /// Sets the maximum number of repetitions in one sample.
    #[must_use]
    pub fn at_most(mut self, repetitions: u64) -> Self {
        if let Sides::Timed { most, .. } = &mut self.sides {
            *most = repetitions;
        }
        self
    }
}
