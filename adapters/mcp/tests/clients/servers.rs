//! Official servers behind `hitl mcp`: what they list arrives as it is, and Inspector calls them.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::{Address, Call, Client, Forms, Kind};
use crate::gateway::Gateway;
use crate::installed::{full, installed};

/// Returns the tools that a client is listed, by their names. What a server says of the tasks of
/// 2025-11-25 is left out: the gateway does not offer those.
fn tools(client: &mut Client) -> Vec<Value> {
    let mut tools = client.list();
    // It lists this one to clients that open URLs for their users, as the gateway does.
    tools.retain(|tool| tool["name"] != "trigger-url-elicitation");
    for tool in &mut tools {
        tool.as_object_mut().unwrap().remove("execution");
    }
    tools.sort_by_key(|tool| tool["name"].as_str().unwrap().to_owned());
    tools
}

#[test]
fn official_servers_list_the_same_alone_and_behind_the_gateway() {
    let Some(installed) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let all = [
        installed.server("filesystem", &[path]),
        installed.server("git", &[]),
        installed.server("memory", &[]),
        installed.server("everything", &[]),
    ];
    for server in all.into_iter().take(full(4, 2)) {
        let mut alone = Client::connect(
            &installed,
            Kind::TypeScript1,
            &Address::Command(server.clone()),
            Forms::Shown,
        );
        let gateway = Gateway::before(server.clone());
        let mut behind =
            Client::connect(&installed, Kind::TypeScript1, &gateway.address(), Forms::Shown);
        let (expected, listed) = (tools(&mut alone), tools(&mut behind));
        assert!(expected.len() > 5, "{server:?}");
        assert_eq!(listed, expected, "{server:?}");
        alone.close();
        behind.close();
    }
}

#[test]
fn a_commit_through_the_gateway_is_made_once_it_is_approved() {
    let Some(installed) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=test", "-c", "user.email=test@b.example"]);
        let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.name", "test"]);
    git(&["config", "user.email", "test@b.example"]);
    std::fs::write(folder.path().join("a.txt"), "a").unwrap();
    git(&["add", "a.txt"]);
    let gateway = Gateway::before(installed.server("git", &[]));
    let mut client = Client::connect(&installed, Kind::Python, &gateway.address(), Forms::Absent);
    let repository = folder.path().to_str().unwrap();
    let status = client.call(&Call::new("git_status", json!({"repo_path": repository})));
    assert!(status.text().contains("a.txt"), "{status:?}");
    let commit = json!({"repo_path": repository, "message": "By an agent"});
    client.send(&Call::new("git_commit", commit));
    let waiting = gateway.the_pending_call();
    assert!(!folder.path().join(".git/refs/heads/main").exists());
    assert!(!folder.path().join(".git/refs/heads/master").exists());
    gateway.approve(&waiting);
    let seen = client.seen();
    assert!(!seen.is_error(), "{seen:?}");
    assert_eq!(git(&["log", "--format=%s"]).trim(), "By an agent");
    client.close();
}

#[test]
fn inspector_lists_and_calls_through_the_gateway() {
    let Some(installed) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("there.txt");
    std::fs::write(&path, "what is there").unwrap();
    let server = installed.server("filesystem", &[folder.path().to_str().unwrap()]);
    let gateway = Gateway::before(server);
    let command = gateway.command();
    let listed = installed.inspect(&command, &["--method", "tools/list"]);
    assert!(listed.to_string().contains("write_file"), "{listed}");
    let argument = format!("path={}", path.to_str().unwrap());
    let read = ["--method", "tools/call", "--tool-name", "read_text_file", "--tool-arg", &argument];
    let read = installed.inspect(&command, &read);
    assert_eq!(read["content"][0]["text"], "what is there", "{read}");
}
