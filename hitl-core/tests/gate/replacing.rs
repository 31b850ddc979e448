//! The tools that are known only at run time are replaced while the gate lives.

use crate::support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join;
use hitl_base::JsonText;
use hitl_core::call::CallPreview;
use hitl_core::gate::BuildErrorKind;
use hitl_core::store::StoreWrapper;
use hitl_core::{
    ArgumentErrorKind, CallRecord, CallState, DynArguments, DynSpec, DynTool, Gate, GateBuilder,
    GateErrorKind, MemoryStore, Opinion, Outcome, Permit, Risk, ScoreError, ScoredCall, Scorer,
    SessionId, Store as _, StoreError, StoreErrorKind, Submission, Tenant, Ticket, ToolConfig,
    ToolDifference, ToolFacts, ToolStatus,
};
use support::until;
use tokio::sync::Semaphore;

const SCHEMA: &str = r#"{"type":"object","properties":{"to":{"type":"string"}},"required":["to"]}"#;
const OTHER: &str =
    r#"{"type":"object","properties":{"to":{"type":"string","maxLength":9}},"required":["to"]}"#;
const TEXT: &str = r#"{"to":"bob"}"#;
const ASKS: ToolConfig = ToolConfig::DEFAULT.base_confidence(50);

/// The names of the bodies that ran, in order.
type Ran = Arc<Mutex<Vec<&'static str>>>;

/// A gate, and the bodies that ran.
struct World {
    gate: Gate,
    store: MemoryStore,
    ran: Ran,
}

impl World {
    async fn new(tools: impl FnOnce(&Ran) -> Vec<DynTool>) -> Self {
        Self::with(|gate| gate, tools).await
    }

    async fn with(
        change: impl FnOnce(GateBuilder) -> GateBuilder,
        tools: impl FnOnce(&Ran) -> Vec<DynTool>,
    ) -> Self {
        let (ran, store) = (Ran::default(), MemoryStore::new());
        let builder = support::tools(Gate::builder()).state(support::World::default());
        let builder = tools(&ran).into_iter().fold(builder, GateBuilder::dyn_tool);
        let gate = change(builder.store(store.clone())).build().await.unwrap();
        Self { gate, store, ran }
    }

    /// Replaces the tools by one that is named `send`.
    async fn now(&self, schema: &str, body: &'static str) {
        self.gate.replace_dyn_tools(vec![send(schema, body, &self.ran)]).await.unwrap();
    }

    async fn submit(&self, position: u64) -> Ticket {
        match self.gate.submit_json("send", TEXT, "ann", "run", position).await.unwrap() {
            Submission::Pending(ticket) => ticket,
            Submission::Done { outcome, .. } => panic!("it needs a review: {outcome:?}"),
        }
    }

    async fn current(&self, ticket: &Ticket) -> CallRecord {
        self.store.get(&Tenant::default(), ticket.request().id).await.unwrap().unwrap()
    }

    fn ran(&self) -> Vec<&'static str> {
        self.ran.lock().unwrap().clone()
    }

    async fn recorded(&self) -> Vec<String> {
        let all = self.store.executors().await.unwrap();
        let dynamic = ["send", "list"];
        let tools = all.all()[0].tools.iter().map(|facts| facts.name.clone());
        tools.filter(|name| dynamic.contains(&name.as_str())).collect()
    }
}

fn tool(spec: DynSpec, schema: &str, body: &'static str, ran: &Ran) -> DynTool {
    let ran = Arc::clone(ran);
    let run = move |_: Permit<DynArguments>| {
        ran.lock().unwrap().push(body);
        async { Ok::<_, String>(JsonText::null()) }
    };
    DynTool::new(spec, schema, run).unwrap()
}

fn send(schema: &str, body: &'static str, ran: &Ran) -> DynTool {
    tool(DynSpec::new("send", "Sends.").config(ASKS), schema, body, ran)
}

