//! Invalid files and options.

use crate::process::{Desk, text};

#[test]
fn a_row_that_is_not_json_stops_it_and_names_the_line() {
    let desk = Desk::new();
    let good = r#"{"task":1,"trial":0,"seq":0,"tool":"think","arguments":"{\"thought\":\"hm\"}"}"#;
    let data = desk.data(format!("{good}\n{{\"task\": SECRET\n"));
    let output = desk.run(&["--json", "--decide", "approve", &data]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("line 2: not JSON") && !stderr.contains("SECRET"), "{stderr}");
    assert!(text(&output.stdout).is_empty());
}

#[test]
fn calls_that_are_wrong_in_themselves_are_denied_and_the_others_go_on() {
    let desk = Desk::new();
    let arguments = [
        r#"{"reservation_id": "#,
        r#"{"reservation_id":"4OG6T3","force":true}"#,
        "{}",
        r#"{"reservation_id":"4OG6T3","reservation_id":"8C8K4E"}"#,
        r#"{"reservation_id":4}"#,
        "[]",
        r#"{"reservation_id":"4OG6T3"}"#,
    ];
    let row = |seq: usize, tool: &str, arguments: &str| {
        serde_json::json!({
            "task": 1, "trial": 0, "seq": seq, "tool": tool, "arguments": arguments,
        })
        .to_string()
    };
    let mut rows: Vec<String> = arguments
        .iter()
        .enumerate()
        .map(|(seq, arguments)| row(seq, "cancel_reservation", arguments))
        .collect();
    rows.push(row(7, "drop_all_tables", "{}"));
    rows.push(row(8, "send_certificate", r#"{"user_id":"mia_li_3668","amount":1e999}"#));
    // The key of an existing call, with other content.
    rows.push(row(6, "cancel_reservation", r#"{"reservation_id":"8C8K4E"}"#));
    let data = desk.data(rows.join("\n"));
    let counts = desk.counts(&["--decide", "approve", &data]);
    assert_eq!((counts["calls"], counts["denied"], counts["executed"]), (10, 9, 1), "{counts:?}");
    assert_eq!(desk.starts().len(), 1);
}

#[test]
fn what_is_not_understood_is_said() {
    let desk = Desk::new();
    for (options, code, says) in [
        (&["--nonsense"][..], 2, "unknown option: --nonsense"),
        (&["--decide", "maybe"], 2, "--decide is approve, reject or leave"),
        (&["--data", "/nowhere/at/all"], 1, "cannot read /nowhere/at/all"),
    ] {
        let output = desk.run(options);
        assert_eq!(output.status.code(), Some(code), "{options:?}");
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
    let help = desk.run(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("--decide"));
}

#[test]
fn a_file_that_is_no_queue_is_refused_and_left_as_it_is() {
    let desk = Desk::new();
    std::fs::write(desk.path("queue.db"), "not a database, and longer than a header would be.")
        .unwrap();
    let output = desk.run(&["--decide", "leave"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let kept = std::fs::read_to_string(desk.path("queue.db")).unwrap();
    assert!(kept.starts_with("not a database"));
}

#[test]
fn no_calls_are_no_trouble() {
    let desk = Desk::new();
    let data = desk.data("\n\n");
    assert_eq!(desk.counts(&[&data])["calls"], 0);
}
