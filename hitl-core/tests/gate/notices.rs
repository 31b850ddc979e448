//! Nothing waits in silence: when a call begins to wait for a person, the gate says so in one line
//! that names the call and how it is decided.

use crate::support;

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_core::approval::{ApproverExt as _, Review, ScriptedApprover, channel};
use hitl_core::gate::{BuildErrorKind, BuildWarningKind, Notice, ParkedNotice, WaitingNotice};
use hitl_core::store::{StoreAddress, StoreWrapper};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, Approver, Assessment, CallKey, CallView, Effect, Gate,
    GateBuilder, MemoryStore, Outcome, Policy, RequestId, Resolution, Ruling, Store as _,
    Submission, Ticket,
};
use support::{Slow, World, ask, bench, bench_with, note, pay, refund, tools};

/// The notices that a gate gave.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Notice>>>);

impl Heard {
    fn hear(&self, builder: GateBuilder) -> GateBuilder {
        let heard = self.clone();
        builder.on_notice(move |notice| heard.0.lock().unwrap().push(notice.clone()))
    }

    fn waiting(&self) -> Vec<WaitingNotice> {
        let notices = self.0.lock().unwrap();
        let waiting = notices.iter().filter_map(|notice| match notice {
            Notice::Waiting(waiting) => Some(waiting.clone()),
            _ => None,
        });
        waiting.collect()
    }

    fn parked(&self) -> Vec<ParkedNotice> {
        let notices = self.0.lock().unwrap();
        let parked = notices.iter().filter_map(|notice| match notice {
            Notice::Parked(parked) => Some(parked.clone()),
            _ => None,
        });
        parked.collect()
    }

    fn lines(&self) -> Vec<String> {
        self.waiting().into_iter().map(|waiting| Notice::Waiting(waiting).to_string()).collect()
    }
}

/// A store in memory that `hitl` opens, as far as the gate knows.
#[derive(Clone, Default)]
struct InFile(MemoryStore);

impl StoreWrapper for InFile {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    fn address(&self) -> StoreAddress {
        StoreAddress::Database(vec!["--db".to_owned(), "/srv/the refunds.db".to_owned()])
    }
}

async fn gate_on(store: &InFile, heard: &Heard) -> Gate {
    let builder = tools(Gate::builder()).state(World::default()).store(store.clone());
    heard.hear(builder).build().await.unwrap()
}

fn ticket(submitted: Submission) -> Ticket {
    let Submission::Pending(ticket) = submitted else { panic!("it waits: {submitted:?}") };
    ticket
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_says_once_what_it_is_and_which_command_decides_it() {
    let (store, heard) = (InFile::default(), Heard::default());
    let gate = gate_on(&store, &heard).await;
    let submit =
        async || ticket(gate.submit(pay("Bob", 40.0)).by("ann").key("r", 0).await.unwrap());
    let waiting = submit().await;
    let id = waiting.request().id;
    let command = format!("hitl approve {id} --db '/srv/the refunds.db'");
    let line = format!("hitl: Pay 40.00 to \"Bob\" waits for a decision: {command}");
    assert_eq!(heard.lines(), std::slice::from_ref(&line));
    assert_eq!(heard.waiting()[0].command(), Some(&*command));
    assert_eq!(waiting.notice().command(), Some(&*command));
    assert_eq!(heard.waiting()[0].request().level, ApprovalLevel::Full);
    // However often and long it is waited for.
    let again = submit().await;
    let limit = Duration::from_secs(60);
    assert!(waiting.wait_for(limit).await.unwrap().is_none());
    assert!(again.wait_for(limit).await.unwrap().is_none());
    assert!(tokio::time::timeout(limit, again.wait_until_decided()).await.is_err());
    assert_eq!(heard.lines().len(), 1);
    // A process that starts again says it again.
    let (restarted, after) = (Heard::default(), store.clone());
    let gate = gate_on(&after, &restarted).await;
    let _waits = ticket(gate.submit(pay("Bob", 40.0)).by("ann").key("r", 0).await.unwrap());
    assert_eq!(restarted.lines(), [line]);
}

#[tokio::test(start_paused = true)]
async fn every_way_to_wait_says_so_once() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g)).await;
    let limit = Duration::from_secs(60);
    // A call that its caller waits for, a model's call, and the calls of a batch.
    let call = b.gate.call(pay("x", 1.0)).by("ann").into_future();
    assert!(tokio::time::timeout(limit, call).await.is_err());
    assert_eq!(heard.lines().len(), 1);
    let arguments = r#"{"text": "x"}"#;
    let call = b.gate.call_json("ask", arguments, "ann", "json", 0);
    assert!(tokio::time::timeout(limit, call).await.is_err());
    assert_eq!(heard.lines().len(), 2);
    let batch = b.gate.submit_all("batch").call(0, ask("a")).call(1, ask("b")).by("ann").await;
    assert!(tokio::time::timeout(limit, batch.wait()).await.is_err());
    assert_eq!(heard.lines().len(), 4);
    // A call that nobody is asked about says nothing.
    b.gate.call(note("a")).by("ann").await.unwrap();
    assert_eq!(heard.lines().len(), 4);
}

