//! The races.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use shuttle::future::spawn;

use crate::sync::moments;
use crate::world::{Letter, Life, Provider, World, came_about, explore, key, pay, pending};
use crate::*;

/// All races, by name.
pub(crate) const RACES: &[(&str, fn())] = &[
    ("invariant_4_decide_races_decide", invariant_4_decide_races_decide),
    ("invariant_5_decide_races_expire", invariant_5_decide_races_expire),
    ("invariant_11_decide_races_cancel", invariant_11_decide_races_cancel),
    ("invariant_3_claim_races_claim", invariant_3_claim_races_claim),
    ("invariant_2_claim_races_demote", invariant_2_claim_races_demote),
    ("invariant_12_drop_races_decide", invariant_12_drop_races_decide),
    ("invariant_12_limit_races_decide", invariant_12_limit_races_decide),
    ("invariant_12_drop_races_re_attach", invariant_12_drop_races_re_attach),
    ("invariant_3_recovery_races_a_late_result", invariant_3_recovery_races_a_late_result),
    (
        "invariant_3_a_reconcile_races_the_body_and_its_death",
        invariant_3_a_reconcile_races_the_body_and_its_death,
    ),
    ("invariant_3_envelope_races_envelope", invariant_3_envelope_races_envelope),
    ("invariant_5_revoke_races_claim", invariant_5_revoke_races_claim),
    ("invariant_5_freeze_races_claim", invariant_5_freeze_races_claim),
    ("invariant_2_edit_races_claim", invariant_2_edit_races_claim),
    ("invariant_2_lost_rights_race_claim", invariant_2_lost_rights_race_claim),
    ("invariant_3_identical_calls_race", invariant_3_identical_calls_race),
    (
        "invariant_3_a_delivery_races_an_identical_call",
        invariant_3_a_delivery_races_an_identical_call,
    ),
    ("invariant_2_replaced_tools_race_claim", invariant_2_replaced_tools_race_claim),
    ("replaced_tools_race_replaced_tools", replaced_tools_race_replaced_tools),
];

/// Two reviewers decide at once, and the caller waits. One decision applies, the other is refused.
fn invariant_4_decide_races_decide() {
    explore(&["approved", "rejected"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        let answers = [
            ticket.request().approve().by("bob"),
            ticket.request().reject("no").by("eve"),
            ticket.request().approve().by("mia"),
        ];
        let decides = answers.map(|decision| {
            let gate = gate.clone();
            spawn(async move { (decision.by.clone(), gate.decide(decision).await) })
        });
        let outcome = ticket.wait().await.unwrap();
        let mut winners = Vec::new();
        for decide in decides {
            match decide.await.unwrap() {
                (by, Ok(_)) => winners.push(by.principal.to_string()),
                (_, Err(error)) => {
                    let stands = error.current().expect("a loser is told what stands");
                    assert_ne!(stands.state, CallState::Pending);
                }
            }
        }
        let [winner] = winners.as_slice() else { panic!("{winners:?}") };
        let approved = matches!(outcome, Outcome::Executed(_));
        assert_eq!(approved, winner != "eve", "{outcome:?} {winner}");
        came_about(if approved { "approved" } else { "rejected" });
        assert_eq!(world.ran.times(), usize::from(approved));
        assert_eq!(world.audited(AuditEvent::Decided), 1);
        assert_eq!(world.record().await.decision.unwrap().by.as_str(), winner);
    });
}

/// The approval expires while one reviewer approves, the caller waits and another reads. Either the
/// approval was in time and the call ran, or nothing ran.
fn invariant_5_decide_races_expire() {
    explore(&["expired", "expired although approved", "ran"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        let decision = ticket.request().approve().by("bob");
        let (clock, other) = (world.clock.clone(), world.gate().await);
        let late = spawn(async move {
            moments(8).await;
            clock.advance(Duration::from_secs(61));
            other.recover().await.unwrap();
        });
        let decider = gate.clone();
        let decide = spawn(async move {
            moments(8).await;
            decider.decide(decision).await
        });
        let outcome = ticket.wait().await.unwrap();
        let decided = decide.await.unwrap();
        late.await.unwrap();
        match outcome {
            Outcome::Executed(_) => {
                decided.unwrap();
                came_about("ran");
                assert_eq!(world.ran.times(), 1);
                assert_eq!(world.audited(AuditEvent::Expired), 0);
            }
            // Perhaps approved in time, but not started in time.
            Outcome::Expired => {
                came_about(if decided.is_ok() { "expired although approved" } else { "expired" });
                assert_eq!(world.ran.times(), 0);
                assert_eq!(world.audited(AuditEvent::Expired), 1);
            }
            other => panic!("{other:?}"),
        }
    });
}

