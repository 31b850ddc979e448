//! The cost of a long queue: the same operations with 10 and with many pending calls.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hitl::store::PageRequest;
use hitl::{CallState, MemoryStore, Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, sealed};
use hitl_core::store::{EventPayload, SubmitResult};
use hitl_store::SqliteStore;
use tokio::runtime::Runtime;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::two_threads;

/// The number of calls on a page.
const PAGE: usize = 20;

pub(super) fn pairs(effort: Effort) -> Vec<Pair> {
    let (memory, file) = match effort {
        Effort::Smoke => (100, 100),
        Effort::Quick => (100_000, 20_000),
        Effort::Thorough => (1_000_000, 1_000_000),
    };
    let mut pairs = Vec::new();
    for (kind, many) in [(Kind::Memory, memory), (Kind::Sqlite, file)] {
        let name = kind.name();
        pairs.push(
            Pair::timed(
                format!("growth, {name}: decide and wake with {many} pending"),
                move || deciding(kind, many),
                "itself with 10",
                move || deciding(kind, 10),
            )
            .budget(1.2),
        );
        pairs.push(
            Pair::timed(
                format!("growth, {name}: first page with {many} pending"),
                move || listing(kind, many),
                "itself with 30",
                move || listing(kind, 30),
            )
            .budget(1.2),
        );
    }
    pairs
}

#[derive(Clone, Copy)]
enum Kind {
    Memory,
    Sqlite,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
        }
    }
}

/// A store with this many pending calls, and its folder.
struct Filled {
    store: Arc<dyn Store>,
    runtime: Rc<Runtime>,
    next: u64,
    _folder: tempfile::TempDir,
}

impl Filled {
    fn new(kind: Kind, pending: u64) -> Self {
        let runtime = two_threads();
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Store> = match kind {
            Kind::Memory => Arc::new(MemoryStore::new()),
            Kind::Sqlite => {
                let opened = SqliteStore::open(folder.path().join("hitl.db"));
                Arc::new(runtime.block_on(opened).expect("a store"))
            }
        };
        let mut filled = Self { store, runtime, next: 0, _folder: folder };
        filled.fill(pending);
        filled
    }

    fn draft(&mut self) -> Draft {
        self.next += 1;
        Draft::new("growth", self.next).expires_in(Duration::from_secs(1_000_000))
    }

    /// Submits many at once, so that a file commits them in groups.
    fn fill(&mut self, pending: u64) {
        const AT_ONCE: u64 = 256;
        let mut left = pending;
        while left > 0 {
            let group = left.min(AT_ONCE);
            left -= group;
            let drafts: Vec<Draft> = (0..group).map(|_| self.draft()).collect();
            let submits =
                drafts.iter().map(|draft| self.store.submit(draft.call(), sealed(&[7; 200])));
            for submitted in self.runtime.block_on(futures::future::join_all(submits)) {
                assert!(matches!(submitted, Ok(SubmitResult::Created(_))));
            }
        }
    }
}

fn deciding(kind: Kind, pending: u64) -> Run {
    let mut filled = Filled::new(kind, pending);
    let tenant = Tenant::default();
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            // One more call is submitted, so that the number of pending calls stays the same.
            let draft = filled.draft();
            let store = Arc::clone(&filled.store);
            spent += filled.runtime.block_on(async {
                let submitted = store.submit(draft.call(), sealed(&[7; 200])).await;
                let Ok(SubmitResult::Created(record)) = submitted else { panic!("a new key") };
                let mut watch = store.watch(record.id());
                let decision = Event::Decide(record.request().approve().by("alice"));
                let start = Instant::now();
                store
                    .apply(&tenant, record.id(), decision, EventPayload::default())
                    .await
                    .expect("decided");
                watch.changed().await;
                store.get(&tenant, record.id()).await.expect("read");
                start.elapsed()
            });
        }
        spent
    })
}

fn listing(kind: Kind, pending: u64) -> Run {
    let filled = Filled::new(kind, pending);
    let tenant = Tenant::default();
    Box::new(move |times| {
        filled.runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..times {
                let page = PageRequest::new(&[CallState::Pending]).limit(PAGE);
                let records = filled.store.list(&tenant, page).await.expect("a page");
                assert_eq!(records.len(), PAGE);
            }
            start.elapsed()
        })
    })
}
