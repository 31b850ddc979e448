//! The glass is broken at a store: who may, what runs, and how loud it is.

use std::time::Duration;

use hitl::grant::Envelope;
use hitl::prelude::*;

use crate::house::{House, said, wire};

async fn house() -> House {
    let envelope =
        Envelope::new(["wire"]).role("oncall").longest(Duration::from_secs(3600)).uses(2);
    House::with(|gate| gate.break_glass(envelope)).await
}

/// Returns whether a payment runs without asking.
async fn runs(house: &House, amount: u32) -> bool {
    let asked = house.gate.submit(wire("Initech", amount)).by("owner").await.unwrap();
    matches!(asked, Submission::Done { .. })
}

const ORDER: [&str; 11] = [
    "break-glass",
    "--tool",
    "wire",
    "--for",
    "30m",
    "--reason",
    "the bank closes",
    "--as",
    "ann",
    "--role",
    "oncall",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_glass_is_given_said_and_ended_at_a_store() {
    let house = house().await;
    let call = house.wire("Initech", 120).await;
    let folder = said(&house.path("audit"));
    let ordered = |more: &[&str]| house.hitl(&[&ORDER[..], more].concat());
    let audited = |more: &[&str]| ordered(&[&["--audit", &folder], more].concat());

    let refused = ordered(&[]).ended(2);
    assert!(refused.err.contains("--audit FOLDER"), "{refused:?}");
    let wide = audited(&["--uses", "3"]);
    assert!(wide.code != 0 && wide.err.contains("more uses than the host's envelope"), "{wide:?}");
    let eve = house.hitl(&[&ORDER[..7], &["--as", "eve", "--audit", &folder]].concat());
    assert!(eve.code != 0 && eve.err.contains("does not let this person"), "{eve:?}");
    assert_eq!(house.state(&call.id), "pending");
    assert!(!house.hitl(&["queue"]).ended(0).err.contains("BREAK-GLASS"));

    // Whose calls may run follows from the one that waits.
    let given = audited(&["--uses", "2", "--json"]).ended(0);
    let grant = &given.json()[0]["grant"];
    assert_eq!((&grant["principal"], &grant["by"]), (&"owner".into(), &"ann".into()));
    assert_eq!(grant["breakGlass"]["reason"], "the bank closes");
    assert!(given.err.contains("BREAK-GLASS: ann lets `wire` run"), "{given:?}");
    assert_eq!(house.state(&call.id), "approved");
    let queue = house.hitl(&["queue"]).ended(0);
    for says in ["BREAK-GLASS is in force: ann lets wire run for owner", "0 of 2 used", "revoke"] {
        assert!(queue.err.contains(says), "{queue:?}");
    }
    let text = house.hitl(&["grants"]).ended(0).out;
    assert!(text.contains("live BREAK-GLASS"), "{text}");
    assert!(runs(&house, 7).await);

    let id = grant["id"].as_str().unwrap();
    let revoke = ["revoke", id, "--reason", "it is open again", "--audit", &folder];
    let revoked = house.hitl(&revoke).ended(0);
    assert!(revoked.err.contains("BREAK-GLASS ended"), "{revoked:?}");
    assert!(!runs(&house, 8).await, "somebody is asked again");
    assert!(!house.hitl(&["queue"]).ended(0).err.contains("BREAK-GLASS"));
    let log: String = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    for event in ["breakGlassOpened", "breakGlassEnded"] {
        assert_eq!(log.matches(&format!(r#""event":"{event}""#)).count(), 1, "{log}");
    }
    assert!(log.contains("ann") && log.contains("because: the bank closes"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_assigned_and_a_deputy_sees_it_as_theirs() {
    let house = House::new().await;
    let (one, _other) = (house.wire("Initech", 120).await, house.wire("Globex", 1).await);
    let requester = house.hitl(&["assign", &one.id, "--to", "owner", "--as", "bob"]);
    assert_ne!(requester.code, 0, "{requester:?}");
    let done = house.hitl(&["assign", &one.id, "--to", "ann", "--as", "bob"]).ended(0).out;
    assert!(done.contains("assigned to ann"), "{done}");
    let listed = |arguments: &[&str]| -> Vec<String> {
        let lines = house.hitl(&[&["queue", "--json"], arguments].concat()).ended(0).json();
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&["--assigned", "ann"]), std::slice::from_ref(&one.id));
    assert_eq!(listed(&["--mine", "--as", "Ann"]), std::slice::from_ref(&one.id));
    assert!(listed(&["--mine", "--as", "dan"]).is_empty());
    assert_eq!(listed(&[]).len(), 2);
    let table = house.hitl(&["queue"]).ended(0).out;
    assert!(table.contains("ASSIGNED TO") && table.contains("ann"), "{table}");

    assert!(house.hitl(&["away"]).ended(0).out.contains("Nobody is away"));
    let away = ["away", "--until", "7d", "--deputy", "dan", "--as", "ann"];
    let away = house.hitl(&away).ended(0).out;
    assert!(away.contains("ann is away until") && away.contains("dan stands in"), "{away}");
    assert_eq!(listed(&["--mine", "--as", "dan"]), std::slice::from_ref(&one.id));
    let card = house.hitl(&["show", &one.id]).ended(0).out;
    assert!(card.contains("assigned to ann"), "{card}");
    let again = house.hitl(&["assign", &one.id, "--to", "ann", "--as", "bob"]).ended(0).out;
    assert!(
        again.contains("note: ann is away until") && again.contains("dan stands in"),
        "{again}"
    );
    // An operator of the store ends it for her.
    house.hitl(&["back", "--reviewer", "ann", "--as", "bob"]).ended(0);
    assert!(listed(&["--mine", "--as", "dan"]).is_empty());
    let nobody = house.hitl(&["assign", &one.id, "--nobody", "--as", "bob"]).ended(0).out;
    assert!(nobody.contains("assigned to nobody"), "{nobody}");
    house.hitl(&["assign", &one.id]).ended(2);
}
