//! The queue against its invariants, for any order of events.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

#[derive(Debug)]
struct Task {
    number: u32,
    queue_options: Option<QueueOptions>,
}

impl Job for Task {
    fn queue_options(&self) -> Option<&QueueOptions> {
        self.queue_options.as_ref()
    }
}

struct Away {
    gone: Rc<Cell<bool>>,
}

impl Resuming for Away {
    fn is_gone(&self) -> bool {
        self.gone.get()
    }
}

fn limits(max_concurrent: usize) -> Limits {
    Limits { max_concurrent, max_queued: 1_000, max_per_key: 1, priority_step: 30, rate: None }
}

fn task(number: u32) -> Task {
    Task { number, queue_options: None }
}

fn wishing(number: u32, queue_options: QueueOptions) -> Task {
    Task { number, queue_options: Some(queue_options) }
}

fn enqueue(queue: &mut Queue<Task, Away>, task: Task, now: Micros) -> Option<QueuePosition> {
    match queue.enqueue(task, now) {
        Ok(Enqueued::Waiting(place)) => Some(place),
        Ok(Enqueued::Immediate(_)) => None,
        Err((task, QueueFull)) => panic!("the queue is large enough for {task:?}"),
    }
}

fn started(queue: &mut Queue<Task, Away>, now: Micros) -> Option<u32> {
    match queue.next(|| now)? {
        Next::Start(task) => Some(task.number),
        Next::Resume(..) => None,
    }
}

#[test]
fn who_came_first_goes_first_and_a_full_queue_says_so() {
    let mut queue = Queue::<Task, Away>::new(Limits { max_queued: 2, ..limits(1) });
    assert!(enqueue(&mut queue, task(0), 0).is_none());
    enqueue(&mut queue, task(1), 0).unwrap();
    enqueue(&mut queue, task(2), 0).unwrap();
    assert!(queue.enqueue(task(3), 0).is_err());
    assert_eq!((queue.busy(), queue.waiting()), (1, 2));
    assert_eq!(started(&mut queue, 0), None);
    queue.release(None);
    assert_eq!(started(&mut queue, 0), Some(1));
    queue.release(None);
    assert_eq!(started(&mut queue, 0), Some(2));
}

#[test]
fn a_priority_is_worth_some_waiting_and_no_more() {
    let mut queue = Queue::<Task, Away>::new(limits(1));
    let urgent = |priority| QueueOptions { priority, ..QueueOptions::default() };
    enqueue(&mut queue, task(0), 0);
    enqueue(&mut queue, wishing(1, urgent(-1)), 0);
    enqueue(&mut queue, task(2), 0);
    enqueue(&mut queue, wishing(3, urgent(2)), 20);
    enqueue(&mut queue, wishing(4, urgent(2)), 95);
    // 3 came 20 later and is worth 60; 1 is worth 30 less; 4 came too late to overtake.
    let order: Vec<_> = std::iter::from_fn(|| {
        queue.release(None);
        started(&mut queue, 100)
    })
    .take(4)
    .collect();
    assert_eq!(order, [3, 2, 1, 4]);
}

#[test]
fn one_key_takes_no_more_than_its_share_and_holds_up_nobody_else() {
    let mut queue = Queue::<Task, Away>::new(limits(3));
    let keyed = |key: &str| QueueOptions { key: Some(key.into()), ..QueueOptions::default() };
    assert!(enqueue(&mut queue, wishing(0, keyed("a")), 0).is_none());
    let first = enqueue(&mut queue, wishing(1, keyed("a")), 0).unwrap();
    enqueue(&mut queue, wishing(2, keyed("a")), 0).unwrap();
    enqueue(&mut queue, wishing(3, keyed("b")), 0);
    assert_eq!(started(&mut queue, 0), Some(3), "a's are set aside");
    assert_eq!(started(&mut queue, 0), None);
    assert!(queue.remove(first, Some(&keyed("a"))).is_some());
    queue.release(Some(&"a".into()));
    assert_eq!(started(&mut queue, 0), Some(2));
    queue.release(Some(&"a".into()));
    queue.release(Some(&"b".into()));
    assert_eq!((queue.busy(), queue.waiting(), queue.keys.len()), (0, 0, 0));
}

#[test]
fn a_rate_holds_in_every_window() {
    let mut queue = Queue::<Task, Away>::new(Limits {
        rate: Some(Rate { max_starts: 2, per: 100 }),
        ..limits(usize::MAX)
    });
    for number in 0..5 {
        enqueue(&mut queue, task(number), 0);
    }
    assert_eq!((queue.busy(), queue.next_wakeup(0)), (2, Some(100)));
    assert_eq!(started(&mut queue, 99), None);
    assert_eq!((started(&mut queue, 100), started(&mut queue, 150)), (Some(2), Some(3)));
    assert_eq!((started(&mut queue, 199), queue.next_wakeup(199)), (None, Some(200)));
    assert_eq!(started(&mut queue, 200), Some(4));
}

