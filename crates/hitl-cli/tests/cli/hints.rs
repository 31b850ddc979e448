//! What a person reads beside lists and cards: ids that they can type, commands that work as they
//! stand, and words where a list is empty.

use hitl::Submission;
use hitl::prelude::*;

use crate::console::Office;
use crate::house::{House, Ran, hitl, program, ran, said};

/// A call that never ends in time, so that nobody knows how it ended.
#[hitl_tool(risk = "low", base_confidence = 95, timeout = "1ms")]
async fn stall(note: String) -> String {
    std::future::pending::<()>().await;
    note
}

/// Starts a call on the house's store whose outcome nobody knows, and returns its id.
pub(crate) async fn park(house: &House) -> String {
    let gate = Gate::builder().store(house.store.clone()).tool::<Stall>().on_notice(|_| {});
    let gate = gate.build().await.unwrap();
    let done = gate.submit(stall("x")).by("owner").await.unwrap();
    let Submission::Done { receipt, .. } = done else { panic!("it ran: {done:?}") };
    let record = gate.unscoped().get_by_key(&receipt.key).await.unwrap().unwrap();
    assert_eq!(record.state(), hitl::CallState::OutcomeUnknown);
    record.id().to_string()
}

/// Returns the end of an id, as tables show it.
fn short(id: &str) -> &str {
    &id[id.len() - 12..]
}

