//! A tool's own reconcile finds out how a call of unknown outcome ended.

use crate::faulty::{Fault, Faulty};
use crate::support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::grant::GrantTerms;
use hitl_core::machine::CallRecord;
use hitl_core::seal::Sealed;
use hitl_core::store::StoreWrapper;
use hitl_core::{
    Attempt, AuditEvent, CallError, CallKey, CallState, DynArguments, DynSpec, DynTool, Gate,
    GateBuilder, MemoryAudit, MemoryStore, Outcome, ParameterSpec, Permit, Reconciler,
    Reconciliation, RequestId, Resolution, Risk, SnapshotError, SnapshotWriter, StateRequirement,
    Store, StoreError, Submission, Tenant, Tool, ToolConfig, ToolSpec,
};
use support::World;
use tokio::sync::Semaphore;

/// How the bank answers the next question.
#[derive(Clone, Debug)]
enum Says {
    Executed(&'static str),
    NotExecuted,
    Unknown,
    Error(&'static str),
    Panic,
    Hang,
    /// Answers when the semaphore has a permit.
    Wait(Arc<Semaphore>, Box<Says>),
}

/// The bank of the tools below: its answers, and what it was asked.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    says: VecDeque<Says>,
    asked: Vec<String>,
    over_for: Vec<Option<Duration>>,
}

impl Bank {
    fn will_say(&self, says: impl IntoIterator<Item = Says>) {
        self.0.lock().unwrap().says.extend(says);
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    fn over_for(&self) -> Vec<Option<Duration>> {
        self.0.lock().unwrap().over_for.clone()
    }

    async fn find(
        &self,
        what: String,
        over_for: Option<Duration>,
    ) -> Result<Reconciliation<String>, String> {
        let mut says = {
            let mut inside = self.0.lock().unwrap();
            inside.asked.push(what);
            inside.over_for.push(over_for);
            inside.says.pop_front().expect("an answer")
        };
        while let Says::Wait(until, then) = says {
            until.acquire().await.unwrap().forget();
            says = *then;
        }
        match says {
            Says::Executed(receipt) => Ok(Reconciliation::Executed(receipt.to_owned())),
            Says::NotExecuted => Ok(Reconciliation::NotExecuted),
            Says::Unknown | Says::Wait(..) => Ok(Reconciliation::Unknown),
            Says::Error(why) => Err(why.to_owned()),
            Says::Panic => panic!("the bank's client is broken"),
            Says::Hang => std::future::pending().await,
        }
    }
}

macro_rules! charge {
    ($name:ident, $version:literal, $config:expr) => {
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            card: String,
            pin: String,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new("charge", "Charges a card.")
                .parameters(&[ParameterSpec::new("card"), ParameterSpec::sensitive("pin")])
                .states(&[StateRequirement::new::<World>(), StateRequirement::new::<Bank>()])
                .version($version)
                .config($config);

            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|fields| {
                    fields.field("card", &self.card)?;
                    fields.sensitive("pin", &self.pin)
                })
            }

            async fn run(permit: Permit<Self>) -> Result<String, String> {
                let (call, cx) = permit.open();
                let key = cx.idempotency_key();
                cx.state::<World>().run(format!("{} {key}", call.card)).await;
                Ok(format!("charged {}", call.card))
            }

            fn reconciler() -> Option<Reconciler<Self, String>> {
                Some(Reconciler::new(|attempt: Attempt<Self>| async move {
                    let what =
                        format!("{} {}", attempt.arguments().card, attempt.idempotency_key());
                    let over_for = attempt.over_for();
                    let (_, cx) = attempt.open();
                    cx.state::<Bank>().find(what, over_for).await
                }))
            }
        }
    };
}

const AUTO: ToolConfig = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);

charge!(Charge, "1", AUTO.effect("charge:{card}"));
charge!(Asked, "1", AUTO.base_confidence(70));
charge!(Newer, "2", AUTO.effect("charge:{card}"));
charge!(Brief, "1", AUTO.timeout(Duration::from_secs(30)));
charge!(Idempotent, "1", AUTO.idempotent());

fn charge() -> Charge {
    Charge { card: "visa".to_owned(), pin: "9731-secret".to_owned() }
}

