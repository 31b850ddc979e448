//! A tool that records when it ran, and a disk that a test fills.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hitl_core::{
    CallKey, CallRecord, Gate, GateBuilder, ParameterSpec, Permit, Risk, SnapshotError,
    SnapshotWriter, StateRequirement, Tool, ToolConfig, ToolSpec,
};

/// The number of runs of a body, and its effect on the disk.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    ran: AtomicUsize,
    fills: AtomicBool,
    filled: tokio::sync::Notify,
    disk: PathBuf,
}

impl World {
    pub(crate) fn on(disk: &Path) -> Self {
        let (ran, fills) = (AtomicUsize::new(0), AtomicBool::new(false));
        let filled = tokio::sync::Notify::new();
        Self(Arc::new(Shared { ran, fills, filled, disk: disk.to_path_buf() }))
    }

    pub(crate) fn ran(&self) -> usize {
        self.0.ran.load(Ordering::SeqCst)
    }

    /// Lets bodies fill the disk from now on.
    pub(crate) fn let_bodies_fill(&self) {
        self.0.fills.store(true, Ordering::SeqCst);
    }

    /// Writes until there is no room for another byte.
    pub(crate) fn fill(&self) {
        let path = self.0.disk.join("filler");
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        for size in [64 * 1024, 4_096, 1] {
            let block = vec![b'x'; size];
            while file.write_all(&block).is_ok() {}
        }
        let error = file.write_all(b"x").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
    }

    /// Completes when a body has filled the disk.
    pub(crate) async fn filled(&self) {
        self.0.filled.notified().await;
    }

    pub(crate) fn make_room(&self) {
        self.0.fills.store(false, Ordering::SeqCst);
        fs::remove_file(self.0.disk.join("filler")).unwrap();
    }

    /// Returns a builder with the tool.
    pub(crate) fn gate(&self) -> GateBuilder {
        Gate::builder().tool::<Act>().tool::<Look>().state(self.clone())
    }
}

/// Mounts the disk again over itself, read-only; open files stay open.
pub(crate) fn make_read_only(disk: &Path) {
    mount(&["--bind"], &[disk, disk]);
    mount(&["-o", "remount,bind,ro"], &[disk]);
    let error = fs::write(disk.join("x"), "x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem, "{error}");
}

pub(crate) fn make_writable(disk: &Path) {
    mount(&["-o", "remount,bind,rw"], &[disk]);
}

fn mount(options: &[&str], paths: &[&Path]) {
    let status = Command::new("mount").args(options).args(paths).status().unwrap();
    assert!(status.success(), "mount {options:?} {paths:?}: {status}");
}

macro_rules! tool {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            pub(crate) text: String,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "A tool for tests.")
                .parameters(&[ParameterSpec::new("text")])
                .states(&[StateRequirement::new::<World>()])
                .config($config);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|fields| fields.field("text", &self.text))
            }
            async fn run(permit: Permit<Self>) -> Result<String, String> {
                let (call, cx) = permit.open();
                let world = cx.state::<World>();
                world.0.ran.fetch_add(1, Ordering::SeqCst);
                if world.0.fills.load(Ordering::SeqCst) {
                    world.fill();
                    world.0.filled.notify_one();
                }
                Ok(call.text)
            }
        }
    };
}

tool!(Act, "act", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
tool!(Look, "look", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).read_only());

pub(crate) fn act() -> Act {
    Act { text: "x".repeat(200) }
}

pub(crate) fn look() -> Look {
    Look { text: "x".to_owned() }
}

pub(crate) async fn record(gate: &Gate, position: u64) -> Option<CallRecord> {
    gate.unscoped().get_by_key(&CallKey::new("run", position)).await.unwrap()
}
