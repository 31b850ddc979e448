use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_core::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::super::operation::{Operation, WriteContext};
use super::*;

/// An operation that counts its acknowledgements and its failures.
struct Told(Arc<[AtomicUsize; 2]>);

impl Operation for Told {
    fn is_abandoned(&self) -> bool {
        false
    }

    fn perform(
        &mut self,
        _: &Connection,
        _: &WriteContext,
        _: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    fn fail(self: Box<Self>, _: StoreError) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
}

struct Bench {
    told: Arc<[AtomicUsize; 2]>,
    turns: Arc<Semaphore>,
    answers: AckThread,
}

impl Bench {
    fn new() -> Self {
        let path: Arc<Path> = Path::new("hitl.db").into();
        let (told, turns) = (Arc::default(), Arc::new(Semaphore::new(100)));
        Self { told, turns, answers: AckThread::start(ChangeNotifier::default(), path) }
    }

    fn waiting(&self) -> QueuedOperation {
        let turn = Arc::clone(&self.turns).try_acquire_owned().unwrap();
        QueuedOperation::new(Told(Arc::clone(&self.told)), turn)
    }

    fn add(&self, done: usize, failed: usize) {
        let group = (0..done).map(|_| self.waiting()).collect();
        let failed = (0..failed).map(|_| (self.waiting(), Fault::Ambiguous)).collect();
        self.answers.add(CommittedGroup { group, failed, written: Vec::new() });
    }

    fn told(&self) -> (usize, usize) {
        (self.told[0].load(Ordering::Relaxed), self.told[1].load(Ordering::Relaxed))
    }
}

#[test]
fn whoever_has_come_back_tells_a_few_others() {
    let bench = Bench::new();
    bench.add(5, 1);
    bench.add(1, 0);
    let untold = bench.answers.pending();
    untold.ack_some();
    assert_eq!(bench.told(), (ACKS_PER_CALLER, 0));
    for _ in 0..10 {
        untold.ack_some();
    }
    assert_eq!(
        bench.told(),
        (5, 0),
        "those that failed come after their group, and the next after them"
    );
    // As the writer does while it has nothing to write.
    while untold.ack_next() {}
    assert_eq!(bench.told(), (6, 1));
    assert_eq!(bench.turns.available_permits(), 100, "their places are free");
}

#[test]
fn everybody_is_told_when_nobody_comes_back() {
    let bench = Bench::new();
    bench.answers.hand_over();
    bench.add(50, 3);
    bench.answers.hand_over();
    bench.add(2, 0);
    let Bench { told, answers, .. } = bench;
    drop(answers);
    let told = [0, 1].map(|at| told[at].load(Ordering::Relaxed));
    assert_eq!(told, [52, 3], "also those of whom nobody has said that they are to be told");
}

#[test]
fn without_a_thread_whoever_hands_over_tells() {
    let mut bench = Bench::new();
    bench.answers.queue = None;
    bench.add(9, 1);
    bench.answers.hand_over();
    assert_eq!(bench.told(), (9, 1));
}
