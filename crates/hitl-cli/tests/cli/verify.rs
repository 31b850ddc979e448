//! `hitl verify` as an operator and a pipeline use it.

use std::process::Command;

use hitl::store::Store as _;

use crate::house::{House, Ran, hitl, said};

/// Returns the result of each trial, by name.
#[track_caller]
fn results(ran: &Ran) -> Vec<(String, String)> {
    let trials = ran.json()[0]["trials"].clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let trials = trials.as_array().unwrap().iter();
    trials.map(|trial| (text(&trial["name"]), text(&trial["result"]))).collect()
}

/// Returns the bytes of a file, read by another process: SQLite's locks on it end when any part of
/// this process closes it.
fn bytes(path: &std::path::Path) -> Vec<u8> {
    Command::new("cat").arg(path).output().unwrap().stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guarantee_is_tried_beside_a_store_that_is_not_touched() {
    let house = House::new().await;
    house.wire("Initech", 120).await;
    // What is acknowledged later would change the file, too.
    house.gate.flush_audit().await.unwrap();
    let rules = "schema = 1\nversion = \"7\"\n[[rule]]\nname = \"big\"\neffect = \"deny\"\ntool = \"wire\"\n\
                 [[test]]\nname = \"wires\"\ntool = \"wire\"\nexpect = \"deny\"\n";
    let policy = house.file("policy.toml", rules);
    let junit = said(&house.path("results.xml"));
    let before = (
        house.store.last_history_seq().await.unwrap(),
        bytes(&house.path("hitl.db")),
        bytes(&house.path("hitl.db-wal")),
    );
    let ran = house.hitl(&["verify", "--policy", &policy, "--junit", &junit, "--json"]).ended(0);
    let after = (
        house.store.last_history_seq().await.unwrap(),
        bytes(&house.path("hitl.db")),
        bytes(&house.path("hitl.db-wal")),
    );
    assert!(before == after, "the given store was changed");
    let results = results(&ran);
    assert_eq!(results.len(), 15, "{results:?}");
    assert!(results.iter().all(|(_, result)| result == "passed"), "{ran:?}");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"15\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{xml}");
    assert!(xml.contains("name=\"killed-process\""), "{xml}");
    // The scratch folder beside the store is gone.
    let left = std::fs::read_dir(house.path("")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("verify")), "{left:?}");
}

#[test]
fn what_cannot_be_tried_is_not_passed_and_a_wrong_rule_file_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        said(&folder.path().join(name))
    };
    let strict = "schema = 1\nversion = \"1\"\n[[rule]]\nname = \"none\"\neffect = \"deny\"\n\
                  tool = \"hitl_verify\"\n";
    let ran = hitl(&["verify", "--json", "--policy", &file("strict.toml", strict)]).ended(0);
    let results = results(&ran);
    let of = |name: &str| &results.iter().find(|(trial, _)| trial == name).unwrap().1;
    assert_eq!(of("at-most-once"), "notApplicable");
    assert_eq!(of("rule-file"), "notApplicable", "it has no tests");
    assert_eq!(of("killed-process"), "passed", "its rules are not in force there");
    let text =
        hitl(&["verify", "--policy", &file("broken.toml", "schema = 1\n[[rule]]\n")]).ended(6);
    assert!(text.out.contains("FAILED   the rule file loads"), "{text:?}");
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{text:?}");
    hitl(&["verify", "--url", "http://127.0.0.1:1"]).ended(2);
    hitl(&["verify", "--db", &said(&folder.path().join("nothing.db"))]).ended(3);
    hitl(&["verify", "--policy", &said(&folder.path().join("nothing.toml"))]).ended(3);
}
