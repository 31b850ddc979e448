//! Listing and showing calls.

use crate::house::{House, hitl, said};

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_a_table_or_lines_of_json() {
    let house = House::new().await;
    let first = house.wire("Initech", 120).await;
    let second = house.drop_project("apollo").await;
    let table = house.hitl(&["queue"]).ended(0);
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("TITLE"), "{table:?}");
    assert!(table.out.contains("Wire 120 to \"Initech\""), "{table:?}");
    // A state that all have is not repeated.
    assert!(!lines[0].contains("STATE"), "{table:?}");
    let all = house.hitl(&["queue", "--state", "approved", "--state", "pending"]).ended(0);
    assert!(!all.out.contains("STATE"), "{all:?}");

    let json = house.hitl(&["queue", "--json", "--tool", "wire"]).ended(0).json();
    assert_eq!(json.len(), 1);
    assert_eq!(json[0]["id"], first.id.as_str());
    assert_eq!(json[0]["binding"], first.binding.as_str());
    // A holder of these tokens may withdraw or resolve the call.
    assert!(json[0].get("owner").is_none() && json[0].get("claim").is_none());

    let cut = house.hitl(&["queue", "--json", "--limit", "1"]).ended(0);
    assert_eq!(cut.json().len(), 1);
    assert!(cut.err.contains("there are more"), "{cut:?}");

    house.hitl(&["reject", &second.id, "--reason", "no"]).ended(0);
    let mixed = house.hitl(&["queue", "--state", "rejected", "--state", "pending"]).ended(0);
    assert!(mixed.out.contains("STATE") && mixed.out.contains("rejected"), "{mixed:?}");
    let ended = house.hitl(&["queue", "--json", "--state", "rejected"]).ended(0).json();
    assert_eq!(ended[0]["id"], second.id.as_str());
    house.hitl(&["queue", "--state", "undecided"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_wrote_cannot_move_the_cursor() {
    let house = House::new().await;
    let call = house.wire("\u{1b}[2J\u{202e}evil\nID", 1).await;
    for arguments in [&["queue"][..], &["show", &call.id]] {
        let ran = house.hitl(arguments).ended(0);
        assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'), "{ran:?}");
    }
    assert_eq!(house.hitl(&["queue"]).out.lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_shown_with_what_happened_to_it() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let shown = house.hitl(&["show", &call.id]).ended(0);
    let approve = format!("hitl approve {} --binding", &call.id[24..]);
    assert!(shown.out.contains(&approve), "{shown:?}");
    let json = house.hitl(&["show", &call.id, "--json"]).ended(0).json();
    assert_eq!(json[0]["history"][0]["event"], "submitted");
    let missing = "0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11";
    house.hitl(&["show", missing]).ended(3);
    house.hitl(&["show", "seven"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_and_counted() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    house.hitl(&["reject", &call.id, "--reason", "no", "--as", "bob"]).ended(0);
    let seen = house.hitl(&["watch", "--after", "0", "--count", "2", "--json"]).ended(0).json();
    assert_eq!(seen[0]["changed"]["entry"]["event"], "submitted");
    assert_eq!(seen[1]["changed"]["entry"]["state"], "rejected");
    assert_eq!(seen[1]["changed"]["entry"]["by"], "bob");
    let number = seen[0]["changed"]["place"].as_str().unwrap();
    let rest = house.hitl(&["watch", "--after", number, "--count", "1"]).ended(0);
    assert!(rest.out.contains("rejected by bob"), "{rest:?}");
    // A person reads that something happens, and from where on.
    let says = format!("hitl: following changes of calls after {number}; Ctrl-C ends it\n");
    assert_eq!(rest.err, says);

    house.wire("Initech", 121).await;
    let numbers = house.hitl(&["stats", "--json"]).ended(0).json();
    assert_eq!(numbers[0]["outcomes"]["rejected"], 1);
    assert_eq!(numbers[0]["states"]["pending"]["counted"], 1);
    assert!(numbers[0]["oldestWaitsSince"].is_string());
    assert!(house.hitl(&["stats"]).ended(0).out.contains("the oldest has been pending for"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_none_is_neither_made_nor_taken() {
    let house = House::new().await;
    let missing = said(&house.path("missing.db"));
    hitl(&["--db", &missing, "queue"]).ended(3);
    assert!(!house.path("missing.db").exists());
    let broken = house.file("broken.db", &"this is no database ".repeat(100));
    hitl(&["--db", &broken, "queue"]).ended(1);
    assert!(hitl(&["queue"]).ended(2).err.contains("--db"));
    let key = house.file("key", "short");
    house.hitl(&["--key-file", &key, "queue"]).ended(1);
    hitl(&["--db", "postgres://localhost/none", "queue"]).ended(2);
}

#[test]
fn help_and_completions() {
    let help = hitl(&["--help"]).ended(0);
    assert!(help.out.contains("Exit codes:"), "{help:?}");
    let ran = hitl(&["completions", "bash"]).ended(0);
    assert!(ran.out.contains("complete -F"), "{ran:?}");
    hitl(&[]).ended(2);
    hitl(&["qeueu"]).ended(2);
}