fn list(ran: &Ran) -> DynTool {
    let config = ToolConfig::DEFAULT.base_confidence(99).risk(Risk::Low).read_only();
    tool(DynSpec::new("list", "Lists.").config(config), r#"{"type":"object"}"#, "list", ran)
}

#[tokio::test]
async fn a_later_call_finds_the_new_tools_and_typed_ones_stay() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let typed = world.gate.tools().len() - 1;
    world.gate.replace_dyn_tools(vec![list(&world.ran)]).await.unwrap();
    assert_eq!(world.gate.tools().len(), typed + 1);
    let gone = world.gate.submit_json("send", TEXT, "ann", "run", 0).await.unwrap_err();
    assert_eq!(gone.kind(), GateErrorKind::UnknownTool);
    world.gate.call_json("list", "{}", "ann", "run", 1).await.unwrap();
    assert_eq!(world.ran(), ["list"]);
    assert_eq!(world.recorded().await, ["list"]);
    // All of them may go, and others see that too.
    world.gate.replace_dyn_tools(Vec::new()).await.unwrap();
    assert_eq!(world.gate.tools().len(), typed);
    assert!(world.recorded().await.is_empty());
    let both = vec![list(&world.ran), send(OTHER, "new", &world.ran)];
    world.gate.replace_dyn_tools(both).await.unwrap();
    assert_eq!(world.recorded().await, ["list", "send"]);
    let long = r#"{"to":"more than nine"}"#;
    let refused = world.gate.submit_json("send", long, "ann", "run", 2).await.unwrap_err();
    assert_eq!(refused.arguments().unwrap().kind(), ArgumentErrorKind::Invalid);
}

#[tokio::test]
async fn invariant_5_two_tools_of_one_name_replace_nothing() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let ran = &world.ran;
    let typed = tool(DynSpec::new("look", "Looks."), SCHEMA, "look", ran);
    for wrong in [vec![list(ran), list(ran)], vec![list(ran), typed]] {
        let error = world.gate.replace_dyn_tools(wrong).await.unwrap_err();
        assert_eq!(error.kind(), BuildErrorKind::DuplicateTool);
        assert!(world.gate.tools().iter().any(|tool| tool.name == "send"));
        assert!(!world.gate.tools().iter().any(|tool| tool.name == "list"));
    }
    let ticket = world.submit(0).await;
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), ["old"]);
}

#[tokio::test]
async fn a_waiting_call_of_the_same_tool_runs_with_the_new_body() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let ticket = world.submit(0).await;
    world.now(SCHEMA, "new").await;
    let shown = world.current(&ticket).await;
    assert_eq!(world.gate.tool_status(&shown).await.unwrap(), ToolStatus::Current);
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), ["new"]);
}

#[tokio::test]
async fn invariant_2_a_waiting_call_of_a_changed_tool_is_asked_about_again() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let ticket = world.submit(0).await;
    world.now(OTHER, "new").await;
    let error = world.gate.decide(ticket.request().approve().by("bob")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::ToolChanged);
    assert!(!error.tool_change().unwrap().differences.contains(&ToolDifference::Gone));
    let asked = world.current(&ticket).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    world.gate.decide(asked.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), ["new"]);
}

#[tokio::test]
async fn invariant_2_an_approved_call_of_a_changed_tool_does_not_run_as_it_was_approved() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let ticket = world.submit(0).await;
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    world.now(OTHER, "new").await;
    let waiting = ticket.wait_for(Duration::ZERO).await.unwrap();
    assert!(waiting.is_none(), "it waits again: {waiting:?}");
    let asked = world.current(&ticket).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    assert!(world.ran().is_empty());
}

#[tokio::test]
async fn invariant_5_a_call_of_a_tool_that_is_gone_is_neither_approved_nor_run() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let (waits, approved) = (world.submit(0).await, world.submit(1).await);
    world.gate.decide(approved.request().approve().by("bob")).await.unwrap();
    world.gate.replace_dyn_tools(vec![list(&world.ran)]).await.unwrap();
    let shown = world.current(&waits).await;
    assert!(matches!(world.gate.tool_status(&shown).await.unwrap(), ToolStatus::Gone(_)));
    world.gate.decide(waits.request().approve().by("bob")).await.unwrap_err();
    approved.wait_for(Duration::ZERO).await.unwrap_err();
    assert_eq!(world.current(&approved).await.state(), CallState::Approved);
    assert!(world.ran().is_empty());
    // It comes back as it was: a server that restarts loses nothing.
    world.now(SCHEMA, "back").await;
    assert!(matches!(approved.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), ["back"]);
}

