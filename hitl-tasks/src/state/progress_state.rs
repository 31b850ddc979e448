//! The progress of a task that has not ended, cheap to update; a snapshot is made on demand.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use crate::define::task_info::TaskInfo;
use crate::state::percent::{clamped, rounded_percent, whole};
use crate::state::progress::{StepProgress, TaskProgress};
use crate::state::status::Status;
use crate::state::task_state::TaskState;

/// The state and the progress of a task. Every change is O(1) in the number of steps, except the
/// first and the snapshot.
pub(crate) struct ProgressState {
    pub(crate) state: TaskState,
    /// The step that started last.
    current: usize,
    /// Empty until the task starts, because the queue may be long.
    steps: Box<[StepProgressState]>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    message: Option<Arc<str>>,
    /// Percent times weight of the completed steps.
    done: f64,
    /// Percent times weight of the running steps. Exact while only one step runs.
    partly: f64,
    /// On-clock time, up to the last time the clock was stopped.
    ran: Duration,
    running_since: Option<Timestamp>,
}

#[derive(Clone)]
struct StepProgressState {
    status: Status,
    attempt: u32,
    progress: f64,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    /// On-clock time of the task when the step began.
    ran_before: Duration,
}

impl ProgressState {
    pub(crate) fn new() -> Self {
        Self {
            state: TaskState::Queued,
            current: 0,
            steps: Box::default(),
            started_at: None,
            completed_at: None,
            message: None,
            done: 0.0,
            partly: 0.0,
            ran: Duration::ZERO,
            running_since: None,
        }
    }

    pub(crate) fn start(&mut self, info: &TaskInfo, at: Timestamp) {
        let pending = StepProgressState {
            status: Status::Pending,
            attempt: 0,
            progress: 0.0,
            started_at: None,
            completed_at: None,
            ran_before: Duration::ZERO,
        };
        self.steps = vec![pending; info.steps().len()].into_boxed_slice();
        self.started_at = Some(at);
        self.running_since = Some(at);
    }

    pub(crate) fn start_step(&mut self, info: &TaskInfo, step: usize, attempt: u32, at: Timestamp) {
        let ran = self.ran(at);
        self.current = step;
        self.message = None;
        if let Some(live) = self.steps.get_mut(step) {
            if live.status == Status::Running {
                self.partly -= live.progress * info.weight(step);
            }
            live.status = Status::Running;
            live.attempt = attempt;
            live.progress = 0.0;
            live.ran_before = ran;
            live.started_at.get_or_insert(at);
        }
    }

    /// Returns whether an attempt is running. A context may outlive its attempt, and then has no
    /// effect.
    pub(crate) fn is_current(&self, step: usize, attempt: u32) -> bool {
        let live = self.steps.get(step);
        live.is_some_and(|live| live.status == Status::Running && live.attempt == attempt)
    }

    /// Sets a running step's progress; returns whether the whole percentage changed.
    pub(crate) fn set_progress(&mut self, info: &TaskInfo, step: usize, percent: f64) -> bool {
        let Some(live) = self.steps.get_mut(step) else { return false };
        let percent = clamped(percent);
        let changed = whole(live.progress) != whole(percent);
        let weight = info.weight(step);
        self.partly = self.partly - live.progress * weight + percent * weight;
        live.progress = percent;
        changed
    }

    /// Sets the message; returns whether it changed.
    pub(crate) fn set_message(&mut self, message: Arc<str>) -> bool {
        let changed = self.message.as_ref() != Some(&message);
        self.message = Some(message);
        changed
    }

    pub(crate) fn message(&self) -> Option<Arc<str>> {
        self.message.clone()
    }

    pub(crate) fn step_progress(&self, step: usize) -> f64 {
        self.steps.get(step).map_or(0.0, |step| step.progress)
    }

    /// Completes a step; returns the on-clock time of its last attempt.
    pub(crate) fn complete_step(
        &mut self,
        info: &TaskInfo,
        step: usize,
        at: Timestamp,
    ) -> Duration {
        self.done += 100.0 * info.weight(step);
        self.end_step(info, step, Status::Completed, at);
        let before = self.steps.get(step).map_or(Duration::ZERO, |step| step.ran_before);
        self.ran(at).saturating_sub(before)
    }

    /// Completes a step that was recorded before a restart.
    pub(crate) fn restore_step(&mut self, info: &TaskInfo, step: usize, at: Timestamp) {
        self.current = step;
        self.complete_step(info, step, at);
        if let Some(live) = self.steps.get_mut(step) {
            live.started_at.get_or_insert(at);
        }
    }

    pub(crate) fn end_step(&mut self, info: &TaskInfo, step: usize, status: Status, at: Timestamp) {
        let Some(live) = self.steps.get_mut(step) else { return };
        if live.status == Status::Running {
            self.partly -= live.progress * info.weight(step);
        }
        live.status = status;
        live.completed_at = status.is_over().then_some(at);
        if status == Status::Completed {
            live.progress = 100.0;
        }
    }

    /// Returns the completed steps.
    pub(crate) fn completed_steps(&self) -> Vec<usize> {
        let steps = self.steps.iter().enumerate();
        steps.filter(|(_, step)| step.status == Status::Completed).map(|(n, _)| n).collect()
    }

    pub(crate) fn pause_clock(&mut self, at: Timestamp) {
        self.ran = self.ran(at);
        self.running_since = None;
    }

    pub(crate) fn resume_clock(&mut self, at: Timestamp) {
        self.running_since = Some(at);
    }

    fn ran(&self, at: Timestamp) -> Duration {
        self.ran
            + self.running_since.map_or(Duration::ZERO, |since| at.saturating_duration_since(since))
    }