/// The caller withdraws its call while somebody approves it.
fn invariant_11_decide_races_cancel() {
    explore(&["cancelled", "cancelled although approved", "ran"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = Arc::new(pending(&gate).await);
        let decision = ticket.request().approve().by("bob");
        let decider = gate.clone();
        let decide = spawn(async move { decider.decide(decision).await.is_ok() });
        let owner = Arc::clone(&ticket);
        let cancel = spawn(async move {
            moments(8).await;
            owner.cancel("changed my mind").await.is_ok()
        });
        let outcome = ticket.wait().await.unwrap();
        let (decided, cancelled) = (decide.await.unwrap(), cancel.await.unwrap());
        match outcome {
            Outcome::Executed(_) => {
                came_about("ran");
                assert!(decided && !cancelled);
                assert_eq!(world.ran.times(), 1);
            }
            Outcome::Cancelled { .. } => {
                came_about(if decided { "cancelled although approved" } else { "cancelled" });
                assert!(cancelled);
                assert_eq!(world.ran.times(), 0);
            }
            other => panic!("{other:?}"),
        }
        assert!(world.record().await.state.is_terminal());
    });
}

/// Two waiters, another replica's waiter and a server race to run one approved call.
fn invariant_3_claim_races_claim() {
    explore(&["ran"], async || {
        let world = World::new();
        let (gate, replica, server) = (world.gate().await, world.gate().await, world.gate().await);
        let ticket = Arc::new(pending(&gate).await);
        let serving = spawn(async move { server.serve().await });
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let second = Arc::clone(&ticket);
        let waits = [
            spawn(async move { ticket.wait().await }),
            spawn(async move { second.wait().await }),
            spawn(
                async move { replica.call_json("pay", r#"{"amount":7}"#, "ann", "run", 0).await },
            ),
        ];
        for wait in waits {
            let outcome = wait.await.unwrap().unwrap();
            assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
        }
        serving.abort();
        came_about("ran");
        assert_eq!(world.ran.times(), 1);
        // It is audited after it is stored, which is what waiters see.
        while world.audited(AuditEvent::Executed) == 0 {
            shuttle::future::yield_now().await;
        }
        assert_eq!(world.audited(AuditEvent::Claimed), 1);
        assert_eq!(world.audited(AuditEvent::Executed), 1);
    });
}

/// A policy that requires a full review of everything.
struct Strict;

impl Policy for Strict {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let reason = "everything is reviewed".to_owned();
        Some(Ruling { effect: Effect::AtLeast(ApprovalLevel::Full), reason })
    }
}

/// A replica whose policy has become stricter meets one that still has the old one. A call approved
/// under the old one runs there, or is asked again; never both.
fn invariant_2_claim_races_demote() {
    explore(&["asked again", "ran"], async || {
        let world = World::new();
        let lax = world.gate().await;
        let strict = world.builder().policy(Strict).build().await.unwrap();
        let ticket = pending(&lax).await;
        let decision = ticket.request().approve().by("bob");
        lax.decide(decision.clone()).await.unwrap();
        let server = lax.clone();
        let serving = spawn(async move { server.serve().await });
        let stricter = strict.clone();
        let demoting = spawn(async move { stricter.serve().await });
        let record = loop {
            let record = world.record().await;
            if record.state.is_terminal() || record.request.revision > 1 {
                break record;
            }
            shuttle::future::yield_now().await;
        };
        came_about(if record.request.revision > 1 { "asked again" } else { "ran" });
        if record.request.revision > 1 {
            // Asked again, as a different question, which the earlier answer does not answer.
            assert_eq!(world.ran.times(), 0);
            assert_eq!(record.request.level, ApprovalLevel::Full);
            assert!(lax.decide(decision).await.is_err());
            let again = world.record().await;
            lax.decide(again.request.approve().by("eve")).await.unwrap();
        }
        let over = world.over().await;
        assert_eq!((over.state, world.ran.times()), (CallState::Executed, 1));
        assert!(over.request.revision <= 2, "it cannot loop");
        serving.abort();
        demoting.abort();
    });
}

/// The caller of an attached call goes away at some point while it is approved.
fn invariant_12_drop_races_decide() {
    explore(&["ran", "ran without its caller", "withdrawn"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let caller = gate.clone();
        let call = spawn(async move {
            let call = Box::pin(async { caller.call(pay()).by("ann").key("run", 0).await });
            match select(call, Box::pin(moments(60))).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(_) => None,
            }
        });
        let decider = gate.clone();
        let store = world.store.clone();
        let decide = spawn(async move {
            loop {
                if let Some(record) = store.get_by_key(&key()).await.unwrap() {
                    let decision = record.request.approve().by("bob");
                    return decider.decide(decision).await.is_ok();
                }
                shuttle::future::yield_now().await;
            }
        });
        let (result, decided) = (call.await.unwrap(), decide.await.unwrap());
        // In every case it ends, and leaves no claim and no approval without a holder.
        let over = world.over().await;
        match (over.state, &result) {
            (CallState::Executed, Some(Ok(7)) | None) => {
                came_about(if result.is_some() { "ran" } else { "ran without its caller" });
                assert!(decided);
                assert_eq!(world.ran.times(), 1);
            }
            (CallState::Cancelled, None) => {
                came_about("withdrawn");
                assert_eq!(world.ran.times(), 0);
            }
            other => panic!("{other:?}"),
        }
    });
}