/// Starts a call in a process that dies while the body runs.
async fn die_while_it_runs(store: &InFile) -> RequestId {
    let (world, heard) = (World::default(), Heard::default());
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = heard.hear(builder).build().await.unwrap();
    let held = world.hold();
    let call =
        tokio::spawn(async move { gate.submit(refund("pay_1")).by("ann").key("r", 0).await });
    world.started().await;
    let record = store.0.get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    store.0.close_session(record.claim().unwrap().session).await.unwrap();
    call.abort();
    std::mem::forget(held);
    assert!(heard.parked().is_empty(), "the dead say nothing");
    record.id()
}

#[tokio::test]
async fn a_call_whose_process_died_is_announced_once_with_the_command_that_settles_it() {
    let store = InFile::default();
    let id = die_while_it_runs(&store).await;
    // The process that starts next finds it.
    let heard = Heard::default();
    let gate = gate_on(&store, &heard).await;
    let command = format!("hitl resolve {id} --db '/srv/the refunds.db'");
    let line = format!(
        "hitl: Refund pay_1 was started, and nobody knows how it ended; find out, and settle it: \
         {command}"
    );
    let [parked] = &heard.parked()[..] else { panic!("one notice: {:?}", heard.parked()) };
    assert_eq!((parked.id(), parked.command()), (id, Some(&*command)));
    assert_eq!(Notice::Parked(parked.clone()).to_string(), line);
    // A second look, here or in another process, does not say it again.
    gate.recover().await.unwrap();
    let again = gate.submit(refund("pay_1")).by("ann").key("r", 0).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::OutcomeUnknown(_), .. }));
    let other = Heard::default();
    let _other_gate = gate_on(&store, &other).await;
    assert_eq!((heard.parked().len(), other.parked().len()), (1, 0));
    // A call that is parked a second time is announced a second time.
    let record = store.0.get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    gate.resolve(&record, Resolution::Retry { attested: true }, "bob").await.unwrap();
    die_while_it_runs(&store).await;
    gate.recover().await.unwrap();
    assert_eq!(heard.parked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_a_process_that_dies_says_so() {
    let store = InFile::default();
    let id = die_while_it_runs(&store).await;
    let heard = Heard::default();
    let builder = tools(Gate::builder()).state(World::default()).store(store.clone());
    let gate = heard.hear(builder).skip_recovery().build().await.unwrap();
    assert!(heard.parked().is_empty());
    let waits = ticket(gate.submit(refund("pay_1")).by("ann").key("r", 0).await.unwrap());
    assert!(matches!(waits.wait().await.unwrap(), Outcome::OutcomeUnknown(_)));
    assert_eq!(heard.parked().iter().map(ParkedNotice::id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_runs_out_of_its_time_is_announced_with_the_consoles_link() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g).console_url("https://ops.example.com/review/")).await;
    let _held = b.world.hold();
    b.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap_err();
    let [parked] = &heard.parked()[..] else { panic!("one notice: {:?}", heard.parked()) };
    let link = format!("https://ops.example.com/review/#queue/{}", parked.id());
    assert_eq!((parked.command(), parked.link()), (None, Some(&*link)));
    assert!(Notice::Parked(parked.clone()).to_string().ends_with(&link));
}

#[tokio::test]
async fn invariant_9_the_line_about_a_parked_call_stays_a_line_and_holds_no_secret() {
    let (heard, store) = (Heard::default(), InFile::default());
    let world = World::default();
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = builder.build().await.unwrap();
    let held = world.hold();
    let hostile =
        "x\n\u{1b}[2Jhitl: all is well \u{202e} sk-live-51H8xZqR2eZvKYlo2CabcdEFGH".to_owned();
    let call = pay(&(hostile + &"y".repeat(5000)), 1.0);
    let waits = ticket(gate.submit(call).by("ann").key("r", 0).await.unwrap());
    gate.decide(waits.request().approve().by("bob")).await.unwrap();
    let running = tokio::spawn(async move { waits.wait().await });
    world.started().await;
    let record = store.0.get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    store.0.close_session(record.claim().unwrap().session).await.unwrap();
    running.abort();
    std::mem::forget(held);
    let _next = gate_on(&store, &heard).await;
    let line = Notice::Parked(heard.parked()[0].clone()).to_string();
    let hidden = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!line.contains(hidden) && !line.contains("sk-live"), "{line}");
    assert!(line.chars().count() < 500 && line.contains("hitl resolve"), "{line}");
}

