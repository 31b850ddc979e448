//! One task's events on their way to the emitter: in order, and never under a lock.
//!
//! Whoever records an event while nobody delivers becomes the one who delivers: it emits its own
//! event without the lock, then whatever was recorded meanwhile. Everybody else only leaves theirs
//! here. So an emitter sees one task's events one at a time and in order, and may itself call
//! anything on the task.

use std::collections::VecDeque;

use crate::{Happening, TaskEvent};

/// What is recorded and not yet delivered. Bounded: there are only so many changes of state in a
/// task, and of progress only the newest waits.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<TaskEvent>,
    delivering: bool,
    next_seq: u64,
}

impl Outbox {
    /// Leaves an event for the next one who delivers.
    pub(crate) fn leave(&mut self, mut event: TaskEvent) {
        if let Some(last) = self.waiting.back_mut()
            && is_newer_of(&event.what, &last.what)
        {
            // Takes over the number too, so that numbers stay without gaps.
            event.seq = last.seq;
            *last = event;
            return;
        }
        event.seq = self.number();
        self.waiting.push_back(event);
    }

    /// Records an event. If one comes back, the caller has to emit it, and then every
    /// [`next`](Self::next).
    pub(crate) fn record(&mut self, mut event: TaskEvent) -> Option<TaskEvent> {
        if self.is_idle() {
            self.delivering = true;
            event.seq = self.number();
            return Some(event);
        }
        self.leave(event);
        self.begin()
    }

    /// Becomes the one who delivers, if nobody is.
    pub(crate) fn begin(&mut self) -> Option<TaskEvent> {
        if self.delivering {
            return None;
        }
        self.next()
    }

    /// The next event to deliver. After `None` the caller no longer delivers.
    pub(crate) fn next(&mut self) -> Option<TaskEvent> {
        let next = self.waiting.pop_front();
        self.delivering = next.is_some();
        next
    }

    /// Whether everything recorded has been delivered.
    pub(crate) fn is_idle(&self) -> bool {
        !self.delivering && self.waiting.is_empty()
    }

    fn number(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }
}

/// Whether `new` tells all that `old` does.
fn is_newer_of(new: &Happening, old: &Happening) -> bool {
    match (new, old) {
        (Happening::Progress { step: new, .. }, Happening::Progress { step: old, .. }) => {
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

    fn events() -> impl Fn(Happening) -> TaskEvent {
        let Ok((plan, _)) = Task::new("t").planned(&hitl_base::Redactor::standard()) else {
            panic!("a plain task is sound")
        };
        move |what| TaskEvent {
            task: Arc::clone(&plan.info),
            seq: u64::MAX,
            at: Timestamp::EPOCH,
            what,
        }
    }

    fn progress(percent: u8) -> Happening {
        Happening::Progress { step: 0, progress: f64::from(percent), percent, message: None }
    }

    #[test]
    fn one_delivers_and_the_others_leave_theirs() {
        let event = events();
        let mut outbox = Outbox::default();
        assert_eq!(outbox.record(event(Happening::Started)).unwrap().seq, 0);
        assert!(outbox.record(event(Happening::Waiting { step: 0 })).is_none());
        assert!(outbox.record(event(Happening::Resumed { step: 0 })).is_none());
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
        outbox.leave(event(Happening::Submitted));
        assert_eq!(outbox.record(event(Happening::Started)).unwrap().what, Happening::Submitted);
        assert_eq!(outbox.next().unwrap().what, Happening::Started);
    }

    #[test]
    fn invariant_13_of_progress_only_the_newest_waits_and_numbers_have_no_gaps() {
        let event = events();
        let mut outbox = Outbox::default();
        outbox.record(event(Happening::Started)).unwrap();
        for percent in 0..100 {
            assert!(outbox.record(event(progress(percent))).is_none());
        }
        assert!(outbox.record(event(Happening::StepDone { step: 0, percent: 100 })).is_none());
        let newest = outbox.next().unwrap();
        assert_eq!((newest.seq, newest.what), (1, progress(99)));
        assert_eq!(outbox.next().unwrap().seq, 2);
        assert!(outbox.next().is_none());
    }
}
