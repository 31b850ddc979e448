//! Stopped in any way and started again, nothing is started twice.

use crate::process::{Desk, SHIPPED, Watched, finish, signal, sound};

/// Returns enough calls that the output about them does not fit into a pipe.
fn many_calls() -> String {
    let mut rows = String::new();
    for round in 0..20 {
        for line in SHIPPED.lines() {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["task"] = serde_json::json!(format!("{}-{round}", row["task"]));
            rows.push_str(&row.to_string());
            rows.push('\n');
        }
    }
    rows
}

fn one_call(tool: &str, arguments: &str) -> String {
    serde_json::json!({ "task": 1, "trial": 0, "seq": 0, "tool": tool, "arguments": arguments })
        .to_string()
}

#[test]
fn a_second_run_finds_everything_again() {
    let desk = Desk::new();
    let left = desk.counts(&["--decide", "leave"]);
    let approved = desk.counts(&["--decide", "approve"]);
    assert!(approved["reattached"] >= left["pending"], "{approved:?}");
    let starts = desk.starts();
    assert_eq!(desk.counts(&["--decide", "approve"]), approved, "nothing is left to do");
    assert_eq!(desk.counts(&["--decide", "reject"]), approved, "what is over is over");
    assert_eq!(desk.starts(), starts);
    assert!(starts.values().all(|starts| *starts == 1), "{starts:?}");
}

#[test]
fn killed_half_way_it_goes_on_and_starts_nothing_twice() {
    let desk = Desk::new();
    let data = desk.data(many_calls());
    let first = Watched::stdout(desk.command(&["--decide", "approve", &data]).spawn().unwrap());
    for _ in 0..100 {
        first.line();
    }
    assert!(!first.kill().success());
    let started_before = desk.starts();
    let counts = desk.counts(&["--decide", "approve", &data]);
    assert_eq!(counts["calls"], 20 * SHIPPED.lines().count() as u64);
    assert!(counts["reattached"] > 0, "{counts:?}");
    assert!(counts["reattached"] < counts["calls"] / 3, "it was killed half-way: {counts:?}");
    assert_eq!(counts["pending"], 0, "{counts:?}");
    let starts = desk.starts();
    assert!(!started_before.is_empty() && starts.len() > started_before.len());
    assert!(starts.values().all(|starts| *starts == 1), "{starts:?}");
}

#[test]
fn killed_while_a_call_runs_its_outcome_is_unknown_and_stays_so() {
    for (tool, arguments) in [
        ("transfer_to_human_agents", r#"{"summary":"help"}"#),
        ("cancel_reservation", r#"{"reservation_id":"4OG6T3"}"#),
    ] {
        let desk = Desk::new();
        let data = desk.data(one_call(tool, arguments));
        let slow = ["--decide", "approve", "--pace", "3600000", &data];
        let first = Watched::stdout(desk.command(&slow).spawn().unwrap());
        first.until(&format!("the airline works on {tool}"));
        first.kill();
        for _ in 0..2 {
            let counts = desk.counts(&["--decide", "approve", &data]);
            assert_eq!((counts["unknown"], counts["reattached"]), (1, 1), "{tool}: {counts:?}");
        }
        assert!(desk.starts().values().eq(&[1]), "{tool}: {:?}", desk.starts());
    }
}

#[test]
fn pending_calls_outlive_a_kill() {
    let desk = Desk::new();
    let rows = [
        one_call("cancel_reservation", r#"{"reservation_id":"4OG6T3"}"#),
        one_call("think", r#"{"thought":"hm"}"#).replace("\"seq\":0", "\"seq\":1"),
    ];
    let data = desk.data(rows.join("\n"));
    let slow = ["--decide", "leave", "--pace", "3600000", &data];
    let first = Watched::stdout(desk.command(&slow).spawn().unwrap());
    first.until("the airline works on think");
    first.kill();
    let counts = desk.counts(&["--decide", "leave", &data]);
    assert_eq!((counts["pending"], counts["reattached"], counts["executed"]), (1, 1, 1));
    let counts = desk.counts(&["--decide", "approve", &data]);
    assert_eq!((counts["pending"], counts["reattached"], counts["executed"]), (0, 1, 2));
}

#[test]
fn ctrl_c_ends_it_cleanly_with_the_counts_so_far() {
    let desk = Desk::new();
    let options = ["--decide", "approve", "--json", "--pace", "150"];
    let mut child = desk.command(&options).spawn().unwrap();
    let id = child.id();
    // Output for people goes to standard error; once there is some, the program runs.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    assert!(line.contains("the airline works on"), "{line}");
    signal(id, "-INT");
    let drain = std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    let output = finish(child);
    drain.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let counts = sound(&output);
    assert!(counts["calls"] < SHIPPED.lines().count() as u64, "{counts:?}");
    assert_eq!(counts["unknown"], 0, "what ran was finished: {counts:?}");
    let counts = desk.counts(&["--decide", "approve"]);
    assert_eq!((counts["pending"], counts["unknown"]), (0, 0), "{counts:?}");
    assert!(desk.starts().values().all(|starts| *starts == 1));
}