#[test]
fn later_ones_wait_for_their_time_and_impatient_ones_leave() {
    let mut queue = Queue::<Task, Away>::new(limits(1));
    let later = QueueOptions { after: 50, within: Some(10), ..QueueOptions::default() };
    enqueue(&mut queue, wishing(0, later.clone()), 0);
    assert_eq!((started(&mut queue, 49), queue.next_wakeup(49)), (None, Some(50)));
    assert_eq!(started(&mut queue, 50), Some(0));
    enqueue(&mut queue, wishing(1, later), 50);
    assert!(queue.pop_expired(109).is_none());
    assert_eq!(queue.pop_expired(110).unwrap().number, 1);
    assert_eq!((queue.waiting(), queue.has_timers()), (0, false));
}

#[derive(Clone, Debug)]
enum Step {
    Come { key: Option<u8>, priority: i64, after: i64, within: Option<i64> },
    GiveBack(usize),
    GoAway(usize),
    Vanish(usize),
    Leave(usize),
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (proptest::option::of(0..3_u8), -1..3_i64, 0..3_i64, proptest::option::of(1..40_i64))
            .prop_map(|(key, priority, after, within)| Step::Come { key, priority, after: after * 10, within }),
        3 => any::<usize>().prop_map(Step::GiveBack),
        1 => any::<usize>().prop_map(Step::GoAway),
        1 => any::<usize>().prop_map(Step::Vanish),
        1 => any::<usize>().prop_map(Step::Leave),
        2 => (0..30_i64).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    /// In every order of events the limits hold, no task that may run is forgotten, and nothing is
    /// left over at the end.
    #[test]
    fn the_books_balance(
        steps in steps(), slots in 1..4_usize, max_per_key in 1..3_usize, rate in proptest::option::of(1..4_usize),
    ) {
        let rate = rate.map(|max_starts| Rate { max_starts, per: 20 });
        let mut queue = Queue::<Task, Away>::new(Limits { max_per_key, rate, ..limits(slots) });
        let mut now = 0;
        let mut running: Vec<Option<Key>> = Vec::new();
        let mut waiting: Vec<(u32, QueuePosition, Option<QueueOptions>)> = Vec::new();
        let mut away: Vec<Rc<Cell<bool>>> = Vec::new();
        let mut number = 0;
        let mut known = HashSet::new();
        for step in steps.into_iter().chain((0..400).map(|n| if n % 2 == 0 { Step::Pass(25) } else { Step::GiveBack(n) })) {
            match step {
                Step::Come { key, priority, after, within } => {
                    number += 1;
                    known.insert(number);
                    let key: Option<Key> = key.map(|key| key.to_string().into());
                    let queue_options = QueueOptions { key: key.clone(), priority, after, within };
                    let queue_options = (number % 3 != 0).then_some(queue_options);
                    match queue.enqueue(Task { number, queue_options: queue_options.clone() }, now) {
                        Ok(Enqueued::Immediate(_)) => {
                            known.remove(&number);
                            running.push(queue_options.and_then(|queue_options| queue_options.key));
                        }
                        Ok(Enqueued::Waiting(place)) => waiting.push((number, place, queue_options)),
                        Err(_) => prop_assert!(false, "it is large enough"),
                    }
                }
                Step::GiveBack(n) if !running.is_empty() => {
                    let key = running.swap_remove(n % running.len());
                    queue.release(key.as_ref());
                }
                Step::GoAway(n) if !running.is_empty() => {
                    let key = running.swap_remove(n % running.len());
                    queue.release(key.as_ref());
                    let gone = Rc::new(Cell::new(false));
                    away.push(Rc::clone(&gone));
                    queue.requeue(Away { gone }, key);
                }
                Step::Vanish(n) if !away.is_empty() => {
                    let n = n % away.len();
                    away.swap_remove(n).set(true);
                }
                Step::Leave(n) if !waiting.is_empty() => {
                    let n = n % waiting.len();
                    let (number, place, queue_options) = waiting.swap_remove(n);
                    let left = queue.remove(place, queue_options.as_ref());
                    prop_assert_eq!(left.is_some(), known.remove(&number));
                }
                Step::Pass(time) => now += time,
                _ => {}
            }
            while let Some(task) = queue.pop_expired(now) {
                prop_assert!(known.remove(&task.number));
            }
            while let Some(next) = queue.next(|| now) {
                match next {
                    Next::Start(task) => {
                        prop_assert!(known.remove(&task.number));
                        running.push(task.queue_options.and_then(|queue_options| queue_options.key));
                    }
                    Next::Resume(back, key) => {
                        away.retain(|gone| !Rc::ptr_eq(gone, &back.gone));
                        running.push(key);
                    }
                }
            }
            prop_assert_eq!(queue.busy(), running.len());
            prop_assert!(running.len() <= slots);
            for key in running.iter().flatten() {
                let same = running.iter().flatten().filter(|other| *other == key).count();
                prop_assert!(same <= max_per_key);
            }
            waiting.retain(|(number, ..)| known.contains(number));
            prop_assert_eq!(queue.waiting(), known.len());
        }
        prop_assert!(known.is_empty(), "forgotten: {known:?}");
        prop_assert!(running.is_empty() && away.is_empty());
        prop_assert!(queue.keys.is_empty() && queue.expiring.is_empty());
    }
}
