//! Failed logins, counted by where they come from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures of one address, within the window, close the door to it until the window ends.
const FAILURES: u32 = 10;
/// How long failures are remembered.
const WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are remembered; the others share one count.
const ADDRESSES: usize = 4096;

/// Counts failed logins. Bounded, whatever comes.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Option<IpAddr>, Failures>>);

struct Failures {
    since: Instant,
    count: u32,
}

impl Throttle {
    /// How long this address must wait, if it failed too often. Right tokens wait as well: otherwise
    /// the limit would not limit guessing.
    pub(crate) fn wait(&self, from: Option<IpAddr>) -> Option<Duration> {
        let (map, now) = (self.map(), Instant::now());
        let closed = |key: &Option<IpAddr>| {
            let failures = map.get(key)?;
            let passed = now.duration_since(failures.since);
            (failures.count >= FAILURES).then(|| WINDOW.checked_sub(passed)).flatten()
        };
        match map.contains_key(&from) {
            true => closed(&from),
            // Whoever found no place is counted together with everybody else who did not.
            false if map.len() >= ADDRESSES => closed(&None),
            false => None,
        }
    }

    /// A login failed.
    pub(crate) fn failed(&self, from: Option<IpAddr>) {
        let (mut map, now) = (self.map(), Instant::now());
        if !map.contains_key(&from) && map.len() >= ADDRESSES {
            map.retain(|_, failures| now.duration_since(failures.since) < WINDOW);
        }
        let key = if map.contains_key(&from) || map.len() < ADDRESSES { from } else { None };
        let failures = map.entry(key).or_insert(Failures { since: now, count: 0 });
        if now.duration_since(failures.since) >= WINDOW {
            *failures = Failures { since: now, count: 0 };
        }
        failures.count = failures.count.saturating_add(1);
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Option<IpAddr>, Failures>> {
        // Counts are sound after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(n: u32) -> IpAddr {
        Ipv4Addr::from(n).into()
    }

    #[tokio::test(start_paused = true)]
    async fn ten_failures_close_the_door_to_one_address_for_a_minute() {
        let throttle = Throttle::default();
        for _ in 0..9 {
            throttle.failed(Some(address(1)));
        }
        assert_eq!(throttle.wait(Some(address(1))), None);
        throttle.failed(Some(address(1)));
        assert_eq!(throttle.wait(Some(address(1))), Some(WINDOW));
        assert_eq!(throttle.wait(Some(address(2))), None);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(throttle.wait(Some(address(1))), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(throttle.wait(Some(address(1))).is_none_or(|left| left.is_zero()));
        throttle.failed(Some(address(1)));
        assert_eq!(throttle.wait(Some(address(1))), None);
    }

    #[tokio::test(start_paused = true)]
    async fn invariant_13_a_flood_of_addresses_is_bounded_and_shares_one_count() {
        let throttle = Throttle::default();
        for n in 0..10_000 {
            throttle.failed(Some(address(n)));
        }
        assert!(throttle.map().len() <= ADDRESSES + 1);
        assert!(throttle.wait(Some(address(20_000))).is_some());
        tokio::time::advance(WINDOW).await;
        throttle.failed(Some(address(20_000)));
        assert_eq!(throttle.map().len(), 1);
    }
}
