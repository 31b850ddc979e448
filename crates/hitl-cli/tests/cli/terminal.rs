//! Text on a terminal of 80 and of 200 columns: it fits, no word is broken, and colours are for who
//! wants them.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use hitl::prelude::*;
use hitl::tasks::Shutdown;

use crate::house::{House, program, ran, said};
use crate::person::printed_at;

/// The text of each command, as a person sees it.
struct Terminal {
    house: House,
    columns: u16,
}

impl Terminal {
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.env("HITL_DB", said(&self.house.path("hitl.db"))).env("NO_COLOR", "1");
        command.env_remove("COLUMNS");
        command
    }

    /// Prints a command's output, and checks that it fits.
    fn shows(&self, arguments: &[&str]) -> String {
        let text = printed_at(self.columns, &mut self.program(arguments));
        for line in text.lines() {
            let width = line.chars().count();
            assert!(width <= usize::from(self.columns), "{width} in {}: {line}", self.columns);
        }
        text
    }
}

/// A house with calls of each kind, a grant and a task.
async fn stage(columns: u16) -> (Terminal, Vec<String>) {
    let house = House::new().await;
    let payee = "The Society for the Preservation of Long and Memorable Names of Creditors";
    let (long, short) = (house.wire(payee, 120).await, house.wire("Initech", 4_500).await);
    let deletion = house.drop_project("apollo").await;
    let rejected = house.wire("Globex", 9).await;
    let said_no = ["reject", &rejected.id, "--reason", "wrong account", "--as", "ann"];
    house.hitl(&said_no).ended(0);
    let granted = house.wire("Hooli", 5).await;
    let allow = ["allow", &granted.id, "--binding", &granted.binding, "--as", "ann", "--durable"];
    let allow = [&allow[..], &["--same", "to", "--sum", "amount=600", "--uses", "3"]].concat();
    house.hitl(&allow).ended(0);
    granted.ticket.wait().await.unwrap();
    let manager = TaskManager::builder().journal(house.store.clone()).build().unwrap();
    let work =
        |_: StepContext| std::future::ready(Err::<u32, String>("the disk is full".to_owned()));
    let task =
        Task::new("Export the books of the year").step(TaskStep::new("Copy", work).durable());
    let task = manager.submit(task.journaled()).unwrap();
    let task_id = task.id().to_string();
    task.wait().await.unwrap_err();
    manager.shutdown(Shutdown::cancel(Duration::from_secs(5))).await;
    let grant = house.hitl(&["grants", "--json"]).ended(0).json()[0]["id"].to_string();
    let ids = [&long.id, &short.id, &deletion.id, &rejected.id, &granted.id, &task_id];
    let mut ids: Vec<String> = ids.into_iter().cloned().collect();
    ids.push(grant.trim_matches('"').to_owned());
    ids.extend([&long, &short, &deletion].map(|call| call.binding.clone()));
    (Terminal { house, columns }, ids)
}

/// Replaces what differs between runs, at the same width.
fn masked(text: &str, ids: &[String]) -> String {
    let mut text = text.to_owned();
    for (at, id) in ids.iter().enumerate() {
        let digit = char::from(b'a' + u8::try_from(at).unwrap() % 6);
        let mask = |part: &str| part.replace(|c: char| c.is_ascii_hexdigit(), &digit.to_string());
        let end = &id[id.len() - 12..];
        text = text.replace(id.as_str(), &mask(id)).replace(end, &mask(end));
        text = text.replace(&id[..12], &mask(&id[..12]));
    }
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n', '(', ')']) {
        let body = word.trim_end_matches([' ', '\n', '(', ')']);
        let end = &word[body.len()..];
        let is_moment = body.len() == 24 && body.ends_with('Z') && body.contains('T');
        let is_digest = body.len() == 64 && body.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_id = body.len() == 36 && body.bytes().filter(|byte| *byte == b'-').count() == 4;
        match (is_moment, is_digest || is_id) {
            (true, _) => out.push_str("2026-01-02T03:04:05.678Z"),
            (_, true) => out.push_str(&body.replace(|c: char| c.is_ascii_hexdigit(), "0")),
            _ => out.push_str(body),
        }
        out.push_str(end);
    }
    // A decision of this test took less than a minute.
    for seconds in 1..60 {
        out = out.replace(&format!(" {seconds} s"), " 0 s");
    }
    out
}