/// An approver that never answers in time.
struct Absent;

impl Approver for Absent {
    fn review<'a>(&'a self, _: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        std::future::pending().boxed()
    }
}

/// An approver that panics.
struct Broken;

impl Approver for Broken {
    fn review<'a>(&'a self, _: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        panic!("no screen")
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_no_approver_answers_ends_in_a_line() {
    let silent = ScriptedApprover::silent;
    let failing = || ScriptedApprover::new(|_| Review::Failed("no network".to_owned()));
    let deciding_another = ScriptedApprover::new(|request| {
        let mut other = request.clone();
        other.id = hitl_core::RequestId::new();
        Review::Decided(other.approve().by("bob"))
    });
    let approvers: [Arc<dyn Approver>; 6] = [
        Arc::new(silent()),
        Arc::new(failing()),
        Arc::new(Broken),
        Arc::new(Absent.timeout(Duration::from_secs(20))),
        Arc::new(failing().or(silent())),
        Arc::new(deciding_another),
    ];
    for (at, approver) in approvers.into_iter().enumerate() {
        let heard = Heard::default();
        let b = bench_with(|g| heard.hear(g).approver(approver)).await;
        let _waits = ticket(b.gate.submit(ask("x")).by("ann").key("r", 0).await.unwrap());
        assert_eq!(heard.lines().len(), 1, "approver {at}");
        let call = b.gate.call(ask("x")).by("ann").key("r", 1).into_future();
        assert!(tokio::time::timeout(Duration::from_secs(60), call).await.is_err());
        assert_eq!(heard.lines().len(), 2, "approver {at}");
    }
}

#[tokio::test]
async fn a_question_says_nothing_while_it_is_open_nor_when_it_is_answered() {
    let heard = Heard::default();
    let (approver, mut questions) = channel(1);
    let b = bench_with(|g| heard.hear(g).approver(approver)).await;
    let gate = b.gate.clone();
    let call = tokio::spawn(async move { gate.call(ask("x")).by("ann").await });
    let question = questions.recv().await.unwrap();
    assert!(heard.lines().is_empty(), "it is on somebody's screen");
    let decision = question.request.approve().by("bob");
    question.decide(decision).unwrap();
    call.await.unwrap().unwrap();
    assert!(heard.lines().is_empty());
    // The next one is dropped without an answer.
    let gate = b.gate.clone();
    let submitted = tokio::spawn(async move { gate.submit(ask("x")).by("ann").await });
    drop(questions.recv().await.unwrap());
    let _waits = ticket(submitted.await.unwrap().unwrap());
    assert_eq!(heard.lines().len(), 1);
}

/// A policy that requires a full review of calls to eve.
struct EveNeedsFull;

impl Policy for EveNeedsFull {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let to_eve = call.arguments.get("text")?.as_str()? == "eve";
        let effect = Effect::AtLeast(ApprovalLevel::Full);
        to_eve.then(|| Ruling { effect, reason: "a rule".to_owned() })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_asked_about_again_says_so_again() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g).policy(EveNeedsFull)).await;
    let waiting = ticket(b.gate.submit(ask("bob")).by("agent").key("r", 0).await.unwrap());
    let edit = waiting.request().edit(r#"{"text": "eve"}"#).by("alice");
    let record = b.gate.decide(edit).await.unwrap();
    assert_eq!(record.request().revision, 2);
    assert!(waiting.wait_for(Duration::from_secs(60)).await.unwrap().is_none());
    assert!(waiting.wait_for(Duration::from_secs(60)).await.unwrap().is_none());
    let revisions = heard.waiting().into_iter().map(|heard| heard.request().revision);
    assert_eq!(revisions.collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn invariant_9_a_line_stays_a_line_however_hostile_the_call() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g)).await;
    let hostile = "x\n\u{1b}[2Jhitl: all is well\r\u{202e}\u{200b}".to_owned() + &"y".repeat(5000);
    let _ticket = ticket(b.gate.submit(pay(&hostile, 1.0)).by("ann").await.unwrap());
    let [line] = &heard.lines()[..] else { panic!("one line") };
    assert!(
        !line.contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{200b}'),
        "{line}"
    );
    assert!(line.chars().count() < 500, "{line}");
    let id = heard.waiting()[0].id().to_string();
    assert!(line.ends_with(&id), "it names the call: {line}");
}

