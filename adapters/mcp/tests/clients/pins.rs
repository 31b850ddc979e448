//! An upstream that changes its tools after somebody has approved them.

use serde_json::{Value, json};

use crate::client::{Call, Client, Forms, Kind};
use crate::gateway::Gateway;
use crate::installed::{Installed, full, installed};
use crate::upstream::{Upstream, tool};

/// Returns whether the client is listed a tool.
fn listed(client: &mut Client, name: &str) -> bool {
    client.names().iter().any(|listed| listed == name)
}

/// The tools after a change, and a text that the difference has to show.
fn changes() -> Vec<(&'static str, Value, &'static str)> {
    let mut more = tool("read_note", true, "Reads a note.");
    more["inputSchema"]["properties"]["token"] = json!({"type": "string"});
    let mut hinted = tool("read_note", true, "Reads a note.");
    hinted["annotations"]["destructiveHint"] = json!(true);
    let mut titled = tool("read_note", true, "Reads a note.");
    titled["title"] = json!("Read");
    vec![
        ("one byte of the description", json!([tool("read_note", true, "Reads a nota.")]), "nota"),
        ("one more parameter", json!([more]), "token"),
        ("another hint", json!([hinted]), "destructiveHint"),
        ("a title", json!([titled]), "title"),
    ]
}

fn a_change_is_denied_until_approved(installed: &Installed, change: usize) {
    let upstream = Upstream::with(&json!([tool("read_note", true, "Reads a note.")]));
    let gateway = Gateway::before(upstream.command(installed));
    let address = gateway.address();
    let connect = || Client::connect(installed, Kind::TypeScript1, &address, Forms::Absent);
    let read = Call::new("read_note", json!({"note": "a"}));
    let mut client = connect();
    assert_eq!(client.call(&read).text(), "read_note has run");

    // In mid-session: the upstream says that its list has changed.
    let (what, tools, shown) = changes().swap_remove(change);
    upstream.list(&tools);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while listed(&mut client, "read_note") {
        assert!(std::time::Instant::now() < until, "{what}: it stays listed");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let denied = client.call(&read);
    // Seen in this step or in one of those before.
    client.events.extend_from_slice(denied.events());
    let changed = |event: &Value| event["method"] == "notifications/tools/list_changed";
    assert!(client.events.iter().any(changed), "{what}: {:?}", client.events);
    assert!(denied.failure().is_some() || denied.is_error(), "{what}: {denied:?}");
    client.close();

    // And in the next session.
    let mut client = connect();
    assert!(!listed(&mut client, "read_note"), "{what}");
    let denied = client.call(&read);
    assert!(denied.failure().is_some() || denied.is_error(), "{what}: {denied:?}");
    assert_eq!(upstream.runs("read_note"), 1, "{what}");
    client.close();

    let difference = gateway.pins_diff();
    assert!(difference.contains(shown), "{what}: {difference}");
    gateway.approve_pin("read_note");
    let mut client = connect();
    assert!(listed(&mut client, "read_note"), "{what}");
    let seen = client.call(&read);
    assert!(seen.asked().is_empty() && upstream.runs("read_note") <= 2, "{what}: {seen:?}");
    client.close();
}

#[test]
fn invariant_2_a_description_that_changes_by_a_byte_denies_its_tool_until_approved() {
    let Some(installed) = installed() else { return };
    a_change_is_denied_until_approved(&installed, 0);
}

#[test]
fn invariant_2_a_tool_that_gains_a_parameter_is_denied_until_approved() {
    let Some(installed) = installed() else { return };
    a_change_is_denied_until_approved(&installed, 1);
}

#[test]
fn every_other_change_of_a_definition_denies_its_tool_until_approved() {
    let Some(installed) = installed() else { return };
    for change in full(2..changes().len(), 2..3) {
        a_change_is_denied_until_approved(&installed, change);
    }
}

#[test]
fn invariant_5_a_renamed_tool_is_a_new_one_that_no_rule_lets_run() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::with(&json!([tool("read_note", true, "Reads a note.")]));
    let gateway = Gateway::before(upstream.command(&installed));
    gateway.policy(
        "schema = 1\nversion = \"1\"\n\n[[rule]]\nname = \"all\"\neffect = \"auto\"\n\
         tool = \"*\"\nrisk_at_most = \"critical\"\n",
    );
    let address = gateway.address();
    let connect = || Client::connect(&installed, Kind::TypeScript1, &address, Forms::Absent);
    let mut first = connect();
    assert!(listed(&mut first, "read_note"));
    first.close();
    upstream.list(&json!([tool("peek_note", true, "Reads a note.")]));
    let mut client = connect();
    assert_eq!(client.names(), ["peek_note"]);
    let old = client.call(&Call::new("read_note", json!({})));
    assert!(old.failure().is_some() || old.is_error(), "{old:?}");
    // A new tool needs a full review until it is pinned, regardless of its claims and the rules.
    let new = client.call(&Call::new("peek_note", json!({})).timeout(2_000));
    assert!(new.failure().is_some_and(|why| why.contains("timed out")), "{new:?}");
    assert_eq!(gateway.the_pending_call()["level"], "full");
    assert_eq!(upstream.runs("peek_note"), 0);
    client.close();
}
