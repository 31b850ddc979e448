//! Processes that call tools all the time, and somebody who freezes them: nothing starts after it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hitl_core::arguments::{SnapshotError, SnapshotWriter};
use hitl_core::{
    CallState, FreezeScope, Gate, GateErrorKind, PageRequest, Permit, Risk, StateRequirement,
    Store as _, Tenant, Tool, ToolConfig, ToolSpec,
};
use hitl_store::SqliteStore;

use crate::child::{Child, Role, say, wait_for_go};

/// The world: a file with a line for each body that has started.
#[derive(Clone)]
struct Started(PathBuf);

impl Started {
    fn of(file: &Path) -> Self {
        Self(file.with_extension("started"))
    }

    fn add(&self, what: &str) -> std::io::Result<()> {
        writeln!(OpenOptions::new().create(true).append(true).open(&self.0)?, "{what}")
    }

    fn count(&self, what: &str) -> usize {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter(|line| *line == what).count()
    }
}

macro_rules! tool {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {}

        impl Tool for $name {
            type Output = ();
            type Error = std::io::Error;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Says that it has started.")
                .states(&[StateRequirement::new::<Started>()])
                .config($config);

            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|_| Ok(()))
            }

            async fn run(permit: Permit<Self>) -> Result<(), Self::Error> {
                let (_, cx) = permit.open();
                cx.state::<Started>().add($tool)
            }
        }
    };
}

tool!(Write, "write", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
tool!(Read, "read", ToolConfig::DEFAULT.base_confidence(95).read_only());

/// Reads and writes until it is frozen, and again at each `go`. Reports when it has begun, and what
/// was frozen.
pub(crate) async fn work(file: &Path) {
    let store = SqliteStore::open(file).await.unwrap();
    let builder = Gate::builder().tool::<Write>().tool::<Read>().state(Started::of(file));
    let gate = builder.store(store).build().await.unwrap();
    loop {
        let (mut frozen, mut calls) = (Vec::new(), 0_u32);
        while frozen.is_empty() {
            let written = gate.submit(Write {}).by("ann").await.map(drop);
            let read = gate.submit(Read {}).by("ann").await.map(drop);
            for (name, result) in [("write", written), ("read", read)] {
                match result {
                    Ok(()) => calls += 1,
                    Err(error) if error.kind() == GateErrorKind::Frozen => frozen.push(name),
                    Err(error) => panic!("{error}"),
                }
            }
            if calls == 4 {
                say("runs");
                calls += 1;
            }
        }
        say("frozen");
        wait_for_go();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_5_no_process_starts_anything_after_a_freeze() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hitl.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let gate = Gate::builder().store(store.clone()).skip_recovery().build().await.unwrap();
    let started = Started::of(&file);
    let mut children: Vec<Child> = (0..3).map(|_| Child::start(Role::Freeze, &file, &[])).collect();
    for round in 0..2 {
        for child in &mut children {
            assert_eq!(child.hear(), "runs", "round {round}");
        }
        gate.freeze(FreezeScope::All, "an incident", "eve").await.unwrap();
        let page = PageRequest::new(&[CallState::Claimed]).limit(100);
        // Claimed before the freeze: they go on.
        let running = store.list(&Tenant::default(), page).await.unwrap().len();
        let at_the_freeze = (started.count("write"), started.count("read"));
        for child in &mut children {
            assert_eq!(child.hear(), "frozen");
        }
        let writes = started.count("write");
        assert!(writes <= at_the_freeze.0 + running, "a write has started since: round {round}");
        assert_eq!(started.count("read"), at_the_freeze.1, "a read has started since");
        for child in &mut children {
            child.go();
            assert_eq!(child.hear(), "frozen");
        }
        assert_eq!((started.count("write"), started.count("read")), (writes, at_the_freeze.1));
        gate.thaw(&FreezeScope::All, "eve").await.unwrap().unwrap();
        children.iter_mut().for_each(Child::go);
    }
    for child in &mut children {
        assert_eq!(child.hear(), "runs");
    }
}
