//! Grants: what a human has permitted once runs without asking, and nothing else does.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "support/faulty.rs"]
mod faulty;
mod support;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use faulty::{Fault, Faulty};
use hitl_core::approval::Authority;
use hitl_core::gate::{GateBuilder, GrantPreview};
use hitl_core::grant::{Condition, GrantError, GrantTerms, NotCovered};
use hitl_core::machine::CallState;
use hitl_core::store::GrantPage;
use hitl_core::{
    ApprovalLevel, ApprovalRequest, Assessment, CallContext, CallKey, CallRecord, CallView, Effect,
    Factor, Gate, GateError, GateErrorKind, GrantRecord, HitlConfig, MemoryStore, Outcome, Permit,
    Policy, Risk, Ruling, Signals, SnapshotError, SnapshotWriter, Spec, StateRequirement,
    Store as _, Submission, Tenant, Tool, Verdict,
};
use support::{Bench, Flaky, World, ask, bench, bench_with, pay, tools};

fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

/// A call that waits, as its reviewer sees it.
async fn waiting(gate: &Gate, to: &str, amount: f64, position: u64) -> ApprovalRequest {
    let submitted = gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits for a human") };
    ticket.request().clone()
}

async fn state(gate: &Gate, position: u64) -> CallState {
    gate.find(&key(position)).await.unwrap().unwrap().state
}

async fn permit(gate: &Gate, request: &ApprovalRequest, terms: GrantTerms) -> GrantRecord {
    let preview = gate.preview_grant(request.grant(terms).by("alice")).await.unwrap();
    gate.save_grant(preview).await.unwrap().record
}

async fn refused(gate: &Gate, request: &ApprovalRequest, terms: GrantTerms) -> GrantError {
    let error = gate.preview_grant(request.grant(terms).by("alice")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::NotGranted);
    error.grant().unwrap().clone()
}

/// Whether a payment runs without anybody being asked.
async fn runs(gate: &Gate, to: &str, amount: f64, position: u64) -> bool {
    match gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap() {
        Submission::Done { outcome: Outcome::Executed(_), receipt } => {
            assert_eq!(receipt.verdict, Verdict::Run);
            true
        }
        Submission::Pending(_) => false,
        other @ Submission::Done { .. } => panic!("{other:?}"),
    }
}

async fn now(bench: &Bench) -> hitl_base::Timestamp {
    bench.store.now().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_permitted_once_runs_without_asking() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 5.0, 0).await;
    let draft = request.grant(GrantTerms::exactly()).by("alice");
    let preview = gate.preview_grant(draft).await.unwrap();
    assert_eq!(preview.waiting, [request.id]);
    let rule = preview.grant.rule.join("\n");
    assert_eq!(
        rule,
        "Run `pay` without asking, when `ann` asks for it\n\
         in the run `run` and in what it delegates\n\
         with exactly the arguments of this request, secrets included\n\
         until it is revoked\n\
         while the tool, its schema and its description stay as they are"
    );
    assert_eq!(gate.grants(&Tenant::default(), GrantPage::all()).await.unwrap(), []);

    let granted = gate.save_grant(preview).await.unwrap();
    let allowed: Vec<_> = granted.allowed.iter().map(CallRecord::id).collect();
    assert_eq!(allowed, [request.id]);
    assert_eq!(state(gate, 0).await, CallState::Approved);
    assert_eq!(bench.world.ran(), 0, "a grant runs nothing");
    // The caller comes back for it.
    assert!(runs_again(gate, "shop", 5.0, 0).await);
    assert!(runs(gate, "shop", 5.0, 1).await);
    // Other arguments, another run, somebody else: asked about.
    assert!(!runs(gate, "shop", 5.01, 2).await);
    let elsewhere = gate.submit(pay("shop", 5.0)).by("ann").key("other", 1).await.unwrap();
    assert!(matches!(elsewhere, Submission::Pending(_)));
    let somebody = gate.submit(pay("shop", 5.0)).by("eve").key("run", 9).await.unwrap();
    assert!(matches!(somebody, Submission::Pending(_)));
    assert_eq!(bench.world.ran(), 2);
    let record = gate.grant(&Tenant::default(), granted.record.id()).await.unwrap().unwrap();
    assert_eq!(record.used, 2);
    let events = bench.events();
    assert_eq!(
        events[..8],
        [
            "requested",
            "grantSaved",
            "decided",
            "grantUsed",
            "claimed",
            "executed",
            "grantUsed",
            "claimed"
        ]
    );
}

