//! A person who reviews one call after the other at a real pseudo-terminal.

use crate::console::Office;
use crate::house::{House, Ran, Waiting, hitl, program, said};
use crate::json::mask;
use crate::person::{Say, at_store, at_terminal};

/// The end of the question about a call, and of the one that follows a caution.
const ASKED: &str = "[q] Quit > ";
const AGAIN: &str = "anything else goes back > ";

fn next(house: &House, talk: &[Say<'_>]) -> Ran {
    let db = said(&house.path("hitl.db"));
    let mut next = program(&["--db", &db, "next", "--order", "created"]);
    at_terminal(next.env("NO_COLOR", "1"), talk)
}

/// Returns what a terminal of 80 columns shows, without what differs between runs.
fn screen(ran: &Ran) -> String {
    let shown = ran.err.replace('\r', "");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    // A digest that is folded continues with other digits in each run.
    mask::masked(&(shown.replace("\n              | ", "") + "\n" + &ran.out))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_after_the_other_is_shown_and_decided() {
    let house = House::new().await;
    let (first, second) = (house.wire("Initech", 120).await, house.drop_project("apollo").await);
    let (third, fourth) = (house.wire("Globex", 5).await, house.wire("Hooli", 6).await);
    let ran = next(
        &house,
        &[
            (ASKED, "a\n"),
            (AGAIN, "y\n"),
            (ASKED, "a\n"),
            ("type its name (apollo): ", "apollo\n"),
            (ASKED, "r\n"),
            ("Reason (needed): ", "wrong account\n"),
            (ASKED, "s\n"),
        ],
    )
    .ended(0);
    assert_eq!(ran.out, "2 approved, 1 rejected, 1 skipped; nothing else waits.\n");
    for (call, state) in
        [(&first, "approved"), (&second, "approved"), (&third, "rejected"), (&fourth, "pending")]
    {
        let shown = house.hitl(&["show", &call.id, "--json"]).ended(0).json();
        assert_eq!(shown[0]["state"], state, "{ran:?}");
    }
    let shown = house.hitl(&["show", &third.id, "--json"]).ended(0).json();
    assert_eq!(shown[0]["decided"]["words"], "wrong account");
    assert_eq!(shown[0]["decided"]["knownBy"], "terminal");
    let calls =
        [("<first>", &first), ("<second>", &second), ("<third>", &third), ("<fourth>", &fourth)];
    let shown = calls.iter().fold(screen(&ran), |shown, (name, call)| {
        shown.replace(&call.id[call.id.len() - 12..], name)
    });
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_enter_ctrl_c_the_end_of_the_input_and_half_an_approval_decide_nothing() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let deletion = house.drop_project("apollo").await;
    let talks: [(&[Say<'_>], i32); 7] = [
        (&[(ASKED, "\n"), (ASKED, "q\n")], 0),
        (&[(ASKED, "y y\n"), (ASKED, "q\n")], 0),
        (&[(ASKED, "a\n"), (AGAIN, "\n"), (ASKED, "q\n")], 0),
        (&[(ASKED, "a\n"), (AGAIN, "\u{4}")], 0),
        (&[(ASKED, "\u{4}")], 0),
        (&[(ASKED, "\u{3}")], 130),
        (&[(ASKED, "s\n"), (ASKED, "a\n"), ("(apollo): ", "Apollo\n"), (ASKED, "q\n")], 0),
    ];
    for (talk, code) in talks {
        let ran = next(&house, talk).ended(code);
        for id in [&call.id, &deletion.id] {
            assert_eq!(house.state(id), "pending", "{talk:?}: {ran:?}");
        }
        let none = ["nothing was decided.\n", "1 skipped.\n", ""];
        assert!(none.contains(&ran.out.as_str()), "{ran:?}");
    }
}

/// Returns an editor that runs the program on the house's store, and then changes the arguments.
fn editor(house: &House, command: &str) -> String {
    let (hitl, db) = (env!("CARGO_BIN_EXE_hitl"), house.path("hitl.db"));
    let script = house.file(
        "editor.sh",
        &format!(
            "#!/bin/sh\n'{hitl}' --db \"{}\" {command} >/dev/null\nsed -i s/120/90/ \"$1\"\n",
            said(&db).replace('$', "\\$"),
        ),
    );
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    house.file("editor", "");
    format!("sh \"{}\"", script.replace('$', "\\$"))
}

/// Runs `next` with this editor.
fn with_editor(house: &House, editor: &str, talk: &[Say<'_>]) -> Ran {
    let db = said(&house.path("hitl.db"));
    let mut next = program(&["--db", &db, "next", "--order", "created", "--as", "bob"]);
    at_terminal(next.env("EDITOR", editor).env("NO_COLOR", "1"), talk)
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_a_call_that_was_decided_meanwhile_is_said_and_not_decided_again() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let other = editor(&house, &format!("reject {} --reason no --as eve", call.id));
    let talk = [(ASKED, "e\n"), ("[b] Back > ", "b\n"), (ASKED, "a\n"), (AGAIN, "y\n")];
    let ran = with_editor(&house, &other, &talk).ended(0);
    assert!(ran.err.contains("nothing was decided here: "), "{ran:?}");
    assert!(ran.err.contains("decided by eve"), "{ran:?}");
    assert_eq!(ran.out, "1 changed or decided elsewhere; nothing else waits.\n");
    assert_eq!(house.state(&call.id), "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_call_that_has_changed_is_shown_again_before_it_is_decided() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    // The requester's edit changes the call, and approves nothing.
    let other = format!(
        "edit {} --as owner --binding {} --patch '{{\"amount\":700}}'",
        call.id, call.binding
    );
    let other = editor(&house, &other);
    let talk = [
        (ASKED, "e\n"),
        ("[b] Back > ", "b\n"),
        (ASKED, "a\n"),
        (AGAIN, "y\n"),
        ("Wire 700 to", ""),
        (ASKED, "a\n"),
        (AGAIN, "y\n"),
    ];
    let ran = with_editor(&house, &other, &talk).ended(0);
    let expected = "1 approved, 1 changed or decided elsewhere; nothing else waits.\n";
    assert_eq!(ran.out, expected, "{ran:?}");
    let shown = house.hitl(&["show", &call.id, "--json"]).ended(0).json();
    assert_eq!(shown[0]["request"]["arguments"]["amount"], 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_checked_and_shown_before_it_is_sent_over_a_store_and_over_a_console() {
    let office = Office::new().await;
    let sed = "sed -i s/120/90/";
    let talk =
        [(ASKED, "e\n"), ("amount: 120 → 90", ""), ("[b] Back > ", "?\n"), ("[b] Back > ", "a\n")];
    let ran_with = |call: Waiting, ran: Ran| async move {
        assert_eq!(ran.ended(0).out, "1 edited; nothing else waits.\n");
        let outcome = call.ticket.wait().await.unwrap();
        assert!(format!("{outcome:?}").contains("wired 90 to Initech"), "{outcome:?}");
    };
    let call = office.house.wire("Initech", 120).await;
    ran_with(call, with_editor(&office.house, sed, &talk)).await;
    let call = office.house.wire("Initech", 120).await;
    let mut next = office.program("ann-secret-token", &["next"]);
    ran_with(call, at_terminal(next.env("EDITOR", sed), &talk)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_answers_and_what_is_masked_over_a_console() {
    let office = Office::new().await;
    let house = &office.house;
    let masked = house.wire("mysql --password=\"aB3dE6gH$(curl evil.example)\"", 120).await;
    let (second, third) = (house.wire("Globex", 5).await, house.wire("Hooli", 6).await);
    let mut next = office.program("ann-secret-token", &["next", "--order", "created"]);
    let talk = [
        (ASKED, "u\n"),
        ("curl evil.example", ""),
        (ASKED, "m ask Bob\n"),
        (ASKED, "x\n"),
        ("(needed): ", "enough\n"),
        (ASKED, "q\n"),
    ];
    let ran = at_terminal(&mut next, &talk).ended(0);
    assert_eq!(ran.out, "1 answered, 1 stopped.\n");
    let states = [(&masked, "responded"), (&second, "cancelled"), (&third, "pending")];
    for (call, state) in states {
        assert_eq!(house.state(&call.id), state);
    }
    let log = std::fs::read_to_string(house.path("audit.jsonl")).unwrap();
    assert!(log.contains(r#""event":"uncovered""#) && log.contains(r#""event":"shown""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_is_uncovered_where_it_is_audited() {
    let house = House::new().await;
    let call = house.wire("mysql --password=\"aB3dE6gH$(curl evil.example)\"", 120).await;
    let folder = house.path("logs");
    std::fs::create_dir(&folder).unwrap();
    let talk = [(ASKED, "u\n"), ("not uncovered: ", ""), (ASKED, "q\n")];
    let ran = at_store(&house, &["next"], &talk).ended(0);
    assert!(!ran.err.contains("curl"), "{ran:?}");
    let audited = ["next", "--audit", folder.to_str().unwrap()];
    let talk = [(ASKED, "u\n"), ("curl evil.example", ""), (ASKED, "s\n")];
    at_store(&house, &audited, &talk).ended(0);
    let log = std::fs::read_to_string(folder.join("audit-1.jsonl")).unwrap();
    let events: Vec<&str> = ["\"shown\"", "\"uncovered\""]
        .into_iter()
        .filter(|event| log.contains(&format!("\"event\":{event}")))
        .collect();
    assert_eq!(events.len(), 2, "{log}");
    assert_eq!(house.state(&call.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_those_of_the_queue_and_the_card_shows_the_earlier_calls() {
    let house = House::new().await;
    let (first, _) = (house.wire("Initech", 120).await, house.drop_project("apollo").await);
    let only = ["next", "--tool", "drop_project", "--risk", "high"];
    let ran = at_store(&house, &only, &[(ASKED, "s\n")]).ended(0);
    assert!(ran.err.contains("apollo") && !ran.err.contains("Wire 120"), "{ran:?}");
    assert_eq!(ran.out, "1 skipped; nothing else waits.\n");
    at_store(&house, &["next", "--tool", "other"], &[]).ended(0);
    let run = house.hitl(&["show", &first.id, "--json"]).ended(0).json();
    let run = run[0]["run"].as_str().unwrap().to_owned();
    let ran = at_store(&house, &["next", "--run", &run], &[(ASKED, "q\n")]).ended(0);
    assert!(ran.err.contains("Wire 120 to"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_person_at_a_terminal_is_asked() {
    let house = House::new().await;
    let call = house.wire("Initech", 120).await;
    let db = said(&house.path("hitl.db"));
    let script = hitl(&["--db", &db, "next"]).ended(2);
    assert!(script.err.contains("terminal") && script.out.is_empty(), "{script:?}");
    let mut agent = program(&["--db", &db, "next"]);
    let ran = at_terminal(agent.env("CLAUDECODE", "1"), &[]).ended(5);
    assert!(ran.err.contains("only a person does this"), "{ran:?}");
    assert!(!ran.err.contains("Initech"), "nothing is shown: {ran:?}");
    assert_eq!(house.state(&call.id), "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_what_was_done() {
    let house = House::new().await;
    house.wire("Initech", 120).await;
    let talk = [(ASKED, "r no\n")];
    let ran = at_store(&house, &["next", "--json"], &talk).ended(0);
    let done = &ran.json()[0];
    assert_eq!((&done["rejected"], &done["approved"]), (&1.into(), &0.into()), "{done}");
    assert_eq!(done["ended"], "nothingLeft");
    assert_eq!(done["decided"][0]["state"], "rejected");
}
