//! Failed logins, counted by client address.
//!
//! The count slows guesses, not owners: it only decides how a wrong token is answered. A right one
//! is never looked up here, so nobody can lock a reviewer out by failing from the same address.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use hitl_base::sync::lock;
use tokio::time::Instant;

use crate::client::ClientAddress;

/// Failures of one client within the window that are answered at once.
const MAX_FAILURES: u32 = 10;
/// The time for which failures are remembered.
const WINDOW: Duration = Duration::from_secs(60);
/// The number of clients that are remembered; all others share one count.
const MAX_CLIENTS: usize = 4096;

/// Counts failed logins, in bounded memory.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Option<ClientAddress>, Failures>>);

struct Failures {
    since: Instant,
    count: u32,
}

impl Throttle {
    /// Records a failed login. Returns the time that its client should wait, if there were too
    /// many.
    pub(crate) fn record_failure(&self, from: Option<ClientAddress>) -> Option<Duration> {
        let (mut map, now) = (self.map(), Instant::now());
        if !map.contains_key(&from) && map.len() >= MAX_CLIENTS {
            map.retain(|_, failures| now.duration_since(failures.since) < WINDOW);
        }
        // Clients beyond the limit are counted together.
        let key = if map.contains_key(&from) || map.len() < MAX_CLIENTS { from } else { None };
        let failures = map.entry(key).or_insert(Failures { since: now, count: 0 });
        if now.duration_since(failures.since) >= WINDOW {
            *failures = Failures { since: now, count: 0 };
        }
        failures.count = failures.count.saturating_add(1);
        let left = WINDOW.saturating_sub(now.duration_since(failures.since));
        (failures.count > MAX_FAILURES).then_some(left)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Option<ClientAddress>, Failures>> {
        // The counts are valid after every statement.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn client(n: u32) -> ClientAddress {
        ClientAddress::new(Ipv4Addr::from(n).into())
    }

    #[tokio::test(start_paused = true)]
    async fn after_ten_failures_one_client_is_to_wait_for_a_minute() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert_eq!(throttle.record_failure(Some(client(1))), None);
        }
        assert_eq!(throttle.record_failure(Some(client(1))), Some(WINDOW));
        assert_eq!(throttle.record_failure(Some(client(2))), None);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(throttle.record_failure(Some(client(1))), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.record_failure(Some(client(1))), None);
    }

    #[tokio::test(start_paused = true)]
    async fn invariant_13_a_flood_of_clients_is_bounded_and_shares_one_count() {
        let throttle = Throttle::default();
        for n in 0..10_000 {
            let _ = throttle.record_failure(Some(client(n)));
        }
        assert!(throttle.map().len() <= MAX_CLIENTS + 1);
        assert!(throttle.record_failure(Some(client(20_000))).is_some());
        tokio::time::advance(WINDOW).await;
        assert_eq!(throttle.record_failure(Some(client(20_000))), None);
        assert_eq!(throttle.map().len(), 1);
    }
}
