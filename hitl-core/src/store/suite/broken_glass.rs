//! Grants that were given by breaking the glass: kept with their mark, drawn on for what other
//! grants do not cover, and never overdrawn.

use std::time::Duration;

use super::Subject;
use super::fixture::{Draft, claim, grant, sealed, tenant};
use super::races::{RACERS, race};
use crate::approval::ReviewerIdentity;
use crate::call::Principal;
use crate::grant::{Amount, BreakGlassOrder, GrantKind, GrantRecord, GrantRefusal, GrantUse};
use crate::ids::{ClaimToken, DecisionId};
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::policy::{Quorum, RequesterRule, Stage};
use crate::store::{GrantQuery, SubmitResult};

/// Saves a grant that the requester gave by breaking the glass, for this many uses.
async fn broken(s: &Subject, uses: u64) -> GrantRecord {
    let (principal, by) = ("agent-owner", ReviewerIdentity::new("agent-owner"));
    let order = BreakGlassOrder::new("sign_contract", principal)
        .uses(uses)
        .lasting(Duration::from_secs(60))
        .because("it burns");
    let now = s.store.now().await.expect("now");
    let record = order.grant(&by, grant(None, None).grant.fingerprint, None, now);
    s.store.save_grant(record).await.expect("save")
}

fn draw(grant: &GrantRecord) -> GrantUse {
    GrantUse { grant: grant.id(), amount: Amount::ZERO, kind: GrantKind::BreakGlass }
}

fn allow(record: &CallRecord, drawn: GrantUse) -> Event {
    let (decision, binding) = (DecisionId::new(), record.request.binding);
    Event::ApproveByGrant { decision, binding, drawn, by: Principal::new("agent-owner") }
}

/// Returns a call that needs two other people.
fn strict(position: u64) -> Draft {
    let quorum = Quorum {
        eyes: RequesterRule::MayNotApprove,
        stages: vec![Stage::people(2)],
        ..Quorum::default()
    };
    Draft::new("run", position).quorum(quorum)
}

async fn used(s: &Subject, grant: &GrantRecord) -> u64 {
    s.store.grant(&tenant(), grant.id()).await.expect("grant").expect("it is there").used
}

/// It is returned as it was saved, with its mark, and listed among the others.
pub async fn a_broken_glass_is_kept_with_its_mark(s: Subject) {
    let saved = broken(&s, 2).await;
    let found = s.store.grant(&tenant(), saved.id()).await.unwrap().unwrap();
    assert_eq!(found, saved);
    assert_eq!(found.grant.break_glass.as_ref().unwrap().reason, "it burns");
    let query = GrantQuery::live().tool("sign_contract");
    assert_eq!(s.store.grants(&tenant(), query).await.unwrap(), [saved]);
}

/// It approves a waiting call in place of everybody whom the call needs; a standing permission does
/// not, and neither does one that is drawn on as if it were the other.
pub async fn a_broken_glass_allows_what_a_quorum_would(s: Subject) {
    let saved = broken(&s, 1).await;
    let record = s.create(&strict(1)).await;
    let standing = s.store.save_grant(grant(None, None)).await.unwrap();
    let as_standing = |id| GrantUse::new(id, Amount::ZERO);
    let refusal = s.refuse(record.id(), allow(&record, as_standing(standing.id()))).await;
    assert_eq!(refusal, Refusal::NotAllowed);
    let disguised = GrantUse { kind: GrantKind::BreakGlass, ..as_standing(standing.id()) };
    let refusal = s.refuse(record.id(), allow(&record, disguised)).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Missing));
    let plain = s.create(&Draft::new("run", 2)).await;
    let mut by_alice = allow(&plain, as_standing(saved.id()));
    if let Event::ApproveByGrant { by, .. } = &mut by_alice {
        *by = Principal::new("alice");
    }
    let refusal = s.refuse(plain.id(), by_alice).await;
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Missing));

    let yes = s.apply(record.id(), allow(&record, draw(&saved))).await;
    assert_eq!((yes.state, yes.grant_use), (CallState::Approved, Some(draw(&saved))));
    assert!(yes.request.reasons.last().unwrap().contains("agent-owner broke the glass"));
    assert_eq!(used(&s, &saved).await, 0);
    let session = s.store.open_session().await.unwrap();
    s.apply(record.id(), claim(&yes, ClaimToken::new(), session)).await;
    assert_eq!(used(&s, &saved).await, 1);
}

/// Nobody claims on it once it is over, revoked or used up.
pub async fn a_broken_glass_ends(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let refused = async |grant: &GrantRecord, position: u64| {
        let draft = strict(position).admitted(ClaimToken::new(), session).granted(draw(grant));
        match s.store.submit(draft.call(), sealed(b"x")).await.unwrap() {
            SubmitResult::NotGranted(why) => Some(why),
            SubmitResult::Created(_) => None,
            other => panic!("{other:?}"),
        }
    };
    let once = broken(&s, 1).await;
    assert_eq!(refused(&once, 1).await, None);
    assert_eq!(refused(&once, 2).await, Some(GrantRefusal::Uses));
    let revoked = broken(&s, 9).await;
    let bob = Principal::new("bob");
    s.store.revoke_grant(&tenant(), revoked.id(), &bob, None).await.unwrap();
    assert_eq!(refused(&revoked, 3).await, Some(GrantRefusal::Revoked));
    let over = broken(&s, 9).await;
    s.pass(59);
    assert_eq!(refused(&over, 4).await, None);
    s.pass(1);
    assert_eq!(refused(&over, 5).await, Some(GrantRefusal::Over));
}

/// A program's broken glass covers nothing, even if it is stored.
pub async fn invariant_7_no_program_breaks_the_glass(s: Subject) {
    let mut record = broken(&s, 1).await;
    record.grant.id = crate::ids::GrantId::new();
    record.grant.by = Principal::agent("ops");
    let saved = s.store.save_grant(record).await.unwrap();
    let session = s.store.open_session().await.unwrap();
    let draft = strict(1).admitted(ClaimToken::new(), session).granted(draw(&saved));
    let answer = s.store.submit(draft.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(answer, SubmitResult::NotGranted(GrantRefusal::NotHuman)), "{answer:?}");
}

/// Many are admitted on the last use: one is.
pub async fn invariant_3_the_last_use_is_taken_once(s: Subject) {
    let saved = broken(&s, 1).await;
    let session = s.store.open_session().await.unwrap();
    let drafts: Vec<_> = (0..RACERS as u64)
        .map(|number| strict(number).admitted(ClaimToken::new(), session).granted(draw(&saved)))
        .collect();
    let answers = race(&s, move |number, store| {
        let call = drafts[number].call();
        Box::pin(async move { store.submit(call, sealed(b"x")).await.unwrap() })
    })
    .await;
    let won = answers.iter().filter(|answer| matches!(answer, SubmitResult::Created(_))).count();
    assert_eq!((won, used(&s, &saved).await), (1, 1));
}