/// A caller's limit is reached while somebody approves. Either the call ran and its caller has the
/// result, or the call was withdrawn and its caller knows it.
fn invariant_12_limit_races_decide() {
    explore(&["ran", "withdrawn"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let caller = gate.clone();
        let call = spawn(async move {
            caller.call(pay()).by("ann").key("run", 0).max_wait(Duration::from_secs(60)).await
        });
        let (decider, store) = (gate.clone(), world.store.clone());
        let decide = spawn(async move {
            loop {
                if let Some(record) = store.get_by_key(&key()).await.unwrap() {
                    let decision = record.request.approve().by("bob");
                    return decider.decide(decision).await.is_ok();
                }
                shuttle::future::yield_now().await;
            }
        });
        let (result, decided) = (call.await.unwrap(), decide.await.unwrap());
        let over = world.over().await;
        match result {
            Ok(7) => {
                came_about("ran");
                assert!(decided);
                assert_eq!((over.state, world.ran.times()), (CallState::Executed, 1));
            }
            Err(CallError::NotRun(NotRunReason::TimedOut(timeout))) => {
                // Perhaps approved in the meantime, but withdrawn before it was claimed.
                came_about("withdrawn");
                assert_eq!(timeout.left(), LeftCall::Withdrawn);
                assert_eq!((over.state, world.ran.times()), (CallState::Cancelled, 0));
                assert_eq!(world.audited(AuditEvent::Cancelled), 1);
            }
            other => panic!("{other:?}"),
        }
    });
}

