//! What is kept of a living task, small and cheap to change; the snapshot is made when asked for.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use crate::progress::{StepProgress, TaskProgress, clamped, rounded_percent, whole};
use crate::{Status, TaskInfo, TaskState};

/// Where a task stands. Every change is O(1) in the number of steps, except the first and the
/// snapshot.
pub(crate) struct Live {
    pub(crate) state: TaskState,
    current: usize,
    attempt: u32,
    /// Empty until the task starts: a queue may hold many.
    steps: Vec<StepLive>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    message: Option<Arc<str>>,
    /// Percent times weight of the steps that are done.
    done: f64,
    /// On-clock time, up to the last time it stood.
    ran: Duration,
    running_since: Option<Timestamp>,
}

#[derive(Clone)]
struct StepLive {
    status: Status,
    progress: f64,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl Live {
    pub(crate) fn queued() -> Self {
        Self {
            state: TaskState::Queued,
            current: 0,
            attempt: 0,
            steps: Vec::new(),
            started_at: None,
            completed_at: None,
            message: None,
            done: 0.0,
            ran: Duration::ZERO,
            running_since: None,
        }
    }

    pub(crate) fn begin(&mut self, info: &TaskInfo, at: Timestamp) {
        let pending = StepLive {
            status: Status::Pending,
            progress: 0.0,
            started_at: None,
            completed_at: None,
        };
        self.steps = vec![pending; info.steps().len()];
        self.started_at = Some(at);
        self.running_since = Some(at);
    }

    pub(crate) fn step_started(&mut self, step: usize, attempt: u32, at: Timestamp) {
        self.current = step;
        self.attempt = attempt;
        self.message = None;
        if let Some(live) = self.steps.get_mut(step) {
            live.status = Status::Running;
            live.progress = 0.0;
            live.started_at.get_or_insert(at);
        }
    }

    /// Whether an attempt is the one that runs. A context may outlive its attempt, and then has
    /// no say.
    pub(crate) fn is_current(&self, step: usize, attempt: u32) -> bool {
        self.current == step && self.attempt == attempt && !self.state.is_terminal()
    }

    /// Sets the current step's progress; says whether the whole percentage changed.
    pub(crate) fn set_progress(&mut self, percent: f64) -> bool {
        let Some(step) = self.steps.get_mut(self.current) else { return false };
        let percent = clamped(percent);
        let changed = whole(step.progress) != whole(percent);
        step.progress = percent;
        changed
    }

    /// Sets the message; says whether it changed.
    pub(crate) fn set_message(&mut self, message: Arc<str>) -> bool {
        let changed = self.message.as_ref() != Some(&message);
        self.message = Some(message);
        changed
    }

    pub(crate) fn message(&self) -> Option<Arc<str>> {
        self.message.clone()
    }

    pub(crate) fn current(&self) -> usize {
        self.current
    }

    pub(crate) fn step_progress(&self) -> f64 {
        self.steps.get(self.current).map_or(0.0, |step| step.progress)
    }

    pub(crate) fn step_done(&mut self, info: &TaskInfo, at: Timestamp) {
        self.done += 100.0 * info.weight(self.current);
        self.end_step(Status::Completed, at);
    }

    fn end_step(&mut self, status: Status, at: Timestamp) {
        if let Some(step) = self.steps.get_mut(self.current) {
            step.status = status;
            step.completed_at = Some(at);
            if status == Status::Completed {
                step.progress = 100.0;
            }
        }
    }

    pub(crate) fn pause_clock(&mut self, at: Timestamp) {
        self.ran = self.ran(at);
        self.running_since = None;
    }

    pub(crate) fn resume_clock(&mut self, at: Timestamp) {
        self.running_since = Some(at);
    }

    fn ran(&self, at: Timestamp) -> Duration {
        self.ran + self.running_since.map_or(Duration::ZERO, |since| at.since(since))
    }

    /// The task is over; so is the step that ran.
    pub(crate) fn end(&mut self, at: Timestamp) {
        self.pause_clock(at);
        self.completed_at = Some(at);
        let runs = self.steps.get(self.current).is_some_and(|s| s.status == Status::Running);
        if runs {
            self.end_step(self.state.status(), at);
        }
    }

    fn percent_exact(&self, info: &TaskInfo) -> f64 {
        let current = self.steps.get(self.current);
        let running = current.filter(|step| step.status == Status::Running);
        self.done + running.map_or(0.0, |step| step.progress * info.weight(self.current))
    }

    /// How far the task is; the same number as the snapshot's, in O(1).
    pub(crate) fn percent(&self, info: &TaskInfo) -> u8 {
        rounded_percent(self.percent_exact(info), info.total_weight())
    }

    /// The rest, if it goes as fast as what is done.
    fn estimate(&self, info: &TaskInfo, at: Timestamp) -> Option<u64> {
        if self.state.is_terminal() {
            return None;
        }
        let done = self.percent_exact(info) / (100.0 * info.total_weight());
        if done.is_nan() || done <= 0.0 {
            return None;
        }
        let left = self.ran(at).as_secs_f64() * (1.0 - done).max(0.0) / done;
        u64::try_from(Duration::try_from_secs_f64(left).ok()?.as_millis()).ok()
    }

    pub(crate) fn snapshot(
        &self,
        info: &TaskInfo,
        error: Option<Arc<str>>,
        at: Timestamp,
    ) -> TaskProgress {
        let names = info.steps().iter().map(crate::StepInfo::shared_name);
        let mut snapshot = TaskProgress::new(info.id(), info.shared_name(), names);
        for (step, info) in snapshot.steps.iter_mut().zip(info.steps()) {
            step.weight = info.weight();
        }
        for (step, live) in snapshot.steps.iter_mut().zip(&self.steps) {
            live.write(step);
        }
        snapshot.status = self.state.status();
        snapshot.current_step = self.current;
        snapshot.started_at = self.started_at;
        snapshot.completed_at = self.completed_at;
        snapshot.estimated_completion_ms = self.estimate(info, at);
        snapshot.error = error;
        snapshot.message.clone_from(&self.message);
        snapshot
    }
}

impl StepLive {
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
        let Ok((plan, _)) = task.planned() else { panic!("a plain task is sound") };
        plan.info
    }

