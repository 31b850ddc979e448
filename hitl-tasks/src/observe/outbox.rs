//! The events of one task on their way to the emitter: in order, and never under a lock.
//!
//! The thread that records an event while no other delivers becomes the one that delivers: it emits
//! its own event without the lock, then the events that were recorded meanwhile. Other threads only
//! leave theirs here. So an emitter sees the events of one task one at a time and in order, and may
//! itself call any method of the task.

use std::collections::VecDeque;

use crate::observe::event::{TaskEvent, TaskEventKind};

/// The events that are recorded and not yet delivered. Bounded: a task changes its state only so
/// often, and of its progress only the latest event waits.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<TaskEvent>,
    delivering: bool,
    next_seq: u64,
}

impl Outbox {
    /// Leaves an event for the thread that delivers.
    pub(crate) fn push(&mut self, mut event: TaskEvent) {
        if let Some(last) = self.waiting.back_mut()
            && supersedes(&event.kind, &last.kind)
        {
            // Takes over the number too, so that numbers have no gaps.
            event.seq = last.seq;
            *last = event;
            return;
        }
        event.seq = self.number();
        self.waiting.push_back(event);
    }

    /// Records an event. If it returns one, the caller has to emit it, and then every
    /// [`next`](Self::next).
    pub(crate) fn record(&mut self, mut event: TaskEvent) -> Option<TaskEvent> {
        if self.is_idle() {
            self.delivering = true;
            event.seq = self.number();
            return Some(event);
        }
        self.push(event);
        self.begin_delivery()
    }

    /// Makes the caller the one who delivers, if there is none.
    pub(crate) fn begin_delivery(&mut self) -> Option<TaskEvent> {
        if self.delivering {
            return None;
        }
        self.next()
    }

    /// Returns the next event to deliver. After `None` the caller no longer delivers.
    pub(crate) fn next(&mut self) -> Option<TaskEvent> {
        let next = self.waiting.pop_front();
        self.delivering = next.is_some();
        next
    }

    /// Returns whether every recorded event has been delivered.
    pub(crate) fn is_idle(&self) -> bool {
        !self.delivering && self.waiting.is_empty()
    }

    fn number(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }
}

/// Returns whether `new` contains all information of `old`.
fn supersedes(new: &TaskEventKind, old: &TaskEventKind) -> bool {
    match (new, old) {
        (TaskEventKind::Progress { step: new, .. }, TaskEventKind::Progress { step: old, .. }) => {
            new == old
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hitl_base::Timestamp;

    use super::*;
    use crate::Task;

    fn events() -> impl Fn(TaskEventKind) -> TaskEvent {
        let Ok((plan, _)) = Task::new("t").into_plan(&hitl_base::Redactor::standard()) else {
            panic!("a plain task is sound")
        };
        move |kind| TaskEvent {
            task: Arc::clone(&plan.info),
            seq: u64::MAX,
            at: Timestamp::EPOCH,
            kind,
        }
    }

    fn progress(percent: u8) -> TaskEventKind {
        TaskEventKind::Progress { step: 0, progress: f64::from(percent), percent, message: None }
    }

    #[test]
    fn one_delivers_and_the_others_leave_theirs() {
        let event = events();
        let mut outbox = Outbox::default();
        assert_eq!(outbox.record(event(TaskEventKind::Started)).unwrap().seq, 0);
        assert!(outbox.record(event(TaskEventKind::Waiting { step: 0 })).is_none());
        assert!(outbox.record(event(TaskEventKind::Resumed { step: 0 })).is_none());
        assert!(!outbox.is_idle());
        assert_eq!(outbox.next().unwrap().seq, 1);
        assert_eq!(outbox.next().unwrap().seq, 2);
        assert!(outbox.next().is_none());
        assert!(outbox.is_idle());
    }

    #[test]
    fn what_was_left_first_is_delivered_first() {
        let event = events();
        let mut outbox = Outbox::default();
        outbox.push(event(TaskEventKind::Submitted));
        assert_eq!(
            outbox.record(event(TaskEventKind::Started)).unwrap().kind,
            TaskEventKind::Submitted
        );
        assert_eq!(outbox.next().unwrap().kind, TaskEventKind::Started);
    }

    #[test]
    fn invariant_13_of_progress_only_the_newest_waits_and_numbers_have_no_gaps() {
        let event = events();
        let mut outbox = Outbox::default();
        outbox.record(event(TaskEventKind::Started)).unwrap();
        for percent in 0..100 {
            assert!(outbox.record(event(progress(percent))).is_none());
        }
        assert!(outbox.record(event(TaskEventKind::StepDone { step: 0, percent: 100 })).is_none());
        let newest = outbox.next().unwrap();
        assert_eq!((newest.seq, newest.kind), (1, progress(99)));
        assert_eq!(outbox.next().unwrap().seq, 2);
        assert!(outbox.next().is_none());
    }
}