async fn runs_again(gate: &Gate, to: &str, amount: f64, position: u64) -> bool {
    let submitted = gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap();
    match submitted {
        Submission::Done { outcome, .. } => matches!(outcome, Outcome::Executed(_)),
        Submission::Pending(ticket) => {
            matches!(ticket.wait().await.unwrap(), Outcome::Executed(_))
        }
    }
}

/// The caller comes back for its allowed call, and finds that it is asked about again.
async fn waits_again(gate: &Gate, call: support::Pay) {
    let submitting = gate.submit(call).by("ann").key("run", 0).into_future();
    let waits = tokio::time::timeout(Duration::from_secs(1), submitting).await;
    assert!(waits.is_err(), "somebody must decide");
}

/// A secret is part of the exact arguments, and shows nowhere.
#[tokio::test(start_paused = true)]
async fn invariant_8_a_grant_says_nothing_of_a_secret() {
    let bench = bench().await;
    let request = waiting(&bench.gate, "shop", 5.0, 0).await;
    let record = permit(&bench.gate, &request, GrantTerms::exactly().durable()).await;
    let kept = serde_json::to_string(&record).unwrap();
    assert!(!kept.contains("9731"), "{kept}");
    let mut other = pay("shop", 5.0);
    other.pin = "another".to_owned();
    let submitted = bench.gate.submit(other).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)));
    let named = GrantTerms::matching([Condition::is("pin", "9731-secret")]);
    assert_eq!(refused(&bench.gate, &request, named).await, GrantError::Stale);
    let request = waiting(&bench.gate, "shop", 6.0, 2).await;
    let named = GrantTerms::matching([Condition::is("pin", "9731-secret")]);
    assert_eq!(refused(&bench.gate, &request, named).await, GrantError::Hidden);
    // A guess is told from nothing else that does not fit.
    let guess = GrantTerms::matching([Condition::is("pin", "0000")]);
    let error = refused(&bench.gate, &request, guess).await;
    assert_eq!(error, GrantError::Hidden, "whether it is right must not show");
}

