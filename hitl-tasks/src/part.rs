//! Progress of a part of a step.

use std::ops::Range;

use crate::StepContext;

/// Reports the progress of a part as progress of the whole. Parts have parts; cheap to clone and to
/// hand to whoever does that part of the work.
///
/// ```
/// # use hitl_tasks::StepContext;
/// async fn migrate(cx: StepContext) -> Result<(), String> {
///     let tables = cx.part(0.0..0.8);
///     for (done, table) in ["users", "orders"].iter().enumerate() {
///         tables.message(format!("copying {table}"));
///         tables.progress((done + 1) as f64 / 2.0);
///     }
///     cx.part(0.8..1.0).progress(0.5); // 90% of the step
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PartProgress {
    cx: StepContext,
    of: Range<f64>,
}

impl PartProgress {
    pub(crate) fn new(cx: StepContext, of: Range<f64>) -> Self {
        Self { cx, of: at(&(0.0..1.0), of.start)..at(&(0.0..1.0), of.end) }
    }

    /// Says how far this part is: 0.0 to 1.0, clamped; what is not a number is 0. Like
    /// [`StepContext::progress`], for whose step it speaks.
    pub fn progress(&self, share: f64) {
        self.cx.progress(at(&self.of, share));
    }

    /// Says what this part does right now. A step has one message: the newest.
    pub fn message(&self, text: impl AsRef<str>) {
        self.cx.message(text);
    }

    /// A part of this part.
    #[must_use]
    pub fn part(&self, of: Range<f64>) -> Self {
        Self { cx: self.cx.clone(), of: at(&self.of, of.start)..at(&self.of, of.end) }
    }
}

/// A place within a range.
fn at(of: &Range<f64>, share: f64) -> f64 {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    of.start + (of.end - of.start) * share
}
