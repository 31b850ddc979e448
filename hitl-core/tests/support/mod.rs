//! Tools, approvers and stores for the tests of the gate.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(unreachable_pub, reason = "shared by the test files")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_core::audit::AuditError;
use hitl_core::{
    AuditRecord, AuditSink, Gate, GateBuilder, MemoryAudit, MemoryStore, ParameterSpec, Permit,
    Risk, SnapshotError, SnapshotWriter, StateRequirement, Tool, ToolConfig, ToolSpec,
};
use tokio::sync::Semaphore;

/// A counter of bodies, which lets a test hold them.
#[derive(Clone, Default)]
pub struct World(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ran: AtomicUsize,
    log: Mutex<Vec<String>>,
    held: Mutex<Option<Arc<Semaphore>>>,
    started: tokio::sync::Notify,
}

impl World {
    pub fn ran(&self) -> usize {
        self.0.ran.load(Ordering::SeqCst)
    }

    pub fn log(&self) -> Vec<String> {
        self.0.log.lock().unwrap().clone()
    }

    /// Makes bodies that start from now on wait until the returned semaphore has permits.
    pub fn hold(&self) -> Arc<Semaphore> {
        let semaphore = Arc::new(Semaphore::new(0));
        *self.0.held.lock().unwrap() = Some(Arc::clone(&semaphore));
        semaphore
    }

    /// Completes when a body has started.
    pub async fn started(&self) {
        self.0.started.notified().await;
    }

    /// Lets bodies that start from now on run without waiting.
    pub fn let_go(&self) {
        *self.0.held.lock().unwrap() = None;
    }

    pub async fn run(&self, what: String) {
        self.0.ran.fetch_add(1, Ordering::SeqCst);
        self.0.log.lock().unwrap().push(what);
        self.0.started.notify_one();
        let held = self.0.held.lock().unwrap().clone();
        if let Some(held) = held {
            held.acquire().await.unwrap().forget();
        }
    }
}

macro_rules! tool {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } sensitive { $($secret:ident: $secret_type:ty),* }
     = $tool:literal, $config:expr; $out:ty; |$call:ident, $world:ident| $body:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(pub $field: $type,)* $(pub $secret: $secret_type,)* }

        impl Tool for $name {
            type Output = $out;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "A tool for tests.")
                .parameters(&[$(ParameterSpec::new(stringify!($field)),)* $(ParameterSpec::sensitive(stringify!($secret)),)*])
                .states(&[StateRequirement::new::<World>()])
                .config($config);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|_o| {
                    $(_o.field(stringify!($field), &self.$field)?;)*
                    $(_o.sensitive(stringify!($secret), &self.$secret)?;)*
                    Ok(())
                })
            }
            async fn run(permit: Permit<Self>) -> Result<Self::Output, Self::Error> {
                let ($call, cx) = permit.open();
                let $world = cx.state::<World>().clone();
                $world.run(format!("{} {}", $tool, cx.key())).await;
                $body
            }
        }
    };
}

