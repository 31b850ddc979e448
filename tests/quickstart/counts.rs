//! Every call is accounted for, by any decider.

use serde_json::{Value, json};

use crate::process::{Desk, SHIPPED, finish, text};

#[test]
fn left_alone_everything_that_is_asked_waits() {
    let desk = Desk::new();
    let counts = desk.counts(&["--decide", "leave"]);
    assert_eq!(counts["calls"], SHIPPED.lines().count() as u64);
    assert!(counts["auto"] > 0 && counts["quick"] > 0 && counts["full"] > 0, "{counts:?}");
    assert_eq!(counts["pending"], counts["quick"] + counts["full"]);
    assert_eq!(counts["reattached"], 0);
    assert!(desk.starts().values().all(|starts| *starts == 1));
}

#[test]
fn approved_calls_run_and_rejected_ones_do_not() {
    let (yes, no) = (Desk::new(), Desk::new());
    let approved = yes.counts(&["--decide=approve"]);
    assert_eq!(approved["pending"], 0, "{approved:?}");
    assert_eq!(approved["executed"] + approved["failed"], approved["calls"]);
    assert!(approved["failed"] > 0, "the airline refuses some: {approved:?}");
    assert!(yes.starts().values().all(|starts| *starts == 1));
    let rejected = no.counts(&["--decide=reject"]);
    assert_eq!(rejected["rejected"], rejected["quick"] + rejected["full"], "{rejected:?}");
    assert_eq!(rejected["executed"], rejected["auto"], "{rejected:?}");
}

#[test]
fn transcripts_count_as_their_calls_do() {
    let (calls, transcripts) = (Desk::new(), Desk::new());
    let mut runs: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for line in SHIPPED.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let function = json!({ "name": row["tool"], "arguments": row["arguments"] });
        let call = json!({ "id": row["id"], "type": "function", "function": function });
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        match runs.last_mut() {
            Some((task, trial, messages)) if *task == row["task"] && *trial == row["trial"] => {
                messages.push(message);
            }
            _ => runs.push((row["task"].clone(), row["trial"].clone(), vec![message])),
        }
    }
    let lines: Vec<String> = runs
        .iter()
        .map(|(task, trial, messages)| {
            json!({ "task_id": task, "trial": trial, "messages": messages }).to_string()
        })
        .collect();
    let data = transcripts.data(lines.join("\n"));
    let expected = calls.counts(&["--decide", "leave"]);
    assert_eq!(transcripts.counts(&["--decide", "leave", &data]), expected);
    // The same keys with the same content: the other format finds every record again.
    let again = calls.counts(&["--decide", "leave", &transcripts.data(lines.join("\n"))]);
    assert!(again["reattached"] >= again["pending"], "{again:?}");
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_hangs() {
    let desk = Desk::new();
    let mut command = desk.command(&[]);
    // Open and silent, like the input of a program that a service manager started.
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let silent = child.stdin.take();
    let output = finish(child);
    drop(silent);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("wait for a reviewer"), "{stdout}");
    // It ends with the commands that come next.
    let last = stdout.lines().last().unwrap_or_default();
    assert!(last.contains("hitl audit verify "), "{stdout}");
    assert!(
        stdout.contains("\n  hitl queue ") && stdout.contains("\n  export HITL_DB="),
        "{stdout}"
    );
    assert!(!stdout.contains('\u{1b}'), "no colours in a pipe: {stdout}");
}
