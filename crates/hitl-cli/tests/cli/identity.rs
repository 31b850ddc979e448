//! Identification of a person: an agent's shell answers nothing, codes count once, and the audit
//! records the proof of identity.

use std::process::Command;

use serde_json::Value;

use crate::house::{House, Ran, Waiting, program, ran, said};

/// Runs `hitl` on the store below a process of this name: a script, so that the shell that runs it
/// is the parent and has its name.
fn below(house: &House, name: &str, arguments: &[&str]) -> Ran {
    let script = house.file(name, "#!/bin/sh\n\"$@\"\nexit $?\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    under(house, Command::new(script), arguments)
}

/// Does the same, with a given parent command.
fn under(house: &House, mut parent: Command, arguments: &[&str]) -> Ran {
    let db = said(&house.path("hitl.db"));
    let hitl = program(&[&["--db", &db], arguments].concat());
    parent.arg(hitl.get_program()).args(hitl.get_args());
    for (name, value) in hitl.get_envs() {
        match value {
            Some(value) => parent.env(name, value),
            None => parent.env_remove(name),
        };
    }
    ran(&mut parent)
}

fn audit(house: &House, events: &str) -> Vec<Value> {
    let folder = house.path("logs");
    let log = std::fs::read_to_string(folder.join("audit-1.jsonl")).unwrap();
    let lines =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone());
    lines.filter(|event| event["event"] == events).collect()
}

fn logs(house: &House) -> String {
    let folder = house.path("logs");
    std::fs::create_dir_all(&folder).unwrap();
    said(&folder)
}

