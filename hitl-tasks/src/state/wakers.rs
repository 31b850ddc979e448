//! The wakers of a task's waiters.
//!
//! A list under the record's own lock. Every wait reads the record under that lock first, so the
//! list needs no atomics of its own. Most tasks have one waiter, which needs no allocation.

use std::task::{Context, Waker};

/// The wakers of the current waits, at most one for each.
#[derive(Default)]
pub(crate) struct Wakers {
    next_key: u64,
    wakers: WakerList,
}

/// Wakers that were taken out to be woken.
#[derive(Default)]
pub(crate) struct WakerList {
    // Pays 9 % of the allocations and 4 % of the instructions of "task_submit" (`cargo xtask
    // instructions`), whose count would otherwise leave its bound.
    first: Option<(u64, Waker)>,
    others: Vec<(u64, Waker)>,
}

impl Wakers {
    /// Registers the waker of a wait; sets `key` the first time.
    pub(crate) fn register(&mut self, key: &mut Option<u64>, cx: &Context<'_>) {
        let WakerList { first, others } = &mut self.wakers;
        let known = key.and_then(|key| first.iter_mut().chain(others).find(|(k, _)| *k == key));
        if let Some((_, waker)) = known {
            waker.clone_from(cx.waker());
            return;
        }
        let new = *key.get_or_insert(self.next_key);
        self.next_key = self.next_key.max(new + 1);
        let entry = (new, cx.waker().clone());
        match &mut self.wakers.first {
            first @ None => *first = Some(entry),
            Some(_) => self.wakers.others.push(entry),
        }
    }

    /// Removes the waker of a wait that has ended.
    pub(crate) fn remove(&mut self, key: u64) {
        if self.wakers.first.take_if(|(k, _)| *k == key).is_none() {
            self.wakers.others.retain(|(k, _)| *k != key);
        }
    }

    /// Takes all wakers, to be woken once the lock is released: a waker may run any code.
    pub(crate) fn take(&mut self) -> WakerList {
        std::mem::take(&mut self.wakers)
    }
}

impl WakerList {
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }
}

pub(crate) fn wake_all(wakers: WakerList) {
    if let Some((_, waker)) = wakers.first {
        waker.wake();
    }
    for (_, waker) in wakers.others {
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
        let mut waiters = Wakers::default();
        let (mut first, mut second) = (None, None);
        for _ in 0..3 {
            waiters.register(&mut first, &Context::from_waker(&of_a));
            waiters.register(&mut second, &Context::from_waker(&of_a));
        }
        // A wait may move to another waker.
        waiters.register(&mut second, &Context::from_waker(&of_b));
        wake_all(waiters.take());
        assert_eq!((a.0.load(Ordering::SeqCst), b.0.load(Ordering::SeqCst)), (1, 1));
        assert!(waiters.take().is_empty());
    }

    #[test]
    fn invariant_13_waits_that_were_given_up_leave_nothing() {
        let waker = Waker::noop();
        let mut waiters = Wakers::default();
        for _ in 0..100 {
            let mut key = None;
            waiters.register(&mut key, &Context::from_waker(waker));
            waiters.remove(key.unwrap());
        }
        assert!(waiters.take().is_empty());
    }
}