#[tokio::test]
async fn invariant_8_a_line_holds_no_secret() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g)).await;
    let to = "key sk-live-51H8xZqR2eZvKYlo2CabcdEFGH and 9731-secret";
    let _ticket = ticket(b.gate.submit(pay(to, 1.0)).by("ann").await.unwrap());
    let said = format!("{:?} {:?}", heard.lines(), heard.waiting());
    assert!(said.contains("Pay 1.00"), "{said}");
    for secret in ["9731", "sk-live-51H8x"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[tokio::test]
async fn a_call_in_memory_says_that_only_this_process_decides_or_has_the_consoles_link() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g)).await;
    let waiting = ticket(b.gate.submit(ask("x")).by("ann").await.unwrap());
    let id = waiting.request().id;
    let only = format!("only this process can decide it, with `Gate::decide`: call {id}");
    assert!(heard.lines()[0].ends_with(&only), "{:?}", heard.lines());
    let heard = Heard::default();
    let url = "https://ops.example.com/review/";
    let b = bench_with(|g| heard.hear(g).console_url(url)).await;
    let waiting = ticket(b.gate.submit(ask("x")).by("ann").await.unwrap());
    let link = format!("https://ops.example.com/review/#queue/{}", waiting.request().id);
    assert_eq!(heard.waiting()[0].link(), Some(&*link));
    assert!(heard.lines()[0].ends_with(&link));
    // With a file and a console there are two ways.
    let heard = Heard::default();
    let store = InFile::default();
    let builder = tools(Gate::builder()).state(World::default()).store(store).console_url(url);
    let key = hitl_core::HostKey::generate().unwrap();
    let gate = heard.hear(builder).key(key).build().await.unwrap();
    let waiting = ticket(gate.submit(ask("x")).by("ann").await.unwrap());
    let id = waiting.request().id;
    let both = format!(
        "hitl approve {id} --db '/srv/the refunds.db' --key-file FILE (or {url}#queue/{id})"
    );
    assert!(heard.lines()[0].ends_with(&both), "{:?}", heard.lines());
}

#[tokio::test]
async fn invariant_8_a_console_url_with_a_credential_builds_no_gate() {
    let built = Gate::builder().console_url("https://ann:secret@ops.example.com").build().await;
    let error = built.unwrap_err();
    assert_eq!(error.kind(), BuildErrorKind::ConsoleUrl);
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
}

