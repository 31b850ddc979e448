//! Grants: given, listed and revoked by scripts, over a store and over a console.

use hitl::Outcome;
use hitl::prelude::*;
use serde_json::json;

use crate::console::Office;
use crate::house::{House, wire};

/// Returns whether a payment runs without asking.
async fn runs(house: &House, to: &str, amount: u32) -> bool {
    matches!(
        house.gate.submit(wire(to, amount)).by("owner").await.unwrap(),
        Submission::Done { .. }
    )
}

const RULE: [&str; 8] = [
    "Run `wire` without asking, when `owner` asks for it",
    "in any run",
    "where `to` is \"Initech\"",
    "where `amount` is at most 500",
    "at most 3 times",
    "for at most 600 in `amount`, all calls together",
    "until it is revoked",
    "while the tool, its schema and its description stay as they are",
];

const TERMS: [&str; 9] =
    ["--durable", "--same", "to", "--at-most", "amount=500", "--uses", "3", "--sum", "amount=600"];

#[tokio::test(flavor = "multi_thread")]
async fn a_store_takes_a_grant_and_its_end() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let allow = |more: &[&str]| {
        let all = [&["allow", &call.id][..], &TERMS, more].concat();
        house.hitl(&all)
    };
    // The rule is shown without giving it.
    let shown = allow(&["--preview", "--json"]).ended(0).json();
    assert_eq!(shown[0], json!({ "rule": RULE, "waiting": 1 }));
    assert!(allow(&["--preview"]).ended(0).out.contains(RULE[3]));
    assert!(house.hitl(&["grants", "--all", "--json"]).ended(0).out.is_empty());

    let given = allow(&["--binding", &call.binding, "--as", "bob", "--json"]).ended(0).json();
    let (grant, allowed) = (&given[0]["grant"], &given[0]["allowed"]);
    assert_eq!((&grant["rule"], &grant["by"]), (&json!(RULE), &json!("bob")));
    assert_eq!(allowed[0]["id"], call.id.as_str());
    let Outcome::Executed(output) = call.ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some(r#""wired 120 to Initech""#));
    assert!(runs(&house, "Initech", 400).await);
    assert!(!runs(&house, "Initech", 501).await && !runs(&house, "Globex", 1).await);

    let numbers = house.hitl(&["stats", "--json"]).ended(0).json();
    assert_eq!(numbers[0]["outcomes"], json!({ "granted": 2 }), "no human approved them");

    let id = grant["id"].as_str().unwrap();
    let listed = house.hitl(&["grants", "--json"]).ended(0).json();
    assert_eq!((&listed[0]["used"], &listed[0]["spent"]), (&json!(2), &json!("520")));
    let one = house.hitl(&["grants", id, "--json"]).ended(0).json();
    assert_eq!(one, listed);
    let table = house.hitl(&["grants", "--tool", "wire", "--principal", "owner"]).ended(0).out;
    assert!(table.contains("2 of 3") && table.contains("520 of 600 in amount"), "{table}");
    let text = house.hitl(&["grants", id]).ended(0).out;
    assert!(RULE.iter().all(|line| text.contains(line)) && text.contains("by bob"), "{text}");
    assert_eq!(house.hitl(&["grants", "--tool", "other"]).ended(0).out.lines().count(), 1);

    house.hitl(&["revoke", id]).ended(2);
    house.hitl(&["revoke", id, "--reason", " "]).ended(2);
    let revoked = house.hitl(&["revoke", id, "--reason", "too much", "--as", "eve", "--json"]);
    let revoked = revoked.ended(0).json();
    assert_eq!(revoked[0]["standing"], "revoked");
    assert_eq!(revoked[0]["revoked"]["by"], "eve");
    assert!(!runs(&house, "Initech", 1).await);
    let late = house.hitl(&["revoke", id, "--reason", "me too"]).ended(4);
    assert!(late.err.contains("by eve"), "{late:?}");
    assert!(house.hitl(&["grants", "--json"]).ended(0).out.is_empty());
    assert_eq!(house.hitl(&["grants", "--all", "--json"]).ended(0).json(), revoked);
    house.hitl(&["revoke", &call.id, "--reason", "no such grant"]).ended(3);
    house.hitl(&["grants", &call.id]).ended(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_takes_the_same_words_and_gives_the_same() {
    let office = Office::new().await;
    let house = &office.house;
    let call = house.wire("Initech", 120).await;
    let preview = [&["allow", &call.id][..], &TERMS, &["--preview", "--json"]].concat();
    let shown = office.hitl(&preview).ended(0);
    assert_eq!(shown.out, house.hitl(&preview).ended(0).out);
    let allow = [&["allow", &call.id][..], &TERMS, &["--binding", &call.binding, "--json"]];
    let given = office.hitl(&allow.concat()).ended(0).json();
    let grant = &given[0]["grant"];
    assert_eq!((&grant["rule"], &grant["by"]), (&json!(RULE), &json!("ann")));
    assert!(runs(house, "Initech", 30).await);
    let id = grant["id"].as_str().unwrap();
    for arguments in [&["grants", "--json"][..], &["grants"], &["grants", id], &["grants", "--all"]]
    {
        let (there, here) = (office.hitl(arguments).ended(0), house.hitl(arguments).ended(0));
        assert_eq!(there.out, here.out, "{arguments:?}");
    }
    office.hitl(&["revoke", id, "--reason", "x", "--as", "eve"]).ended(2);
    let revoked = office.hitl(&["revoke", id, "--reason", "enough", "--json"]).ended(0).json();
    assert_eq!(revoked[0]["revoked"]["by"], "ann");
    office.hitl(&["revoke", id, "--reason", "again"]).ended(4);
    office.hitl(&["revoke", &call.id, "--reason", "none"]).ended(3);
    office.hitl(&["grants", &call.id]).ended(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_no_grant_on_what_was_not_looked_at() {
    let office = Office::new().await;
    let house = &office.house;
    let (call, other) = (house.wire("Initech", 120).await, house.wire("Initech", 9000).await);
    let gone = house.drop_project("apollo").await;
    let cases: [(&[&str], i32); 11] = [
        (&["allow", &call.id], 2),
        (&["allow", &call.id, "--binding", &call.binding[..7]], 2),
        (&["allow", &call.id, "--binding", &other.binding], 4),
        (&["allow", &call.id, "--binding", &call.binding, "--same", "gone"], 2),
        (&["allow", &call.id, "--binding", &call.binding, "--any", "--same", "to"], 2),
        (&["allow", &call.id, "--binding", &call.binding, "--at-most", "amount=-1"], 2),
        (&["allow", &call.id, "--binding", &call.binding, "--until", "some day"], 2),
        // Too broad, without room for the call itself, and a deletion.
        (&["allow", &call.id, "--binding", &call.binding, "--any", "--durable"], 5),
        (&["allow", &call.id, "--binding", &call.binding, "--at-most", "amount=1"], 5),
        (&["allow", &gone.id, "--binding", &gone.binding], 5),
        (&["allow", "01890000-0000-7000-8000-000000000000", "--binding", &call.binding], 3),
    ];
    for (arguments, code) in cases {
        let (here, there) = (house.hitl(arguments).ended(code), office.hitl(arguments).ended(code));
        assert!(here.out.is_empty() && there.out.is_empty(), "{arguments:?}");
    }
    assert!(house.hitl(&["grants", "--all", "--json"]).ended(0).out.is_empty());
    for call in [&call, &other, &gone] {
        assert_eq!(house.state(&call.id), "pending");
    }
    // A card says how, where there is a way.
    let card = house.hitl(&["show", &call.id]).ended(0).out;
    assert!(card.contains(&format!("hitl allow {} --binding", &call.id[24..])), "{card}");
    assert!(!house.hitl(&["show", &gone.id]).ended(0).out.contains("hitl allow"));
    house.hitl(&["reject", &call.id, "--reason", "no"]).ended(0);
    house.hitl(&["allow", &call.id, "--binding", &call.binding]).ended(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_after_its_time_and_is_audited_where_a_log_is_named() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let audit = folder.to_str().unwrap();
    let allow = ["allow", &call.id, "--binding", &call.binding, "--until", "8h", "--audit", audit];
    let given = house.hitl(&[&allow[..], &["--json"]].concat()).ended(0).json();
    let until: hitl::Timestamp = given[0]["grant"]["until"].as_str().unwrap().parse().unwrap();
    let saved: hitl::Timestamp = given[0]["grant"]["savedAt"].as_str().unwrap().parse().unwrap();
    let lasts = until.saturating_duration_since(saved).as_secs();
    assert!((8 * 3600 - 60..=8 * 3600).contains(&lasts), "{lasts}");
    let log = std::fs::read_to_string(folder.join("audit-1.jsonl")).unwrap();
    assert!(log.contains(r#""event":"grantSaved""#) && log.contains("without asking"), "{log}");
}
