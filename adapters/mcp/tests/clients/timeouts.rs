//! A client that gives up before the reviewer has decided, and calls again.

use serde_json::{Value, json};

use crate::client::{Call, Client, Forms, Kind};
use crate::gateway::{Gateway, writes_need};
use crate::installed::{Installed, installed};
use crate::upstream::Upstream;

fn send() -> Call {
    Call::new("send_note", json!({"note": "patience"}))
}

fn one_intention_is_one_call(installed: &Installed, kind: Kind) {
    let upstream = Upstream::new();
    let gateway = Gateway::before(upstream.command(installed));
    gateway.policy(&writes_need("full"));
    let mut client = Client::connect(installed, kind, &gateway.address(), Forms::Absent);
    // Two seconds, in place of the minute that SDKs wait.
    let given_up = client.call(&send().timeout(2_000));
    assert!(given_up.failure().is_some(), "{kind:?}: {given_up:?}");
    let waiting = gateway.the_pending_call();
    let aborted = client.call(&send().abort(1_000));
    assert!(aborted.failure().is_some(), "{kind:?}: {aborted:?}");
    assert_eq!(gateway.the_pending_call()["id"], waiting["id"], "{kind:?}");

    // Decided while the client calls once more.
    client.send(&send());
    gateway.approve(&waiting);
    let seen = client.seen();
    assert!(seen.text().contains("did not run again"), "{kind:?}: {seen:?}");
    assert!(seen.text().ends_with("send_note has run"), "{kind:?}: {seen:?}");
    assert_eq!(upstream.runs("send_note"), 1, "{kind:?}");

    // A call is over once its outcome was delivered: the same again is another intention.
    let again = client.call(&send().timeout(2_000));
    assert!(again.failure().is_some(), "{kind:?}: {again:?}");
    let another = gateway.the_pending_call();
    assert_ne!(another["id"], waiting["id"], "{kind:?}");
    gateway.reject(&another, "once is enough");
    let rejected = client.call(&send());
    assert!(rejected.is_error() && rejected.text().contains("once is enough"), "{rejected:?}");
    assert_eq!(upstream.runs("send_note"), 1, "{kind:?}");
    client.close();
}

#[test]
fn invariant_3_a_client_of_sessions_that_gives_up_and_retries_makes_one_run() {
    let Some(installed) = installed() else { return };
    one_intention_is_one_call(&installed, Kind::TypeScript1);
}

#[test]
fn invariant_3_a_client_of_the_modern_era_that_gives_up_and_retries_makes_one_run() {
    let Some(installed) = installed() else { return };
    one_intention_is_one_call(&installed, Kind::TypeScript2Pinned);
}

#[test]
fn invariant_3_a_client_in_python_that_gives_up_and_retries_makes_one_run() {
    let Some(installed) = installed() else { return };
    one_intention_is_one_call(&installed, Kind::Python);
}

#[test]
fn a_client_without_forms_and_tasks_is_held_with_progress_and_then_answered() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::new();
    let gateway = Gateway::before(upstream.command(&installed)).options(&["--hold", "3"]);
    gateway.policy(&writes_need("full"));
    for kind in [Kind::TypeScript1, Kind::TypeScript2Pinned, Kind::Python] {
        let address = gateway.address();
        let mut client = Client::connect(&installed, kind, &address, Forms::Absent);
        let send = || Call::new("send_note", json!({"note": format!("of {kind:?}")}));
        let seen = client.call(&send());
        let waiting = gateway.the_pending_call();
        let id = waiting["id"].as_str().unwrap();
        assert!(seen.text().contains(id), "{kind:?}: {seen:?}");
        assert!(!seen.progress().is_empty(), "{kind:?}: {seen:?}");
        assert!(increases(seen.progress()), "{kind:?}: {seen:?}");
        assert_eq!(upstream.runs("send_note"), 0, "{kind:?}");
        gateway.reject(&waiting, "the next client's turn");
        assert!(client.call(&send()).is_error(), "{kind:?}");
        client.close();
    }
}

fn increases(progress: &[Value]) -> bool {
    let values: Vec<f64> = progress.iter().map(|seen| seen["progress"].as_f64().unwrap()).collect();
    values.windows(2).all(|pair| pair[0] < pair[1])
}
