//! A tool changes or disappears under a call that waits, or was approved: the decider is notified,
//! the call is asked about again, and nothing runs that was not shown.

use crate::slow;
use crate::support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::JsonText;
use hitl_core::approval::Choice;
use hitl_core::store::SubmitResult;
use hitl_core::store::suite::{Draft, facts, sealed, start_clock};
use hitl_core::{
    CallRecord, CallState, DynArguments, DynSpec, DynTool, Gate, GateError, GateErrorKind,
    MemoryAudit, MemoryStore, Outcome, Permit, Risk, Store as _, Submission, Tenant, ToolConfig,
    ToolDifference, ToolStatus,
};
use slow::Slow;
use support::until;

const SCHEMA: &str = r#"{"type":"object","properties":{"to":{"type":"string"},
    "amount":{"type":"number"},"memo":{"type":"string"}},"required":["to"]}"#;
/// A schema that accepts the same calls but differs.
const WIDER: &str = r#"{"type":"object","properties":{"to":{"type":"string"},
    "amount":{"type":"number","maximum":1000},"memo":{"type":"string"}},"required":["to"]}"#;
/// A schema that no longer accepts them.
const OTHER: &str = r#"{"type":"object","properties":{"iban":{"type":"string"}},
    "required":["iban"],"additionalProperties":false}"#;
const TEXT: &str = r#"{"to":"bob","amount":5,"memo":"rent"}"#;

const CONFIG: ToolConfig = ToolConfig::DEFAULT.base_confidence(50);

type Ran = Arc<Mutex<Vec<String>>>;

fn spec() -> DynSpec {
    named("pay", "Pays somebody.")
}

fn named(name: &str, description: &str) -> DynSpec {
    DynSpec::new(name, description).config(CONFIG).version("1.0")
}

fn tool(spec: DynSpec, schema: &str, ran: &Ran) -> DynTool {
    let (ran, name) = (Arc::clone(ran), spec.version.clone().unwrap_or_default());
    let body = move |permit: Permit<DynArguments>| {
        ran.lock().unwrap().push(format!("{name} {}", permit.open().0.json()));
        async { Ok::<_, String>(JsonText::null()) }
    };
    DynTool::new(spec, schema, body).unwrap()
}

fn helper() -> DynTool {
    tool(DynSpec::new("help", "Helps."), r#"{"type":"object"}"#, &Ran::default())
}

/// A store, the calls that ran, and the audit.
#[derive(Clone, Default)]
struct World {
    store: MemoryStore,
    ran: Ran,
    audit: MemoryAudit,
}

impl World {
    async fn gate(&self, tools: Vec<DynTool>) -> Gate {
        let builder = Gate::builder().store(self.store.clone()).audit(self.audit.clone());
        tools.into_iter().fold(builder, hitl_core::GateBuilder::dyn_tool).build().await.unwrap()
    }

    /// Returns a gate with the tool of this spec and schema, and a helper.
    async fn with(&self, spec: DynSpec, schema: &str) -> Gate {
        self.gate(vec![tool(spec, schema, &self.ran), helper()]).await
    }

    /// Returns a gate without tools, like the command line's.
    async fn desk(&self) -> Gate {
        self.gate(Vec::new()).await
    }

    async fn submitted(&self, gate: &Gate, position: u64) -> CallRecord {
        match gate.submit_json("pay", TEXT, "ann", "run", position).await.unwrap() {
            Submission::Pending(ticket) => {
                let id = ticket.request().id;
                gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap()
            }
            Submission::Done { .. } => panic!("it needs a review"),
        }
    }

    /// Returns a call that waits, and whose gate is gone.
    async fn waiting(&self, spec: DynSpec) -> CallRecord {
        let gate = self.with(spec, SCHEMA).await;
        let record = self.submitted(&gate, 0).await;
        self.end(gate).await;
        record
    }

    /// Ends a gate, and waits until its session is dead.
    async fn end(&self, gate: Gate) {
        let alive = self.alive().await;
        drop(gate);
        until("the session ends", async || self.alive().await < alive).await;
    }

    async fn alive(&self) -> usize {
        let all = self.store.executors().await.unwrap();
        all.all().iter().filter(|executor| executor.is_alive).count()
    }

    async fn current(&self, record: &CallRecord) -> CallRecord {
        self.store.get(&Tenant::default(), record.id()).await.unwrap().unwrap()
    }

    fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }

    fn notes(&self, event: &str) -> Vec<String> {
        let all = self.audit.records().into_iter();
        let of = all.filter(|record| record.event.to_string() == event);
        of.map(|record| record.note.unwrap_or_default()).collect()
    }
}

