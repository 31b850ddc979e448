//! `hitl take-back`: an approval that is taken back before its call starts.

use hitl::prelude::*;

use super::house::House;

/// Deploys a version.
#[hitl_tool(risk = "high", base_confidence = 50, grace = "10m")]
async fn deploy(version: String) -> String {
    format!("deployed {version}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_approved_takes_it_back_and_others_do_not() {
    let house = House::new().await;
    let gate = Gate::builder().store(house.store.clone()).tool::<Deploy>().build().await.unwrap();
    let submitted = gate.submit(deploy("7".to_owned())).by("owner").await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let (id, binding) = (ticket.request().id.to_string(), ticket.request().binding.to_string());
    house.hitl(&["take-back", &id, "--as", "bob"]).ended(4);
    let said = house.hitl(&["approve", &id, "--binding", &binding, "--as", "bob"]).ended(0);
    assert!(said.out.contains("does not start before"), "{}", said.out);
    assert!(said.out.contains("take-back"), "{}", said.out);
    let refused = house.hitl(&["take-back", &id, "--as", "eve"]).ended(5);
    assert!(refused.err.contains("only who approved"), "{}", refused.err);
    let back = house.hitl(&["take-back", &id, "--as", "bob", "--json"]).ended(0).json();
    assert_eq!((&back[0]["state"], &back[0]["revision"]), (&"pending".into(), &2.into()));
    // What was shown before is no longer the question.
    house.hitl(&["approve", &id, "--binding", &binding, "--as", "bob"]).ended(4);
    house.hitl(&["take-back", &id, "--as", "bob"]).ended(4);
}