    /// Ends the task and its running steps.
    pub(crate) fn end(&mut self, info: &TaskInfo, status: Status, at: Timestamp) {
        self.pause_clock(at);
        self.completed_at = Some(at);
        self.end_running(info, status, at);
    }

    /// Ends the running steps.
    pub(crate) fn end_running(&mut self, info: &TaskInfo, status: Status, at: Timestamp) {
        // The last step, and its siblings in a parallel group.
        for step in 0..self.steps.len() {
            if self.steps.get(step).is_some_and(|step| step.status == Status::Running) {
                self.end_step(info, step, status, at);
            }
        }
    }

    fn percent_exact(&self) -> f64 {
        self.done + self.partly
    }

    /// Returns the same percentage as the snapshot, in O(1).
    pub(crate) fn percent(&self, info: &TaskInfo) -> u8 {
        rounded_percent(self.percent_exact(), info.total_weight())
    }

    /// Estimates the remaining milliseconds from the durations of the steps in other tasks, or else
    /// from the progress so far.
    fn estimate(&self, info: &TaskInfo, known: &[Option<f64>], at: Timestamp) -> Option<u64> {
        if self.state.is_terminal() || self.state == TaskState::Undoing {
            return None;
        }
        let left = self.by_observation(known, at).or_else(|| self.by_share(info, at))?;
        u64::try_from(Duration::try_from_secs_f64(left).ok()?.as_millis()).ok()
    }

    fn by_observation(&self, known: &[Option<f64>], at: Timestamp) -> Option<f64> {
        let mut left = 0.0;
        for (number, step) in self.steps.iter().enumerate() {
            let mean = || known.get(number).copied().flatten();
            match step.status {
                Status::Completed => {}
                Status::Running if step.progress > 0.0 => {
                    left += mean()? * (1.0 - step.progress / 100.0);
                }
                Status::Running => {
                    let ran = self.ran(at).saturating_sub(step.ran_before);
                    left += (mean()? - ran.as_secs_f64()).max(0.0);
                }
                _ => left += mean()?,
            }
        }
        self.running_since.is_some().then_some(left)
    }

    fn by_share(&self, info: &TaskInfo, at: Timestamp) -> Option<f64> {
        let done = self.percent_exact() / (100.0 * info.total_weight());
        if done.is_nan() || done <= 0.0 {
            return None;
        }
        Some(self.ran(at).as_secs_f64() * (1.0 - done).max(0.0) / done)
    }

    pub(crate) fn snapshot(
        &self,
        info: &TaskInfo,
        error: Option<Arc<str>>,
        known: &[Option<f64>],
        at: Timestamp,
    ) -> TaskProgress {
        let mut snapshot = TaskProgress::from_info(info);
        for (step, live) in snapshot.steps.iter_mut().zip(&self.steps) {
            live.write(step);
        }
        snapshot.status = self.state.status();
        snapshot.current_step = self.current;
        snapshot.started_at = self.started_at;
        snapshot.completed_at = self.completed_at;
        snapshot.estimated_completion_ms = self.estimate(info, known, at);
        snapshot.error = error;
        snapshot.message.clone_from(&self.message);
        snapshot
    }
}

impl StepProgressState {
    fn write(&self, step: &mut StepProgress) {
        step.status = self.status;
        step.progress = self.progress;
        step.started_at = self.started_at;
        step.completed_at = self.completed_at;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{StepContext, Task, TaskStep, Transition};

    fn info(weights: &[u32]) -> Arc<TaskInfo> {
        let body = |_: StepContext, (): ()| async { Ok::<_, String>(()) };
        let task = weights
            .iter()
            .fold(Task::new("t"), |task, w| task.step(TaskStep::new("s", body).weight(*w)));
        let Ok((plan, _)) = task.into_plan(&hitl_base::Redactor::standard()) else {
            panic!("a plain task is sound")
        };
        plan.info
    }

    proptest! {
        /// The percentage that is kept up to date is the one that the snapshot computes.
        #[test]
        fn the_quick_percentage_is_the_snapshots(
            weights in proptest::collection::vec(1..100_u32, 0..8),
            done in 0..9_usize,
            percent in -10.0..120.0_f64,
        ) {
            let info = info(&weights);
            let mut live = ProgressState::new();
            prop_assert_eq!(live.percent(&info), 0);
            live.state = live.state.next(Transition::Start).unwrap();
            live.start(&info, Timestamp::EPOCH);
            for step in 0..done.min(weights.len()) {
                live.start_step(&info, step, 1, Timestamp::EPOCH);
                live.complete_step(&info, step, Timestamp::EPOCH);
            }
            if done < weights.len() {
                live.start_step(&info, done, 1, Timestamp::EPOCH);
                live.set_progress(&info, done, percent);
            }
            let snapshot = live.snapshot(&info, None, &[], Timestamp::EPOCH);
            prop_assert_eq!(live.percent(&info), snapshot.percent());
        }
    }

    #[test]
    fn another_attempt_starts_from_nothing_and_keeps_the_steps_start() {
        let info = info(&[1]);
        let mut live = ProgressState::new();
        live.state = TaskState::Running;
        live.start(&info, Timestamp::from_millis(1));
        live.start_step(&info, 0, 1, Timestamp::from_millis(2));
        assert!(live.set_progress(&info, 0, 80.0));
        live.start_step(&info, 0, 2, Timestamp::from_millis(3));
        let step = live.snapshot(&info, None, &[], Timestamp::from_millis(4)).steps.remove(0);
        assert_eq!((step.progress, step.started_at), (0.0, Some(Timestamp::from_millis(2))));
        assert!(live.is_current(0, 2) && !live.is_current(0, 1));
    }
}