tool! {
    Look { what: String } sensitive {}
    = "look", ToolConfig::DEFAULT.base_confidence(90).read_only(); String;
    |call, _world| Ok(format!("saw {}", call.what))
}
tool! {
    Note { text: String } sensitive {}
    = "note", ToolConfig::DEFAULT.base_confidence(90).risk(Risk::Low); String;
    |call, _world| Ok(call.text)
}
tool! {
    Ask { text: String } sensitive {}
    = "ask", ToolConfig::DEFAULT.base_confidence(70); String;
    |call, _world| Ok(call.text)
}
tool! {
    Pay { to: String, amount: f64 } sensitive { pin: String }
    = "pay", ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High).requires_reason()
        .expires(Duration::from_secs(600)).describe("Pay {amount} to {to}"); f64;
    |call, _world| match call.to.as_str() {
        "nobody" => Err(format!("no account; the pin was {}", call.pin)),
        "panic" => panic!("the pin is {}", call.pin),
        _ => Ok(call.amount),
    }
}
tool! {
    Refund { payment: String, note: String } sensitive {}
    = "refund", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low)
        .describe("Refund {payment}").effect("refund:{payment}"); String;
    |call, _world| match call.payment.as_str() {
        "broken" => Err("the bank is away".to_owned()),
        _ => Ok(call.payment),
    }
}
tool! {
    Transfer { to: String } sensitive {}
    = "move_money", ToolConfig::DEFAULT.risk(Risk::High).effect("pay:{to}"); String;
    |call, _world| Ok(call.to)
}
tool! {
    Rotate {} sensitive {}
    = "rotate", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).effect("rotate")
        .refuse_repeated_effect(); u32;
    |_call, _world| Ok(1)
}
tool! {
    Brief { text: String } sensitive {}
    = "brief", ToolConfig::DEFAULT.base_confidence(70).timeout(Duration::from_secs(30)); String;
    |call, _world| Ok(call.text)
}
tool! {
    BrokenRead { how: String } sensitive {}
    = "broken_read", ToolConfig::DEFAULT.base_confidence(95).read_only().timeout(Duration::from_secs(5)); String;
    |call, _world| match call.how.as_str() {
        "panic" => panic!("it breaks"),
        "hang" => std::future::pending().await,
        _ => Err("no network".to_owned()),
    }
}
tool! {
    Slow {} sensitive {}
    = "slow", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).timeout(Duration::from_secs(30)); u32;
    |_call, _world| Ok(7)
}
tool! {
    Shapes { whole: i64, double: f64, single: f32, small: u8, list: Vec<Inner>, choice: Option<Choice> } sensitive {}
    = "shapes", ToolConfig::DEFAULT.base_confidence(90).read_only(); u32;
    |_call, _world| Ok(0)
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Inner {
    pub date: String,
    #[serde(default, alias = "other_name")]
    pub name: Option<String>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Choice {
    Plain,
    Value(f64),
    Fields { x: u64 },
}

pub fn pay(to: &str, amount: f64) -> Pay {
    Pay { to: to.to_owned(), amount, pin: "9731-secret".to_owned() }
}

pub fn refund(payment: &str) -> Refund {
    Refund { payment: payment.to_owned(), note: String::new() }
}

pub fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

pub fn look(what: &str) -> Look {
    Look { what: what.to_owned() }
}

pub fn ask(text: &str) -> Ask {
    Ask { text: text.to_owned() }
}

/// A gate with every tool above, and everything the tests inspect.
pub struct Bench {
    pub gate: Gate,
    pub world: World,
    pub store: MemoryStore,
    pub audit: MemoryAudit,
}

pub async fn bench() -> Bench {
    bench_with(|builder| builder).await
}

pub async fn bench_with(change: impl FnOnce(GateBuilder) -> GateBuilder) -> Bench {
    let (world, store, audit) = (World::default(), MemoryStore::new(), MemoryAudit::new());
    let builder =
        tools(Gate::builder()).state(world.clone()).store(store.clone()).audit(audit.clone());
    Bench { gate: change(builder).build().await.unwrap(), world, store, audit }
}

pub fn tools(builder: GateBuilder) -> GateBuilder {
    builder
        .tool::<Look>()
        .tool::<Note>()
        .tool::<Ask>()
        .tool::<Pay>()
        .tool::<Refund>()
        .tool::<Transfer>()
        .tool::<Rotate>()
        .tool::<Brief>()
        .tool::<BrokenRead>()
        .tool::<Slow>()
        .tool::<Shapes>()
}

impl Bench {
    /// Returns the audited events around the act, in order: without those of reading, scoring or
    /// showing a call.
    pub fn events(&self) -> Vec<String> {
        let before = ["proposed", "assessed", "shown"];
        let all = self.audit.records().into_iter().map(|record| record.event.to_string());
        all.filter(|event| !before.contains(&event.as_str())).collect()
    }
}

/// An audit that can be made to fail.
#[derive(Clone, Default)]
pub struct Flaky {
    pub kept: MemoryAudit,
    failing: Arc<Mutex<Option<usize>>>,
}

impl Flaky {
    /// Makes it fail after `more` further records.
    pub fn fail_after(&self, more: usize) {
        *self.failing.lock().unwrap() = Some(more);
    }

    pub fn mend(&self) {
        *self.failing.lock().unwrap() = None;
    }
}

impl AuditSink for Flaky {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let mut failing = self.failing.lock().unwrap();
        match &mut *failing {
            Some(0) => return Err(AuditError::new("the disk is full; make room")),
            Some(left) => *left -= 1,
            None => {}
        }
        self.kept.append(record)
    }
}

/// Waits until a condition holds, and lets other tasks run meanwhile.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..100_000 {
        if holds().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never happened: {what}");
}
