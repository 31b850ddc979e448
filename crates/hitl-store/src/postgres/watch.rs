//! Hints between replicas: a waiter here learns of changes there.
//!
//! After a commit, outside it, the changed ids are notified; while one notification is in flight
//! the next ones gather, and they wait for no disk. One connection listens. Nothing depends on the
//! arrival of a hint: after each reconnection every waiter reads again, and every few seconds the
//! history, which misses nothing, is read for changes whose notification was lost.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::sync::lock;
use hitl_core::store::ChangeNotifier;
use hitl_core::{RequestId, SessionId};
use tokio::sync::{Notify, watch};
use tokio_postgres::AsyncMessage;
use tokio_postgres::types::Type;

use super::connect::Address;
use super::database::Database;
use super::error::Fault;
use super::query;
use super::statement::Statement;
use crate::failpoint::reach;

// Hints need not survive a crash of the server: the transaction does not wait for the disk.
static NOTIFY: Statement = Statement {
    text: "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, hint) \
           FROM unnest($2::text[]) AS hint",
    types: &[Type::TEXT, Type::TEXT_ARRAY],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&NOTIFY];

/// The number of ids in one notification, which may have 8,000 bytes.
const IDS: usize = 200;
/// The number of ids that may wait to be notified; with more, all watchers read again.
const WAITING: usize = 10_000;
/// Means every call.
const ALL_CALLS: &str = "*";
/// The number of changes that are examined one by one.
const STRETCH: usize = 1000;
/// The pause between attempts to listen.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Notifies the tasks of a store when it is dropped.
#[derive(Clone)]
pub(super) struct DropSignal(watch::Receiver<()>);

impl DropSignal {
    /// Returns a sender and a signal, which completes once the sender is dropped.
    pub(super) fn pair() -> (watch::Sender<()>, Self) {
        let (alive, dropped) = watch::channel(());
        (alive, Self(dropped))
    }

    /// Completes once the store is dropped. Cancel safe.
    pub(super) async fn wait(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// Passes this replica's changes on to other replicas.
pub(super) struct Notifier {
    channel: String,
    /// The prefix of this store's own hints, which were given locally already.
    own: String,
    waiting: Mutex<HashSet<RequestId>>,
    /// True if all watchers are to read again.
    all: AtomicBool,
    some: Notify,
}

impl Notifier {
    /// Creates the notifier of the stores in this schema.
    pub(super) fn new(schema: &str) -> Self {
        Self {
            channel: format!("hitl_{schema}"),
            own: SessionId::new().to_string(),
            waiting: Mutex::default(),
            all: AtomicBool::new(false),
            some: Notify::new(),
        }
    }

    /// Queues the id of a changed call.
    pub(super) fn add(&self, id: RequestId) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() <= WAITING {
            waiting.insert(id);
        }
        drop(waiting);
        self.some.notify_one();
    }

    /// Queues a hint at every call.
    pub(super) fn add_all(&self) {
        self.all.store(true, Ordering::Relaxed);
        self.some.notify_one();
    }

    /// Takes the waiting ids, as the texts of notifications.
    fn take(&self) -> Vec<String> {
        let ids = std::mem::take(&mut *lock(&self.waiting));
        if self.all.swap(false, Ordering::Relaxed) || ids.len() > WAITING {
            return vec![format!("{} {ALL_CALLS}", self.own)];
        }
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.chunks(IDS).map(|some| format!("{} {}", self.own, some.join(" "))).collect()
    }

    /// Hints at the changes of another replica.
    fn observe(&self, text: &str, hub: &ChangeNotifier) {
        let mut words = text.split(' ');
        if words.next() == Some(&self.own) {
            return;
        }
        for word in words {
            match word.parse() {
                Ok(id) => hub.notify(id),
                // The word for every call, or one of a newer version.
                Err(_) => hub.notify_all(),
            }
        }
    }
}

/// Sends notifications until the store is dropped, and then the last ones.
pub(super) async fn notify(notifier: Arc<Notifier>, on: Arc<Database>, mut dropped: DropSignal) {
    loop {
        let last = tokio::select! {
            () = dropped.wait() => true,
            () = notifier.some.notified() => false,
        };
        let hints = notifier.take();
        reach("before-notify");
        if !hints.is_empty()
            && let Err(fault) = on.send(&NOTIFY, &[&notifier.channel, &hints]).await
        {
            let error = on.error(fault);
            tracing::warn!(%error, "other replicas are told late of what changed");
        }
        reach("after-notify");
        if last {
            return;
        }
    }
}

/// Listens until the store is dropped.
pub(super) async fn listen(
    notifier: Arc<Notifier>,
    at: Address,
    hub: ChangeNotifier,
    mut dropped: DropSignal,
) {
    let mut pause = PAUSE;
    loop {
        tokio::select! {
            () = dropped.wait() => return,
            clock_estimate = while_connected(&notifier, &at, &hub) => {
                // Changes that happened while nobody listened are not notified again.
                hub.notify_all();
                if clock_estimate {
                    pause = PAUSE;
                }
                tracing::warn!("the connection that listens for other replicas was lost");
            }
        }
        tokio::select! {
            () = dropped.wait() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST),
        }
    }
}

