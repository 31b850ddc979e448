//! One path and its yardstick.

use std::time::Duration;

/// What a number in the table counts.
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
    /// As in the table and in `results.json`.
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

/// Does the operation so many times, and says how long that took.
pub type Run = Box<dyn FnMut(u64) -> Duration>;

/// One side of a pair. Made only when it is measured, so that a long set-up costs nothing to those
/// who measure something else.
pub type Side = Box<dyn FnOnce() -> Run>;

/// Counts what hitl needs, and what it may be compared with.
pub type Count = Box<dyn FnOnce() -> (f64, f64)>;

/// How a pair gets its numbers.
pub enum Sides {
    /// Timed in turns.
    Timed {
        ours: Side,
        yardstick: Side,
        /// The most repetitions in one sample: for operations that leave something behind.
        most: u64,
    },
    /// Counted once: what hitl needs, and what it may be compared with.
    Counted(Count),
    /// Counted once, by the program whose allocator counts.
    OnHeap(Count),
}

/// A path, its yardstick, and what it may cost.
pub struct Pair {
    pub path: String,
    /// What the yardstick is, in a few words.
    pub against: &'static str,
    pub unit: Unit,
    /// The most that `ours / yardstick` may be; nothing where it is only told.
    pub budget: Option<f64>,
    pub sides: Sides,
}

impl Pair {
    /// A path that is timed against `against`.
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

    /// A path that is counted against `against`.
    pub fn counted(
        path: impl Into<String>,
        unit: Unit,
        against: &'static str,
        count: impl FnOnce() -> (f64, f64) + 'static,
    ) -> Self {
        let sides = Sides::Counted(Box::new(count));
        Self { path: path.into(), against, unit, budget: None, sides }
    }

    /// A path whose `count` uses [`heap::watch()`](crate::heap::watch()).
    pub fn on_heap(
        path: impl Into<String>,
        unit: Unit,
        against: &'static str,
        count: impl FnOnce() -> (f64, f64) + 'static,
    ) -> Self {
        let sides = Sides::OnHeap(Box::new(count));
        Self { path: path.into(), against, unit, budget: None, sides }
    }

    /// The most that the ratio may be.
    #[must_use]
    pub fn budget(mut self, ratio: f64) -> Self {
        self.budget = Some(ratio);
        self
    }

    /// The most repetitions in one sample.
    #[must_use]
    pub fn at_most(mut self, repetitions: u64) -> Self {
        if let Sides::Timed { most, .. } = &mut self.sides {
            *most = repetitions;
        }
        self
    }
}
