//! The right to a connection: a bounded number of seats, in total and for each address.
//!
//! A newcomer never waits: when there is no free seat, it gets the one that has been without a
//! reviewer for longest. So clients that only hold connections open displace each other, and a
//! reviewer, who authenticates within milliseconds, keeps the seat until the response is written.
//!
//! Invariants:
//! - `taken` counts the seats that were given and not given back, and is the sum over all
//!   addresses.
//! - A seat is given back once: when it is taken away, or when it is dropped.
//! - Seats that may be taken away are in `free`, and in their address's own list, under their turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use hitl_base::sync::lock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::ServeOptions;
use crate::client::{Cidr, ClientAddress};

/// All seats of a server.
#[derive(Debug)]
pub(super) struct Seats {
    max: usize,
    max_per_address: usize,
    /// The address ranges whose seats are not counted by address.
    exempt: Vec<Cidr>,
    streams: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    next_turn: u64,
    free: BTreeMap<u64, Weak<Seat>>,
    addresses: HashMap<ClientAddress, Address>,
}

#[derive(Debug, Default)]
struct Address {
    taken: usize,
    free: BTreeSet<u64>,
}

/// One connection's seat.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// The counted address; `None` if the seat is not counted by address.
    address: Option<ClientAddress>,
    place: Mutex<SeatState>,
    taken_away: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeatState {
    /// The seat may be taken away, in this turn.
    Free(u64),
    /// A reviewer uses the seat.
    Kept,
    /// The seat was taken away.
    Gone,
}

impl Seats {
    pub(super) fn new(options: &ServeOptions) -> Arc<Self> {
        let max = options.max_connections.max(1);
        let streams = max.saturating_sub(options.stream_reserve).clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            max,
            max_per_address: options.max_connections_per_address.max(1),
            exempt: options.trusted_proxies.clone(),
            streams: Arc::new(Semaphore::new(streams)),
            state: Mutex::default(),
        })
    }

    /// Returns a seat for a connection from this address; `None` if every seat that it could get is
    /// used by a reviewer.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Seat>> {
        let exempt = self.exempt.iter().any(|range| range.contains(from));
        let address = (!exempt).then(|| ClientAddress::new(from));
        let mut state = self.state();
        let crowded = address
            .and_then(|address| state.addresses.get(&address))
            .filter(|address| address.taken >= self.max_per_address);
        let turn = match crowded {
            Some(crowded) => Some(*crowded.free.first()?),
            None if state.taken >= self.max => Some(*state.free.first_key_value()?.0),
            None => None,
        };
        let lost = turn.and_then(|turn| state.take_away(turn));
        let turn = state.next_turn();
        let seat = Arc::new(Seat {
            seats: Arc::clone(self),
            address,
            place: Mutex::new(SeatState::Free(turn)),
            taken_away: Notify::new(),
        });
        state.taken += 1;
        if let Some(address) = address {
            state.addresses.entry(address).or_default().taken += 1;
        }
        state.offer(turn, &seat);
        drop(state);
        // Dropped without the lock, because the last holder of a seat takes the lock to give it
        // back.
        drop(lost);
        Some(seat)
    }

    /// Takes a seat away although the limit is not reached, because the system has no room for more
    /// connections. Returns whether there was one.
    pub(super) fn make_room(&self) -> bool {
        let mut state = self.state();
        let first = state.free.first_key_value().map(|(turn, _)| *turn);
        let lost = first.and_then(|turn| state.take_away(turn));
        drop(state);
        lost.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code under this lock can panic half-way.
        lock(&self.state)
    }
}

impl State {
    fn next_turn(&mut self) -> u64 {
        self.next_turn += 1;
        self.next_turn
    }

    fn offer(&mut self, turn: u64, seat: &Arc<Seat>) {
        self.free.insert(turn, Arc::downgrade(seat));
        if let Some(address) = seat.address {
            self.addresses.entry(address).or_default().free.insert(turn);
        }
    }

    fn withdraw(&mut self, turn: u64, address: Option<ClientAddress>) {
        self.free.remove(&turn);
        if let Some(address) = address.and_then(|address| self.addresses.get_mut(&address)) {
            address.free.remove(&turn);
        }
    }

    /// Takes the seat of a turn away, and notifies its connection.
    fn take_away(&mut self, turn: u64) -> Option<Arc<Seat>> {
        let seat = self.free.remove(&turn)?.upgrade();
        if let Some(seat) = &seat {
            self.give_back(turn, seat);
            *seat.place() = SeatState::Gone;
            seat.taken_away.notify_one();
        }
        seat
    }

    fn give_back(&mut self, turn: u64, seat: &Seat) {
        self.withdraw(turn, seat.address);
        self.taken -= 1;
        let Some(key) = seat.address else { return };
        let empty = self.addresses.get_mut(&key).is_some_and(|address| {
            address.taken -= 1;
            address.taken == 0
        });
        if empty {
            self.addresses.remove(&key);
        }
    }
}

impl Seat {
    /// Keeps the seat: a reviewer uses it.
    pub(super) fn keep(&self) {
        let mut state = self.seats.state();
        let mut place = self.place();
        if let SeatState::Free(turn) = *place {
            state.withdraw(turn, self.address);
            *place = SeatState::Kept;
        }
    }

    /// Offers the seat again, as one that has just been used.
    pub(super) fn release(self: &Arc<Self>) {
        let mut state = self.seats.state();
        let mut place = self.place();
        if *place == SeatState::Kept {
            let turn = state.next_turn();
            state.offer(turn, self);
            *place = SeatState::Free(turn);
        }
    }

    /// Waits until the seat is taken away.
    pub(super) async fn taken_away(&self) {
        self.taken_away.notified().await;
    }

    /// Takes a permit for one of the connections that streams may take.
    pub(super) fn stream_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.seats.streams).try_acquire_owned().ok()
    }

    /// Locks the state of this seat: after the state of all seats, never before.
    fn place(&self) -> MutexGuard<'_, SeatState> {
        lock(&self.place)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seats = Arc::clone(&self.seats);
        let mut state = seats.state();
        let place = *self.place();
        match place {
            SeatState::Free(turn) => state.give_back(turn, self),
            SeatState::Kept => state.give_back(0, self),
            SeatState::Gone => {}
        }
    }
}

#[cfg(test)]
#[path = "seats_tests.rs"]
mod tests;