/// Listens until the connection ends. Returns whether it was connected at all.
async fn while_connected(notifier: &Notifier, at: &Address, hub: &ChangeNotifier) -> bool {
    let Ok((client, mut connection)) = at.listen().await else { return false };
    let subscribe = async {
        let listen = format!("LISTEN \"{}\"", notifier.channel);
        if client.batch_execute(&listen).await.is_ok() {
            // A waiter may have read before this connection listened.
            hub.notify_all();
        }
        std::future::pending::<()>().await;
    };
    let hear = async {
        while let Some(message) = connection.next().await {
            if let AsyncMessage::Notification(said) = message {
                notifier.observe(said.payload(), hub);
            }
        }
    };
    tokio::select! {
        () = subscribe => {}
        () = hear => {}
    }
    true
}

/// Reads the history at intervals until the store is dropped.
pub(super) async fn poll_history(
    on: Arc<Database>,
    hub: ChangeNotifier,
    every: Duration,
    mut dropped: DropSignal,
) {
    let mut seen = None;
    loop {
        tokio::select! {
            () = dropped.wait() => return,
            looked = notify_changes(&on, &hub, seen) => match looked {
                Ok(last) => seen = Some(last),
                Err(fault) => {
                    let error = on.error(fault);
                    tracing::warn!(%error, "the history could not be read for changes");
                }
            }
        }
        tokio::select! {
            () = dropped.wait() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Hints at the changes after `seen`. Returns the last number seen.
async fn notify_changes(
    on: &Database,
    hub: &ChangeNotifier,
    seen: Option<u64>,
) -> Result<u64, Fault> {
    let last = query::last_change(on).await?;
    let Some(seen) = seen else {
        hub.notify_all();
        return Ok(last);
    };
    if last > seen {
        let changes = query::changes(on, seen, STRETCH).await?;
        // There are more, or some are erased already.
        if (changes.len() as u64) < last - seen {
            hub.notify_all();
        }
        for id in changes {
            hub.notify(id);
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn other_replicas_hints_are_passed_on_and_own_ones_are_not() {
        let (here, there, hub) =
            (Notifier::new("hitl"), Notifier::new("hitl"), ChangeNotifier::default());
        let ids: Vec<_> = (0..450).map(|_| RequestId::new()).collect();
        let mut watches: Vec<_> = ids.iter().map(|id| hub.watch(*id)).collect();
        for id in &ids {
            there.add(*id);
        }
        let hints = there.take();
        assert_eq!(hints.len(), 3);
        assert!(hints.iter().all(|hint| hint.len() < 8000));
        assert!(there.take().is_empty());
        for hint in &hints {
            there.observe(hint, &hub);
        }
        assert!(watches.iter_mut().all(|watch| watch.changed().now_or_never().is_none()));
        for hint in &hints {
            here.observe(hint, &hub);
        }
        assert!(watches.iter_mut().all(|watch| watch.changed().now_or_never().is_some()));
    }

    #[test]
    fn a_hint_at_every_call_reaches_waiters_of_calls_that_have_not_changed() {
        let (here, there, hub) =
            (Notifier::new("hitl"), Notifier::new("hitl"), ChangeNotifier::default());
        let (mut one, mut any) = (hub.watch(RequestId::new()), hub.watch_all());
        there.add(RequestId::new());
        there.add_all();
        let hints = there.take();
        assert_eq!(hints.len(), 1);
        assert!(there.take().is_empty());
        here.observe(&hints[0], &hub);
        assert!(one.changed().now_or_never().is_some() && any.changed().now_or_never().is_some());
    }

    #[test]
    fn too_many_hints_become_one() {
        let (here, there, hub) =
            (Notifier::new("hitl"), Notifier::new("hitl"), ChangeNotifier::default());
        let mut watch = hub.watch(RequestId::new());
        (0..=WAITING + 5).for_each(|_| there.add(RequestId::new()));
        let hints = there.take();
        assert_eq!(hints.len(), 1);
        here.observe(&hints[0], &hub);
        assert!(watch.changed().now_or_never().is_some());
    }
}
