//! The environment beside flags, and what is said on standard error.

use std::process::Command;

use crate::console::Office;
use crate::house::{House, hitl, program, ran, said};

/// Variables for a place that is not the one that the flags name.
fn elsewhere<'c>(command: &'c mut Command, variables: &[(&str, &str)]) -> &'c mut Command {
    command.envs(variables.iter().copied())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_beats_the_environment() {
    let (house, office) = (House::new().await, Office::new().await);
    let (here, there) = (house.wire("Initech", 1).await, office.house.wire("Globex", 2).await);
    let db = said(&house.path("hitl.db"));
    let missing = said(&house.path("missing"));
    let of_stores = [
        ("HITL_DB", missing.as_str()),
        ("HITL_SCHEMA", "other"),
        ("HITL_KEY_FILE", missing.as_str()),
        ("HITL_AUDIT", missing.as_str()),
        ("HITL_APPROVER", "somebody else"),
    ];
    let of_consoles = [("HITL_URL", "http://127.0.0.1:1"), ("HITL_TOKEN_FILE", missing.as_str())];
    // Each variable alone, and all together, where the flag names the other kind of place.
    for variables in of_stores.iter().map(std::slice::from_ref).chain([&of_stores[..]]) {
        for arguments in [&["queue", "--json"][..], &["show", &there.id, "--json"]] {
            let mut command = office.program("ann-secret-token", arguments);
            let listed = ran(elsewhere(&mut command, variables)).ended(0);
            assert_eq!(listed.json()[0]["id"], there.id.as_str(), "{variables:?}");
        }
    }
    let schema = [("HITL_SCHEMA", "other")];
    for variables in of_consoles.iter().map(std::slice::from_ref).chain([&of_consoles, &schema[..]])
    {
        // Wherever the flag stands.
        for arguments in [["--db", &db, "queue", "--json"], ["queue", "--json", "--db", &db]] {
            let listed = ran(elsewhere(&mut program(&arguments), variables)).ended(0);
            assert_eq!(listed.json()[0]["id"], here.id.as_str(), "{variables:?}");
        }
    }
    // The same place, and who decides.
    let mut queue = program(&["--db", &db, "queue", "--json"]);
    let listed = ran(queue.env("HITL_DB", &missing)).ended(0);
    assert_eq!(listed.json()[0]["id"], here.id.as_str());
    let reject = ["--db", &db, "reject", &here.id, "--reason", "no", "--as", "ann"];
    let done = ran(program(&reject).env("HITL_APPROVER", "bob")).ended(0);
    assert!(done.out.contains("decided by ann"), "{done:?}");
    // A code that a flag gives is the one that is sent.
    let (url, token) = ("http://127.0.0.1:1", house.file("token", "ann-secret-token"));
    let file =
        ran(program(&["queue", "--url", url, "--token-file", &token])
            .env("HITL_TOKEN_FILE", &missing))
        .ended(1);
    assert!(!file.err.contains("missing"), "{file:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_places_in_the_environment_or_in_flags_are_a_question() {
    let house = House::new().await;
    let db = said(&house.path("hitl.db"));
    let both = [("HITL_DB", db.as_str()), ("HITL_URL", "http://127.0.0.1:1")];
    let unclear = ran(elsewhere(&mut program(&["queue"]), &both)).ended(2);
    assert!(unclear.err.contains("not both"), "{unclear:?}");
    house.hitl(&["queue", "--url", "http://127.0.0.1:1"]).ended(2);
    // The commands that are suggested name the place that was chosen.
    let call = house.wire("Initech", 1).await;
    let mut show = program(&["--db", &db, "show", &call.id]);
    let shown = ran(elsewhere(&mut show, &both)).ended(0);
    assert!(shown.out.contains("--db"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_an_error_says_who_speaks() {
    let house = House::new().await;
    let (one, two) = (house.wire("Initech", 1).await, house.wire("Globex", 2).await);
    let same = one.id.bytes().zip(two.id.bytes()).take_while(|(a, b)| a == b).count();
    for (arguments, code) in [
        (&["queue", "--stat", "x"][..], 2),
        (&["qeueu"], 2),
        (&["show"], 2),
        (&["show", &one.id[..same.min(8)]], 2),
        (&["show", "ffffffffffff"], 3),
        (&["approve", &one.id], 2),
        (&["resolve", &one.id, "--done"], 4),
        (&["audit", "verify", "none.jsonl"], 3),
    ] {
        let ran = house.hitl(arguments).ended(code);
        assert!(!ran.err.is_empty(), "{ran:?}");
        assert!(ran.err.lines().all(|line| line.starts_with("hitl: ")), "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains("error: "), "{ran:?}");
    }
    // Without a command, help is what is needed.
    assert!(hitl(&[]).ended(2).err.contains("Usage: hitl [OPTIONS] <COMMAND>"));
}
