//! A tool that counts its bodies, and the state after a race.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use shuttle::future::{block_on, yield_now};
use shuttle::rand::Rng as _;
use shuttle::scheduler::{PctScheduler, RandomScheduler};

use crate::sync::moments;
use crate::*;

/// A counter of how often the body of [`Pay`] ran. Not one of shuttle's: counting is not part of
/// any race.
#[derive(Clone, Default)]
pub(crate) struct Ran(Arc<AtomicUsize>);

impl Ran {
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pay {
    pub(crate) amount: u32,
}

impl Tool for Pay {
    type Output = u32;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("pay", "Pays.")
        .parameters(&[ParameterSpec::new("amount")])
        .states(&[StateRequirement::new::<Ran>()])
        .config(ToolConfig::DEFAULT.base_confidence(70).expires(Duration::from_secs(60)));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("amount", &self.amount))
    }
    async fn run(permit: Permit<Self>) -> Result<u32, String> {
        let (call, cx) = permit.open();
        cx.state::<Ran>().0.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        Ok(call.amount)
    }
}

/// A provider that counts what it did, and how often it was asked.
#[derive(Clone, Default)]
pub(crate) struct Provider {
    effects: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    pub(crate) fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// Waits for a while, and no longer than until a counter has moved: what then follows comes at
    /// the worst moment.
    async fn moments_until(counter: &AtomicUsize, most: u32) {
        for _ in 0..most {
            if counter.load(Ordering::SeqCst) > 0 {
                break;
            }
            yield_now().await;
        }
    }

    pub(crate) async fn moments_until_effect(&self, most: u32) {
        // In some orders the effect never comes.
        let most = shuttle::rand::thread_rng().gen_range(0..=most);
        Self::moments_until(&self.effects, most).await;
    }
}

/// A process of a gate: once it is dead, its bodies do nothing more.
#[derive(Clone, Default)]
pub(crate) struct Life(Arc<AtomicBool>);

impl Life {
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Letter {}

impl Tool for Letter {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("send", "Sends.")
        .states(&[StateRequirement::new::<Provider>(), StateRequirement::new::<Life>()])
        .config(
            ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).timeout(Duration::from_secs(1)),
        );
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|_| Ok(()))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let (_, cx) = permit.open();
        Provider::moments_until(&cx.state::<Provider>().asked, 60).await;
        if cx.state::<Life>().0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        cx.state::<Provider>().effects.fetch_add(1, Ordering::SeqCst);
        moments(4).await;
        if cx.state::<Life>().0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok("sent".to_owned())
    }
    fn reconciler() -> Option<Reconciler<Self, String>> {
        Some(Reconciler::new(|attempt: Attempt<Self>| async move {
            let provider = attempt.cx().state::<Provider>();
            let effects = provider.effects();
            provider.asked.fetch_add(1, Ordering::SeqCst);
            moments(8).await;
            Ok::<_, String>(match effects {
                0 => Reconciliation::NotExecuted,
                _ => Reconciliation::Executed("found".to_owned()),
            })
        }))
    }
}

pub(crate) fn pay() -> Pay {
    Pay { amount: 7 }
}

/// One store, and gates on it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) audit: MemoryAudit,
    pub(crate) ran: Ran,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let store = MemoryStore::with_clock(clock.clone());
        Self { store, clock, audit: MemoryAudit::new(), ran: Ran::default() }
    }

    pub(crate) fn builder(&self) -> GateBuilder {
        Gate::builder()
            .tool::<Pay>()
            .state(self.ran.clone())
            .store(self.store.clone())
            .audit(self.audit.clone())
            .on_notice(|_| {})
    }

    pub(crate) async fn gate(&self) -> Gate {
        self.builder().build().await.unwrap()
    }

    pub(crate) async fn record(&self) -> CallRecord {
        self.store.get_by_key(&key()).await.unwrap().unwrap()
    }

    /// Waits until the call has ended, and with it the work in the background.
    pub(crate) async fn over(&self) -> CallRecord {
        loop {
            let record = self.record().await;
            if record.state.is_terminal() {
                return record;
            }
            yield_now().await;
        }
    }

    pub(crate) fn audited(&self, event: AuditEvent) -> usize {
        self.audit.records().iter().filter(|record| record.event == event).count()
    }
}

pub(crate) fn key() -> CallKey {
    CallKey::new("run", 0)
}

/// Submits the call and returns its ticket.
pub(crate) async fn pending(gate: &Gate) -> Ticket {
    match gate.submit(pay()).by("ann").key("run", 0).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("{done:?}"),
    }
}

/// The ways in which the rounds so far ended. A race that always ends the same way proves little.
static CAME_ABOUT: std::sync::Mutex<BTreeSet<&str>> = std::sync::Mutex::new(BTreeSet::new());

pub(crate) fn came_about(what: &'static str) {
    CAME_ABOUT.lock().unwrap().insert(what);
}

/// Runs a race in many orders, and checks that it ended in each of these ways. `HITL_ROUNDS` sets
/// the number of orders for each of the two schedulers.
pub(crate) fn explore(ways: &[&str], race: impl AsyncFn() + Send + Sync + 'static) {
    let rounds = std::env::var("HITL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(500);
    CAME_ABOUT.lock().unwrap().clear();
    let race = Arc::new(race);
    let config = || {
        let mut config = shuttle::Config::new();
        // The default is too small for futures of an unoptimised build.
        config.stack_size = 1 << 20;
        config
    };
    let random = Arc::clone(&race);
    shuttle::Runner::new(RandomScheduler::new(rounds), config()).run(move || block_on(random()));
    // Few preemptions, at the worst moments.
    shuttle::Runner::new(PctScheduler::new(3, rounds), config()).run(move || block_on(race()));
    let came_about = CAME_ABOUT.lock().unwrap();
    // In few rounds, rare ways may not occur.
    if rounds >= 500 {
        assert_eq!(came_about.iter().copied().collect::<Vec<_>>(), ways, "the ways it ended");
    }
}