/// Does the same as `until`, while paused time advances.
async fn later(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("never happened: {what}");
}

fn changed(error: &GateError) -> Vec<ToolDifference> {
    assert_eq!(error.kind(), GateErrorKind::ToolChanged, "{error}");
    error.tool_change().unwrap().differences.clone()
}

fn build(from: Option<&str>, to: Option<&str>) -> ToolDifference {
    ToolDifference::Build { from: from.map(str::to_owned), to: to.map(str::to_owned) }
}

/// Returns the changes that a deploy may make to a tool while its calls still fit, and the
/// difference shown to a reviewer.
fn changes() -> Vec<(DynSpec, &'static str, ToolDifference)> {
    use ToolDifference as D;
    vec![
        (named("pay", "Pays anybody."), SCHEMA, D::Description),
        (spec(), WIDER, D::Schema),
        (spec().sensitive("memo"), SCHEMA, D::SensitiveSet),
        (spec().config(CONFIG.describe("Pay {to}")), SCHEMA, D::TitleLine),
        (spec().config(CONFIG.labels("Send", "Keep")), SCHEMA, D::Labels),
        (spec().config(CONFIG.approval_type("financial")), SCHEMA, D::Labels),
        (spec().config(CONFIG.risk(hitl_core::Risk::Critical)), SCHEMA, D::Stricter),
        (spec().config(CONFIG.requires_reason()), SCHEMA, D::Stricter),
        (spec().version("1.1"), SCHEMA, build(Some("1.0"), Some("1.1"))),
        (spec().version("any"), SCHEMA, build(Some("1.0"), None)),
    ]
}

