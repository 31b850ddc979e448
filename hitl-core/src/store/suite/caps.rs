//! Caps: limits on waiting calls, checked at submission.

use std::sync::Arc;

use super::Subject;
use super::fixture::{Draft, sealed};
use crate::ids::{ClaimToken, SessionId};
use crate::queue::{Cap, Caps};
use crate::store::SubmitResult;

fn of_principal(most: u32) -> Caps {
    Caps { principal: Some(most), tenant: None }
}

async fn submit(s: &Subject, draft: &Draft) -> SubmitResult {
    s.store.submit(draft.call(), sealed(b"payload")).await.expect("submit")
}

fn cap(submitted: &SubmitResult) -> Cap {
    let SubmitResult::Full(cap) = submitted else { panic!("it is full, and yet: {submitted:?}") };
    *cap
}

/// A call beyond a cap is refused until there is room again.
pub async fn what_is_beyond_a_cap_does_not_come_in(s: Subject) {
    let draft = |who: &str, position| {
        let caps = Caps { principal: Some(2), tenant: Some(3) };
        Draft::new(who, position).principal(who).caps(caps)
    };
    let first = s.create(&draft("ann", 1)).await;
    s.create(&draft("ann", 2)).await;
    let third = draft("ann", 3);
    assert_eq!(cap(&submit(&s, &third).await), Cap::Principal(2));
    assert!(s.store.get_by_key(third.key()).await.unwrap().is_none(), "nothing of it is kept");
    s.create(&draft("bob", 1)).await;
    assert_eq!(cap(&submit(&s, &draft("bob", 2)).await), Cap::Tenant(3));
    s.create(&draft("bob", 2).tenant("acme")).await;
    s.withdraw(first.id()).await;
    s.create(&third).await;
    assert_eq!(cap(&submit(&s, &draft("zoe", 1)).await), Cap::Tenant(3));
    s.create(&Draft::new("zoe", 2)).await;
}

/// An existing call is found even at the cap.
pub async fn what_is_there_is_found_at_the_cap(s: Subject) {
    let draft = Draft::new("run", 1).caps(of_principal(1));
    s.create(&draft).await;
    s.create(&draft).await;
    let again = Draft::new("run", 1).caps(of_principal(1));
    assert!(matches!(submit(&s, &again).await, SubmitResult::Existing(_)));
}

/// A call that does not wait is not refused.
pub async fn what_does_not_wait_is_not_capped(s: Subject) {
    let capped = |position| Draft::new("run", position).caps(of_principal(1));
    s.create(&capped(1)).await;
    let session: SessionId = s.store.open_session().await.unwrap();
    s.create(&capped(2).admitted(ClaimToken::new(), session)).await;
    s.create(&capped(3).denied()).await;
    assert_eq!(cap(&submit(&s, &capped(4)).await), Cap::Principal(1));
}

/// Racing calls never exceed a cap.
pub async fn invariant_13_a_race_does_not_break_a_cap(s: Subject) {
    for (run, caps) in
        [("own", of_principal(5)), ("all", Caps { principal: None, tenant: Some(5) })]
    {
        let racers: Vec<_> = (0..24)
            .map(|position| {
                let store = Arc::clone(&s.store);
                let who =
                    if caps.tenant.is_some() { format!("agent {position}") } else { run.into() };
                let draft = Draft::new(run, position).principal(&who).tenant(run).caps(caps);
                tokio::spawn(async move { store.submit(draft.call(), sealed(b"x")).await.unwrap() })
            })
            .collect();
        let mut entered = 0;
        for racer in racers {
            match racer.await.unwrap() {
                SubmitResult::Created(_) => entered += 1,
                SubmitResult::Full(_) => {}
                other => panic!("a new key, and yet: {other:?}"),
            }
        }
        assert_eq!(entered, 5);
    }
}