/// Returns the actions that answer or loosen, as a person types them who has looked.
fn deeds(house: &House, call: &Waiting) -> [Vec<String>; 4] {
    let line = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    [
        line(&["approve", &call.id, "--binding", &call.binding, "--yes", "--as", "bob"]),
        line(&["allow", &call.id, "--binding", &call.binding, "--as", "bob"]),
        line(&["respond", &call.id, "--message", "go on", "--as", "bob"]),
        line(&["person", "enroll", "bob", "--as", "bob", "--audit", &logs(house)]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_an_agents_shell_answers_and_loosens_nothing() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    for agent in ["claude", "codex", "gemini", "cursor-agent", "goose.sh", "opencode"] {
        for deed in deeds(&house, &call) {
            let deed: Vec<&str> = deed.iter().map(String::as_str).collect();
            let refused = below(&house, agent, &deed).ended(5);
            assert!(refused.err.contains("only a person does this"), "{refused:?}");
            assert!(refused.out.is_empty());
        }
    }
    // A name that is only borrowed, and marks in the environment.
    let mut borrowed = Command::new("bash");
    borrowed.args(["-c", "exec -a claude bash -c '\"$@\"; exit $?' x \"$@\"", "x"]);
    let approve = deeds(&house, &call)[0].clone();
    let approve: Vec<&str> = approve.iter().map(String::as_str).collect();
    under(&house, borrowed, &approve).ended(5);
    for mark in ["CLAUDECODE", "CODEX_SANDBOX", "CURSOR_AGENT", "GEMINI_CLI", "GOOSE_TERMINAL"] {
        let mut marked = Command::new("env");
        marked.arg(format!("{mark}=1"));
        under(&house, marked, &approve).ended(5);
        // A mark that is removed is still in the environment of the shell that was started with it.
        let mut marked = Command::new("env");
        marked.args([&format!("{mark}=1"), "sh", "-c", "env -u \"$0\" \"$@\"; exit $?", mark]);
        under(&house, marked, &approve).ended(5);
    }
    assert_eq!(house.state(&call.id), "pending");
    // An unknown outcome is not resolved either, and nothing is shown of the call first.
    below(&house, "claude", &["resolve", &call.id, "--done", "--version", "1"]).ended(5);
    // An action that stops a call is harmless; the record says that the person is not known.
    let folder = logs(&house);
    let reject = ["reject", &call.id, "--reason", "no", "--as", "bob", "--audit", &folder];
    below(&house, "claude", &reject).ended(0);
    assert_eq!(audit(&house, "decided")[0]["knownBy"], "name");
}

/// A process namespace of one's own hides all ancestors, and a user namespace is needed to make
/// one, or to mount another `/proc` there.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_an_agent_that_hides_in_a_namespace_of_its_own_answers_and_loosens_nothing() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    for options in [&["-Urpf", "--mount-proc"][..], &["-Ur"]] {
        let hidden = || {
            let mut unshare = Command::new("unshare");
            unshare.args(options).args(["env", "-u", "TERM"]);
            unshare
        };
        if !hidden().arg("true").status().is_ok_and(|status| status.success()) {
            eprintln!("NOT TESTED: {options:?} needs namespaces, and this machine permits none");
            continue;
        }
        for deed in deeds(&house, &call) {
            let deed: Vec<&str> = deed.iter().map(String::as_str).collect();
            let refused = under(&house, hidden(), &deed).ended(5);
            assert!(refused.err.contains("not all processes above"), "{refused:?}");
        }
    }
    assert_eq!(house.state(&call.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_outside_of_an_agents_tree_goes_on_as_before_and_is_known_as_one() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let folder = logs(&house);
    let approve =
        ["approve", &call.id, "--binding", &call.binding, "--as", "bob", "--audit", &folder];
    below(&house, "deploy", &approve).ended(0);
    let decided = &audit(&house, "decided")[0];
    assert_eq!((&decided["knownBy"], &decided["byKind"]), (&"script".into(), &"human".into()));
    // It may name itself as an agent, and then answers only what the host permits.
    let second = house.wire("Initech", 121).await;
    let approve = ["approve", &second.id, "--binding", &second.binding, "--as", "service:deploy"];
    let refused = house.hitl(&approve).ended(5);
    assert!(refused.err.contains("only a human answers this"), "{refused:?}");
    // And the requester cannot answer, however the name is spelt.
    for own in ["owner", "OWNER", " Owner "] {
        let approve = ["approve", &second.id, "--binding", &second.binding, "--as", own];
        let refused = house.hitl(&approve).ended(5);
        assert!(refused.err.contains("ask somebody else"), "{refused:?}");
        let allow = ["allow", &second.id, "--binding", &second.binding, "--as", own];
        house.hitl(&allow).ended(5);
    }
    assert_eq!(house.state(&second.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_once_somebody_has_enrolled_what_loosens_needs_a_code_that_counts_once() {
    let house = House::new().await;
    let folder = logs(&house);
    let codes = |who: &str, more: &[&str]| {
        let enroll = ["person", "enroll", who, "--codes", "4", "--as", who, "--json"];
        house.hitl(&[&enroll[..], &["--audit", &folder], more].concat())
    };
    let printed = codes("bob", &[]).ended(0).json()[0]["codes"].clone();
    let code = |at: usize| printed[at].as_str().unwrap().to_owned();
    assert_eq!(audit(&house, "personChanged")[0]["subject"], "bob");
    let kept = std::fs::read(house.path("hitl.db")).unwrap();
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds(&code(0)) && !holds(&code(0).replace('-', "")));
    // Nobody can enrol in his name, or remove his credentials, without a code.
    codes("mallory", &[]).ended(5);
    let person = |words: &[&str]| {
        let audited = ["--as", "bob", "--audit", &folder];
        house.hitl(&[&["person"], words, &audited[..]].concat())
    };
    person(&["remove", "bob"]).ended(5);
    person(&["demand", "answers"]).ended(5);
    let call = house.wire("Initech", 120).await;
    let allow = |more: &[&str]| {
        let allow = ["allow", &call.id, "--binding", &call.binding, "--audit", &folder];
        house.hitl(&[&allow[..], more].concat())
    };
    allow(&["--as", "bob"]).ended(5);
    allow(&["--as", "mallory", "--code", &code(0)]).ended(5);
    allow(&["--as", "bob", "--code", "AAAA-AAAA-AAAA-AAAA"]).ended(5);
    // A preview gives nothing, and needs nothing.
    allow(&["--as", "bob", "--preview"]).ended(0);
    allow(&["--as", "bob", "--preview", "--code", &code(0)]).ended(0);
    allow(&["--as", "bob", "--code", &code(0)]).ended(0);
    assert_eq!(audit(&house, "grantSaved")[0]["knownBy"], "code");
    let next = house.wire("Globex", 5).await;
    let approve = |arguments: &[&str]| {
        let approve = ["approve", &next.id, "--binding", &next.binding, "--as", "bob"];
        [&approve[..], arguments].concat().iter().map(|&word| word.to_owned()).collect::<Vec<_>>()
    };
    // A used code is invalid, and a given one is never ignored.
    let used = approve(&["--code", &code(0)]);
    let words: Vec<&str> = used.iter().map(String::as_str).collect();
    house.hitl(&words).ended(5);
    // In an agent's shell a code is the person's own word.
    let fresh = approve(&["--code", &code(1), "--audit", &folder]);
    let words: Vec<&str> = fresh.iter().map(String::as_str).collect();
    below(&house, "claude", &words).ended(0);
    assert_eq!(audit(&house, "decided").last().unwrap()["knownBy"], "code");
    // Where answers need a code too, a script's binding is not enough.
    person(&["demand", "answers", "--code", &code(2)]).ended(0);
    let last = house.wire("Hooli", 6).await;
    house.hitl(&["approve", &last.id, "--binding", &last.binding, "--as", "bob"]).ended(5);
    house.hitl(&["reject", &last.id, "--reason", "no", "--as", "eve"]).ended(0);
    let people = house.hitl(&["person", "list", "--json"]).ended(0).json();
    assert_eq!(
        (&people[0]["people"][0]["codes"], &people[0]["demand"]),
        (&1.into(), &"answers".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_what_was_enrolled_and_cannot_be_read_lets_nothing_loosen() {
    use hitl::store::Store as _;
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    assert!(house.store.compare_and_set_metadata("person.v1", None, "not JSON").await.unwrap());
    for deed in deeds(&house, &call) {
        let deed: Vec<&str> = deed.iter().map(String::as_str).collect();
        let refused = house.hitl(&deed).ended(1);
        assert!(refused.err.contains("cannot be read"), "{refused:?}");
    }
    assert_eq!(house.state(&call.id), "pending");
    // An action that stops a call, or only reads, does not read the enrolled credentials; a code
    // that is given there is not checked.
    let binding = ["--binding", &call.binding, "--code", "AAAA"];
    house.hitl(&[&["allow", &call.id, "--preview"], &binding[..]].concat()).ended(0);
    let reject = ["reject", &call.id, "--reason", "no", "--as", "eve", "--code", "AAAA"];
    house.hitl(&reject).ended(0);
    assert_eq!(house.state(&call.id), "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_enrolled_by_a_text_that_apps_read() {
    let house = House::new().await;
    let folder = logs(&house);
    let enroll = ["person", "enroll", "Bob@x", "--as", "bob", "--json", "--audit", &folder];
    let enrolled = house.hitl(&enroll).ended(0).json();
    let uri = enrolled[0]["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/hitl:bob%40x?secret="), "{uri}");
    for wrong in ["", "  ", "agent:x", "service:ci"] {
        let refused = house.hitl(&["person", "enroll", wrong, "--as", "bob", "--audit", &folder]);
        assert!(refused.ended(2).err.contains("name a person"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_what_somebody_has_enrolled_another_removes_and_does_not_replace() {
    let house = House::new().await;
    let folder = logs(&house);
    let person = |words: &[&str]| {
        house.hitl(&[&["person"], words, &["--audit", &folder, "--json"]].concat())
    };
    let enroll =
        |who: &str, more: &[&str]| person(&[&["enroll", who, "--codes", "4"], more].concat());
    let printed = enroll("ann", &["--as", "ann"]).ended(0).json()[0]["codes"].clone();
    let code = |at: usize| printed[at].as_str().unwrap().to_owned();
    let bobs =
        enroll("bob", &["--as", "ann", "--code", &code(0)]).ended(0).json()[0]["codes"].clone();
    let refused = enroll("BOB", &["--as", "ann", "--code", &code(1)]).ended(5);
    assert!(refused.err.contains("only they replace it"), "{refused:?}");
    let device = ["enroll", "bob", "--as", "ann", "--code", &code(2)];
    person(&device).ended(5);
    enroll("bob", &["--as", "bob", "--code", bobs[0].as_str().unwrap()]).ended(0);
    person(&["remove", "bob", "--as", "ann", "--code", &code(3)]).ended(0);
    let changes = audit(&house, "personChanged");
    let told: Vec<_> = changes.iter().map(|e| (e["subject"].as_str(), e["by"].as_str())).collect();
    let (ann, bob) = (Some("ann"), Some("bob"));
    assert_eq!(told, [(ann, ann), (bob, ann), (bob, bob), (bob, ann)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_who_is_a_person_is_changed_only_where_that_is_audited() {
    let house = House::new().await;
    for change in [&["enroll", "bob"][..], &["remove", "bob"], &["demand", "answers"]] {
        let refused = house.hitl(&[&["person"], change, &["--as", "bob"]].concat()).ended(2);
        assert!(refused.err.contains("--audit FOLDER"), "{refused:?}");
    }
    let people = house.hitl(&["person", "list", "--json"]).ended(0).json();
    assert_eq!(people[0]["people"].as_array().unwrap().len(), 0);
    let folder = logs(&house);
    let demand = ["person", "demand", "answers", "--as", "bob", "--audit", &folder];
    house.hitl(&demand).ended(0);
    assert_eq!(audit(&house, "personChanged").len(), 1);
}
