//! Who is next: pure; time is an argument, in microseconds since the queue began.
//!
//! Invariants:
//! - At most `max_concurrent` slots are out, and at most `per_key` of one key.
//! - Who comes back goes before who has not started. Among those who have not started the order is
//!   fixed when they come: by the time they came, less a bonus for their priority. So priority is
//!   worth a fixed time of waiting, and nobody waits for ever (that is aging, without ever sorting
//!   again).
//! - Who finds its key taken is set aside with the key. While anybody is set aside, the key is
//!   taken as often as it may be, or somebody of that key is back among those who are next. So
//!   every change costs O(log n), and none is forgotten.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Key = Arc<str>;

/// Microseconds since the queue began.
pub(crate) type Micros = i64;

/// So far in the future that it never comes; sums of a few of these do not overflow.
const NEVER: Micros = 1 << 59;

pub(crate) fn micros(length: Duration) -> Micros {
    i64::try_from(length.as_micros()).map_or(NEVER, |length| length.min(NEVER))
}

/// How many may run, and how soon.
pub(crate) struct Limits {
    pub(crate) max_concurrent: usize,
    pub(crate) max_queued: usize,
    pub(crate) per_key: usize,
    /// How much waiting one step of priority is worth.
    pub(crate) aging: Micros,
    /// At most so many starts in any time of this length.
    pub(crate) rate: Option<(usize, Micros)>,
}

/// What somebody who waits wants of the queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) key: Option<Key>,
    /// Steps above (or below) the ordinary.
    pub(crate) priority: i64,
    /// Not before so much time has passed.
    pub(crate) after: Micros,
    /// Not later than so long after that.
    pub(crate) within: Option<Micros>,
}

/// Somebody's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) rank: Micros,
    /// From 1; 0 is nobody's.
    pub(crate) ticket: u64,
}

/// Somebody who has not started.
pub(crate) trait Job {
    fn wish(&self) -> Option<&Wish>;
}

/// Somebody who wants to come back.
pub(crate) trait Back {
    /// Whether they no longer want to.
    fn is_gone(&self) -> bool;
}

pub(crate) enum Next<J, B> {
    Start(J),
    /// With the key that the slot is of.
    Return(B, Option<Key>),
}

/// The queue is full.
#[derive(Debug)]
pub(crate) struct Full;

/// What became of somebody who came.
pub(crate) enum Came<J> {
    /// May start at once; a slot is counted for them.
    AtOnce(J),
    Waits(Place),
}

pub(crate) struct Queue<J, B> {
    limits: Limits,
    /// Slots that are out.
    busy: usize,
    /// How many have not started.
    waiting: usize,
    next_ticket: u64,
    /// Boxed: a tree's nodes are half empty, and many may wait.
    ready: BTreeMap<Place, Box<J>>,
    returning: VecDeque<(B, Option<Key>)>,
    /// By the time they may start.
    later: BTreeMap<(Micros, u64), Box<J>>,
    /// By the time they give up; where they are.
    giving_up: BTreeMap<(Micros, u64), (Place, Option<Key>)>,
    keys: HashMap<Key, OfKey<J, B>>,
    /// When the last ones started.
    starts: VecDeque<Micros>,
}

/// Slots that are out for one key, and who was set aside for it.
struct OfKey<J, B> {
    busy: usize,
    ready: BTreeMap<Place, Box<J>>,
    returning: VecDeque<B>,
}

