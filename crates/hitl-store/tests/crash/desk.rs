//! The worker's equipment: two tools whose bodies leave a line in a file, and files to which a line
//! is added by a single write, which a killed process either made or did not.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitl_core::audit::{AuditError, AuditEvent, AuditRecord};
use hitl_core::{
    AuditSink, Gate, GateBuilder, ParameterSpec, Permit, Risk, SnapshotError, SnapshotWriter,
    StateRequirement, Store, Tool, ToolConfig, ToolSpec,
};

use crate::worker::reach;

/// A file of lines.
#[derive(Clone)]
pub(crate) struct Lines(Arc<File>);

impl Lines {
    fn open(folder: &Path, name: &str) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(folder.join(name));
        Self(Arc::new(file.unwrap()))
    }

    pub(crate) fn add(&self, line: &str) {
        (&*self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// The file of the bodies that ran.
#[derive(Clone)]
pub(crate) struct Ran(Lines);

/// Opens the file of the acknowledgements that the worker received, each written afterwards.
pub(crate) fn acknowledged(folder: &Path) -> Lines {
    Lines::open(folder, "acknowledged")
}

/// An audit that records the intents, and the audited changes of the store.
struct Audit {
    intents: Lines,
    audited: Lines,
}

impl AuditSink for Audit {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        if record.event == AuditEvent::Claimed {
            reach("before-intent");
            self.intents.add(&record.key.as_ref().unwrap().to_string());
            reach("after-intent");
        } else if let (Some(call), Some(version)) = (record.call, record.version)
            && !matches!(record.event, AuditEvent::Proposed | AuditEvent::Assessed)
        {
            reach("before-audit");
            self.audited.add(&format!("{call} {version}"));
            reach("after-audit");
        }
        Ok(())
    }
}

macro_rules! tool {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            pub(crate) text: String,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Leaves a line.")
                .parameters(&[ParameterSpec::new("text")])
                .states(&[StateRequirement::new::<Ran>()])
                .config($config);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|o| o.field("text", &self.text).map(drop))
            }
            async fn run(permit: Permit<Self>) -> Result<String, String> {
                let (call, cx) = permit.open();
                reach("in-body");
                cx.state::<Ran>().0.add(&cx.key().to_string());
                reach("after-body");
                Ok(call.text)
            }
        }
    };
}

tool!(Note, "note", ToolConfig::DEFAULT.base_confidence(90).risk(Risk::Low));
tool!(
    Pay,
    "pay",
    ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High).expires(Duration::from_secs(3600))
);

/// Returns the builder of a gate with both tools, over a store, in a folder.
pub(crate) fn gate(store: impl Store, folder: &Path) -> GateBuilder {
    Gate::builder()
        .tool::<Note>()
        .tool::<Pay>()
        .state(Ran(Lines::open(folder, "ran")))
        .audit(Audit {
            intents: Lines::open(folder, "intents"),
            audited: Lines::open(folder, "audited"),
        })
        .store(store)
}
