//! Keeps the last events and broadcasts new ones. A slow subscriber misses some, is notified of
//! that, and slows nobody down.

use std::collections::VecDeque;
use std::sync::Mutex;

use hitl_base::id::Uuid;
use hitl_base::sync::lock;
use hitl_core::Tenant;
use serde::Serialize;
use tokio::sync::broadcast;

use super::frame::{EventId, Frame, json};

/// The number of events that are kept for clients that reconnect, each of at most about two
/// kilobytes.
const MAX_BACKLOG: usize = 2048;
/// The number of events by which a subscriber may fall behind.
const MAX_LAG: usize = 512;

/// The events of one life of the console.
pub(crate) struct Feed {
    life: u32,
    kept: Mutex<Backlog>,
    live: broadcast::Sender<Frame>,
}

#[derive(Default)]
struct Backlog {
    frames: VecDeque<Frame>,
    /// The number of the newest event; the first is 1.
    newest: u64,
}

/// A new subscriber, and the events since its last position.
pub(crate) struct Subscription {
    /// The kept events that it missed.
    pub(crate) missed: Vec<Frame>,
    /// True if it missed more events than are kept: it must read everything again.
    pub(crate) gap: bool,
    /// The id of the newest event, once it has the missed ones.
    pub(crate) place: EventId,
    pub(crate) subscriber: Subscriber,
}

/// The events from now on.
pub(crate) struct Subscriber {
    live: broadcast::Receiver<Frame>,
    tenant: Tenant,
}

impl Default for Feed {
    fn default() -> Self {
        let (live, _) = broadcast::channel(MAX_LAG);
        Self { life: Uuid::new_v4().as_fields().0, kept: Mutex::default(), live }
    }
}

impl Feed {
    /// Sends an event to the subscribers of the tenant, and keeps it for those that reconnect.
    pub(crate) fn publish(&self, kind: &str, tenant: Option<Tenant>, data: &impl Serialize) {
        let data = json(data);
        // Sent under the lock, so that a new subscriber either finds it kept or receives it, never
        // both.
        let mut kept = self.kept();
        kept.newest += 1;
        let place = EventId { life: self.life, number: kept.newest };
        let frame = Frame::numbered(place, kind, tenant, &data);
        if kept.frames.len() >= MAX_BACKLOG {
            kept.frames.pop_front();
        }
        kept.frames.push_back(frame.clone());
        // Fails if nobody is subscribed.
        let _nobody = self.live.send(frame);
    }

    /// Sends an event to the current subscribers of the tenant, and does not keep it.
    pub(crate) fn publish_transient(&self, kind: &str, tenant: Tenant, data: &impl Serialize) {
        let _nobody = self.live.send(Frame::transient(kind, Some(tenant), &json(data)));
    }

    /// Subscribes, beginning after the last event that was seen.
    pub(crate) fn subscribe(&self, tenant: Tenant, after: Option<EventId>) -> Subscription {
        let kept = self.kept();
        let place = EventId { life: self.life, number: kept.newest };
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
        Subscription { missed, gap: after.is_some() && known.is_none(), place, subscriber }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Backlog> {
        // A panic half-way could at worst lose one event of this life.
        lock(&self.kept)
    }
}

impl Subscriber {
    /// Waits for the next event; `None` when some were missed. Cancel-safe.
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
        feed.publish("call", Some(acme.clone()), &1);
        let first = feed.subscribe(acme.clone(), None);
        assert!(first.missed.is_empty() && !first.gap);
        feed.publish("call", Some(other), &2);
        feed.publish("call", Some(acme.clone()), &3);
        let again = feed.subscribe(acme.clone(), Some(first.place));
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
        let start = feed.subscribe(tenant.clone(), None).place;
        for n in 0..=MAX_BACKLOG {
            feed.publish("call", None, &n);
        }
        assert!(feed.subscribe(tenant.clone(), Some(start)).gap);
        let after_first = EventId { number: 1, ..start };
        assert_eq!(feed.subscribe(tenant.clone(), Some(after_first)).missed.len(), MAX_BACKLOG);
        assert!(feed.subscribe(tenant.clone(), Some(EventId { life: !start.life, number: 5 })).gap);
        assert!(feed.subscribe(tenant, Some(EventId { number: u64::MAX, ..start })).gap);
    }

    #[tokio::test]
    async fn invariant_13_a_slow_watcher_is_told_that_it_missed_something() {
        let feed = Feed::default();
        let mut slow = feed.subscribe(Tenant::default(), None).subscriber;
        for n in 0..=MAX_LAG {
            feed.publish("call", None, &n);
        }
        assert!(slow.next().await.is_none());
        assert!(text(&slow.next().await.unwrap()).contains("data: 1\n"));
    }
}
