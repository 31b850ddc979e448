//! The progress of a part of a step.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::run::attempt::Attempt;

/// A range of a step's progress. Ranges nest; cheap to clone and to pass to the code that does that
/// part of the work.
///
/// ```
/// # use hitl::tasks::StepContext;
/// async fn migrate(cx: StepContext) -> Result<(), String> {
///     let tables = cx.sub_progress(0.0..0.8);
///     for (done, table) in ["users", "orders"].iter().enumerate() {
///         tables.message(format!("copying {table}"));
///         tables.progress((done + 1) as f64 / 2.0);
///     }
///     cx.sub_progress(0.8..1.0).progress(0.5); // 90% of the step
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct SubProgress {
    attempt: Arc<Attempt>,
    of: Range<f64>,
}

impl SubProgress {
    pub(crate) fn new(attempt: Arc<Attempt>, of: Range<f64>) -> Self {
        Self { attempt, of: at(&(0.0..1.0), of.start)..at(&(0.0..1.0), of.end) }
    }

    /// Reports the progress of this part: 0.0 to 1.0, clamped; NaN counts as 0. See
    /// [`StepContext::progress`](crate::StepContext::progress).
    pub fn progress(&self, share: f64) {
        self.attempt.progress(at(&self.of, share));
    }

    /// Reports the current activity of this part. A step has one message: the latest.
    pub fn message(&self, text: impl AsRef<str>) {
        self.attempt.message(text.as_ref());
    }

    /// Returns a range of this range.
    #[must_use]
    pub fn sub_progress(&self, of: Range<f64>) -> Self {
        Self {
            attempt: Arc::clone(&self.attempt),
            of: at(&self.of, of.start)..at(&self.of, of.end),
        }
    }
}

impl fmt::Debug for SubProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartProgress").field("of", &self.of).finish_non_exhaustive()
    }
}

/// Returns the value at a fraction of a range.
fn at(of: &Range<f64>, share: f64) -> f64 {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    of.start + (of.end - of.start) * share
}