    proptest! {
        /// The percentage that is kept up to date is the one that the snapshot works out.
        #[test]
        fn the_quick_percentage_is_the_snapshots(
            weights in proptest::collection::vec(1..100_u32, 0..8),
            done in 0..9_usize,
            percent in -10.0..120.0_f64,
        ) {
            let info = info(&weights);
            let mut live = Live::queued();
            prop_assert_eq!(live.percent(&info), 0);
            live.state = live.state.next(Transition::Start).unwrap();
            live.begin(&info, Timestamp::EPOCH);
            for step in 0..done.min(weights.len()) {
                live.step_started(step, 1, Timestamp::EPOCH);
                live.step_done(&info, Timestamp::EPOCH);
            }
            if done < weights.len() {
                live.step_started(done, 1, Timestamp::EPOCH);
                live.set_progress(percent);
            }
            let snapshot = live.snapshot(&info, None, Timestamp::EPOCH);
            prop_assert_eq!(live.percent(&info), snapshot.percent());
        }
    }

    #[test]
    fn another_attempt_starts_from_nothing_and_keeps_the_steps_start() {
        let info = info(&[1]);
        let mut live = Live::queued();
        live.state = TaskState::Running;
        live.begin(&info, Timestamp::from_millis(1));
        live.step_started(0, 1, Timestamp::from_millis(2));
        assert!(live.set_progress(80.0));
        live.step_started(0, 2, Timestamp::from_millis(3));
        let step = live.snapshot(&info, None, Timestamp::from_millis(4)).steps.remove(0);
        assert_eq!((step.progress, step.started_at), (0.0, Some(Timestamp::from_millis(2))));
        assert!(live.is_current(0, 2) && !live.is_current(0, 1));
    }
}