/// A world in which processes die.
struct Place {
    world: World,
    bank: Bank,
    store: MemoryStore,
    clock: ManualClock,
    audit: MemoryAudit,
}

impl Place {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let (world, bank, audit) = (World::default(), Bank::default(), MemoryAudit::new());
        Self { world, bank, store: MemoryStore::with_clock(clock.clone()), clock, audit }
    }

    fn builder(&self) -> GateBuilder {
        let builder = Gate::builder().state(self.world.clone()).state(self.bank.clone());
        builder.store(self.store.clone()).audit(self.audit.clone())
    }

    async fn gate<T: Tool>(&self) -> Gate {
        self.builder().tool::<T>().build().await.unwrap()
    }

    /// Lets a process die in the body of a call under this key.
    async fn dies_in<T: Tool + Clone>(&self, call: T, position: u64) -> CallRecord {
        let gate = self.builder().tool::<T>().skip_recovery().build().await.unwrap();
        let held = self.world.hold();
        let key = CallKey::new("run", position);
        let caller = tokio::spawn({
            let key = key.clone();
            async move { gate.submit(call).by("ann").key(key.run, key.position).await }
        });
        self.world.started().await;
        let record = self.store.get_by_key(&key).await.unwrap().unwrap();
        self.store.close_session(record.claim().unwrap().session).await.unwrap();
        caller.abort();
        // The dead process does not continue.
        std::mem::forget(held);
        self.world.let_go();
        record
    }

    async fn record(&self, position: u64) -> CallRecord {
        self.store.get_by_key(&CallKey::new("run", position)).await.unwrap().unwrap()
    }

    async fn state(&self, position: u64) -> CallState {
        self.record(position).await.state()
    }

    /// Returns the audited answers of reconciles: the event and its note.
    fn answers(&self) -> Vec<(AuditEvent, String)> {
        let about = [AuditEvent::Reconciled, AuditEvent::NotReconciled];
        let records = self.audit.records().into_iter();
        let records = records.filter(|record| about.contains(&record.event));
        records.map(|record| (record.event, record.note.unwrap())).collect()
    }
}

async fn outcome<T: Tool>(gate: &Gate, call: T, position: u64) -> Outcome {
    match gate.submit(call).by("ann").key("run", position).await.unwrap() {
        Submission::Done { outcome, .. } => outcome,
        pending @ Submission::Pending(_) => panic!("{pending:?}"),
    }
}

#[tokio::test]
async fn a_call_that_took_effect_is_executed_with_what_its_tool_found_and_does_not_run_again() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    place.clock.advance(Duration::from_secs(7));
    place.bank.will_say([Says::Executed("charged visa, receipt 7, 9731-secret")]);
    let gate = place.builder().tool::<Charge>().skip_recovery().build().await.unwrap();
    let recovered = gate.recover().await.unwrap();
    assert_eq!((recovered.reconciled, recovered.unknown, recovered.retried), (1, 0, 0));
    assert_eq!(place.bank.asked(), ["visa default/run#0"], "by the key that the body passed on");
    assert_eq!(place.bank.over_for(), [Some(Duration::ZERO)], "its death was noticed now");
    let Outcome::Executed(output) = outcome(&gate, charge(), 0).await else { panic!("executed") };
    let said = output.json().unwrap();
    assert!(said.contains("receipt 7") && !said.contains("9731"), "secrets are masked: {said}");
    assert!(output.details().is_reconciled());
    let told = Outcome::Executed(output).for_model();
    assert_eq!(told.status, "executed");
    assert!(told.text.contains("found that this call took effect"), "{}", told.text);
    assert!(told.text.contains("receipt 7"), "{}", told.text);
    // The caller of typed code gets it too.
    let typed = gate.call(charge()).by("ann").key("run", 0).await.unwrap();
    assert!(typed.contains("receipt 7"), "{typed}");
    assert_eq!(place.world.ran(), 1);
    let [(AuditEvent::Reconciled, note)] = &place.answers()[..] else {
        panic!("{:?}", place.answers())
    };
    assert!(note.contains("took effect"), "{note}");
    // It holds its effect: another charge of the card is asked about.
    let again = gate.submit(charge()).by("ann").key("other", 0).await.unwrap();
    let Submission::Pending(ticket) = again else { panic!("{again:?}") };
    let earlier = ticket.request().earlier.as_ref().unwrap().to_string();
    assert!(earlier.contains("which has run"), "{earlier}");
}

