//! `audit verify`.

use crate::house::{House, hitl, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_log_is_found_out() {
    let house = House::new().await;
    for amount in 1..4 {
        let call = house.wire("Initech", amount).await;
        let record =
            house.gate.unscoped().get_by_key(&call.ticket.request().key).await.unwrap().unwrap();
        house.gate.decide(record.request().approve().by("bob")).await.unwrap();
        call.ticket.wait().await.unwrap();
    }
    let log = said(&house.path("audit.jsonl"));
    let sound = hitl(&["audit", "verify", &log]).ended(0);
    assert!(sound.out.starts_with("sound: "), "{sound:?}");
    house.hitl(&["audit", "verify", &log]).ended(0);
    let whole = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.lines().collect();

    let changed = house.file("changed.jsonl", &whole.replacen("bob", "eve", 1));
    let ran = hitl(&["audit", "verify", &changed, "--json"]).ended(6);
    assert_eq!(ran.json()[0]["findings"][0]["kind"], "altered");

    let without = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    let without = house.file("without.jsonl", &without);
    assert!(hitl(&["audit", "verify", &without]).ended(6).out.contains("missing"));

    // Truncated at the end: valid by itself, detected with a checkpoint and with the store.
    let cut = house.file("cut.jsonl", &(lines[..2].join("\n") + "\n"));
    hitl(&["audit", "verify", &cut]).ended(0);
    let heads = hitl(&["audit", "verify", &log, "--json"]).ended(0).json()[0]["heads"].clone();
    let checkpoint = serde_json::json!({"schema": 1, "at": "2026-01-02T03:04:05Z", "heads": heads});
    let checkpoint = house.file("checkpoint.json", &checkpoint.to_string());
    let ran = hitl(&["audit", "verify", &cut, "--checkpoint", &checkpoint]).ended(6);
    assert!(ran.out.contains("truncated"), "{ran:?}");
    let ran = house.hitl(&["audit", "verify", &cut]).ended(6);
    assert!(ran.out.contains("noIntent"), "{ran:?}");

    // A key that did not sign the checkpoint.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let trusted = ["audit", "verify", &log, "--checkpoint", &checkpoint, "--trust", key];
    assert!(hitl(&trusted).ended(6).out.contains("badCheckpoint"));
    hitl(&["audit", "verify", &log, "--trust", "xyz"]).ended(2);
    hitl(&["audit", "verify", &said(&house.path("none.jsonl"))]).ended(3);
    hitl(&["audit", "verify", &log, "--checkpoint", &log]).ended(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_all_of_its_chains_verified() {
    let house = House::new().await;
    let (call, other) = (house.wire("Initech", 1).await, house.wire("Globex", 2).await);
    let folder = said(&house.path(""));
    let one = hitl(&["audit", "verify", &folder]).ended(0);
    assert!(one.out.ends_with(" in 1 chain\n"), "{one:?}");
    // A second writer has a file of its own there.
    for id in [&call.id, &other.id] {
        house.hitl(&["reject", id, "--reason", "no", "--audit", &folder]).ended(0);
    }
    let two = hitl(&["audit", "verify", &folder]).ended(0);
    assert!(two.out.starts_with("sound: ") && two.out.ends_with(" in 2 chains\n"), "{two:?}");
    let path = house.path("audit-1.jsonl");
    let changed = std::fs::read_to_string(&path).unwrap().replacen("tester", "tamper", 1);
    std::fs::write(&path, changed).unwrap();
    let found = hitl(&["audit", "verify", &folder]).ended(6);
    assert!(found.out.contains("audit-1.jsonl"), "{found:?}");
    std::fs::create_dir(house.path("empty")).unwrap();
    let none = hitl(&["audit", "verify", &said(&house.path("empty"))]).ended(3);
    assert!(none.err.contains("no audit log"), "{none:?}");
}