#[tokio::test(start_paused = true)]
async fn a_pattern_covers_what_it_says_and_nothing_else() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop/a", 5.0, 0).await;
    let terms = GrantTerms::matching([
        Condition::like("to", "shop/*"),
        Condition::at_most("amount", "10".parse().unwrap()),
    ]);
    let record = permit(gate, &request, terms).await;
    let rule = record.grant.rule.join("\n");
    assert!(rule.contains("where `to` is like \"shop/*\""), "{rule}");
    assert!(rule.contains("where `amount` is at most 10\nand with anything in `pin`"), "{rule}");
    for (number, (to, amount, expected)) in [
        ("shop/b", 10.0, true),
        ("shop/", 0.0, true),
        ("shop/b", 10.000_001, false),
        ("shop/b", -1.0, false),
        ("Shop/b", 1.0, false),
        ("shop", 1.0, false),
        ("x shop/b", 1.0, false),
        ("shop/../bank", 1.0, false),
        ("shop/b\n", 1.0, false),
        ("shop/\u{0}", 1.0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let ran = runs(gate, to, amount, 10 + number as u64).await;
        assert_eq!(ran, expected, "{to:?} {amount}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_ends_and_then_a_human_is_asked_again() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 200.0, 0).await;
    let terms = GrantTerms::any_arguments().uses(4).sum("amount", "500".parse().unwrap());
    let record = permit(gate, &request, terms).await;
    let rule = record.grant.rule.join("\n");
    assert!(rule.contains("with any arguments: `amount`, `pin`, `to`"), "{rule}");
    assert!(rule.contains("at most 4 times\nfor at most 500 in `amount`, all calls together"));
    assert!(runs_again(gate, "shop", 200.0, 0).await);
    assert!(runs(gate, "bank", 299.5, 1).await);
    assert!(!runs(gate, "bank", 0.51, 2).await, "half is left");
    assert!(runs(gate, "bank", 0.5, 3).await);
    assert!(runs(gate, "bank", 0.0, 4).await);
    assert!(!runs(gate, "bank", 0.0, 5).await, "used four times");
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, stands.spent.to_string().as_str()), (4, "500"));
    assert_eq!(bench.world.ran(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_has_used_its_share() {
    let bench = bench().await;
    let request = waiting(&bench.gate, "nobody", 5.0, 0).await;
    let record = permit(&bench.gate, &request, GrantTerms::exactly().uses(1)).await;
    let again = bench.gate.submit(pay("nobody", 5.0)).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Failed(_), .. }));
    let stands = bench.gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!(stands.used, 1);
    // The request that it was given on finds nothing left, and is asked about again.
    waits_again(&bench.gate, pay("nobody", 5.0)).await;
    let asked = bench.gate.find(&key(0)).await.unwrap().unwrap();
    assert_eq!((asked.state, asked.request.revision), (CallState::Pending, 2));
    let why = asked.request.because.last().unwrap();
    assert!(why.contains("as often as it may"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_grant_ends_at_its_time_and_when_it_is_revoked() {
    let bench = bench().await;
    let gate = &bench.gate;
    let end = now(&bench).await.plus(Duration::from_secs(60));
    let request = waiting(gate, "shop", 5.0, 0).await;
    let over = GrantTerms::exactly().until(now(&bench).await);
    assert_eq!(refused(gate, &request, over).await, GrantError::NoRoom);
    let record = permit(gate, &request, GrantTerms::exactly().until(end)).await;
    assert!(record.grant.rule.iter().any(|line| line.contains(&end.to_string())));
    assert!(runs(gate, "shop", 5.0, 1).await);

    let tenant = Tenant::default();
    let revoked = gate.revoke_grant(&tenant, record.id(), "bob", Some("enough")).await.unwrap();
    assert_eq!(revoked.unwrap().revoked.unwrap().by.as_str(), "bob");
    assert!(!runs(gate, "shop", 5.0, 2).await);
    // What it had allowed, and nobody had started, is asked about again.
    assert_eq!(state(gate, 0).await, CallState::Approved);
    waits_again(gate, pay("shop", 5.0)).await;
    assert_eq!(state(gate, 0).await, CallState::Pending);
    assert_eq!(bench.world.ran(), 1);
    let again = gate.revoke_grant(&tenant, record.id(), "carol", None).await.unwrap().unwrap();
    assert_eq!(again.revoked.unwrap().by.as_str(), "bob", "the first one stands");
    let revocations = bench.events().iter().filter(|event| *event == "grantRevoked").count();
    assert_eq!(revocations, 1);
}

#[tokio::test(start_paused = true)]
async fn siblings_that_wait_go_on_as_far_as_there_is_room() {
    let bench = bench().await;
    let gate = &bench.gate;
    for position in 0..6 {
        waiting(gate, "shop", 5.0, position).await;
    }
    waiting(gate, "bank", 5.0, 6).await;
    let request = gate.find(&key(3)).await.unwrap().unwrap().request;
    let draft = request.grant(GrantTerms::exactly().uses(3)).by("alice");
    let preview = gate.preview_grant(draft).await.unwrap();
    let positions = async |gate: &Gate, wanted| {
        let mut found = Vec::new();
        for position in 0..7 {
            if state(gate, position).await == wanted {
                found.push(position);
            }
        }
        found
    };
    assert_eq!(preview.waiting.len(), 3);
    assert_eq!(positions(gate, CallState::Approved).await, Vec::<u64>::new());
    let granted = gate.save_grant(preview).await.unwrap();
    assert_eq!(granted.allowed.len(), 3);
    assert_eq!(positions(gate, CallState::Approved).await, [0, 1, 3], "its own request first");
    let serving = gate.clone();
    let serving = tokio::spawn(async move { serving.serve().await });
    support::until("all three ran", async || bench.world.ran() == 3).await;
    serving.abort();
    assert_eq!(positions(gate, CallState::Pending).await, [2, 4, 5, 6]);
}

struct Says(Effect);
impl Policy for Says {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let effect = self.0;
        (call.tool == "pay").then(|| Ruling { effect, reason: "the host says so".to_owned() })
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_no_grant_lifts_what_a_policy_or_a_factor_demands() {
    for effect in [Effect::AtLeast(ApprovalLevel::Quick), Effect::AtLeast(ApprovalLevel::Full)] {
        let bench = bench_with(|builder: GateBuilder| builder.policy(Says(effect))).await;
        let request = waiting(&bench.gate, "shop", 5.0, 0).await;
        let error = refused(&bench.gate, &request, GrantTerms::exactly()).await;
        assert_eq!(error, GrantError::Demanded);
    }
    let signals = Signals::standard().with(|_: &CallView<'_>| {
        Some(Factor::at_least("odd", ApprovalLevel::Quick, "It looks odd."))
    });
    let bench = bench_with(|builder| builder.signals(signals)).await;
    let request = waiting(&bench.gate, "shop", 5.0, 0).await;
    assert_eq!(refused(&bench.gate, &request, GrantTerms::exactly()).await, GrantError::Demanded);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_policy_that_comes_later_beats_the_grant() {
    let (world, store) = (World::default(), MemoryStore::new());
    let build = async |policy: Option<Effect>| {
        let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
        let builder = match policy {
            Some(effect) => builder.policy(Says(effect)),
            None => builder,
        };
        builder.build().await.unwrap()
    };
    let first = build(None).await;
    let request = waiting(&first, "shop", 5.0, 0).await;
    permit(&first, &request, GrantTerms::exactly().durable()).await;
    assert_eq!(state(&first, 0).await, CallState::Approved);
    // The score asked for Full, so the requirement does not even rise: the grant's word is not enough.
    let later = build(Some(Effect::AtLeast(ApprovalLevel::Full))).await;
    waits_again(&later, pay("shop", 5.0)).await;
    assert_eq!(state(&later, 0).await, CallState::Pending);
    assert!(!runs(&later, "shop", 5.0, 1).await);
    let denying = build(Some(Effect::Deny)).await;
    let denied = denying.submit(pay("shop", 5.0)).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(denied, Submission::Done { outcome: Outcome::Denied { .. }, .. }));
    assert_eq!(world.ran(), 0);
}

/// A tool whose risk is critical, and one that several people must agree on.
macro_rules! tool {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        struct $name {
            amount: f64,
        }
        impl Tool for $name {
            type Output = f64;
            type Error = String;
            const SPEC: Spec = Spec::new($tool, "A tool for tests.")
                .parameters(&[hitl_core::Parameter::new("amount")])
                .states(&[StateRequirement::of::<World>()])
                .config($config);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|o| o.field("amount", &self.amount))
            }
            async fn run(permit: Permit<Self>) -> Result<f64, String> {
                let (call, cx) = permit.open();
                cx.state::<World>().clone().run($tool.to_owned()).await;
                Ok(call.amount)
            }
        }
    };
}
tool!(Wipe, "wipe", HitlConfig::DEFAULT.base_confidence(50).risk(Risk::Critical));
tool!(Merge, "merge", HitlConfig::DEFAULT.base_confidence(50).four_eyes());
tool!(Drop, "drop", HitlConfig::DEFAULT.base_confidence(50).destructive());

