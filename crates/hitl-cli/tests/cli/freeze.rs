//! `hitl freeze` and `hitl thaw`: a stop for every process on the store, and only a person ends it.

use std::path::Path;

use hitl::Outcome;
use hitl_core::{FreezeScope, GateErrorKind};

use super::house::{House, said, wire};

fn audit_folder(house: &House) -> String {
    let folder = house.path("audit");
    std::fs::create_dir_all(&folder).unwrap();
    said(&folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_5_a_freeze_from_the_command_line_stops_the_program_and_a_thaw_ends_it() {
    let house = House::new().await;
    let audit = audit_folder(&house);
    let waiting = house.wire("Initech", 5).await;
    let frozen = house.hitl(&["freeze", "--reason", "an\nincident", "--audit", &audit]).ended(0);
    assert!(frozen.out.starts_with("Frozen: all tenants, by tester at "), "{}", frozen.out);
    assert!(frozen.out.contains("hitl") && frozen.out.contains("thaw"), "{}", frozen.out);
    assert!(!frozen.out.contains("an\nincident"), "{}", frozen.out);
    let listed = house.hitl(&["queue"]).ended(0);
    assert!(listed.err.contains("FROZEN, nothing starts"), "{}", listed.err);
    assert!(listed.out.contains("Initech"), "{}", listed.out);

    house.gate.decide(waiting.ticket.request().approve().by("bob")).await.unwrap();
    let pause = std::time::Duration::from_millis(1);
    assert!(waiting.ticket.wait_for(pause).await.unwrap().is_none(), "it does not start");
    // An agent and a service do not thaw, nor does anybody without an audit.
    for who in ["agent:bot", "service:cron"] {
        house.hitl(&["thaw", "--as", who, "--audit", &audit]).ended(5);
    }
    house.hitl(&["thaw"]).ended(2);
    assert_eq!(house.gate.freezes().await.unwrap().len(), 1);

    // To freeze again changes nothing.
    let again = house.hitl(&["freeze", "--reason", "mine", "--audit", &audit, "--json"]).ended(0);
    assert_eq!(again.json()[0][0]["reason"], "an\nincident");
    let thawed = house.hitl(&["thaw", "--audit", &audit]).ended(0);
    assert_eq!(thawed.out, "Nothing is frozen: approved calls start.\n");
    house.hitl(&["thaw", "--audit", &audit]).ended(0);
    assert!(matches!(waiting.ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert!(!house.hitl(&["queue"]).ended(0).err.contains("FROZEN"));

    let mut chains: Vec<String> = std::fs::read_dir(house.path("audit"))
        .unwrap()
        .map(|entry| said(&entry.unwrap().path()))
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "jsonl"))
        .collect();
    let log: String = chains.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(log.matches("\"event\":\"frozen\"").count(), 1, "{log}");
    assert_eq!(log.matches("\"event\":\"thawed\"").count(), 1, "{log}");
    chains.splice(0..0, ["audit".to_owned(), "verify".to_owned()]);
    let verify: Vec<&str> = chains.iter().map(String::as_str).collect();
    super::house::hitl(&verify).ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_frozen_by_its_name_and_others_are_not() {
    let house = House::new().await;
    let audit = audit_folder(&house);
    house.hitl(&["freeze", "--reason", "why", "--tenant", "acme", "--audit", &audit]).ended(0);
    let acme = hitl::CallContext::new("ann").tenant("acme");
    let note = house.gate.submit(wire("Initech", 1)).by(acme).await.unwrap();
    drop(note);
    let others = house.hitl(&["queue", "--tenant", "default"]).ended(0);
    assert!(!others.err.contains("FROZEN"), "{}", others.err);
    let theirs = house.hitl(&["queue", "--tenant", "acme"]).ended(0);
    assert!(theirs.err.contains("FROZEN") && theirs.err.contains("acme"), "{}", theirs.err);
    // That nobody froze all tenants is no error.
    let still = house.hitl(&["thaw", "--audit", &audit]).ended(0);
    assert!(still.out.contains("Frozen: the tenant acme"), "{}", still.out);
    let thawed = house.hitl(&["thaw", "--tenant", "acme", "--audit", &audit]).ended(0);
    assert!(thawed.out.starts_with("Nothing is frozen"), "{}", thawed.out);
    let refused = house.gate.freeze(FreezeScope::All, "", "eve").await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::NotFrozen);
    house.hitl(&["freeze", "--reason", " "]).ended(5);
}