#[tokio::test]
async fn invariant_2_an_approval_of_a_changed_tool_is_refused_and_asked_again_by_its_executor() {
    for (spec_now, schema, expected) in changes() {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let next = world.with(spec_now, schema).await;
        let status = next.tool_status(&shown).await.unwrap();
        assert!(
            matches!(&status, ToolStatus::Changed(change) if change.differences == [expected.clone()]),
            "{status:?}"
        );
        let error = next.decide(shown.request().approve().by("bob")).await.unwrap_err();
        assert_eq!(changed(&error), std::slice::from_ref(&expected), "{error}");
        let asked = world.current(&shown).await;
        assert_eq!(error.current(), Some(&asked));
        assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2), "{error}");
        let why = asked.request().reasons.last().unwrap();
        assert!(why.contains(&expected.to_string()), "the card says it: {why}");
        assert_eq!(world.notes("reopened"), std::slice::from_ref(why), "and so does the audit");
        assert!(error.to_string().contains("revision 2"), "{error}");
        assert_eq!(next.tool_status(&asked).await.unwrap(), ToolStatus::Current);
        // The old answer does not answer the new question; a new review does, and the call runs
        // once.
        next.decide(shown.request().approve().by("bob")).await.unwrap_err();
        next.decide(asked.request().approve().by("bob")).await.unwrap();
        let outcome = next.adopt(&Tenant::default(), shown.id()).await.unwrap();
        assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
        assert_eq!(world.ran().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn invariant_2_a_desk_without_tools_knows_that_the_tool_has_changed() {
    for (spec_now, schema, expected) in changes() {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let next = world.with(spec_now, schema).await;
        let desk = world.desk().await;
        let status = desk.tool_status(&shown).await.unwrap();
        assert!(status.warning().unwrap().contains(&expected.to_string()), "{status}");
        let error = desk.decide(shown.request().approve().by("bob")).await.unwrap_err();
        assert_eq!(changed(&error), std::slice::from_ref(&expected), "{error}");
        let asked = world.current(&shown).await;
        assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
        desk.decide(asked.request().approve().by("bob")).await.unwrap();
        // The executor reads the arguments with its own tool. That may raise another question.
        if expected == ToolDifference::SensitiveSet {
            let served = next.clone();
            let adopting =
                tokio::spawn(async move { served.adopt(&Tenant::default(), asked.id()).await });
            until("it is asked about as the executor reads it", async || {
                world.current(&shown).await.request().revision == 3
            })
            .await;
            let asked = world.current(&shown).await;
            assert!(!asked.request().arguments.as_str().contains("rent"), "it is a secret now");
            desk.decide(asked.request().approve().by("bob")).await.unwrap();
            adopting.await.unwrap().unwrap();
        } else {
            next.adopt(&Tenant::default(), shown.id()).await.unwrap();
        }
        assert_eq!(world.ran().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn invariant_2_what_was_approved_before_the_tool_changed_is_asked_again_at_the_claim() {
    for (spec_now, schema, expected) in changes() {
        let world = World::default();
        let gate = world.with(spec(), SCHEMA).await;
        let shown = world.submitted(&gate, 0).await;
        gate.decide(shown.request().approve().by("bob")).await.unwrap();
        world.end(gate).await;
        let next = world.with(spec_now, schema).await;
        let serving = next.clone();
        let server = tokio::spawn(async move { serving.serve().await });
        until("it is asked again", async || {
            world.current(&shown).await.state() == CallState::Pending
        })
        .await;
        let asked = world.current(&shown).await;
        assert_eq!(asked.request().revision, 2, "{expected}");
        assert!(asked.votes().is_empty() && asked.decision().is_none(), "no vote survives it");
        assert!(world.ran().is_empty(), "{expected}");
        next.decide(asked.request().approve().by("bob")).await.unwrap();
        until("it runs", async || world.ran().len() == 1).await;
        server.abort();
    }
}

#[tokio::test]
async fn invariant_2_arguments_that_do_not_fit_any_more_close_the_call_with_an_audited_reason() {
    for from_the_desk in [false, true] {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let next = world.with(spec(), OTHER).await;
        let desk = world.desk().await;
        let at = if from_the_desk { &desk } else { &next };
        let error = at.decide(shown.request().approve().by("bob")).await.unwrap_err();
        assert_eq!(changed(&error), [ToolDifference::Schema]);
        if from_the_desk {
            // Only the executor can read them.
            let asked = world.current(&shown).await;
            desk.decide(asked.request().approve().by("bob")).await.unwrap();
            let outcome = next.adopt(&Tenant::default(), shown.id()).await.unwrap();
            assert!(matches!(outcome, Outcome::Denied { .. }), "{outcome:?}");
        } else {
            assert!(error.to_string().contains("the call was closed"), "{error}");
        }
        let closed = world.current(&shown).await;
        assert_eq!(closed.state(), CallState::Denied);
        let notes = world.notes("denied");
        assert_eq!(notes.len(), 1);
        let says = notes[0].contains("the schema of its arguments") || from_the_desk;
        assert!(says && notes[0].contains("do not fit any more"), "{notes:?}");
        assert!(world.ran().is_empty());
    }
}

#[tokio::test]
async fn invariant_2_a_tool_that_is_gone_cannot_be_approved_and_its_orphan_is_closed() {
    // Renamed or removed, decided here or at a desk: the executor that had it was replaced.
    for (renamed, from_the_desk) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let mut tools = vec![helper()];
        if renamed {
            let other = named("pay_v2", "Pays somebody.");
            tools.push(tool(other, SCHEMA, &world.ran));
        }
        let next = world.gate(tools).await;
        let desk = world.desk().await;
        let at = if from_the_desk { &desk } else { &next };
        assert!(matches!(at.tool_status(&shown).await.unwrap(), ToolStatus::Gone(_)));
        let error = at.decide(shown.request().approve().by("bob")).await.unwrap_err();
        assert_eq!(changed(&error), [ToolDifference::Gone]);
        assert_eq!(world.current(&shown).await.state(), CallState::Denied);
        let notes = world.notes("denied");
        assert!(notes.len() == 1 && notes[0].contains("`pay` is gone"), "{notes:?}");
        let error = at.submit_json("pay", TEXT, "ann", "run", 0).await.unwrap_err();
        assert_ne!(error.kind(), GateErrorKind::KeyConflict, "{error}");
    }
}

#[tokio::test]
async fn an_approved_orphan_is_closed_when_the_executor_that_replaces_it_is_built() {
    let world = World::default();
    let gate = world.with(spec(), SCHEMA).await;
    let shown = world.submitted(&gate, 0).await;
    gate.decide(shown.request().approve().by("bob")).await.unwrap();
    world.end(gate).await;
    let _next = world.gate(vec![helper()]).await;
    assert_eq!(world.current(&shown).await.state(), CallState::Denied);
    assert!(world.notes("denied")[0].contains("`pay` is gone"));
}

#[tokio::test]
async fn invariant_10_a_call_is_not_closed_because_those_who_have_its_tool_are_away() {
    let world = World::default();
    let gate = world.gate(vec![tool(spec(), SCHEMA, &world.ran), helper()]).await;
    let shown = world.submitted(&gate, 0).await;
    let approved = world.submitted(&gate, 1).await;
    gate.decide(approved.request().approve().by("bob")).await.unwrap();
    world.end(gate).await;
    // Another service on the same store has none of the first one's tools.
    let other = DynSpec::new("mail", "Mails.");
    let other = world.gate(vec![tool(other, r#"{"type":"object"}"#, &world.ran)]).await;
    for at in [&other, &world.desk().await] {
        let error = at.decide(shown.request().approve().by("bob")).await.unwrap_err();
        assert_eq!(changed(&error), [ToolDifference::Gone]);
        at.recover().await.unwrap();
    }
    assert_eq!(world.current(&shown).await.state(), CallState::Pending);
    assert_eq!(world.current(&approved).await.state(), CallState::Approved);
    // The tool is back, and everything continues.
    let back = world.with(spec(), SCHEMA).await;
    back.decide(shown.request().approve().by("bob")).await.unwrap();
    for call in [&shown, &approved] {
        back.adopt(&Tenant::default(), call.id()).await.unwrap();
    }
    assert_eq!(world.ran().len(), 2);
    // A rejection needs no tool.
    let third = world.submitted(&back, 2).await;
    world.end(back).await;
    other.decide(third.request().reject("no").by("bob")).await.unwrap();
}

#[tokio::test]
async fn while_nobody_serves_a_call_can_be_approved_and_the_card_says_so() {
    let world = World::default();
    let shown = world.waiting(spec()).await;
    let desk = world.desk().await;
    assert_eq!(desk.tool_status(&shown).await.unwrap(), ToolStatus::NoExecutor);
    desk.decide(shown.request().approve().by("bob")).await.unwrap();
    let next = world.with(spec(), SCHEMA).await;
    next.adopt(&Tenant::default(), shown.id()).await.unwrap();
    assert_eq!(world.ran().len(), 1);
}

#[tokio::test]
async fn a_resubmission_re_attaches_and_the_card_says_what_has_changed() {
    for (spec_now, schema, expected) in changes() {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let next = world.with(spec_now, schema).await;
        let again = next.submit_json("pay", TEXT, "ann", "run", 0).await;
        let Submission::Pending(ticket) = again.unwrap() else { panic!("it waits") };
        assert!(ticket.receipt().reattached);
        assert_eq!((ticket.request().id, ticket.request().revision), (shown.id(), 2));
        assert!(ticket.request().reasons.last().unwrap().contains(&expected.to_string()));
        // And again, now that it is up to date.
        let again = next.submit_json("pay", TEXT, "ann", "run", 0).await;
        let Submission::Pending(again) = again.unwrap() else { panic!("it waits") };
        assert_eq!(again.request().revision, 2, "{expected}");
        next.decide(ticket.request().approve().by("bob")).await.unwrap();
        assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
        assert_eq!(world.ran().len(), 1);
    }
}

#[tokio::test]
async fn a_resubmission_that_does_not_fit_any_more_names_the_change() {
    let world = World::default();
    let shown = world.waiting(spec()).await;
    let next = world.with(spec(), OTHER).await;
    let error = next.submit_json("pay", TEXT, "ann", "run", 0).await.unwrap_err();
    assert_eq!(changed(&error), [ToolDifference::Schema]);
    assert!(error.to_string().contains("do not fit any more"), "{error}");
    assert!(error.for_model().to_string().contains("the schema of its arguments"), "{error}");
    assert_eq!(world.current(&shown).await.state(), CallState::Denied, "it is closed, audited");
    assert_eq!(world.notes("denied").len(), 1);
    // In a batch, and with arguments that fit: the key is that of the earlier call.
    let batch = next.submit_all("run").json(0, "pay", TEXT).by("ann").await;
    let [Err(error)] = &batch.wait().await[..] else { panic!("it is refused") };
    assert_eq!(changed(error), [ToolDifference::Schema]);
    let error = next.submit_json("pay", r#"{"iban":"x"}"#, "ann", "run", 0).await.unwrap_err();
    assert_eq!(changed(&error), [ToolDifference::Schema]);
    // A text that was never valid is not attributed to a change.
    let error = next.submit_json("pay", TEXT, "ann", "run", 9).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::InvalidArguments);
}

#[tokio::test]
async fn another_persons_key_is_a_conflict_also_when_the_tool_has_changed() {
    let world = World::default();
    let shown = world.waiting(spec()).await;
    let next = world.with(spec().sensitive("memo"), SCHEMA).await;
    let error = next.submit_json("pay", TEXT, "eve", "run", 0).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::KeyConflict, "{error}");
    assert_eq!(world.current(&shown).await.version(), shown.version());
    let other = r#"{"to":"eve","amount":5,"memo":"rent"}"#;
    let error = next.submit_json("pay", other, "ann", "run", 0).await.unwrap_err();
    assert_eq!(changed(&error), [ToolDifference::SensitiveSet], "{error}");
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_call_is_left_to_the_build_it_was_approved_for_while_that_lives() {
    let world = World::default();
    let old = world.with(spec(), SCHEMA).await;
    let shown = world.submitted(&old, 0).await;
    let new = world.with(spec().version("2.0"), SCHEMA).await;
    let serving = new.clone();
    let server = tokio::spawn(async move { serving.serve().await });
    // Everywhere it is current: a living executor would run it as it was shown.
    for gate in [&old, &new, &world.desk().await] {
        assert_eq!(gate.tool_status(&shown).await.unwrap(), ToolStatus::Current);
    }
    new.decide(shown.request().approve().by("bob")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let left = world.current(&shown).await;
    assert_eq!((left.state(), left.request().revision), (CallState::Approved, 1));
    let error = new.adopt(&Tenant::default(), shown.id()).await.unwrap_err();
    assert_eq!(changed(&error), [build(Some("1.0"), Some("2.0"))]);
    assert!(world.ran().is_empty());

    world.end(old).await;
    later("it is asked again", async || world.current(&shown).await.state() == CallState::Pending)
        .await;
    let asked = world.current(&shown).await;
    assert_eq!(asked.request().build.as_deref(), Some("2.0"));
    assert!(asked.request().reasons.last().unwrap().contains("version 2.0, it was version 1.0"));
    new.decide(asked.request().approve().by("bob")).await.unwrap();
    later("it runs", async || !world.ran().is_empty()).await;
    assert!(world.ran()[0].starts_with("2.0 "), "{:?}", world.ran());
    let ran = world.audit.records().into_iter().find(|r| r.event.to_string() == "claimed");
    assert_eq!(ran.unwrap().build.as_deref(), Some("2.0"), "the audit says which build ran");
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_another_build_leaves_its_call_to_the_one_it_was_approved_for() {
    let world = World::default();
    let old = world.with(spec(), SCHEMA).await;
    let shown = world.submitted(&old, 0).await;
    old.decide(shown.request().approve().by("bob")).await.unwrap();
    let new = world.with(spec().version("2.0"), SCHEMA).await;
    // The caller comes back to the new one: the old one lives, so the call is left to it.
    let caller = new.clone();
    let call = tokio::spawn(async move { caller.call_json("pay", TEXT, "ann", "run", 0).await });
    until("it is nobody's in particular", async || !world.current(&shown).await.is_attached())
        .await;
    let serving = old.clone();
    let server = tokio::spawn(async move { serving.serve().await });
    let outcome = call.await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
    assert!(world.ran().len() == 1 && world.ran()[0].starts_with("1.0 "), "{:?}", world.ran());
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_does_not_serve_holds_up_nothing_for_ever() {
    let clock = start_clock();
    let world = World { store: MemoryStore::with_clock(clock.clone()), ..World::default() };
    let old = world.with(spec(), SCHEMA).await;
    let shown = world.submitted(&old, 0).await;
    old.decide(shown.request().approve().by("bob")).await.unwrap();
    let new = world.with(spec().version("2.0"), SCHEMA).await;
    let serving = new.clone();
    let server = tokio::spawn(async move { serving.serve().await });
    clock.advance(Duration::from_secs(299));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.current(&shown).await.state(), CallState::Approved);
    clock.advance(Duration::from_secs(2));
    later("it is asked again", async || world.current(&shown).await.state() == CallState::Pending)
        .await;
    assert_eq!(world.current(&shown).await.request().build.as_deref(), Some("2.0"));
    assert!(world.ran().is_empty());
    server.abort();
}

#[tokio::test]
async fn builds_side_by_side_do_not_ask_in_turns() {
    let world = World::default();
    let shown = world.waiting(spec()).await;
    let (two, three) = (
        world.with(spec().version("2.0"), SCHEMA).await,
        world.with(spec().version("3.0"), SCHEMA).await,
    );
    two.decide(shown.request().approve().by("bob")).await.unwrap_err();
    let asked = world.current(&shown).await;
    three.decide(asked.request().approve().by("bob")).await.unwrap();
    let servers: Vec<_> = [two, three]
        .into_iter()
        .map(|gate| tokio::spawn(async move { gate.serve().await }))
        .collect();
    until("it runs", async || world.ran().len() == 1).await;
    let done = world.current(&shown).await;
    assert_eq!(done.request().revision, 2);
    assert!(world.ran()[0].starts_with("2.0 "), "{:?}", world.ran());
    for server in servers {
        server.abort();
    }
}

#[tokio::test]
async fn tools_without_a_version_are_compared_without_one() {
    let world = World::default();
    let shown = world.waiting(spec().version("any")).await;
    let next = world.with(spec().version("any"), SCHEMA).await;
    next.decide(shown.request().approve().by("bob")).await.unwrap();
    next.adopt(&Tenant::default(), shown.id()).await.unwrap();
    assert_eq!(world.ran().len(), 1);
}

#[tokio::test]
async fn invariant_2_a_decision_about_one_call_decides_no_other() {
    let world = World::default();
    let gate = world.with(spec(), SCHEMA).await;
    let (one, two) = (world.submitted(&gate, 0).await, world.submitted(&gate, 1).await);
    // The same arguments of the same person with the same tool, as the same revision.
    assert_eq!(one.content(), two.content());
    assert_ne!(one.request().binding, two.request().binding);
    let mut redirected = one.request().approve().by("bob");
    redirected.request = two.id();
    let error = gate.decide(redirected).await.unwrap_err();
    assert_eq!(error.refusal(), Some(hitl_core::Refusal::Stale));
    assert_eq!(world.current(&two).await.state(), CallState::Pending);
}

#[tokio::test]
async fn a_change_never_makes_the_question_laxer() {
    let world = World::default();
    let strict = CONFIG.risk(Risk::Critical).four_eyes();
    let shown = world.waiting(spec().config(strict)).await;
    let lax = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);
    let next = world.with(spec().config(lax).version("2.0"), SCHEMA).await;
    next.decide(shown.request().approve().by("bob")).await.unwrap_err();
    let asked = world.current(&shown).await;
    assert_eq!(asked.request().risk, Risk::Critical);
    assert!(shown.request().requirement().is_met_by(&asked.request().requirement()));
    let own = next.decide(asked.request().approve().by("ann")).await.unwrap_err();
    assert_eq!(own.refusal(), Some(hitl_core::Refusal::FourEyes));
    // If the requirement is raised, it asks for more.
    let world = World::default();
    let shown = world.waiting(spec()).await;
    let next = world.with(spec().version("2.0").config(strict), SCHEMA).await;
    next.decide(shown.request().approve().by("bob")).await.unwrap_err();
    let asked = world.current(&shown).await;
    assert_eq!((asked.request().risk, asked.state()), (Risk::Critical, CallState::Pending));
    let own = next.decide(asked.request().approve().by("ann")).await.unwrap_err();
    assert_eq!(own.refusal(), Some(hitl_core::Refusal::FourEyes));
    assert!(asked.request().choices.contains(&Choice::Approve));
}

#[tokio::test]
async fn a_store_that_does_not_record_tools_leaves_it_unknown_and_loses_nothing() {
    let world = World::default();
    let forgetful = || Slow { inner: world.store.clone(), without_payloads: false };
    let make = |spec: DynSpec| Gate::builder().dyn_tool(tool(spec, SCHEMA, &world.ran));
    let old = make(spec()).store(forgetful()).build().await.unwrap();
    let shown = world.submitted(&old, 0).await;
    let desk = Gate::builder().store(forgetful()).build().await.unwrap();
    let status = desk.tool_status(&shown).await.unwrap();
    assert_eq!(status, ToolStatus::Unknown);
    assert!(status.warning().unwrap().contains("not known"));
    let new = make(spec().version("2.0")).store(forgetful()).build().await.unwrap();
    let error = new.decide(shown.request().approve().by("bob")).await.unwrap_err();
    assert_eq!(changed(&error), [build(Some("1.0"), Some("2.0"))]);
    let asked = world.current(&shown).await;
    desk.decide(asked.request().approve().by("bob")).await.unwrap();
    new.adopt(&Tenant::default(), shown.id()).await.unwrap();
    assert!(world.ran()[0].starts_with("2.0 "));
}

#[tokio::test]
async fn invariant_2_what_was_bound_by_an_older_rule_is_asked_again_and_never_lost() {
    let world = World::default();
    let draft = Draft::new("run", 7).bound_by_the_first_rule();
    let SubmitResult::Created(shown) =
        world.store.submit(draft.call(), sealed(b"x")).await.unwrap()
    else {
        panic!("the key is new")
    };
    assert_eq!((shown.request().binding_version, &shown.request().build), (1, &None));
    let session = world.store.open_session().await.unwrap();
    world.store.record_tools(session, &[facts(&shown)]).await.unwrap();
    let desk = world.desk().await;
    let error = desk.decide(shown.request().approve().by("bob")).await.unwrap_err();
    assert_eq!(changed(&error), [ToolDifference::OlderBinding]);
    let asked = world.current(&shown).await;
    assert_eq!((asked.state(), asked.request().binding_version), (CallState::Pending, 2));
    assert_eq!(
        desk.decide(asked.request().approve().by("bob")).await.unwrap().state(),
        CallState::Approved
    );
}

#[tokio::test]
async fn invariant_2_an_edit_at_a_desk_is_checked_by_the_recorded_schema() {
    let world = World::default();
    let gate =
        world.with(spec().sensitive("memo").config(CONFIG.describe("Pay {to}")), SCHEMA).await;
    let shown = world.submitted(&gate, 0).await;
    let desk = world.desk().await;
    for wrong in [r#"{"to":5}"#, r#"{"to":null}"#, r#"{"memo":"other"}"#, "{", "[]", r#""x""#] {
        let error = desk.decide(shown.request().edit(wrong).by("bob")).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{wrong}: {error}");
        assert_eq!(world.current(&shown).await.version(), shown.version(), "{wrong}");
    }
    let edited = desk.decide(shown.request().edit(r#"{"to":"carol"}"#).by("bob")).await.unwrap();
    assert_eq!((edited.state(), edited.request().revision), (CallState::Approved, 2));
    assert_eq!(edited.request().title, "Pay \"carol\"");
    assert!(!edited.request().arguments.as_str().contains("rent"), "its secret stays one");
    assert!(edited.request().reasons.last().unwrap().contains("the program that runs it scores"));
    gate.adopt(&Tenant::default(), shown.id()).await.unwrap();
    assert_eq!(world.ran(), [r#"1.0 {"amount":5,"memo":"rent","to":"carol"}"#]);
}

#[tokio::test]
async fn invariant_2_an_edit_of_a_typed_tool_is_checked_by_its_recorded_schema() {
    let bench = support::bench().await;
    let Submission::Pending(ticket) =
        bench.gate.submit(support::pay("bob", 5.0)).by("ann").await.unwrap()
    else {
        panic!("it waits")
    };
    let desk = Gate::builder().store(bench.store.clone()).build().await.unwrap();
    for wrong in [r#"{"amount":"6"}"#, r#"{"to":5}"#, r#"{"amount":null}"#, r#"{"pin":"1"}"#, "[]"]
    {
        let error = desk.decide(ticket.request().edit(wrong).by("bob")).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{wrong}: {error}");
    }
    // `6` is not how the type writes this number, and yet it runs as it was approved.
    let edited = desk.decide(ticket.request().edit(r#"{"amount":6}"#).by("bob")).await.unwrap();
    assert_eq!((edited.state(), edited.request().revision), (CallState::Approved, 2));
    assert!(edited.request().arguments.as_str().contains(r#""amount":6.0"#), "{edited:?}");
    assert!(edited.is_unread(), "the type has not read it yet");
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some("6.0"));
}

/// A type that accepts less than its schema says, and rewrites what it reads.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Careful {
    #[serde(deserialize_with = "lowercase_below_nine")]
    #[schemars(with = "String")]
    name: String,
}

fn lowercase_below_nine<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = <String as serde::Deserialize>::deserialize(from)?;
    if name.len() > 8 {
        return Err(serde::de::Error::custom("at most eight letters"));
    }
    Ok(name.to_lowercase())
}

impl hitl_core::Tool for Careful {
    type Output = String;
    type Error = String;
    const SPEC: hitl_core::ToolSpec = hitl_core::ToolSpec::new("careful", "Is.").config(CONFIG);
    fn snapshot(&self, to: &mut hitl_core::SnapshotWriter) -> Result<(), hitl_core::SnapshotError> {
        to.object(|fields| fields.field("name", &self.name))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        Ok(permit.open().0.name)
    }
}

#[tokio::test]
async fn invariant_2_what_a_type_reads_otherwise_than_its_schema_is_asked_about_again() {
    for (name, again) in [("Carol", true), ("a name that is too long", false)] {
        let store = MemoryStore::new();
        let gate = Gate::builder().store(store.clone()).tool::<Careful>().build().await.unwrap();
        let call = Careful { name: "bob".to_owned() };
        let Submission::Pending(ticket) = gate.submit(call).by("ann").await.unwrap() else {
            panic!("it waits")
        };
        let desk = Gate::builder().store(store.clone()).build().await.unwrap();
        let patch = format!(r#"{{"name":"{name}"}}"#);
        let edited = desk.decide(ticket.request().edit(patch).by("bob")).await.unwrap();
        assert_eq!(edited.state(), CallState::Approved);
        let (executor, id) = (gate.clone(), edited.id());
        let adopting = tokio::spawn(async move { executor.adopt(&Tenant::default(), id).await });
        let current = async || store.get(&Tenant::default(), id).await.unwrap().unwrap();
        until("the type has read it", async || current().await.version() > edited.version()).await;
        let now = current().await;
        adopting.abort();
        if again {
            assert_eq!((now.state(), now.request().revision), (CallState::Pending, 3));
            assert_eq!(now.request().arguments.as_str(), r#"{"name":"carol"}"#);
        } else {
            assert_eq!(now.state(), CallState::Denied, "{now:?}");
        }
        assert_eq!(now.attempts(), 0, "nothing ran");
    }
}

#[tokio::test]
async fn invariant_2_an_edit_of_a_changed_tool_is_refused_and_the_call_asked_about_again() {
    for from_the_desk in [false, true] {
        let world = World::default();
        let shown = world.waiting(spec()).await;
        let next = world.with(spec(), WIDER).await;
        let desk = world.desk().await;
        let at = if from_the_desk { &desk } else { &next };
        let error = at.decide(shown.request().edit(r#"{"amount":2000}"#).by("bob")).await;
        assert_eq!(changed(&error.unwrap_err()), [ToolDifference::Schema]);
        let asked = world.current(&shown).await;
        let error = at.decide(asked.request().edit(r#"{"amount":2000}"#).by("bob")).await;
        assert_eq!(error.unwrap_err().kind(), GateErrorKind::InvalidArguments);
        at.decide(asked.request().edit(r#"{"amount":20}"#).by("bob")).await.unwrap();
        next.adopt(&Tenant::default(), shown.id()).await.unwrap();
        assert!(world.ran()[0].contains(r#""amount":20"#), "{:?}", world.ran());
    }
}