async fn asked<T: Tool>(gate: &Gate, call: T) -> ApprovalRequest {
    let submitted = gate.submit(call).by("ann").await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits for a human") };
    ticket.request().clone()
}

#[tokio::test(start_paused = true)]
async fn no_grant_is_given_where_one_persons_word_is_not_enough() {
    let bench = bench_with(|builder| builder.tool::<Wipe>().tool::<Merge>().tool::<Drop>()).await;
    let gate = &bench.gate;
    let wipe = asked(gate, Wipe { amount: 1.0 }).await;
    assert_eq!(refused(gate, &wipe, GrantTerms::exactly()).await, GrantError::Critical);
    let merge = asked(gate, Merge { amount: 1.0 }).await;
    assert_eq!(refused(gate, &merge, GrantTerms::exactly()).await, GrantError::Quorum);
    // What destroys is not permitted for good without a bound.
    let drop = asked(gate, Drop { amount: 1.0 }).await;
    let any = GrantTerms::any_arguments;
    assert_eq!(refused(gate, &drop, any().durable()).await, GrantError::TooBroad);
    for bounded in [any(), any().durable().uses(3), GrantTerms::exactly().durable()] {
        gate.preview_grant(drop.grant(bounded).by("alice")).await.unwrap();
    }
    // Nor what is risky.
    let risky = waiting(gate, "shop", 1.0, 0).await;
    assert_eq!(refused(gate, &risky, any().durable()).await, GrantError::TooBroad);
    let plain = gate.submit(ask("x")).by("ann").key("run", 1).await.unwrap();
    let Submission::Pending(ticket) = plain else { panic!("it waits") };
    gate.preview_grant(ticket.request().grant(any().durable()).by("alice")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn terms_that_say_nothing_or_do_not_fit_are_refused() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 5.0, 0).await;
    let ten = || "10".parse().unwrap();
    for terms in [
        GrantTerms::matching([]),
        GrantTerms::matching([Condition::like("to", "*")]),
        GrantTerms::matching([Condition::like("to", "**")]),
        GrantTerms::matching([Condition::one_of("to", Vec::<String>::new())]),
        GrantTerms::matching([Condition::is("to[", "shop")]),
        GrantTerms::matching([Condition::is("", "shop")]),
        GrantTerms::any_arguments().sum("amount[", ten()),
        GrantTerms::matching(vec![Condition::is("to", "shop"); 33]),
        GrantTerms::matching([Condition::is("to", "s".repeat(1001))]),
    ] {
        let error = refused(gate, &request, terms.clone()).await;
        assert!(matches!(error, GrantError::Invalid(_)), "{terms:?}: {error:?}");
    }
    for (terms, expected) in [
        (
            GrantTerms::matching([Condition::is("to", "bank")]),
            GrantError::DoesNotFit(NotCovered::Arguments),
        ),
        (
            GrantTerms::matching([Condition::is("nowhere", "shop")]),
            GrantError::DoesNotFit(NotCovered::Arguments),
        ),
        (GrantTerms::any_arguments().sum("to", ten()), GrantError::DoesNotFit(NotCovered::Sum)),
        (GrantTerms::any_arguments().sum("amount", "4".parse().unwrap()), GrantError::NoRoom),
        (GrantTerms::exactly().uses(0), GrantError::NoRoom),
    ] {
        assert_eq!(refused(gate, &request, terms).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_7_only_who_may_decide_permits_and_revokes() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 5.0, 0).await;
    let stranger = || Authority::of("mallory").tenant("elsewhere");
    let draft = request.grant(GrantTerms::exactly()).by(stranger());
    let error = gate.preview_grant(draft).await.unwrap_err();
    assert_eq!(error.grant(), Some(&GrantError::WrongTenant));
    let record = permit(gate, &request, GrantTerms::exactly()).await;
    let tenant = Tenant::default();
    let error = gate.revoke_grant(&tenant, record.id(), stranger(), None).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    let other = Tenant::new("other");
    assert_eq!(gate.revoke_grant(&other, record.id(), "bob", None).await.unwrap(), None);
    assert!(runs(gate, "shop", 5.0, 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_verified_workspace_and_delegation() {
    let bench = bench().await;
    let gate = &bench.gate;
    let cx = CallContext::of("ann").workspace_verified();
    let submitted = gate.submit(pay("shop", 5.0)).by(cx.clone()).key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let record = permit(gate, ticket.request(), GrantTerms::exactly()).await;
    assert!(record.grant.rule.contains(&"in a verified workspace".to_owned()));
    assert!(!runs(gate, "shop", 5.0, 1).await, "the workspace is not verified");
    // A sub-agent's call belongs to the root run.
    let delegated = cx.root("run");
    let submitted = gate.submit(pay("shop", 5.0)).by(delegated).key("sub-run", 0).await.unwrap();
    assert!(matches!(submitted, Submission::Done { outcome: Outcome::Executed(_), .. }));
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_since_the_preview_is_not_saved() {
    let bench = bench().await;
    let gate = &bench.gate;
    let preview = async |request: &ApprovalRequest| -> GrantPreview {
        let draft = request.grant(GrantTerms::exactly()).by("alice");
        gate.preview_grant(draft).await.unwrap()
    };
    let decided = waiting(gate, "shop", 1.0, 0).await;
    let edited = waiting(gate, "shop", 2.0, 1).await;
    let expired = waiting(gate, "shop", 3.0, 2).await;
    let previews = [preview(&decided).await, preview(&edited).await, preview(&expired).await];
    gate.decide(decided.reject("no").by("bob")).await.unwrap();
    gate.decide(edited.edit(r#"{"to":"bank"}"#).by("bob")).await.unwrap();
    gate.cancel(&gate.find(&key(2)).await.unwrap().unwrap(), "bob", "enough").await.unwrap();
    for preview in previews {
        let error: GateError = gate.save_grant(preview).await.unwrap_err();
        // What has ended has no payload either.
        assert_eq!(error.grant(), Some(&GrantError::Stale), "{error}");
    }
    assert_eq!(gate.grants(&Tenant::default(), GrantPage::all()).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn invariant_6_without_the_intent_the_share_is_given_back() {
    let (world, audit, store) = (World::default(), Flaky::default(), MemoryStore::new());
    let build = tools(Gate::builder()).state(world.clone()).store(store).audit(audit.clone());
    let gate = build.build().await.unwrap();
    let request = waiting(&gate, "shop", 5.0, 0).await;
    let record = permit(&gate, &request, GrantTerms::exactly().uses(1)).await;
    audit.fail_after(0);
    let error = gate.submit(pay("shop", 5.0)).by("ann").key("run", 1).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Audit);
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, world.ran()), (0, 0));
    audit.mend();
    assert!(runs_again(&gate, "shop", 5.0, 1).await);
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, world.ran()), (1, 1));
}

/// One store operation after the other fails, in each way: no body runs without its share of the grant,
/// and none runs twice.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_anywhere_overdraws_nothing() {
    let mut faults = 0;
    for (fault, for_ever) in
        [(Fault::Before, false), (Fault::After, false), (Fault::Before, true), (Fault::After, true)]
    {
        for at in 0.. {
            let (world, memory) = (World::default(), MemoryStore::new());
            let whole = tools(Gate::builder()).state(world.clone()).store(memory.clone());
            let whole = whole.build().await.unwrap();
            let request = waiting(&whole, "shop", 5.0, 0).await;
            let record = permit(&whole, &request, GrantTerms::exactly().uses(2)).await;
            let count = Arc::new(AtomicUsize::new(0));
            let store =
                Faulty { inner: memory.clone(), fault, at, for_ever, count: Arc::clone(&count) };
            let gate = tools(Gate::builder()).state(world.clone()).store(store);
            let gate = gate.without_recovery().build().await.unwrap();
            let context = format!("{fault:?} for_ever={for_ever} at={at}");
            let new = gate.submit(pay("shop", 5.0)).by("ann").key("run", 1).await;
            let submitting = gate.submit(pay("shop", 5.0)).by("ann").key("run", 0).into_future();
            let old = tokio::time::timeout(Duration::from_secs(1), submitting).await;
            let old = matches!(old, Ok(Ok(Submission::Done { outcome: Outcome::Executed(_), .. })));
            let reached = count.load(std::sync::atomic::Ordering::SeqCst) > at;
            let stands = memory.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
            let ran = world.ran() as u64;
            assert!(ran <= stands.used && stands.used <= 2, "{ran} {stands:?} {context}");
            if !reached {
                assert!(new.is_ok() && old, "nothing failed: {context}");
                assert_eq!((ran, stands.used), (2, 2));
                break;
            }
            faults += 1;
        }
    }
    assert!(faults > 30, "{faults}");
}

#[tokio::test(start_paused = true)]
async fn read_only_calls_that_were_asked_about_draw_too() {
    // A read-only tool whose score asks for a human has a record when it runs on a grant.
    let bench = bench_with(|builder| {
        builder.signals(Signals::standard().with(|call: &CallView<'_>| {
            (call.tool == "look").then(|| Factor::points("dim", -60, "It is dark."))
        }))
    })
    .await;
    let gate = &bench.gate;
    let submitted = gate.submit(support::look("sky")).by("ann").key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let record = permit(gate, ticket.request(), GrantTerms::exactly().uses(2)).await;
    let submitted = gate.submit(support::look("sky")).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(submitted, Submission::Done { outcome: Outcome::Executed(_), .. }));
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!(stands.used, 1);
    assert_eq!(state(gate, 1).await, CallState::Executed);
}