impl<J: Job, B: Back> Queue<J, B> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            busy: 0,
            waiting: 0,
            next_ticket: 0,
            ready: BTreeMap::new(),
            returning: VecDeque::new(),
            later: BTreeMap::new(),
            giving_up: BTreeMap::new(),
            keys: HashMap::new(),
            starts: VecDeque::new(),
        }
    }

    pub(crate) fn busy(&self) -> usize {
        self.busy
    }

    /// Slots that are out; all that there are.
    pub(crate) fn slots(&self) -> (usize, usize) {
        (self.busy, self.limits.max_concurrent)
    }

    /// The same, of one key.
    pub(crate) fn slots_of(&self, key: &Key) -> (usize, usize) {
        (self.keys.get(key).map_or(0, |of_key| of_key.busy), self.limits.per_key)
    }

    /// How many have not started.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether anything is to happen at a certain time.
    pub(crate) fn has_times(&self) -> bool {
        self.limits.rate.is_some() || !self.later.is_empty() || !self.giving_up.is_empty()
    }

    /// Whether the time is needed to let this one in.
    pub(crate) fn needs_time(&self, wish: Option<&Wish>) -> bool {
        self.limits.rate.is_some() || wish.is_some() || !self.is_free()
    }

    fn is_free(&self) -> bool {
        self.busy < self.limits.max_concurrent && self.ready.is_empty() && self.returning.is_empty()
    }

    /// Whether there is a slot and somebody who might take it.
    pub(crate) fn may_start(&self) -> bool {
        self.busy < self.limits.max_concurrent
    }

    /// Lets somebody in, or hands them back when there is no room.
    pub(crate) fn come(&mut self, job: J, now: Micros) -> Result<Came<J>, (J, Full)> {
        let wish = job.wish();
        let after = wish.map_or(0, |wish| wish.after);
        let key = wish.and_then(|wish| wish.key.as_ref());
        let at_once = after == 0
            && self.is_free()
            && key.is_none_or(|key| self.has_room(key))
            && self.rate_allows(now) <= now;
        if at_once {
            let key = key.cloned();
            self.hand_out(key.as_ref());
            self.note_start(now);
            return Ok(Came::AtOnce(job));
        }
        if self.waiting >= self.limits.max_queued {
            return Err((job, Full));
        }
        self.next_ticket += 1;
        let due = now + after;
        let bonus = wish.map_or(0, |wish| wish.priority.saturating_mul(self.limits.aging));
        let place = Place { rank: due - bonus.clamp(-NEVER, NEVER), ticket: self.next_ticket };
        if let Some(within) = wish.and_then(|wish| wish.within) {
            let key = key.cloned();
            self.giving_up.insert((due.saturating_add(within), place.ticket), (place, key));
        }
        self.waiting += 1;
        if after == 0 {
            self.ready.insert(place, Box::new(job));
        } else {
            self.later.insert((due, place.ticket), Box::new(job));
        }
        Ok(Came::Waits(place))
    }

    /// Somebody who ran wants to run again.
    pub(crate) fn come_back(&mut self, back: B, key: Option<Key>) {
        self.returning.push_back((back, key));
    }

    /// A slot is back.
    pub(crate) fn give_back(&mut self, key: Option<&Key>) {
        self.busy -= 1;
        if let Some(key) = key {
            if let Some(of_key) = self.keys.get_mut(key) {
                of_key.busy -= 1;
            }
            self.offer(key);
        }
    }

    /// Somebody who has not started goes away.
    pub(crate) fn leave(&mut self, place: Place, wish: Option<&Wish>) -> Option<J> {
        let key = wish.and_then(|wish| wish.key.as_ref());
        let due = self.due(place, wish);
        if let Some(within) = wish.and_then(|wish| wish.within) {
            self.giving_up.remove(&(due.saturating_add(within), place.ticket));
        }
        let job = self.take(place, key).or_else(|| self.later.remove(&(due, place.ticket)))?;
        self.waiting -= 1;
        Some(*job)
    }

    /// From among those who may start.
    fn take(&mut self, place: Place, key: Option<&Key>) -> Option<Box<J>> {
        if let Some(job) = self.ready.remove(&place) {
            if let Some(key) = key {
                self.offer(key);
            }
            return Some(job);
        }
        self.keys.get_mut(key?)?.ready.remove(&place)
    }

    /// When they may (or might) start.
    fn due(&self, place: Place, wish: Option<&Wish>) -> Micros {
        let bonus = wish.map_or(0, |wish| wish.priority.saturating_mul(self.limits.aging));
        place.rank + bonus.clamp(-NEVER, NEVER)
    }

    /// Moves those whose time has come to those who may start.
    fn let_in(&mut self, now: Micros) {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let ((due, ticket), job) = first.remove_entry();
            let bonus = job.wish().map_or(0, |w| w.priority.saturating_mul(self.limits.aging));
            let rank = due - bonus.clamp(-NEVER, NEVER);
            self.ready.insert(Place { rank, ticket }, job);
        }
    }

    /// Somebody whose time to start has passed. They have left.
    pub(crate) fn given_up(&mut self, now: Micros) -> Option<J> {
        self.let_in(now);
        loop {
            let first = self.giving_up.first_entry().filter(|first| first.key().0 <= now)?;
            let (place, key) = first.remove();
            if let Some(job) = self.take(place, key.as_ref()) {
                self.waiting -= 1;
                return Some(*job);
            }
        }
    }

    /// Who is next, with a slot counted for them.
    pub(crate) fn next(&mut self, now: impl Fn() -> Micros) -> Option<Next<J, B>> {
        let now = if self.has_times() { now() } else { 0 };
        self.let_in(now);
        if self.busy >= self.limits.max_concurrent {
            return None;
        }
        while let Some((back, key)) = self.returning.pop_front() {
            if back.is_gone() {
                if let Some(key) = &key {
                    self.offer(key);
                }
                continue;
            }
            match key {
                Some(key) if !self.has_room(&key) => {
                    self.of_key(&key).returning.push_back(back);
                }
                key => {
                    self.hand_out(key.as_ref());
                    return Some(Next::Return(back, key));
                }
            }
        }
        if self.rate_allows(now) > now {
            return None;
        }
        while let Some((place, job)) = self.ready.pop_first() {
            let wish = job.wish();
            let key = wish.and_then(|wish| wish.key.clone());
            if let Some(key) = &key
                && !self.has_room(key)
            {
                self.of_key(key).ready.insert(place, job);
                continue;
            }
            if let Some(within) = wish.and_then(|wish| wish.within) {
                let due = self.due(place, wish);
                self.giving_up.remove(&(due.saturating_add(within), place.ticket));
            }
            self.waiting -= 1;
            self.hand_out(key.as_ref());
            self.note_start(now);
            return Some(Next::Start(*job));
        }
        None
    }

    /// When to look again although nobody came or went; `None`: no need.
    pub(crate) fn look_again(&self, now: Micros) -> Option<Micros> {
        let later = self.later.first_key_value().map(|((due, _), _)| *due);
        let giving_up = self.giving_up.first_key_value().map(|((at, _), _)| *at);
        let held_up = self.busy < self.limits.max_concurrent && !self.ready.is_empty();
        let rate = (held_up && self.limits.rate.is_some()).then(|| self.rate_allows(now));
        [later, giving_up, rate].into_iter().flatten().min()
    }

    fn hand_out(&mut self, key: Option<&Key>) {
        self.busy += 1;
        if let Some(key) = key {
            self.of_key(key).busy += 1;
        }
    }

    fn has_room(&self, key: &Key) -> bool {
        self.keys.get(key).is_none_or(|of_key| of_key.busy < self.limits.per_key)
    }

    fn of_key(&mut self, key: &Key) -> &mut OfKey<J, B> {
        self.keys.entry(Arc::clone(key)).or_insert_with(|| OfKey {
            busy: 0,
            ready: BTreeMap::new(),
            returning: VecDeque::new(),
        })
    }

    /// Brings one who was set aside back among those who are next, if the key has room.
    fn offer(&mut self, key: &Key) {
        let Some(of_key) = self.keys.get_mut(key) else { return };
        if of_key.busy < self.limits.per_key {
            if let Some(back) = of_key.returning.pop_front() {
                self.returning.push_back((back, Some(Arc::clone(key))));
            } else if let Some((place, job)) = of_key.ready.pop_first() {
                self.ready.insert(place, job);
            }
        }
        if of_key.busy == 0 && of_key.ready.is_empty() && of_key.returning.is_empty() {
            self.keys.remove(key);
        }
    }

    /// When the next one may start, as far as the rate goes.
    fn rate_allows(&self, now: Micros) -> Micros {
        match (self.limits.rate, self.starts.front()) {
            (Some((count, per)), Some(oldest)) if self.starts.len() >= count => {
                oldest.saturating_add(per)
            }
            _ => now,
        }
    }

    fn note_start(&mut self, now: Micros) {
        if let Some((count, _)) = self.limits.rate {
            if self.starts.len() >= count {
                self.starts.pop_front();
            }
            self.starts.push_back(now);
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
