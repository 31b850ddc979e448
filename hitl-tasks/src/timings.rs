//! How long steps took so far, by task name: what an estimate goes by.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Mutex, lock};

/// How many task names are remembered; further ones are not.
const MAX_NAMES: usize = 1_000;

/// How much the newest time counts against all before it.
const NEWEST: f64 = 0.3;

/// Mean on-clock times of steps. An estimate is no invariant: tasks of one name whose steps differ
/// only spoil each other's estimates.
#[derive(Default)]
pub(crate) struct Timings(Mutex<HashMap<Arc<str>, Vec<Option<f64>>>>);

impl Timings {
    /// A step took so long. Steps too fast to be measured are not noted down: they would cost a
    /// lock and tell nothing.
    pub(crate) fn note(&self, task: &Arc<str>, step: usize, steps: usize, took: Duration) {
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
            *mean = Some(mean.map_or(took, |mean| mean + NEWEST * (took - mean)));
        }
    }

    /// The mean of each step, in seconds.
    pub(crate) fn of(&self, task: &str) -> Vec<Option<f64>> {
        lock(&self.0).get(task).cloned().unwrap_or_default()
    }
}
