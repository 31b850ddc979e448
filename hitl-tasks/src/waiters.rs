//! Who waits for something to happen to a task.
//!
//! A list of wakers under the record's own lock. Every wait looks at the record first, under that
//! lock, so a list in the same place needs no atomics of its own; and most tasks have one waiter,
//! who needs no memory of its own.

use std::task::{Context, Waker};

/// The wakers of those who wait. At most one each, and gone when their wait is.
#[derive(Default)]
pub(crate) struct Waiters {
    next_key: u64,
    waiting: Waiting,
}

/// Some of them, taken out to be woken.
#[derive(Default)]
pub(crate) struct Waiting {
    first: Option<(u64, Waker)>,
    others: Vec<(u64, Waker)>,
}

impl Waiters {
    /// Notes down who polls; `key` is theirs from the first time on.
    pub(crate) fn note(&mut self, key: &mut Option<u64>, cx: &Context<'_>) {
        let Waiting { first, others } = &mut self.waiting;
        let known = key.and_then(|key| first.iter_mut().chain(others).find(|(k, _)| *k == key));
        if let Some((_, waker)) = known {
            waker.clone_from(cx.waker());
            return;
        }
        let new = *key.get_or_insert(self.next_key);
        self.next_key = self.next_key.max(new + 1);
        let entry = (new, cx.waker().clone());
        match &mut self.waiting.first {
            first @ None => *first = Some(entry),
            Some(_) => self.waiting.others.push(entry),
        }
    }

    /// Strikes out somebody who no longer waits.
    pub(crate) fn strike(&mut self, key: u64) {
        if self.waiting.first.take_if(|(k, _)| *k == key).is_none() {
            self.waiting.others.retain(|(k, _)| *k != key);
        }
    }

    /// Everybody, to be woken once the lock is released: a waker may run anything.
    pub(crate) fn take(&mut self) -> Waiting {
        std::mem::take(&mut self.waiting)
    }
}

impl Waiting {
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }
}

pub(crate) fn wake(waiting: Waiting) {
    if let Some((_, waker)) = waiting.first {
        waker.wake();
    }
    for (_, waker) in waiting.others {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counts(AtomicUsize);

    impl std::task::Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn each_is_noted_once_however_often_it_polls() {
        let (a, b) = (Arc::new(Counts::default()), Arc::new(Counts::default()));
        let (of_a, of_b) = (Waker::from(Arc::clone(&a)), Waker::from(Arc::clone(&b)));
        let mut waiters = Waiters::default();
        let (mut first, mut second) = (None, None);
        for _ in 0..3 {
            waiters.note(&mut first, &Context::from_waker(&of_a));
            waiters.note(&mut second, &Context::from_waker(&of_a));
        }
        // A wait may move to another waker.
        waiters.note(&mut second, &Context::from_waker(&of_b));
        wake(waiters.take());
        assert_eq!((a.0.load(Ordering::SeqCst), b.0.load(Ordering::SeqCst)), (1, 1));
        assert!(waiters.take().is_empty());
    }

    #[test]
    fn invariant_13_waits_that_were_given_up_leave_nothing() {
        let waker = Waker::noop();
        let mut waiters = Waiters::default();
        for _ in 0..100 {
            let mut key = None;
            waiters.note(&mut key, &Context::from_waker(waker));
            waiters.strike(key.unwrap());
        }
        assert!(waiters.take().is_empty());
    }
}
