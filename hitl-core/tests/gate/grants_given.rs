//! The people who may give a grant, the requests on which they may, and demands that no grant
//! lifts.

use crate::granting;
use crate::support;

use granting::*;
use hitl_core::approval::ReviewerIdentity;
use hitl_core::gate::{GateBuilder, GrantPreview};
use hitl_core::grant::{Condition, GrantError, GrantTerms, NotCovered};
use hitl_core::machine::CallState;
use hitl_core::policy::NumberRange;
use hitl_core::store::GrantQuery;
use hitl_core::{
    ApprovalLevel, ApprovalRequest, Assessment, CallView, Effect, Factor, Gate, GateError,
    GateErrorKind, MemoryStore, Outcome, Permit, Policy, Risk, Ruling, Signals, SnapshotError,
    SnapshotWriter, StateRequirement, Submission, Tenant, Tool, ToolConfig, ToolSpec,
};
use support::{World, ask, bench, bench_with, pay, tools};

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
    // The score asked for Full, so the requirement does not even rise: the grant's approval is not
    // enough.
    let later = build(Some(Effect::AtLeast(ApprovalLevel::Full))).await;
    waits_again(&later, pay("shop", 5.0)).await;
    assert_eq!(state(&later, 0).await, CallState::Pending);
    assert!(!runs(&later, "shop", 5.0, 1).await);
    let denying = build(Some(Effect::Deny)).await;
    let denied = denying.submit(pay("shop", 5.0)).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(denied, Submission::Done { outcome: Outcome::Denied { .. }, .. }));
    assert_eq!(world.ran(), 0);
}

/// Defines a tool whose risk is critical, and one that needs several approvals.
macro_rules! tool {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        struct $name {
            amount: f64,
        }
        impl Tool for $name {
            type Output = f64;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "A tool for tests.")
                .parameters(&[hitl_core::ParameterSpec::new("amount")])
                .states(&[StateRequirement::new::<World>()])
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
tool!(Wipe, "wipe", ToolConfig::DEFAULT.base_confidence(50).risk(Risk::Critical));
tool!(Merge, "merge", ToolConfig::DEFAULT.base_confidence(50).four_eyes());
tool!(Drop, "drop", ToolConfig::DEFAULT.base_confidence(50).destructive());

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
    // A destructive tool is not permitted for good without a bound.
    let drop = asked(gate, Drop { amount: 1.0 }).await;
    let any = GrantTerms::any_arguments;
    assert_eq!(refused(gate, &drop, any().durable()).await, GrantError::TooBroad);
    for bounded in [any(), any().durable().uses(3), GrantTerms::exactly().durable()] {
        gate.preview_grant(drop.grant(bounded).by("alice")).await.unwrap();
    }
    // Nor is a risky one.
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
        // Of numbers: without an end, and from more to less.
        GrantTerms::matching([Condition::number("amount", NumberRange::at_least("1"))]),
        GrantTerms::matching([Condition::number("amount", NumberRange::between("9", "1"))]),
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
    let stranger = || ReviewerIdentity::new("mallory").tenant("elsewhere");
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
    gate.cancel(&gate.unscoped().get_by_key(&key(2)).await.unwrap().unwrap(), "bob", "enough")
        .await
        .unwrap();
    for preview in previews {
        let error: GateError = gate.save_grant(preview).await.unwrap_err();
        // An ended call has no payload either.
        assert_eq!(error.grant(), Some(&GrantError::Stale), "{error}");
    }
    assert_eq!(gate.grants(&Tenant::default(), GrantQuery::all()).await.unwrap(), []);
}