/// A caller goes away while the next one, for example after a restart, comes back for the same
/// call. The call belongs to the last one; the one that left withdraws it only before that.
fn invariant_12_drop_races_re_attach() {
    explore(&["ran", "withdrawn"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let first = gate.clone();
        let leaving = spawn(async move {
            let call = Box::pin(async { first.call(pay()).by("ann").key("run", 0).await });
            drop(select(call, Box::pin(moments(40))).await);
        });
        let replica = world.gate().await;
        let coming = spawn(async move {
            moments(30).await;
            replica.call(pay()).by("ann").key("run", 0).await
        });
        let (decider, store) = (gate.clone(), world.store.clone());
        let decide = spawn(async move {
            loop {
                if let Some(record) = store.get_by_key(&key()).await.unwrap() {
                    moments(20).await;
                    return decider.decide(record.request.approve().by("bob")).await.is_ok();
                }
                shuttle::future::yield_now().await;
            }
        });
        leaving.await.unwrap();
        let result = coming.await.unwrap();
        let decided = decide.await.unwrap();
        let over = world.over().await;
        match result {
            Ok(amount) => {
                came_about("ran");
                assert!(decided);
                assert_eq!((amount, over.state), (7, CallState::Executed));
                assert_eq!(world.ran.times(), 1);
            }
            Err(CallError::NotRun(NotRunReason::Cancelled { .. })) => {
                came_about("withdrawn");
                assert_eq!(over.state, CallState::Cancelled);
                assert_eq!(world.ran.times(), 0);
            }
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// A gate goes away while its body runs, and another repeatedly recovers what it left: the result
/// is late, or in time; the body has run once.
fn invariant_3_recovery_races_a_late_result() {
    explore(&["ran"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let other = world.gate().await;
        let recovering = spawn(async move {
            for _ in 0..3 {
                other.recover().await.unwrap();
                moments(5).await;
            }
        });
        let waiting = spawn(async move { ticket.wait().await });
        drop(gate);
        let outcome = waiting.await.unwrap().unwrap();
        recovering.await.unwrap();
        assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
        came_about("ran");
        assert_eq!((world.ran.times(), world.over().await.state), (1, CallState::Executed));
    });
}

/// A body that timed out continues, and its process dies at some moment, while two others ask
/// the provider what it did: in every order the provider acts once.
fn invariant_3_a_reconcile_races_the_body_and_its_death() {
    explore(&["found", "in time", "started again"], async || {
        let world = World::new();
        let provider = Provider::default();
        let builder = |life: &Life| {
            let builder = Gate::builder().tool::<Letter>().state(provider.clone());
            builder.state(life.clone()).store(world.store.clone()).on_notice(|_| {})
        };
        let (life, lives) = (Life::default(), Life::default());
        let dying = builder(&life).build().await.unwrap();
        let others =
            [builder(&lives).build().await.unwrap(), builder(&lives).build().await.unwrap()];
        drop(spawn(async move { dying.submit(Letter {}).by("ann").key("run", 0).await }));
        let asking = others.clone().map(|gate| {
            let clock = world.clock.clone();
            spawn(async move {
                for _ in 0..3 {
                    gate.recover().await.unwrap();
                    clock.advance(Duration::from_secs(7200));
                    moments(4).await;
                }
            })
        });
        let claim = loop {
            match world.store.get_by_key(&key()).await.unwrap() {
                Some(record) => break record.claim,
                None => shuttle::future::yield_now().await,
            }
        };
        provider.moments_until_effect(80).await;
        life.end();
        // Without a claim it is settled already.
        if let Some(claim) = claim {
            world.store.close_session(claim.session).await.unwrap();
        }
        for asking in asking {
            asking.await.unwrap();
        }
        let [last, _others] = &others;
        loop {
            last.recover().await.unwrap();
            match last.submit(Letter {}).by("ann").key("run", 0).await.unwrap() {
                Submission::Done { outcome: Outcome::Executed(_), .. } => break,
                _ => world.clock.advance(Duration::from_secs(7200)),
            }
            moments(2).await;
        }
        let record = world.record().await;
        assert_eq!(provider.effects(), 1, "{record:?}");
        came_about(match (record.is_reconciled(), record.attempts_without_effect()) {
            (true, _) => "found",
            (false, 0) => "in time",
            (false, _) => "started again",
        });
    });
}

/// Gives a grant of one start on the waiting call, which approves the call.
async fn granted_once(gate: &Gate, request: &ApprovalRequest) -> GrantRecord {
    let draft = request.grant(GrantTerms::exactly().uses(1)).by("bob");
    let preview = gate.preview_grant(draft).await.unwrap();
    gate.save_grant(preview).await.unwrap().record
}

/// A call approved by a grant is about to start while another one covered by the same grant is
/// submitted elsewhere, and there is room for one: one runs, and the other is asked about.
fn invariant_3_envelope_races_envelope() {
    explore(&["the new one ran", "the waiting one ran"], async || {
        let world = World::new();
        let (gate, replica) = (world.gate().await, world.gate().await);
        let ticket = pending(&gate).await;
        let grant = granted_once(&gate, ticket.request()).await;
        let waiting = spawn(async move { ticket.wait().await });
        let coming = spawn(async move {
            moments(8).await;
            matches!(
                replica.submit(pay()).by("ann").key("run", 1).await.unwrap(),
                Submission::Done { outcome: Outcome::Executed(_), .. }
            )
        });
        let new_one_ran = coming.await.unwrap();
        let first = loop {
            let record = world.record().await;
            let wanted = if new_one_ran { CallState::Pending } else { CallState::Executed };
            if record.state == wanted {
                break record;
            }
            shuttle::future::yield_now().await;
        };
        came_about(if new_one_ran { "the new one ran" } else { "the waiting one ran" });
        assert_eq!(world.ran.times(), 1);
        let stands = world.store.grant(&grant.grant.tenant, grant.id()).await.unwrap().unwrap();
        assert_eq!(stands.used, 1);
        let second = world.store.get_by_key(&CallKey::new("run", 1)).await.unwrap().unwrap();
        let states = [first.state, second.state];
        assert!(states.contains(&CallState::Executed) && states.contains(&CallState::Pending));
        waiting.abort();
    });
}

/// A grant is revoked while a call that it approved is about to start.
fn invariant_5_revoke_races_claim() {
    explore(&["asked again", "ran"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        let grant = granted_once(&gate, ticket.request()).await;
        let waiting = spawn(async move { ticket.wait().await });
        let (revoker, tenant, id) = (world.gate().await, grant.grant.tenant.clone(), grant.id());
        let revoking = spawn(async move {
            moments(8).await;
            revoker.revoke_grant(&tenant, id, "eve", None).await.unwrap();
        });
        revoking.await.unwrap();
        let record = loop {
            let record = world.record().await;
            if matches!(record.state, CallState::Executed | CallState::Pending) {
                break record;
            }
            shuttle::future::yield_now().await;
        };
        let stands = world.store.grant(&grant.grant.tenant, id).await.unwrap().unwrap();
        let ran = record.state == CallState::Executed;
        came_about(if ran { "ran" } else { "asked again" });
        assert_eq!((world.ran.times(), stands.used), (usize::from(ran), u64::from(ran)));
        waiting.abort();
    });
}

/// One process freezes while the caller in another one starts its call. If the call was not claimed
/// when the freeze was made, it does not start before the thaw.
fn invariant_5_freeze_races_claim() {
    explore(&["frozen", "ran"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let waiting = spawn(async move { ticket.wait().await });
        let freezer = world.gate().await;
        let freezing = spawn(async move {
            moments(12).await;
            freezer.freeze(FreezeScope::All, "why", "eve").await.unwrap();
            freezer
        });
        let freezer = freezing.await.unwrap();
        let at_the_freeze = world.record().await;
        let started = at_the_freeze.state != CallState::Approved;
        came_about(if started { "ran" } else { "frozen" });
        if !started {
            moments(40).await;
            assert_eq!((world.record().await, world.ran.times()), (at_the_freeze, 0));
        }
        freezer.thaw(&FreezeScope::All, "eve").await.unwrap();
        assert!(matches!(waiting.await.unwrap().unwrap(), Outcome::Executed(_)));
        assert_eq!(world.ran.times(), 1);
    });
}

/// One reviewer approves and the caller starts it while another reviewer edits it: a version that
/// one of them has seen runs, once.
fn invariant_2_edit_races_claim() {
    explore(&["as it was", "edited"], async || {
        let world = World::new();
        let gate = world.gate().await;
        let ticket = pending(&gate).await;
        let (approve, edit) = (
            ticket.request().approve().by("bob"),
            ticket.request().edit(r#"{"amount":8}"#).by("eve"),
        );
        let (decider, editor) = (world.gate().await, world.gate().await);
        let approving = spawn(async move { decider.decide(approve).await.is_ok() });
        let editing = spawn(async move { editor.decide(edit).await.is_ok() });
        let outcome = ticket.wait().await.unwrap();
        let (approved, edited) = (approving.await.unwrap(), editing.await.unwrap());
        assert!(approved != edited, "one of them wins");
        let Outcome::Executed(output) = outcome else { panic!("{outcome:?}") };
        let paid: u32 = output.parse().unwrap();
        assert_eq!((paid, world.ran.times()), (if edited { 8 } else { 7 }, 1));
        came_about(if edited { "edited" } else { "as it was" });
    });
}

/// A policy that requires a full review unless the requester is a clerk.
struct ClerksOnly;

impl Policy for ClerksOnly {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let reason = "no clerk".to_owned();
        let full = Ruling { effect: Effect::AtLeast(ApprovalLevel::Full), reason };
        (!call.context.has_role("clerk")).then_some(full)
    }
}

/// One replica's directory has learnt that the requester is no longer a clerk, the other's has not,
/// and each is late whenever the scheduler likes. The call runs as it was approved, or is asked
/// about again, once; an approval is never lost.
fn invariant_2_lost_rights_race_claim() {
    explore(&["asked again", "ran"], async || {
        let world = World::new();
        let replica = async |roles: &'static [&'static str]| {
            let directory = move |_: &CallContext| -> Result<PrincipalStatus, DirectoryError> {
                Ok(PrincipalStatus::roles(roles.iter().copied()))
            };
            let builder = world.builder().policy(ClerksOnly);
            builder.principal_directory(directory, Duration::from_secs(60)).build().await.unwrap()
        };
        let (believes, knows) = (replica(&["clerk"]).await, replica(&[]).await);
        let clerk = CallContext::new("ann").role("clerk");
        let submitted = believes.submit(pay()).by(clerk).key("run", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("{submitted:?}") };
        assert_eq!(ticket.request().level, ApprovalLevel::Quick);
        let decision = ticket.request().approve().by("bob");
        believes.decide(decision.clone()).await.unwrap();
        let servers = [believes.clone(), knows.clone()];
        let serving = servers.map(|server| spawn(async move { server.serve().await }));
        let record = loop {
            let record = world.record().await;
            if record.state.is_terminal() || record.request.revision > 1 {
                break record;
            }
            shuttle::future::yield_now().await;
        };
        let asked_again = record.request.revision > 1;
        came_about(if asked_again { "asked again" } else { "ran" });
        if asked_again {
            assert_eq!((world.ran.times(), record.request.level), (0, ApprovalLevel::Full));
            assert!(believes.decide(decision).await.is_err());
            believes.decide(world.record().await.request.approve().by("eve")).await.unwrap();
        }
        let over = world.over().await;
        assert_eq!((over.state, world.ran.times()), (CallState::Executed, 1));
        assert!(over.request.revision <= 2, "it cannot loop");
        for server in serving {
            server.abort();
        }
    });
}

/// Submits the call, has it approved if it waits, and waits for its outcome. Returns its id, and
/// whether it had ended before.
async fn attach_and_approve(gate: &Gate) -> (RequestId, bool) {
    let submitting = gate.submit(pay()).by("ann").run("session").repeat(Repeat::Attach);
    match submitting.await.unwrap() {
        Submission::Done { outcome: Outcome::Executed(_), receipt } => (receipt.id.unwrap(), true),
        Submission::Done { outcome, .. } => panic!("{outcome:?}"),
        Submission::Pending(ticket) => {
            // Every caller's reviewer gives the same answer to the same question.
            gate.decide(ticket.request().approve().replayable().by("bob")).await.unwrap();
            assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
            (ticket.request().id, false)
        }
    }
}

/// Four callers, of two processes, submit the same call. It is one call, approved once and run
/// once.
fn invariant_3_identical_calls_race() {
    explore(&["all waited", "one came after the end"], async || {
        let world = World::new();
        let gates = [world.gate().await, world.gate().await];
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let gate = gates[caller % 2].clone();
                spawn(async move {
                    moments(12).await;
                    attach_and_approve(&gate).await
                })
            })
            .collect();
        let (mut ids, mut late) = (Vec::new(), false);
        for caller in callers {
            let (id, ended) = caller.await.unwrap();
            ids.push(id);
            late |= ended;
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "one intention");
        assert_eq!(world.ran.times(), 1);
        assert_eq!(world.audited(AuditEvent::Requested), 1);
        // The audit may say it once for each delivery of the answer.
        assert!((1..=4).contains(&world.audited(AuditEvent::Decided)));
        let record = world.store.get(&Tenant::default(), ids[0]).await.unwrap().unwrap();
        assert_eq!((record.state, record.attempts), (CallState::Executed, 1));
        came_about(if late { "one came after the end" } else { "all waited" });
    });
}

/// An outcome is delivered while the same call is submitted once more: either that gets the
/// outcome, or it is a new call, which runs once.
fn invariant_3_a_delivery_races_an_identical_call() {
    explore(&["a new call", "attached"], async || {
        let world = World::new();
        let (gate, other) = (world.gate().await, world.gate().await);
        let (first, _) = attach_and_approve(&gate).await;
        let deliver = spawn(async move {
            moments(6).await;
            gate.mark_delivered(&Tenant::default(), first).await.unwrap()
        });
        let submit = spawn(async move {
            moments(6).await;
            attach_and_approve(&other).await
        });
        let (second, ended) = submit.await.unwrap();
        assert!(deliver.await.unwrap());
        assert_eq!(ended, second == first);
        assert_eq!(world.ran.times(), if ended { 1 } else { 2 });
        came_about(if ended { "attached" } else { "a new call" });
    });
}

/// The bodies that ran, by the schema of their tool.
type Sent = Arc<std::sync::Mutex<Vec<usize>>>;

/// A tool of the same name whose schema differs with its number.
fn send(number: usize, sent: &Sent) -> dynamic::DynTool {
    let sent = Arc::clone(sent);
    let body = move |_: Permit<dynamic::DynArguments>| {
        sent.lock().unwrap().push(number);
        async { Ok::<_, String>(hitl_base::JsonText::null()) }
    };
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let schema = format!(r#"{{"type":"object","maxProperties":{number}}}"#);
    dynamic::DynTool::new(dynamic::DynSpec::new("send", "Sends.").config(config), &schema, body)
        .unwrap()
}

/// The tool of an approved call is replaced by another one while the call is claimed. It runs as it
/// was approved, or is asked about again and then runs with the new tool; once.
fn invariant_2_replaced_tools_race_claim() {
    explore(&["asked again", "ran as approved"], async || {
        let (world, sent) = (World::new(), Sent::default());
        let gate = world.builder().dyn_tool(send(1, &sent)).build().await.unwrap();
        let submitted = gate.submit_json("send", "{}", "ann", "run", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("{submitted:?}") };
        let decision = ticket.request().approve().by("bob");
        let (replacer, new) = (gate.clone(), send(2, &sent));
        let replacing = spawn(async move {
            moments(20).await;
            replacer.replace_dyn_tools(vec![new]).await.unwrap();
        });
        let decider = gate.clone();
        let deciding = spawn(async move { decider.decide(decision).await });
        let server = gate.clone();
        let serving = spawn(async move { server.serve().await });
        replacing.await.unwrap();
        let decided = deciding.await.unwrap();
        let record = loop {
            let record = world.record().await;
            if record.state.is_terminal() || record.request.revision > 1 {
                break record;
            }
            shuttle::future::yield_now().await;
        };
        let asked_again = record.request.revision > 1;
        came_about(if asked_again { "asked again" } else { "ran as approved" });
        assert!(decided.is_ok() || asked_again, "{decided:?}");
        if asked_again {
            assert!(sent.lock().unwrap().is_empty());
            gate.decide(world.record().await.request.approve().by("eve")).await.unwrap();
        }
        let over = world.over().await;
        assert_eq!(over.state, CallState::Executed);
        assert_eq!(*sent.lock().unwrap(), [if asked_again { 2 } else { 1 }]);
        assert!(over.request.revision <= 2, "it cannot loop");
        serving.abort();
    });
}

/// The tools are replaced twice at once. What other processes see in the end is what the gate has.
fn replaced_tools_race_replaced_tools() {
    explore(&["the first stays", "the second stays"], async || {
        let (world, sent) = (World::new(), Sent::default());
        let gate = world.builder().dyn_tool(send(1, &sent)).build().await.unwrap();
        let replacing = [2, 3].map(|number| {
            let (gate, tool) = (gate.clone(), send(number, &sent));
            spawn(async move {
                moments(3).await;
                gate.replace_dyn_tools(vec![tool]).await.unwrap();
            })
        });
        for replacing in replacing {
            replacing.await.unwrap();
        }
        let tools = gate.tools();
        let own = tools.iter().find(|tool| tool.name == "send").unwrap().schema.as_str();
        let executors = world.store.executors().await.unwrap();
        let recorded = executors.newest("send").unwrap();
        assert_eq!(recorded.schema, own);
        came_about(if own.contains('2') { "the first stays" } else { "the second stays" });
    });
}
