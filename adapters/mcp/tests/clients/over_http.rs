//! Each official client before a gate of our own, over HTTP.

use serde_json::json;

use crate::client::{Address, Call, Client, Forms, Kind};
use crate::conformance::serve;
use crate::filesystem::{approve, reject};
use crate::installed::{installed, text};
use crate::program::example;

#[test]
fn each_client_is_answered_asked_and_held_over_http() {
    let Some(installed) = installed() else { return };
    for kind in Kind::ALL {
        let gate = serve(&[text(&example("conformance_server"))]);
        let address = Address::Url(gate.url.clone());
        let mut client = Client::connect(&installed, kind, &address, Forms::Shown);
        let version = if kind.is_modern() { "2026-07-28" } else { "2025-11-25" };
        assert_eq!(client.version(), version, "{kind:?}");
        assert!(client.names().contains(&"greet".to_owned()), "{kind:?}");

        let seen = client.call(&Call::new("greet", json!({"name": "Ann"})));
        assert_eq!((seen.text().as_str(), seen.asked().len()), ("Hello, Ann!", 0), "{kind:?}");

        // A question of the body, which runs already.
        let answer =
            json!({"action": "accept", "content": {"username": "ann", "email": "a@b.example"}});
        let question = Call::new("test_elicitation", json!({"message": "Who are you?"}));
        let seen = client.call(&question.answer(answer));
        assert_eq!(seen.asked()[0]["message"], "Who are you?", "{kind:?}: {seen:?}");
        assert!(seen.text().contains("a@b.example"), "{kind:?}: {seen:?}");

        // A question of the gate.
        let quick =
            |note: &str| Call::new("test_input_required_result_elicitation", json!({"note": note}));
        let seen = client.call(&quick("yes").answer(approve()));
        assert_eq!((seen.text().as_str(), seen.asked().len()), ("done", 1), "{kind:?}: {seen:?}");
        let seen = client.call(&quick("no").answer(reject("not over HTTP")));
        assert!(seen.is_error() && seen.text().contains("not over HTTP"), "{kind:?}: {seen:?}");

        // A call that a reviewer approves after a second.
        let seen = client.call(&Call::new("slow_compute", json!({"seconds": 1, "label": "x"})));
        assert_eq!((seen.text().as_str(), seen.asked().len()), ("computed x", 0), "{kind:?}");
        client.close();
    }
}
