//! The rig itself: each official client, against official servers without anything of hitl between
//! them. What fails here is no fault of hitl.

use serde_json::json;

use crate::client::{Abilities, Address, Call, Client, FORMS, Kind};
use crate::installed::installed;

#[test]
fn each_client_lists_calls_answers_and_gives_up() {
    let Some(installed) = installed() else { return };
    let address = Address::Command(installed.server("everything", &[]));
    for kind in Kind::ALL {
        if kind == Kind::TypeScript2Pinned {
            // The server knows no version later than 2025-11-25.
            let refused = Client::try_connect(&installed, kind, &address, FORMS);
            assert!(refused.is_err(), "{kind:?}");
            continue;
        }
        let mut client = Client::connect(&installed, kind, &address, FORMS);
        assert_eq!(client.version(), "2025-11-25", "{kind:?}");
        assert!(client.names().iter().any(|name| name == "get-sum"), "{kind:?}");
        let seen = client.call(&Call::new("get-sum", json!({"a": 1, "b": 2})));
        assert_eq!(seen.text(), "The sum of 1 and 2 is 3.", "{kind:?}");
        let question = Call::new("trigger-elicitation-request", json!({}));
        let seen = client.call(&question.answer(json!({"action": "decline"})));
        assert_eq!(seen.asked().len(), 1, "{kind:?}");
        assert!(seen.text().contains("declined"), "{kind:?}: {seen:?}");
        let long = || {
            let arguments = json!({"duration": 3, "steps": 60});
            Call::new("trigger-long-running-operation", arguments)
        };
        let seen = client.call(&long().timeout(500));
        assert!(seen.failure().is_some_and(|why| why.contains("timed out")), "{kind:?}: {seen:?}");
        assert!(!seen.progress().is_empty(), "{kind:?}");
        let seen = client.call(&long().abort(500));
        assert!(seen.failure().is_some(), "{kind:?}: {seen:?}");
        client.close();
    }
}

#[test]
fn the_modern_era_is_negotiated_with_a_server_that_knows_it() {
    let Some(installed) = installed() else { return };
    let address = Address::Command(installed.script("everything.js"));
    for kind in Kind::ALL {
        let mut client = Client::connect(&installed, kind, &address, FORMS);
        let version = if kind.is_modern() { "2026-07-28" } else { "2025-11-25" };
        assert_eq!(client.version(), version, "{kind:?}");
        let answer = json!({"action": "accept", "content": {"name": "Ann"}});
        let question = Call::new("test_input_required_result_elicitation", json!({}));
        let seen = client.call(&question.answer(answer));
        assert_eq!(seen.text(), "Hello, Ann!", "{kind:?}");
        client.close();
    }
}

#[test]
fn the_official_servers_and_inspector_answer() {
    let Some(installed) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("a.txt"), "read me").unwrap();
    let filesystem = installed.server("filesystem", &[path]);
    let listed = installed.inspect(&filesystem, &["--method", "tools/list"]);
    let names = |listed: &serde_json::Value| {
        let tools = listed["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(names(&listed).contains(&"write_file".to_owned()));
    for (server, tool) in [("memory", "create_entities"), ("git", "git_commit")] {
        let address = Address::Command(installed.server(server, &[]));
        let mut client = Client::connect(&installed, Kind::Python, &address, Abilities::default());
        assert!(client.names().contains(&tool.to_owned()), "{server}");
        client.close();
    }
}