/// Takes the suggested commands of a text apart, as a shell does, and returns the words of each.
fn suggested(text: &str) -> Vec<Vec<String>> {
    let text = text.replace(" \\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("hitl "));
    let words = |line: &str| {
        let script = format!("for word in {line}; do printf '%s\\n' \"$word\"; done");
        let run = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let out = String::from_utf8(run.stdout).unwrap();
        out.lines().skip(1).map(str::to_owned).collect()
    };
    lines.map(words).collect()
}

fn run(words: &[String], more: &[&str]) -> Ran {
    let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    hitl(&words)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_on_a_card_work_as_they_stand() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let card = house.hitl(&["show", &call.id]).ended(0);
    assert!(card.out.lines().all(|line| line.chars().count() <= 100), "{card:?}");
    let commands = suggested(&card.out);
    let verbs: Vec<&str> = commands.iter().map(|words| words[0].as_str()).collect();
    assert_eq!(verbs, ["approve", "reject", "allow"], "{card:?}");
    // The path of the store has characters that a shell would take apart.
    assert!(
        commands.iter().all(|words| words.contains(&said(&house.path("hitl.db")))),
        "{commands:?}"
    );
    run(&commands[0], &[]).ended(0);
    assert_eq!(house.state(&call.id), "approved");
    // What a card no longer needs is not suggested, and a deletion is approved by its name.
    assert!(suggested(&house.hitl(&["show", &call.id]).out).is_empty());
    let deletion = house.drop_project("it's a \"project\"").await;
    let commands = suggested(&house.hitl(&["show", &deletion.id]).out);
    let verbs: Vec<&str> = commands.iter().map(|words| words[0].as_str()).collect();
    assert_eq!(verbs, ["approve", "reject"], "no grant is offered for a deletion");
    run(&commands[0], &[]).ended(0);
    assert_eq!(house.state(&deletion.id), "approved");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_names_the_store_is_not_repeated() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let db = said(&house.path("hitl.db"));
    let shown = ran(program(&["show", &call.id]).env("HITL_DB", &db)).ended(0);
    let expected =
        format!("  hitl approve {} --binding {}\n", short(&call.id), &call.binding[..12]);
    assert!(shown.out.contains(&expected), "{shown:?}");
    let office = Office::new().await;
    let call = office.house.wire("Initech", 120).await;
    let shown = office.hitl(&["show", &call.id]).ended(0);
    assert!(shown.out.contains("--url http://127.0.0.1:"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_says_that_an_outcome_is_unknown_and_how_it_is_settled() {
    let house = House::new().await;
    let office = Office::new().await;
    for (house, office) in [(&house, None), (&office.house, Some(&office))] {
        let _waits = house.wire("Initech", 120).await;
        let id = park(house).await;
        let listed = |arguments: &[&str]| match office {
            Some(office) => office.hitl(arguments),
            None => house.hitl(arguments),
        };
        let queue = listed(&["queue"]).ended(0);
        assert!(
            queue
                .err
                .contains("hitl: 1 call has an unknown outcome: hitl queue --state outcomeUnknown"),
            "{queue:?}"
        );
        assert!(queue.err.contains("to see one and decide it: hitl approve ID"), "{queue:?}");
        assert_eq!(queue.out.lines().count(), 2, "the table is not mixed with it: {queue:?}");
        let unknown = listed(&["queue", "--state", "outcomeUnknown"]).ended(0);
        assert!(unknown.out.contains(short(&id)), "{unknown:?}");
        assert!(
            unknown.err.contains("to see one and say how it ended: hitl resolve ID"),
            "{unknown:?}"
        );
        assert!(!unknown.err.contains("has an unknown outcome"), "{unknown:?}");
        // JSON is for programs: nothing else is printed.
        let json = listed(&["queue", "--json"]).ended(0);
        assert!(json.err.is_empty() && json.json().len() == 1, "{json:?}");
        // Without a terminal nobody is asked how it ended.
        let asked = listed(&["resolve", &id]).ended(2);
        assert!(asked.err.contains("--done, --failed REASON or --retry"), "{asked:?}");
        let resolved = listed(&[
            "resolve",
            short(&id),
            "--done",
            "--version",
            &version(&listed(&["show", &id, "--json"])),
        ]);
        assert!(resolved.ended(0).out.contains("is executed"));
        assert!(!listed(&["queue"]).ended(0).err.contains("unknown"));
    }
}

fn version(shown: &Ran) -> String {
    shown.json()[0]["version"].to_string()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_a_parked_call_suggests_each_finding() {
    for (at, state) in [(0, "executed"), (1, "failed"), (2, "approved")] {
        let house = House::new().await;
        let id = park(&house).await;
        let card = house.hitl(&["show", &id]).ended(0);
        let commands = suggested(&card.out);
        assert_eq!(commands.len(), 3, "{card:?}");
        let attest: &[&str] = if at == 2 { &["--attest"] } else { &[] };
        run(&commands[at], attest).ended(0);
        assert_eq!(house.state(&id), state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_says_so_and_stays_empty_for_programs() {
    let house = House::new().await;
    for (arguments, says) in [
        (&["queue"][..], "Nothing waits. What has run: hitl queue --state executed"),
        (&["queue", "--state", "pending"], "Nothing waits."),
        (&["queue", "--tool", "wire"], "No such call."),
        (&["queue", "--state", "rejected"], "No such call."),
        (&["queue", "--state", "outcomeUnknown"], "no outcome is unknown"),
        (&["grants"], "No grant is in force. Revoked and expired ones: hitl grants --all"),
        (&["grants", "--all"], "Nobody has given a grant."),
        (&["grants", "--tool", "wire"], "No such grant."),
        (&["tasks"], "No tasks."),
        (&["tasks", "--failed"], "No task has failed."),
        (&["hold", "list"], "No legal holds"),
        (&["person", "list"], "nobody is enrolled"),
    ] {
        let text = house.hitl(arguments).ended(0);
        assert!(text.out.contains(says), "{arguments:?}: {text:?}");
        assert!(text.err.is_empty(), "{arguments:?}: {text:?}");
        if !matches!(arguments[0], "person" | "hold") {
            let json = house.hitl(&[arguments, &["--json"]].concat()).ended(0);
            assert!(json.out.is_empty() && json.err.is_empty(), "{arguments:?}: {json:?}");
        }
    }
    // What the words suggest names the reader's store.
    let words = house.hitl(&["queue"]).out;
    assert!(words.contains("--db") && words.contains("hitl stats"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_takes_the_short_id_of_a_table() {
    let house = House::new().await;
    let office = Office::new().await;
    let calls = [house.wire("Initech", 1).await, office.house.wire("Initech", 2).await];
    for (at, call) in calls.iter().enumerate() {
        let hitl = |arguments: &[&str]| match at {
            0 => house.hitl(arguments),
            _ => office.hitl(arguments),
        };
        let table = hitl(&["queue"]).ended(0).out;
        let id = table.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert_eq!(id, short(&call.id));
        for part in [id.as_str(), &call.id[..28], &id.to_uppercase()] {
            let shown = hitl(&["show", part, "--json"]).ended(0).json();
            assert_eq!(shown[0]["id"], call.id.as_str(), "{part}");
        }
        let binding = &call.binding[..12];
        let given =
            hitl(&["allow", &id, "--binding", binding, "--any", "--uses", "3", "--durable"]);
        let given = given.ended(0);
        let grants = hitl(&["grants"]).ended(0).out;
        let grant = grants.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert!(given.out.contains(&grant), "{given:?}");
        let shown = hitl(&["grants", &grant, "--json"]).ended(0).json();
        assert!(shown[0]["id"].as_str().unwrap().ends_with(&grant), "{shown:?}");
        hitl(&["revoke", &grant, "--reason", "over"]).ended(0);
        let other = if at == 0 { &house } else { &office.house }.wire("Globex", 9).await;
        hitl(&["reject", short(&other.id), "--reason", "no"]).ended(0);
        // No call, no grant and no task has this end.
        for arguments in [&["show", "ffffffffffff"][..], &["grants", "ffffffffffff"]] {
            let missing = hitl(arguments).ended(3);
            assert!(missing.err.contains("begins or ends with `ffffffffffff`"), "{missing:?}");
        }
        hitl(&["show", "fff"]).ended(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fits_several_calls_decides_none_and_lists_them() {
    let house = House::new().await;
    let office = Office::new().await;
    for on_console in [false, true] {
        let of = if on_console { &office.house } else { &house };
        let (one, two) = (of.wire("Initech", 1).await, of.wire("Globex", 2).await);
        // Ids begin with the time.
        let same = one.id.bytes().zip(two.id.bytes()).take_while(|(a, b)| a == b).count();
        let part = &one.id[..same.min(8)];
        let arguments = ["reject", part, "--reason", "no"];
        let both = if on_console { office.hitl(&arguments) } else { of.hitl(&arguments) }.ended(2);
        assert!(both.err.contains(&one.id) && both.err.contains(&two.id), "{both:?}");
        assert!(both.err.contains("pending: Wire 1 to \"Initech\""), "{both:?}");
        assert_eq!(of.state(&one.id), "pending");
        assert_eq!(of.state(&two.id), "pending");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn where_the_environment_names_no_user_the_system_does() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let db = said(&house.path("hitl.db"));
    let reject = ["--db", &db, "reject", &call.id, "--reason", "no"];
    let done = ran(program(&reject).env_remove("USER")).ended(0);
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(id.stdout).unwrap();
    assert!(done.out.contains(&format!("decided by {}", user.trim())), "{done:?}");
}

#[test]
fn the_help_of_the_demo_lists_what_applies_to_it() {
    for flag in ["--help", "-h"] {
        let help = hitl(&["demo", flag]).ended(0).out;
        for option in ["--db", "--url", "--tenant", "--key-file", "--schema", "--token-file"] {
            assert!(!help.contains(option), "{help}");
        }
        assert!(help.contains("--json"), "{help}");
    }
    // An environment for other commands does not disturb it.
    let set = ran(program(&["demo", "audit"]).env("HITL_DB", "x.db").env("HITL_URL", "http://x"));
    set.ended(0);
}
