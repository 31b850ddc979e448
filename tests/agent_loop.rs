//! The agent's loop as its users run it: killed at any point and started again, it continues where
//! it was, answers every call once, and runs no body twice.

#![cfg(all(feature = "sqlite", feature = "terminal", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "shared/example.rs"]
mod example;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The line that ends a conversation.
const ANSWER: &str = "answer: Your $40 are on their way.";
/// The ledger of the example's own script.
const LEDGER: [&str; 2] = ["refund A-17 $40", "mail A-17 53 letters"];

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::built("agent_loop"))
}

struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }

    fn start(&self, options: &[&str]) -> Child {
        let mut command = Command::new(program());
        command.arg(self.0.path()).arg("--approve").args(options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs the loop to its end, and returns what it printed.
    fn finish(&self, options: &[&str]) -> String {
        let output = self.start(options).wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{}", text(output.stderr));
        text(output.stdout)
    }

    /// Returns how often each body ran.
    fn ran(&self) -> BTreeMap<String, usize> {
        let mut ran = BTreeMap::new();
        for line in self.file("ledger.txt").lines() {
            let (_key, what) = line.split_once(' ').unwrap();
            *ran.entry(what.to_owned()).or_default() += 1;
        }
        ran
    }

    fn messages(&self) -> Vec<Value> {
        let lines = self.file("transcript.jsonl");
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks that each call has one result, that no body ran twice, and that one ran for each call
    /// that is not of unknown outcome.
    fn check(&self) {
        let messages = self.messages();
        let calls =
            messages.iter().filter_map(|message| message["tool_calls"].as_array()).flatten();
        let ran = self.ran();
        assert!(ran.values().all(|times| *times == 1), "{ran:?}");
        let mut effects = 0;
        for call in calls {
            let results: Vec<_> =
                messages.iter().filter(|message| message["tool_call_id"] == call["id"]).collect();
            let [result] = results.as_slice() else { panic!("{call}: {results:?}") };
            let result = result["content"].as_str().unwrap();
            let is_done = result.starts_with("\"refunded") || result == "\"sent\"";
            let is_unknown = result.contains("it is not known how it ended");
            effects += usize::from(is_done);
            let refused = result.starts_with("The call was not taken");
            let read = call["function"]["name"] == "look_up_order";
            assert!(is_done || is_unknown || refused || read, "{call}: {result}");
        }
        assert!((effects..=LEDGER.len()).contains(&ran.len()), "{effects}: {ran:?}");
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_model_reads_its_mistakes_and_its_results() {
    let shop = Shop::new();
    let said = shop.finish(&[]);
    assert!(said.ends_with(&format!("{ANSWER}\n")), "{said}");
    for part in [
        "did you mean `look_up_order`?",
        "at `amount`: expected a whole number from 0 to 4294967295, found a string",
        "result of refund: \"refunded $40 for A-17\"",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(shop.ran(), LEDGER.map(|what| (what.to_owned(), 1)).into());
    shop.check();
    // Started again, it says the answer and does nothing else.
    let transcript = shop.file("transcript.jsonl");
    assert_eq!(shop.finish(&[]), format!("{ANSWER}\n"));
    assert_eq!((shop.file("transcript.jsonl"), shop.ran().len()), (transcript, 2));
}

#[test]
fn invariant_3_killed_after_any_line_it_goes_on_and_runs_nothing_twice() {
    let lines = Shop::new().finish(&[]).lines().count();
    for after in 0..lines {
        let shop = Shop::new();
        // Bodies take a while, so that some kills hit them.
        let mut child = shop.start(&["--pace", if after % 2 == 0 { "0" } else { "200" }]);
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(said.by_ref().take(after).count(), after);
        kill(child);
        assert!(shop.finish(&[]).ends_with(&format!("{ANSWER}\n")), "after line {after}");
        shop.check();
    }
}

#[test]
fn invariant_3_killed_again_and_again_it_arrives() {
    let shop = Shop::new();
    let mut unfinished = 0;
    // Each process lives a little longer than the one before, and so dies at another point.
    for life in (0..).map(|n| Duration::from_millis(5 + 7 * n)) {
        let mut child = shop.start(&["--pace", "20"]);
        let began = Instant::now();
        while began.elapsed() < life && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if child.try_wait().unwrap().is_some() {
            let mut said = String::new();
            child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
            assert!(said.ends_with(&format!("{ANSWER}\n")), "{said}");
            break;
        }
        kill(child);
        unfinished += 1;
    }
    assert!(unfinished > 0);
    shop.check();
}

#[test]
fn a_body_that_was_killed_is_not_started_again() {
    let shop = Shop::new();
    let child = shop.start(&["--pace", "3000"]);
    let began = Instant::now();
    while shop.ran().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(120), "no body starts");
        std::thread::yield_now();
    }
    kill(child);
    let said = shop.finish(&[]);
    assert!(said.contains("it is not known how it ended. It may have had effects"), "{said}");
    shop.check();
}

#[test]
fn a_line_that_was_cut_off_is_written_again() {
    let shop = Shop::new();
    shop.finish(&[]);
    let whole = shop.file("transcript.jsonl");
    for kept in 1..=whole.len() {
        // Few lengths, and all of the last line.
        if kept % 97 != 0 && kept + 60 < whole.len() {
            continue;
        }
        let Some(cut) = whole.get(..kept) else { continue };
        fs::write(shop.0.path().join("transcript.jsonl"), cut).unwrap();
        assert!(shop.finish(&[]).ends_with(&format!("{ANSWER}\n")), "{kept}");
        assert_eq!(shop.messages().len(), whole.lines().count(), "{kept}");
        shop.check();
    }
    assert_eq!(shop.ran(), LEDGER.map(|what| (what.to_owned(), 1)).into());
}

/// Returns a response with one call, or with the answer.
fn reply(id: &str, call: Option<(&str, Value)>) -> String {
    let message = match call {
        Some((name, arguments)) => {
            let function = json!({ "name": name, "arguments": arguments.to_string() });
            let call = json!({ "id": id, "type": "function", "function": function });
            json!({ "role": "assistant", "content": null, "tool_calls": [call] })
        }
        None => json!({ "role": "assistant", "content": "Your $40 are on their way." }),
    };
    json!({ "choices": [{ "index": 0, "message": message }] }).to_string()
}

#[test]
fn a_model_that_answers_otherwise_begins_a_new_run() {
    let shop = Shop::new();
    let refund = |amount: u32| Some(("refund", json!({ "order": "A-17", "amount": amount })));
    let mail = Some(("send_mail", json!({ "order": "A-17", "text": "Hello." })));
    let script = shop.0.path().join("script.jsonl");
    let options = ["--script", script.to_str().unwrap()];
    let first = [reply("a", refund(40)), reply("b", mail.clone()), reply("", None)];
    fs::write(&script, first.join("\n")).unwrap();
    shop.finish(&options);
    // The transcript is lost. A model that answers as before finds its calls.
    let transcript = shop.0.path().join("transcript.jsonl");
    fs::remove_file(&transcript).unwrap();
    shop.finish(&options);
    assert_eq!(shop.ran().values().sum::<usize>(), 2);
    // One that answers otherwise asks for another call, which has a key of its own.
    fs::remove_file(&transcript).unwrap();
    let second = [reply("a", refund(40)), reply("b", refund(15)), reply("", None)];
    fs::write(&script, second.join("\n")).unwrap();
    shop.finish(&options);
    let expected = [("mail A-17 6 letters", 1), ("refund A-17 $15", 1), ("refund A-17 $40", 1)];
    assert_eq!(shop.ran(), expected.map(|(what, times)| (what.to_owned(), times)).into());
    assert!(shop.messages().iter().any(|line| line["run"] == "case-7/2"));
    // The new run has its own place in the transcript, which is replayed too.
    shop.finish(&options);
    assert_eq!(shop.ran().values().sum::<usize>(), 3);
}

#[test]
fn a_stored_reply_counts_and_not_what_the_model_would_say_now() {
    let shop = Shop::new();
    let refund = |amount: u32| Some(("refund", json!({ "order": "A-17", "amount": amount })));
    let script = shop.0.path().join("script.jsonl");
    let options = ["--script", script.to_str().unwrap(), "--pace", "3000"];
    fs::write(&script, [reply("a", refund(40)), reply("", None)].join("\n")).unwrap();
    let child = shop.start(&options);
    let began = Instant::now();
    while shop.ran().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(120), "no body starts");
        std::thread::yield_now();
    }
    kill(child);
    fs::write(&script, [reply("a", refund(15)), reply("", None)].join("\n")).unwrap();
    shop.finish(&options);
    assert_eq!(shop.ran(), [("refund A-17 $40".to_owned(), 1)].into());
    assert!(shop.messages().iter().all(|line| line["run"].is_null()));
    shop.check();
}

#[test]
fn two_processes_do_not_share_a_conversation() {
    let shop = Shop::new();
    let first = shop.start(&["--pace", "5000"]);
    let began = Instant::now();
    while shop.file("transcript.jsonl").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not begin");
        std::thread::yield_now();
    }
    let second = shop.start(&[]).wait_with_output().unwrap();
    assert!(!second.status.success());
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("another process has this transcript")
    );
    kill(first);
}
