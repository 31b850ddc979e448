//! The durations of steps so far, by task name, for estimates.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Mutex, lock};

/// The maximum number of task names; further ones are not remembered.
const MAX_NAMES: usize = 1_000;

/// The weight of the latest duration against all earlier ones.
const NEWEST_SHARE: f64 = 0.3;

/// The mean on-clock durations of steps. Tasks of one name whose steps differ only spoil each
/// other's estimates.
#[derive(Default)]
pub(crate) struct StepDurations(Mutex<HashMap<Arc<str>, Vec<Option<f64>>>>);

impl StepDurations {
    /// Records the duration of a step. Steps too fast to be measured are not recorded: they would
    /// take a lock and add nothing.
    pub(crate) fn record(&self, task: &Arc<str>, step: usize, steps: usize, took: Duration) {
        if took.is_zero() {
            return;
        }
        let mut known = lock(&self.0);
        if !known.contains_key(task) && known.len() >= MAX_NAMES {
            return;
        }
        let means = known.entry(Arc::clone(task)).or_default();
        if means.len() < steps {
            means.resize(steps, None);
        }
        if let Some(mean) = means.get_mut(step) {
            let took = took.as_secs_f64();
            *mean = Some(mean.map_or(took, |mean| mean + NEWEST_SHARE * (took - mean)));
        }
    }

    /// Returns the mean of each step, in seconds.
    pub(crate) fn means(&self, task: &str) -> Vec<Option<f64>> {
        lock(&self.0).get(task).cloned().unwrap_or_default()
    }
}
