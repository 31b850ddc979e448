//! Keeps the last events and passes new ones on. A slow watcher misses some, is told so, and slows
//! nobody down.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hitl_base::id::Uuid;
use hitl_core::Tenant;
use serde::Serialize;
use tokio::sync::broadcast;

use super::frame::{Frame, Place, json};

/// How many events are kept for those who come back. One is at most some two kilobytes.
const KEPT: usize = 2048;
/// How far a watcher may fall behind.
const BEHIND: usize = 512;

/// The events of one life of the console.
pub(crate) struct Feed {
    life: u32,
    kept: Mutex<Kept>,
    live: broadcast::Sender<Frame>,
}

#[derive(Default)]
struct Kept {
    frames: VecDeque<Frame>,
    /// Number of the newest; the first is 1.
    newest: u64,
}

/// A watcher that has joined.
pub(crate) struct Joined {
    /// What it has missed, as far as it is kept.
    pub(crate) missed: Vec<Frame>,
    /// More is missing than that: it must read everything anew.
    pub(crate) gap: bool,
    /// Where it stands once it has what it missed.
    pub(crate) place: Place,
    pub(crate) subscriber: Subscriber,
}

/// What comes from now on.
pub(crate) struct Subscriber {
    live: broadcast::Receiver<Frame>,
    tenant: Tenant,
}

impl Default for Feed {
    fn default() -> Self {
        let (live, _) = broadcast::channel(BEHIND);
        Self { life: Uuid::new_v4().as_fields().0, kept: Mutex::default(), live }
    }
}

impl Feed {
    /// Tells everybody of the tenant, and keeps it.
    pub(crate) fn tell(&self, kind: &str, tenant: Option<Tenant>, data: &impl Serialize) {
        let data = json(data);
        // Told under the lock, so that whoever joins either finds it kept or hears it, never both.
        let mut kept = self.kept();
        kept.newest += 1;
        let place = Place { life: self.life, number: kept.newest };
        let frame = Frame::kept(place, kind, tenant, &data);
        if kept.frames.len() >= KEPT {
            kept.frames.pop_front();
        }
        kept.frames.push_back(frame.clone());
        // Fails when nobody watches.
        let _nobody = self.live.send(frame);
    }

    /// Tells everybody who watches now.
    pub(crate) fn mention(&self, kind: &str, tenant: Tenant, data: &impl Serialize) {
        let _nobody = self.live.send(Frame::passing(kind, Some(tenant), &json(data)));
    }

    /// Joins, after the event that was seen last.
    pub(crate) fn join(&self, tenant: Tenant, after: Option<Place>) -> Joined {
        let kept = self.kept();
        let place = Place { life: self.life, number: kept.newest };
        let subscriber = Subscriber { live: self.live.subscribe(), tenant };
        let oldest = kept.newest - kept.frames.len() as u64;
        let known = after.filter(|after| {
            after.life == self.life && (oldest..=kept.newest).contains(&after.number)
        });
        let missed = known.map_or_else(Vec::new, |after| {
            let seen = usize::try_from(after.number - oldest).unwrap_or(usize::MAX);
            let missed = kept.frames.iter().skip(seen);
            missed.filter(|frame| subscriber.may_see(frame)).cloned().collect()
        });
        Joined { missed, gap: after.is_some() && known.is_none(), place, subscriber }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // A panic half-way could at worst lose one event of this life.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    /// The next event; nothing when some were missed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            match self.live.recv().await {
                Ok(frame) if self.may_see(&frame) => return Some(frame),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return None,
                // The feed lives as long as the stream that holds it.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn may_see(&self, frame: &Frame) -> bool {
        frame.tenant.as_ref().is_none_or(|tenant| *tenant == self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Frame) -> String {
        String::from_utf8(frame.bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_comes_back_gets_what_was_missed_and_no_other_tenants() {
        let feed = Feed::default();
        let (acme, other) = (Tenant::new("acme"), Tenant::new("other"));
        feed.tell("call", Some(acme.clone()), &1);
        let first = feed.join(acme.clone(), None);
        assert!(first.missed.is_empty() && !first.gap);
        feed.tell("call", Some(other), &2);
        feed.tell("call", Some(acme.clone()), &3);
        let again = feed.join(acme.clone(), Some(first.place));
        assert!(!again.gap);
        let missed: Vec<String> = again.missed.iter().map(text).collect();
        assert_eq!(missed, [format!("id: {:08x}-3\nevent: call\ndata: 3\n\n", feed.life)]);
        let mut subscriber = first.subscriber;
        assert_eq!(text(&subscriber.next().await.unwrap()), missed[0]);
    }

    #[tokio::test]
    async fn what_is_no_longer_kept_is_a_marked_gap() {
        let feed = Feed::default();
        let tenant = Tenant::default();
        let start = feed.join(tenant.clone(), None).place;
        for n in 0..=KEPT {
            feed.tell("call", None, &n);
        }
        assert!(feed.join(tenant.clone(), Some(start)).gap);
        let after_first = Place { number: 1, ..start };
        assert_eq!(feed.join(tenant.clone(), Some(after_first)).missed.len(), KEPT);
        assert!(feed.join(tenant.clone(), Some(Place { life: !start.life, number: 5 })).gap);
        assert!(feed.join(tenant, Some(Place { number: u64::MAX, ..start })).gap);
    }

    #[tokio::test]
    async fn invariant_13_a_slow_watcher_is_told_that_it_missed_something() {
        let feed = Feed::default();
        let mut slow = feed.join(Tenant::default(), None).subscriber;
        for n in 0..=BEHIND {
            feed.tell("call", None, &n);
        }
        assert!(slow.next().await.is_none());
        assert!(text(&slow.next().await.unwrap()).contains("data: 1\n"));
    }
}
