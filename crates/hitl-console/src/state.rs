//! The state that all requests share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hitl_core::Gate;
use hitl_core::audit::AuditReader;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::auth::{Auth, Throttle};
use crate::client::Cidr;
use crate::feed::{self, Feed};
use crate::health::Probe;
use crate::policies::Policies;
use crate::presence::Presence;
use crate::streams::Streams;
use crate::tasks::{TaskBoard, Tasks};

/// The state that all requests share.
pub(crate) type Shared = Arc<State>;

pub(crate) struct State {
    pub(crate) gate: Gate,
    pub(crate) tasks: Tasks,
    pub(crate) board: Arc<TaskBoard>,
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) hosts: Vec<String>,
    pub(crate) trusted_proxies: Vec<Cidr>,
    pub(crate) throttle: Throttle,
    /// Limits the answers to guesses that are delayed at the same time.
    pub(crate) held_guesses: Semaphore,
    pub(crate) limits: Limits,
    pub(crate) feed: Arc<Feed>,
    pub(crate) presence: Presence,
    pub(crate) streams: Arc<Streams>,
    pub(crate) audit: Option<Arc<dyn AuditReader>>,
    pub(crate) policies: Policies,
    pub(crate) probe: Probe,
    /// Limits audit reads to one at a time, because an audit may be long.
    pub(crate) audit_turn: Semaphore,
    recovery: Recovery,
    pumps: OnceLock<Vec<JoinHandle<()>>>,
}

/// The sources that the console shows in addition to calls and tasks.
pub(crate) struct Sources {
    pub(crate) audit: Option<Arc<dyn AuditReader>>,
    pub(crate) policies: Policies,
}

/// The place where calls that other processes left are recovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Recovery {
    #[default]
    /// This console.
    Here,
    /// Processes that run calls do it.
    Elsewhere,
}

/// The limits of a console.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a request's body.
    pub(crate) body: usize,
    /// The time within which a body must arrive.
    pub(crate) body_deadline: Duration,
    pub(crate) streams: usize,
    pub(crate) streams_per_principal: usize,
}

/// The number of answers to guesses that are delayed at a time; further ones are not delayed.
const MAX_HELD_GUESSES: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 * 1024,
            body_deadline: Duration::from_secs(30),
            streams: 3072,
            streams_per_principal: 32,
        }
    }
}

impl State {
    pub(crate) fn new(
        gate: Gate,
        tasks: Tasks,
        auth: Arc<dyn Auth>,
        (hosts, trusted_proxies): (Vec<String>, Vec<Cidr>),
        (limits, recovery): (Limits, Recovery),
        Sources { audit, policies }: Sources,
    ) -> Shared {
        Arc::new(Self {
            gate,
            tasks,
            board: Arc::default(),
            auth,
            hosts,
            trusted_proxies,
            throttle: Throttle::default(),
            held_guesses: Semaphore::new(MAX_HELD_GUESSES),
            limits,
            feed: Arc::default(),
            presence: Presence::default(),
            streams: Arc::new(Streams::new(limits.streams, limits.streams_per_principal)),
            audit,
            policies,
            probe: Probe::default(),
            audit_turn: Semaphore::new(1),
            recovery,
            pumps: OnceLock::new(),
        })
    }

    /// Starts the background work on the first call. Needs a runtime, which a request has.
    pub(crate) fn start(&self) {
        self.pumps.get_or_init(|| {
            let (feed, board) = (Arc::clone(&self.feed), Arc::clone(&self.board));
            let mut pumps = vec![
                tokio::spawn(feed::publish_calls(self.gate.clone(), Arc::clone(&feed))),
                tokio::spawn(feed::publish_tasks(self.tasks.clone(), board, feed)),
            ];
            if self.recovery == Recovery::Here {
                pumps.push(tokio::spawn(feed::recover_calls(self.gate.clone())));
            }
            pumps
        });
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for pump in self.pumps.get().into_iter().flatten() {
            pump.abort();
        }
    }
}