#[tokio::test]
async fn a_gate_that_nobody_outside_can_decide_for_says_so_when_it_is_built() {
    let warned = async |change: fn(GateBuilder) -> GateBuilder| {
        let heard = Heard::default();
        let gate = heard.hear(change(Gate::builder())).build().await.unwrap();
        let said = heard.0.lock().unwrap().len();
        assert_eq!(said, gate.warnings().len(), "it says what it returns");
        gate.warnings().iter().map(hitl_core::gate::BuildWarning::kind).collect::<Vec<_>>()
    };
    assert_eq!(warned(|g| g).await, [BuildWarningKind::OnlyThisProcessDecides]);
    assert_eq!(
        warned(|g| g.store(MemoryStore::new())).await,
        [BuildWarningKind::OnlyThisProcessDecides]
    );
    assert_eq!(warned(|g| g.approver(ScriptedApprover::approving("bob"))).await, []);
    assert_eq!(warned(|g| g.console_url("http://127.0.0.1:7171")).await, []);
    assert_eq!(warned(|g| g.store(InFile::default())).await, []);
    let b = bench().await;
    let advice = b.gate.warnings()[0].to_string();
    assert!(advice.contains("`Gate::decide`") && advice.contains("`approver`"), "{advice}");
}

#[tokio::test]
async fn a_function_for_notices_that_panics_harms_no_call() {
    let b = bench_with(|g| g.on_notice(|_| panic!("a full pipe"))).await;
    let waiting = ticket(b.gate.submit(ask("x")).by("ann").await.unwrap());
    b.gate.decide(waiting.request().approve().by("bob")).await.unwrap();
    waiting.wait().await.unwrap();
    assert_eq!(b.world.ran(), 1);
}

#[tokio::test]
async fn invariant_13_thousands_of_waiting_calls_are_each_named_once() {
    let heard = Heard::default();
    let b = bench_with(|g| heard.hear(g)).await;
    for position in 0..1500 {
        let _waits = ticket(b.gate.submit(ask("x")).by("ann").key("r", position).await.unwrap());
    }
    assert_eq!(heard.lines().len(), 1500);
    // The latest ones are remembered.
    let _waits = ticket(b.gate.submit(ask("x")).by("ann").key("r", 1499).await.unwrap());
    assert_eq!(heard.lines().len(), 1500);
}

/// Set in the processes that these tests start.
const CHILD: &str = "HITL_TEST_NOTICES_CHILD";

/// A subscriber that takes every event up to a level, and keeps none.
struct Takes(tracing::Level);

impl tracing::Subscriber for Takes {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= self.0
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// What the processes of these tests do: a call waits. Nothing without the variable.
#[tokio::test]
async fn child_in_which_a_call_waits() {
    let takes = match std::env::var(CHILD).as_deref() {
        Ok("no subscriber") => None,
        Ok("takes all") => Some(tracing::Level::TRACE),
        Ok("takes warnings") => Some(tracing::Level::WARN),
        _ => return,
    };
    if let Some(level) = takes {
        tracing::subscriber::set_global_default(Takes(level)).unwrap();
    }
    let b = bench().await;
    let _waits = ticket(b.gate.submit(pay("Bob", 40.0)).by("ann").await.unwrap());
}

#[test]
fn a_line_that_no_subscriber_takes_is_on_standard_error() {
    let stderr_of = |child: &str| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "notices::child_in_which_a_call_waits", "--nocapture"]);
        let output = command.env(CHILD, child).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines = stderr.lines().filter(|line| line.starts_with("hitl: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let [advice, waits] = &stderr_of("no subscriber")[..] else { panic!("two lines") };
    assert!(advice.contains("has no approver"), "{advice}");
    assert!(waits.starts_with("hitl: Pay 40.00 to \"Bob\" waits for a decision: "), "{waits}");
    // A log that takes only warnings would leave the call in silence.
    let [waits] = &stderr_of("takes warnings")[..] else { panic!("one line") };
    assert!(waits.contains("waits for a decision"), "{waits}");
    assert!(stderr_of("takes all").is_empty());
}