#[tokio::test]
async fn invariant_3_a_call_without_effect_runs_again_once_on_the_approval_that_it_has() {
    let place = Place::new();
    let gate = place.gate::<Asked>().await;
    let call = Asked { card: "visa".to_owned(), pin: "1".to_owned() };
    let submitted = gate.submit(call.clone()).by("ann").key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    drop((ticket, gate));
    place.dies_in(call.clone(), 0).await;
    place.bank.will_say([Says::NotExecuted]);
    let gate = place.gate::<Asked>().await;
    let record = place.record(0).await;
    assert_eq!((record.state(), record.attempts()), (CallState::Approved, 0));
    assert_eq!((record.claim(), record.attempts_without_effect()), (None, 1));
    assert_eq!(place.world.ran(), 1, "recovery runs no body");
    let done = outcome(&gate, call.clone(), 0).await;
    let Outcome::Executed(output) = done else { panic!("{done:?}") };
    assert!(!output.details().is_reconciled(), "this is what the body gave");
    assert_eq!(place.world.log(), ["visa default/run#0", "visa default/run#0"]);
    outcome(&gate, call, 0).await;
    assert_eq!(place.world.ran(), 2);
    assert_eq!(place.bank.asked().len(), 1);
}

#[tokio::test]
async fn invariant_3_a_body_that_kills_its_process_starts_only_so_often() {
    let place = Place::new();
    for _ in 0..3 {
        place.bank.will_say([Says::NotExecuted]);
        place.dies_in(charge(), 0).await;
        drop(place.gate::<Charge>().await);
    }
    assert_eq!((place.state(0).await, place.world.ran()), (CallState::OutcomeUnknown, 3));
    let (event, note) = place.answers().pop().unwrap();
    assert_eq!(event, AuditEvent::NotReconciled);
    assert!(note.contains("found no effect") && note.contains("a human"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn invariant_5_no_answer_settles_nothing_and_a_human_does() {
    let late = "did not answer in time";
    for (says, note) in [
        (Says::Unknown, "does not know how it ended"),
        (Says::Error("the bank is away; pin 9731-secret"), "failed: the bank is away"),
        (Says::Panic, "panicked"),
        (Says::Hang, late),
    ] {
        let place = Place::new();
        let context = format!("{says:?}");
        place.dies_in(charge(), 0).await;
        place.bank.will_say([says]);
        let gate = place.builder().tool::<Charge>().skip_recovery().build().await.unwrap();
        let recovered = gate.recover().await.unwrap();
        assert_eq!((recovered.reconciled, recovered.unknown), (0, 1), "{context}");
        let record = place.record(0).await;
        assert_eq!(record.state(), CallState::OutcomeUnknown, "{context}");
        let answers = place.answers();
        let [(AuditEvent::NotReconciled, said)] = &answers[..] else { panic!("{answers:?}") };
        assert!(said.contains(note) && !said.contains("9731"), "{context}: {said}");
        let unknown = gate.call(charge()).by("ann").key("run", 0).await;
        assert!(matches!(unknown, Err(CallError::Unknown { .. })), "{context}: {unknown:?}");
        assert_eq!((place.world.ran(), place.bank.asked().len()), (1, 1), "{context}");
        gate.resolve(&record, Resolution::Executed, "bob").await.unwrap();
        assert!(matches!(outcome(&gate, charge(), 0).await, Outcome::Executed(_)), "{context}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_later_and_not_at_every_turn() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    place.bank.will_say([Says::Error("down"), Says::Error("down")]);
    let gate = place.gate::<Charge>().await;
    for _ in 0..5 {
        gate.recover().await.unwrap();
        assert!(matches!(outcome(&gate, charge(), 0).await, Outcome::OutcomeUnknown(_)));
    }
    assert_eq!(place.bank.asked().len(), 1);
    place.clock.advance(Duration::from_secs(6));
    assert!(matches!(outcome(&gate, charge(), 0).await, Outcome::OutcomeUnknown(_)));
    assert_eq!(place.bank.asked().len(), 2);
    assert_eq!(place.answers().len(), 1, "the same answer is audited once");
    // Nobody submits it again: recovery finds it by itself.
    place.clock.advance(Duration::from_secs(60));
    place.bank.will_say([Says::Executed("found")]);
    assert_eq!(gate.recover().await.unwrap().reconciled, 1);
    assert_eq!((place.state(0).await, place.world.ran()), (CallState::Executed, 1));
    assert_eq!(place.bank.over_for().pop(), Some(Some(Duration::from_secs(66))));
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_about_each_of_many_calls() {
    let place = Place::new();
    for position in 0..8 {
        let card = format!("card {position}");
        place.dies_in(Charge { card, pin: "1".to_owned() }, position).await;
    }
    place.bank.will_say((0..8).map(|_| Says::Error("down")));
    let gate = place.gate::<Charge>().await;
    assert_eq!(place.bank.asked().len(), 3);
    for position in 0..8 {
        assert_eq!(place.state(position).await, CallState::OutcomeUnknown);
    }
    // The others have their turn.
    place.clock.advance(Duration::from_secs(40));
    place.bank.0.lock().unwrap().says.clear();
    place.bank.will_say((0..8).map(|_| Says::Executed("found")));
    assert_eq!(gate.recover().await.unwrap().reconciled, 8);
}

#[tokio::test(start_paused = true)]
async fn invariant_3_a_body_that_may_still_run_is_done_or_unknown_and_never_without_effect() {
    let place = Place::new();
    let call = Brief { card: "visa".to_owned(), pin: "1".to_owned() };
    let gate = place.gate::<Brief>().await;
    let held = place.world.hold();
    let timed_out = outcome(&gate, call.clone(), 0).await;
    assert!(matches!(timed_out, Outcome::OutcomeUnknown(_)), "{timed_out:?}");
    place.bank.will_say([Says::NotExecuted]);
    let unknown = outcome(&gate, call.clone(), 0).await;
    assert!(matches!(unknown, Outcome::OutcomeUnknown(_)), "{unknown:?}");
    assert_eq!(place.bank.over_for(), [None]);
    let (_, note) = place.answers().pop().unwrap();
    assert!(note.contains("may still be running"), "{note}");
    // That it is done is true even if the body still runs.
    place.clock.advance(Duration::from_secs(10));
    place.bank.will_say([Says::Executed("found")]);
    let done = outcome(&gate, call.clone(), 0).await;
    let Outcome::Executed(output) = done else { panic!("{done:?}") };
    assert_eq!(output.json(), Some("\"found\""));
    // The late result changes nothing.
    held.add_permits(1);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let record = place.record(0).await;
    assert_eq!((record.state(), record.is_reconciled()), (CallState::Executed, true));
    assert_eq!(place.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_call_without_effect_runs_again_once_its_process_is_dead() {
    let place = Place::new();
    let call = Brief { card: "visa".to_owned(), pin: "1".to_owned() };
    let gate = place.gate::<Brief>().await;
    std::mem::forget(place.world.hold());
    outcome(&gate, call.clone(), 0).await;
    let claim = place.record(0).await.claim().unwrap();
    place.store.close_session(claim.session).await.unwrap();
    place.world.let_go();
    place.bank.will_say([Says::NotExecuted]);
    let other = place.gate::<Brief>().await;
    assert_eq!(place.state(0).await, CallState::Approved);
    assert!(matches!(outcome(&other, call, 0).await, Outcome::Executed(_)));
    assert_eq!(place.world.ran(), 2);
    let about = [AuditEvent::Unknown, AuditEvent::Reconciled];
    let records = place.audit.records().into_iter();
    let records = records.filter(|record| about.contains(&record.event));
    // The dead process could not confirm what it had audited, so that is audited twice.
    let events: BTreeMap<_, _> =
        records.map(|record| (record.version.unwrap(), record.event)).collect();
    let events: Vec<_> = events.into_values().collect();
    assert_eq!(events, [AuditEvent::Unknown, AuditEvent::Unknown, AuditEvent::Reconciled]);
}

#[tokio::test]
async fn invariant_4_a_human_who_is_first_wins() {
    for (says, resolution, state) in [
        (Says::Executed("found"), Resolution::Failed { reason: "no".into() }, CallState::Failed),
        (Says::NotExecuted, Resolution::Executed, CallState::Executed),
    ] {
        let place = Place::new();
        place.dies_in(charge(), 0).await;
        let wait = Arc::new(Semaphore::new(0));
        place.bank.will_say([Says::Wait(Arc::clone(&wait), Box::new(says))]);
        let gate = place.builder().tool::<Charge>().skip_recovery().build().await.unwrap();
        let recovering = tokio::spawn({
            let gate = gate.clone();
            async move { gate.recover().await.unwrap() }
        });
        support::until("the bank is asked", async || place.bank.asked().len() == 1).await;
        let parked = place.record(0).await;
        gate.resolve(&parked, resolution, "bob").await.unwrap();
        wait.add_permits(1);
        let recovered = recovering.await.unwrap();
        assert_eq!(recovered.reconciled, 0);
        let record = place.record(0).await;
        assert_eq!((record.state(), record.is_reconciled()), (state, false));
        assert_eq!(record.version(), parked.version() + 1);
        assert_eq!((place.answers(), place.world.ran()), (Vec::new(), 1));
    }
}

#[tokio::test]
async fn a_caller_that_comes_back_while_the_tool_is_asked_waits_for_the_answer() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    let wait = Arc::new(Semaphore::new(0));
    place.bank.will_say([Says::Wait(Arc::clone(&wait), Box::new(Says::Executed("found")))]);
    let gate = place.builder().tool::<Charge>().skip_recovery().build().await.unwrap();
    let recovering = tokio::spawn({
        let gate = gate.clone();
        async move { gate.recover().await.unwrap() }
    });
    support::until("the bank is asked", async || place.bank.asked().len() == 1).await;
    let id = place.record(0).await.id();
    let callers: Vec<_> = (0..4)
        .map(|n| {
            let gate = gate.clone();
            tokio::spawn(async move {
                match n % 2 {
                    0 => outcome(&gate, charge(), 0).await,
                    // Attaching changes the record while the tool is asked.
                    _ => gate.adopt(&Tenant::default(), id).await.unwrap(),
                }
            })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    wait.add_permits(1);
    assert_eq!(recovering.await.unwrap().reconciled, 1);
    for caller in callers {
        let outcome = caller.await.unwrap();
        assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
    }
    assert_eq!((place.bank.asked().len(), place.world.ran()), (1, 1));
}

#[tokio::test]
async fn invariant_2_a_tool_that_is_not_the_one_that_was_approved_is_not_asked() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    drop(place.gate::<Newer>().await);
    assert_eq!((place.state(0).await, place.bank.asked().len()), (CallState::OutcomeUnknown, 0));
    place.bank.will_say([Says::Executed("found")]);
    drop(place.gate::<Charge>().await);
    assert_eq!(place.state(0).await, CallState::Executed);
}

/// A store that has lost the arguments, or gives those of another call.
struct Lossy {
    inner: MemoryStore,
    instead: Option<(Tenant, RequestId)>,
    loses: Arc<AtomicBool>,
}

#[async_trait]
impl StoreWrapper for Lossy {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        match &self.instead {
            _ if !self.loses.load(Ordering::SeqCst) => self.inner.payload(tenant, id).await,
            Some((tenant, id)) => self.inner.payload(tenant, *id).await,
            None => Ok(None),
        }
    }
}

#[tokio::test]
async fn invariant_2_without_the_arguments_that_were_approved_nobody_is_asked() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    let other = Charge { card: "other".to_owned(), pin: "1".to_owned() };
    let other = place.dies_in(other, 1).await;
    for instead in [None, Some((Tenant::default(), other.id()))] {
        let loses = Arc::new(AtomicBool::new(true));
        let store = Lossy { inner: place.store.clone(), instead, loses: Arc::clone(&loses) };
        let builder = Gate::builder().state(place.world.clone()).state(place.bank.clone());
        let gate = builder.store(store).tool::<Charge>().skip_recovery().build().await.unwrap();
        let id = place.record(0).await.id();
        assert!(matches!(
            gate.adopt(&Tenant::default(), id).await,
            Ok(Outcome::OutcomeUnknown(_)) | Err(_)
        ));
        // The second call's own arguments are there.
        place.bank.will_say([Says::Unknown]);
        gate.recover().await.unwrap();
        assert!(place.bank.asked().iter().all(|asked| !asked.starts_with("visa")));
        place.clock.advance(Duration::from_secs(7200));
    }
    assert_eq!(place.state(0).await, CallState::OutcomeUnknown);
}

#[tokio::test]
async fn after_an_edit_the_tool_is_asked_about_the_edited_arguments() {
    let place = Place::new();
    let gate = place.gate::<Asked>().await;
    let call = Asked { card: "visa".to_owned(), pin: "1".to_owned() };
    let submitted = gate.submit(call.clone()).by("ann").key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    gate.decide(ticket.request().edit(r#"{"card":"master"}"#).by("bob")).await.unwrap();
    drop((ticket, gate));
    place.dies_in(call.clone(), 0).await;
    place.bank.will_say([Says::Executed("charged master")]);
    let gate = place.gate::<Asked>().await;
    assert_eq!(place.bank.asked(), ["master default/run#0"]);
    let told = outcome(&gate, call, 0).await.for_model().text;
    assert!(told.contains("from \"visa\" to \"master\"") && told.contains("took effect"), "{told}");
    assert!(told.contains("charged master"), "{told}");
}

#[tokio::test]
async fn an_attempt_without_effect_returns_what_it_drew_on_a_grant() {
    let place = Place::new();
    let gate = place.gate::<Asked>().await;
    let call = |card: &str| Asked { card: card.to_owned(), pin: "1".to_owned() };
    let submitted = gate.submit(call("first")).by("ann").key("other", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    let terms = GrantTerms::any_arguments().durable().uses(1);
    let preview = gate.preview_grant(ticket.request().grant(terms).by("bob")).await.unwrap();
    let saved = gate.save_grant(preview).await.unwrap();
    drop((ticket, gate));
    place.dies_in(call("visa"), 0).await;
    let used = async || {
        let grant = place.store.grant(&Tenant::default(), saved.record.grant.id).await;
        grant.unwrap().unwrap().used
    };
    assert_eq!(used().await, 1);
    place.bank.will_say([Says::NotExecuted]);
    let gate = place.gate::<Asked>().await;
    assert_eq!(used().await, 0);
    assert!(matches!(outcome(&gate, call("visa"), 0).await, Outcome::Executed(_)));
    assert_eq!((used().await, place.world.ran()), (1, 2));
}

#[tokio::test]
async fn a_call_without_effect_keeps_its_effect_until_it_ends_and_frees_it_then() {
    let place = Place::new();
    place.dies_in(charge(), 0).await;
    place.bank.will_say([Says::NotExecuted]);
    let gate = place.gate::<Charge>().await;
    let other = gate.submit(charge()).by("ann").key("run", 1).await.unwrap();
    let Submission::Pending(ticket) = other else { panic!("{other:?}") };
    let earlier = ticket.request().earlier.as_ref().unwrap().to_string();
    assert!(earlier.contains("which is approved and starts first"), "{earlier}");
    let record = place.record(0).await;
    gate.cancel(&record, "bob", "not any more").await.unwrap();
    assert_eq!(place.state(0).await, CallState::Cancelled, "it has not run");
    let free = gate.submit(charge()).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(free, Submission::Done { outcome: Outcome::Executed(_), .. }), "{free:?}");
}

#[tokio::test]
async fn a_tool_that_does_not_know_is_tried_again_if_it_is_idempotent() {
    let place = Place::new();
    let call = Idempotent { card: "visa".to_owned(), pin: "1".to_owned() };
    place.dies_in(call.clone(), 0).await;
    place.bank.will_say([Says::Error("down")]);
    let gate = place.builder().tool::<Idempotent>().skip_recovery().build().await.unwrap();
    let recovered = gate.recover().await.unwrap();
    assert_eq!((recovered.reconciled, recovered.retried, recovered.unknown), (0, 1, 0));
    let record = place.record(0).await;
    assert_eq!((record.state(), record.attempts()), (CallState::Approved, 1));
    assert!(matches!(outcome(&gate, call, 0).await, Outcome::Executed(_)));
}

#[tokio::test]
async fn a_tool_known_only_at_run_time_is_asked_too() {
    let place = Place::new();
    let (world, asked) = (place.world.clone(), Arc::new(Mutex::new(Vec::new())));
    let tool = || {
        let (world, asked) = (world.clone(), Arc::clone(&asked));
        let body = move |permit: Permit<DynArguments>| {
            let world = world.clone();
            async move {
                let (_, cx) = permit.open();
                world.run(cx.idempotency_key()).await;
                Err::<hitl_base::JsonText, _>("it never returns")
            }
        };
        let spec = DynSpec::new("send", "Sends a letter.").config(AUTO);
        let schema = r#"{"type": "object", "properties": {"to": {"type": "string"}}}"#;
        DynTool::new(spec, schema, body).unwrap().reconcile(
            move |attempt: Attempt<DynArguments>| {
                let asked = Arc::clone(&asked);
                async move {
                    let key = attempt.idempotency_key();
                    let (arguments, _) = attempt.open();
                    asked.lock().unwrap().push(format!("{} {key}", arguments.json()));
                    let sent = hitl_base::JsonText::new(r#"{"sent": 7}"#.to_owned());
                    sent.map(Reconciliation::Executed)
                }
            },
        )
    };
    let first = place.builder().dyn_tool(tool()).build().await.unwrap();
    std::mem::forget(place.world.hold());
    let caller = tokio::spawn(async move {
        first.submit_json("send", r#"{"to": "ann"}"#, "ann", "run", 0).await
    });
    place.world.started().await;
    let claim = place.record(0).await.claim().unwrap();
    place.store.close_session(claim.session).await.unwrap();
    caller.abort();
    let gate = place.builder().dyn_tool(tool()).build().await.unwrap();
    let call = gate.submit_json("send", r#"{"to": "ann"}"#, "ann", "run", 0);
    let Submission::Done { outcome: Outcome::Executed(output), .. } = call.await.unwrap() else {
        panic!("it was sent")
    };
    assert_eq!(output.json(), Some(r#"{"sent": 7}"#));
    assert_eq!(*asked.lock().unwrap(), [r#"{"to":"ann"} default/run#0"#]);
    assert_eq!(place.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_while_a_call_is_settled_never_makes_it_run_twice() {
    let mut faults = 0;
    for says in [Says::Executed("found"), Says::NotExecuted] {
        for (fault, for_ever) in [
            (Fault::Before, false),
            (Fault::After, false),
            (Fault::Before, true),
            (Fault::After, true),
        ] {
            for at in 0.. {
                let place = Place::new();
                place.dies_in(charge(), 0).await;
                place.bank.will_say(std::iter::repeat_n(says.clone(), 20));
                let count = Arc::new(AtomicUsize::new(0));
                let inner = place.store.clone();
                let store = Faulty { inner, fault, at, for_ever, count: Arc::clone(&count) };
                let builder = Gate::builder().state(place.world.clone()).state(place.bank.clone());
                let built = builder.store(store).tool::<Charge>().build().await;
                if let Ok(gate) = built {
                    let _ = gate.submit(charge()).by("ann").key("run", 0).await;
                }
                let context = format!("{says:?} {fault:?} for_ever={for_ever} at={at}");
                place.clock.advance(Duration::from_secs(7200));
                let gate = place.gate::<Charge>().await;
                let _ = gate.submit(charge()).by("ann").key("run", 0).await;
                let most = if matches!(says, Says::NotExecuted) { 2 } else { 1 };
                assert!(place.world.ran() <= most, "{context}");
                let record = place.record(0).await;
                assert_eq!(record.is_reconciled(), most == 1, "{context}: {record:?}");
                if count.load(Ordering::SeqCst) <= at {
                    let ended = (record.state(), place.world.ran());
                    assert_eq!(ended, (CallState::Executed, most), "nothing failed: {context}");
                    break;
                }
                faults += 1;
            }
        }
    }
    assert!(faults > 40, "{faults}");
}