async fn transcript(columns: u16) -> String {
    let (terminal, ids) = stage(columns).await;
    let mut text = String::new();
    let long = &ids[0];
    let rejected = &ids[3];
    let deletion = &ids[2];
    for arguments in [
        &["queue"][..],
        &["queue", "--state", "pending", "--state", "rejected", "--state", "executed"],
        &["queue", "--state", "rejected"],
        &["show", long],
        &["show", rejected],
        &["show", deletion],
        &["grants"],
        &["tasks"],
        &["stats"],
        &["--help"],
        &["queue", "-h"],
        &["resolve", "--help"],
    ] {
        let shown = masked(&terminal.shows(arguments), &ids);
        let arguments = masked(&arguments.join(" "), &ids);
        // The program's own version and the run's name differ.
        writeln!(text, "$ hitl {arguments}\n{}", without_runs(&shown)).unwrap();
    }
    text
}

/// Replaces the names of runs, which the house does not give.
fn without_runs(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(", in ") {
        Some((who, rest)) if line.trim_start().starts_with("asked by") => {
            let call = rest.split_once(", call ").map_or("", |(_, call)| call);
            format!("{who}, in RUN, call {call}\n")
        }
        _ if line.trim_start().starts_with("key: ") => "              key: KEY\n".to_owned(),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_80_columns_show() {
    insta::assert_snapshot!(transcript(80).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_200_columns_show() {
    insta::assert_snapshot!(transcript(200).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_gets_whole_lines_and_a_terminal_what_fits() {
    let (terminal, ids) = stage(80).await;
    let piped = ran(&mut terminal.program(&["queue"])).ended(0).out;
    let payee = "The Society for the Preservation of Long and Memorable Names of Creditors";
    assert!(piped.contains(payee) && piped.contains("PRIORITY"), "{piped}");
    // The environment's wish does not narrow a pipe, and a flag of a terminal does.
    let wished = ran(terminal.program(&["queue"]).env("COLUMNS", "40")).ended(0).out;
    assert_eq!(wished, piped);
    let narrow = printed_at(80, terminal.program(&["queue"]).env("COLUMNS", "50"));
    let table = narrow.lines().take_while(|line| !line.starts_with("hitl:"));
    let table: Vec<&str> = table.collect();
    assert!(table.iter().all(|line| line.chars().count() <= 50), "{narrow}");
    let short = &ids[0][ids[0].len() - 12..];
    assert!(
        narrow.contains(short) && narrow.contains(" …") && !narrow.contains("PRIORITY"),
        "{narrow}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_that_want_them() {
    let (terminal, ids) = stage(120).await;
    let id = &ids[1];
    for arguments in [&["queue"][..], &["show", id], &["grants"], &["tasks"], &["stats"]] {
        let mut command = terminal.program(arguments);
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color").env_remove("CLICOLOR");
        let colored = printed_at(120, &mut command);
        assert!(colored.contains("\x1b["), "{colored}");
        let plain = printed_at(120, &mut terminal.program(arguments));
        let mut stripped = colored;
        for code in ["0", "1", "2", "31", "32", "33"] {
            stripped = stripped.replace(&format!("\x1b[{code}m"), "");
        }
        let words = |text: &str| masked(text, &ids).split_whitespace().collect::<String>();
        assert_eq!(words(&stripped), words(&plain), "a colour says nothing alone");
        for (name, value) in [("TERM", "dumb"), ("CLICOLOR", "0"), ("NO_COLOR", "1")] {
            let mut command = terminal.program(arguments);
            command.env_remove("NO_COLOR").env(name, value);
            let text = printed_at(120, &mut command);
            assert!(!text.contains('\x1b'), "{name}: {text}");
        }
        let mut piped = terminal.program(arguments);
        piped.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        assert!(ran(&mut piped).ended(0).out.contains("\x1b["), "{arguments:?}");
        let json = [arguments, &["--json"]].concat();
        let mut json = terminal.program(&json);
        json.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        assert!(!ran(&mut json).ended(0).out.contains('\x1b'), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suggested_commands_that_name_a_long_path_fit_too() {
    let house = House::new().await;
    let db = said(&house.path("hitl.db"));
    let shows = |arguments: &[&str]| {
        let mut command = program(&[&["--db", &db], arguments].concat());
        let text = printed_at(80, command.env_remove("COLUMNS").env("NO_COLOR", "1"));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    };
    let empty = shows(&["queue"]);
    assert!(empty.starts_with("Nothing waits.\nWhat has run:\n  hitl queue "), "{empty}");
    assert!(shows(&["grants"]).contains("\n  hitl grants --all "), "{empty}");
    let call = house.wire("Initech", 120).await;
    let queue = shows(&["queue"]);
    assert!(queue.contains("hitl: to see one and decide it:\n  hitl approve ID "), "{queue}");
    assert!(shows(&["show", &call.id]).contains("to approve:\n  hitl approve "), "{queue}");
}