#[tokio::test]
async fn a_body_that_runs_ends_with_its_old_tool() {
    let (started, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let opens = Arc::clone(&gate);
    let has_started = Arc::clone(&started);
    let body = move |_: Permit<DynArguments>| {
        let (gate, started) = (Arc::clone(&gate), Arc::clone(&started));
        async move {
            started.add_permits(1);
            gate.acquire().await.unwrap().forget();
            JsonText::new("\"old\"".to_owned()).map_err(|error| error.to_string())
        }
    };
    let old = DynTool::new(DynSpec::new("send", "Sends.").config(ASKS), SCHEMA, body).unwrap();
    let world = World::new(|_| vec![old]).await;
    let ticket = world.submit(0).await;
    let id = ticket.request().id;
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let replace = async {
        has_started.acquire().await.unwrap().forget();
        world.gate.replace_dyn_tools(vec![list(&world.ran)]).await.unwrap();
        opens.add_permits(1);
    };
    let (outcome, ()) = join(ticket.wait(), replace).await;
    let Outcome::Executed(output) = outcome.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some("\"old\""));
    let record = world.store.get(&Tenant::default(), id).await.unwrap().unwrap();
    assert_eq!(record.state(), CallState::Executed);
}

/// A scorer that waits for the test.
struct Waits(Arc<Semaphore>, Arc<Semaphore>);

#[async_trait::async_trait]
impl Scorer for Waits {
    fn name(&self) -> &'static str {
        "waits"
    }

    async fn score(&self, _: &ScoredCall) -> Result<Opinion, ScoreError> {
        self.0.add_permits(1);
        self.1.acquire().await?.forget();
        Ok(Opinion::no_objection())
    }
}

#[tokio::test]
async fn invariant_2_a_call_that_is_being_evaluated_does_not_start_with_a_tool_that_is_gone() {
    let auto = ToolConfig::DEFAULT.base_confidence(99).risk(Risk::Low);
    for config in [auto, auto.read_only()] {
        let (asked, answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let scorer = Waits(Arc::clone(&asked), Arc::clone(&answer));
        let old =
            |ran: &Ran| tool(DynSpec::new("send", "Sends.").config(config), SCHEMA, "old", ran);
        let change = |gate: GateBuilder| gate.scorer(scorer, Duration::from_secs(60));
        let world = World::with(change, |ran| vec![old(ran)]).await;
        let replace = async {
            asked.acquire().await.unwrap().forget();
            world.now(OTHER, "new").await;
            answer.add_permits(1);
        };
        let call = world.gate.submit_json("send", TEXT, "ann", "run", 0);
        let (submitted, ()) = join(call, replace).await;
        let error = submitted.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::ToolChanged, "{error}");
        assert!(error.to_string().contains("call it again"), "{error}");
        assert!(world.ran().is_empty());
    }
}

#[tokio::test]
async fn a_new_tool_has_its_preview_and_its_limits() {
    let world = World::new(|ran| vec![send(SCHEMA, "old", ran)]).await;
    let new = send(SCHEMA, "new", &world.ran)
        .preview(|_, _| async { CallPreview::new().fact("account", "empty") });
    world.gate.replace_dyn_tools(vec![new]).await.unwrap();
    let ticket = world.submit(0).await;
    let preview = format!("{:?}", ticket.request().preview);
    assert!(preview.contains("account"), "{preview}");
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    until("it has run", async || world.ran() == ["new"]).await;
}

/// A store that cannot record the tools, from a moment on.
#[derive(Clone)]
struct Forgetful(MemoryStore, Arc<AtomicBool>);

#[async_trait::async_trait]
impl StoreWrapper for Forgetful {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the store is gone"));
        }
        self.0.record_tools(session, tools).await
    }
}

#[tokio::test]
async fn invariant_5_a_store_that_cannot_record_the_new_tools_brings_no_old_one_back() {
    let fails = Arc::new(AtomicBool::new(false));
    let store = Forgetful(MemoryStore::new(), Arc::clone(&fails));
    let world = World::with(|gate| gate.store(store.clone()), |ran| vec![send(SCHEMA, "old", ran)]);
    let world = World { store: store.0.clone(), ..world.await };
    let ticket = world.submit(0).await;
    fails.store(true, Ordering::SeqCst);
    let new = || vec![send(OTHER, "new", &world.ran)];
    let error = world.gate.replace_dyn_tools(new()).await.unwrap_err();
    assert_eq!(error.kind(), BuildErrorKind::Store);
    // Here the new ones are in force: an answer to the old question counts nothing.
    world.gate.decide(ticket.request().approve().by("bob")).await.unwrap_err();
    assert!(world.ran().is_empty());
    fails.store(false, Ordering::SeqCst);
    world.gate.replace_dyn_tools(new()).await.unwrap();
    let all = world.store.executors().await.unwrap();
    let recorded = all.all()[0].tools.iter().find(|facts| facts.name == "send").unwrap();
    assert_eq!(recorded.schema, OTHER);
}
