//! An upstream that changes its tools after somebody has approved them.

use serde_json::{Value, json};

use crate::client::{Abilities, Call, Client, Kind};
use crate::gateway::Gateway;
use crate::installed::{Installed, installed};
use crate::upstream::{Upstream, tool};

/// Waits until the client is shown that the list has changed, or lists it without that.
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
    let connect = || Client::connect(installed, Kind::TypeScript1, &address, Abilities::default());
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
    assert!(denied.failure().is_some() || denied.is_error(), "{what}: {denied:?}");
    client.close();

    // And in the next session.
    let mut client = connect();
    assert!(!listed(&mut client, "read_note"), "{what}");
    let denied = client.call(&read);
    assert!(denied.failure().is_some() || denied.is_error(), "{what}: {denied:?}");
    assert_eq!(upstream.runs("read_note"), 1, "{what}");
    client.close();

    let difference = gateway.pins(&["diff"]);
    assert!(difference.contains(shown), "{what}: {difference}");
    gateway.pins(&["approve"]);
    let mut client = connect();
    assert!(listed(&mut client, "read_note"), "{what}");
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
fn a_renamed_tool_is_a_new_one_and_its_old_name_is_gone() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::with(&json!([tool("read_note", true, "Reads a note.")]));
    let gateway = Gateway::before(upstream.command(&installed));
    let address = gateway.address();
    let connect = || Client::connect(&installed, Kind::TypeScript1, &address, Abilities::default());
    connect().close();
    upstream.list(&json!([tool("peek_note", true, "Reads a note.")]));
    let mut client = connect();
    let old = client.call(&Call::new("read_note", json!({})));
    assert!(old.failure().is_some() || old.is_error(), "{old:?}");
    // A new tool needs a full review, read-only or not, until it is pinned.
    let new = client.call(&Call::new("peek_note", json!({})).timeout(2_000));
    assert!(new.failure().is_some(), "{new:?}");
    assert_eq!(gateway.the_pending_call()["level"], "full");
    assert_eq!(upstream.runs("peek_note"), 0);
    client.close();
}
