//! A grant given where the call's tool is not registered, as at the command line: it is saved as it
//! was shown, and the claimant of each call checks it.

use crate::support;

use hitl_core::grant::{Condition, GrantError, GrantTerms};
use hitl_core::machine::CallState;
use hitl_core::{
    ApprovalRequest, Assessment, CallKey, CallView, Effect, Gate, GateErrorKind, Outcome, Policy,
    Ruling, Submission, Ticket,
};
use support::{Bench, bench, bench_with, pay};

/// Returns a gate over the same store that has no tools.
async fn elsewhere(bench: &Bench) -> Gate {
    let gate = Gate::builder().store(bench.store.clone()).audit(bench.audit.clone());
    gate.skip_recovery().build().await.unwrap()
}

async fn waiting(gate: &Gate, to: &str, amount: f64, position: u64) -> Ticket {
    let submitted = gate.submit(pay(to, amount)).by("ann").key("run", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits for a human") };
    ticket
}

async fn state(gate: &Gate, position: u64) -> CallState {
    gate.unscoped().get_by_key(&CallKey::new("run", position)).await.unwrap().unwrap().state()
}

fn up_to(amount: u32) -> GrantTerms {
    GrantTerms::matching([Condition::at_most("amount", amount.into())])
}

async fn rule(gate: &Gate, request: &ApprovalRequest, terms: GrantTerms) -> Vec<String> {
    gate.preview_grant(request.grant(terms).by("alice")).await.unwrap().grant.rule
}

#[tokio::test(start_paused = true)]
async fn it_is_the_same_grant_and_lets_the_request_go_on() {
    let bench = bench().await;
    let (gate, cli) = (&bench.gate, elsewhere(&bench).await);
    let (ticket, other) =
        (waiting(gate, "shop", 5.0, 0).await, waiting(gate, "shop", 4.0, 1).await);
    let request = ticket.request().clone();
    assert_eq!(rule(&cli, &request, up_to(10)).await, rule(gate, &request, up_to(10)).await);
    let preview = cli.preview_grant(request.grant(up_to(10)).by("alice")).await.unwrap();
    assert_eq!(preview.waiting, [request.id], "nobody here can judge the others");
    let granted = cli.save_grant(preview).await.unwrap();
    assert_eq!(granted.allowed.len(), 1);
    assert_eq!(bench.world.ran(), 0);
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(state(gate, 1).await, CallState::Pending);
    drop(other);
    // Later calls are checked where their tool is.
    let next = gate.submit(pay("shop", 6.0)).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(next, Submission::Done { outcome: Outcome::Executed(_), .. }));
    let grant = gate.grant(&request.key.tenant, granted.record.id()).await.unwrap().unwrap();
    assert_eq!((grant.used, grant.grant.by.as_str()), (2, "alice"));
}

/// A policy that requires a review of every payment.
struct Watchful;

impl Policy for Watchful {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let level = hitl_core::ApprovalLevel::Full;
        Some(Ruling { effect: Effect::AtLeast(level), reason: "watched".to_owned() })
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_what_a_policy_wants_looked_at_is_asked_about_all_the_same() {
    let bench = bench_with(|builder| builder.policy(Watchful)).await;
    let (gate, cli) = (&bench.gate, elsewhere(&bench).await);
    let ticket = waiting(gate, "shop", 5.0, 0).await;
    let request = ticket.request().clone();
    let here = gate.preview_grant(request.grant(up_to(10)).by("alice")).await.unwrap_err();
    assert_eq!(here.grant(), Some(&GrantError::Demanded));
    let preview = cli.preview_grant(request.grant(up_to(10)).by("alice")).await.unwrap();
    cli.save_grant(preview).await.unwrap();
    // The waiter tries to run it, and a human is asked, as the next revision.
    let waiter = tokio::spawn(async move { ticket.wait().await });
    let record = loop {
        let record = gate.unscoped().get_by_key(&CallKey::new("run", 0)).await.unwrap().unwrap();
        if record.request().revision == 2 {
            break record;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((record.state(), bench.world.ran()), (CallState::Pending, 0));
    let _asked = waiting(gate, "shop", 5.0, 1).await;
    assert_eq!(bench.world.ran(), 0);
    waiter.abort();
}

#[tokio::test(start_paused = true)]
async fn invariant_8_what_is_hidden_is_not_named_there_either() {
    let bench = bench().await;
    let cli = elsewhere(&bench).await;
    let ticket = waiting(&bench.gate, "shop", 5.0, 0).await;
    for guess in ["9731-secret", "0000", "[redacted]"] {
        let terms = GrantTerms::matching([Condition::is("pin", guess)]);
        let refused = cli.preview_grant(ticket.request().grant(terms).by("alice")).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), GateErrorKind::NotGranted);
        assert_eq!(refused.grant(), Some(&GrantError::Hidden), "{guess}");
    }
}
