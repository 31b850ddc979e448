//! The cards say enough to decide: what the airline knows, what the customer wanted, what the agent
//! said.

use std::collections::BTreeMap;

use hitl::Gate;
use hitl::approval::DetailLevel;
use hitl::queue::{QueueQuery, ReviewScope};
use hitl::store::SqliteStore;

use crate::process::Desk;

/// Returns the cards of all calls that wait, by run and position.
async fn cards(desk: &Desk) -> BTreeMap<String, String> {
    let store = SqliteStore::open(desk.path("queue.db")).await.unwrap();
    let gate = Gate::builder().store(store).skip_recovery().build().await.unwrap();
    let queue = gate.scoped_to(ReviewScope::all_tenants()).queue();
    let page = queue.page(QueueQuery::new(&[]).limit(100)).await.unwrap();
    let now = gate.now().await.unwrap();
    let card = |record: &hitl::CallRecord| {
        let request = record.request();
        let key = format!("{}#{}", request.key.run, request.key.position);
        (key, request.render(now, DetailLevel::Full).to_text())
    };
    page.entries.iter().map(card).collect()
}

#[tokio::test]
async fn each_call_that_waits_says_what_it_would_do_and_why() {
    let desk = Desk::new();
    desk.counts(&["--decide", "leave"]);
    let cards = cards(&desk).await;
    assert_eq!(cards.len(), 16);
    for (call, facts) in [
        ("task-8/trial-1#8", &["less than 24 hours ago", "refund: $567"][..]),
        (
            "task-8/trial-1#9",
            &[
                "$4875 = $1625 x 3",
                "the tool warns: the payment is $3250 too little",
                "the tool warns: 3 certificates pay",
            ],
        ),
        ("task-14/trial-1#6", &["passengers: Chen Lee, Noah Hernandez", "upgrading just Noah"]),
        ("task-14/trial-1#8", &["gold member", "free for them: 6"]),
        ("task-28/trial-1#9", &["booked: 2024-05-08 10:31:36, more than 24 hours ago", "business"]),
        ("task-28/trial-1#12", &["the tool warns: flown already: HAT115 on 2024-05-09"]),
        ("task-46/trial-3#2", &["for Noah Muller", "proceed with the compensation"]),
        ("task-46/trial-3#8", &["$1002 = $334 x 3", "is $45 too little", "Visa ending in 2076"]),
        ("task-46/trial-3#11", &["the payment is $45 too much"]),
    ] {
        for fact in facts {
            assert!(cards[call].contains(fact), "{call}: {fact}: {}", cards[call]);
        }
    }
    for call in ["task-8/trial-1#8", "task-28/trial-1#9", "task-14/trial-1#8", "task-46/trial-3#2"]
    {
        assert!(!cards[call].contains("the tool warns"), "{call}: {}", cards[call]);
    }
    for (call, card) in &cards {
        assert!(card.contains("would do") && card.contains("says why"), "{call}: {card}");
        assert!(card.contains("the customer wrote"), "{call}: {card}");
    }
}
