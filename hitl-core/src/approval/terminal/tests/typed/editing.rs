//! Tests of editing, answering and stopping at the terminal, through a gate.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use hitl_base::JsonText;

use super::*;
use crate::call::Risk;
use crate::dynamic::{DynArguments, DynSpec, DynTool};
use crate::{
    Gate, GateError, Outcome, ParameterSpec, Permit, SnapshotError, SnapshotWriter, Submission,
    Tool, ToolConfig, ToolSpec,
};

/// Pays somebody.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Pay {
    to: String,
    amount: u32,
    #[schemars(extend("writeOnly" = true))]
    pin: String,
}

impl Tool for Pay {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("pay", "Pays somebody.")
        .parameters(&[
            ParameterSpec::new("to"),
            ParameterSpec::new("amount"),
            ParameterSpec::sensitive("pin"),
        ])
        .config(ToolConfig::DEFAULT.base_confidence(70).risk(Risk::Medium));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| {
            fields.field("to", &self.to)?;
            fields.field("amount", &self.amount)?;
            fields.sensitive("pin", &self.pin)
        })
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let pay = permit.open().0;
        let pin = if pay.pin == PIN { "its pin" } else { "another pin" };
        Ok(format!("paid {} to {} with {pin}", pay.amount, pay.to))
    }
}

const PIN: &str = "pin-9731-rosebud";

/// Submits a payment, with a person who types `lines`. Returns the submission, and what was shown.
async fn pay(editor: Option<Editor>, lines: &str) -> (Result<Submission, GateError>, String) {
    let (terminal, mut keyboard, shown) = terminal(true, editor);
    let approver = TerminalApprover::new("ann").on(terminal);
    let gate = Gate::builder().tool::<Pay>().approver(approver).build().await.unwrap();
    keyboard.write_all(lines.as_bytes()).unwrap();
    let call = Pay { to: "Initech".to_owned(), amount: 900, pin: PIN.to_owned() };
    let submitted = gate.submit(call).by("agent").await;
    let shown = shown.lock().unwrap().clone();
    (submitted, shown)
}

/// Returns an editor that runs a script on the file `$1`.
fn script(script: &str) -> Editor {
    Editor::new(format!("edit() {{ {script}; }}; edit"))
}

#[track_caller]
fn ran(submitted: Result<Submission, GateError>) -> String {
    let Ok(Submission::Done { outcome: Outcome::Executed(output), .. }) = submitted else {
        panic!("it ran: {submitted:?}")
    };
    output.json().unwrap().to_owned()
}

#[tokio::test]
async fn invariant_2_what_was_edited_and_shown_is_what_runs() {
    let editor = script(r#"sed -i 's/"amount": 900/"amount": 500/' "$1""#);
    let (submitted, shown) = pay(Some(editor), "e\na\n").await;
    assert_eq!(ran(submitted), r#""paid 500 to Initech with its pin""#);
    let (before, after) = shown.split_once("  changes\n").unwrap();
    assert!(before.contains("[e] Edit"), "{shown}");
    assert!(after.starts_with("              amount: 900 → 500\n"), "{shown}");
    assert!(after.contains("[a] Approve with these changes"), "{shown}");
    assert!(!shown.contains(PIN), "{shown}");
}

#[tokio::test]
async fn without_an_editor_changes_are_typed() {
    let (submitted, shown) = pay(None, "e\namount\namount=500\nto=Globex\n\n?\na\n").await;
    assert_eq!(ran(submitted), r#""paid 500 to Globex with its pin""#);
    assert!(shown.contains("type a name, an equals sign and a value"), "{shown}");
    let changes =
        "  changes\n              to: \"Initech\" → \"Globex\"\n              amount: 900 → 500\n";
    assert!(shown.contains(changes), "{shown}");
    assert!(shown.contains("revision"), "`?` shows the next revision: {shown}");
}

#[tokio::test]
async fn invariant_8_the_editor_sees_masks_and_no_mask_overwrites_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let copy = script(&format!(r#"cp "$1" {}; sed -i 's/900/1/' "$1""#, seen.display()));
    let (submitted, _) = pay(Some(copy), "e\na\n").await;
    assert_eq!(ran(submitted), r#""paid 1 to Initech with its pin""#);
    let seen = fs::read_to_string(seen).unwrap();
    assert_eq!(
        seen, "{\n  \"to\": \"Initech\",\n  \"amount\": 900,\n  \"pin\": \"[redacted]\"\n}\n",
        "in the order of the declaration"
    );
    // A secret can be neither replaced nor removed, and a mask is no value.
    for change in ["pin=1234", "pin=null", "to=[redacted]", "to=a [redacted] b"] {
        let (submitted, shown) = pay(None, &format!("e\n{change}\n\na\nb\nr no\n")).await;
        assert!(matches!(submitted, Ok(Submission::Done { .. })), "{submitted:?}");
        assert!(shown.contains("Not possible: "), "{change}: {shown}");
        assert!(!shown.contains("Approve with these changes"), "{change}: {shown}");
    }
}

#[tokio::test]
async fn invariant_5_what_does_not_fit_is_not_sent() {
    // Not JSON, then a wrong type; then back, and rejected.
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let editor = script(&format!(
        r#"echo >> {0}; case $(wc -l < {0}) in 1) echo '{{' > "$1";; 2) grep -qx '{{' "$1" && echo '{{"to":"x","amount":"much","pin":"[redacted]"}}' > "$1";; esac"#,
        count.display()
    ));
    let (submitted, shown) = pay(Some(editor), "e\na\ne\na\nb\nr no\n").await;
    let Ok(Submission::Done { outcome: Outcome::Rejected { .. }, .. }) = submitted else {
        panic!("{submitted:?}")
    };
    assert!(shown.contains("This is not JSON: "), "{shown}");
    assert!(shown.contains("Not possible: ") && shown.contains("amount"), "{shown}");
    assert!(!shown.contains("Approve with these changes"), "{shown}");
    // An editor that fails, and then the end of the input.
    let (terminal, keyboard, shown) = terminal(true, Some(Editor::new("false")));
    let approver = TerminalApprover::new("ann").on(terminal);
    let gate = Gate::builder().tool::<Pay>().approver(approver).build().await.unwrap();
    let mut typing = keyboard;
    typing.write_all(b"e\namount=1\n").unwrap();
    drop(typing);
    let call = Pay { to: "Initech".to_owned(), amount: 900, pin: PIN.to_owned() };
    let Submission::Pending(ticket) = gate.submit(call).by("agent").await.unwrap() else {
        panic!("nothing was decided")
    };
    assert!(shown.lock().unwrap().contains("No change: the editor ended with"));
    // It says how this gate's calls are decided: no other program can open a store in memory.
    let id = ticket.request().id;
    let how = format!(
        "waits for a decision: only this process can decide it, with `Gate::decide`: call {id}"
    );
    assert!(shown.lock().unwrap().contains(&how), "{shown:?}");
}

#[tokio::test]
async fn the_model_is_answered_and_the_run_is_stopped() {
    let (submitted, shown) = pay(None, "m\n\nask Bob first\n").await;
    let Ok(Submission::Done { outcome: Outcome::Responded { message, .. }, .. }) = submitted else {
        panic!("{submitted:?}")
    };
    assert_eq!(message, "ask Bob first");
    assert_eq!(shown.matches("Answer to the model (needed)").count(), 2, "{shown}");
    let (submitted, _) = pay(None, "x it loops\n").await;
    let Ok(Submission::Done { outcome: Outcome::Aborted { reason, .. }, .. }) = submitted else {
        panic!("{submitted:?}")
    };
    assert!(reason.contains("it loops"), "{reason}");
}

#[tokio::test]
async fn a_deletion_is_approved_by_its_name() {
    let (terminal, mut keyboard, shown) = typed(true);
    let approver = TerminalApprover::new("ann").on(terminal);
    let mut deletion = request(r#"{"name":"apollo"}"#);
    deletion.approval_type = "deletion".to_owned();
    keyboard.write_all(b"a\nApollo\na\napollo\n").unwrap();
    let Review::Decided(decision) = approver.review(&deletion).await else { panic!("decided") };
    assert_eq!(decision.answer, DecisionKind::Approve);
    let shown = shown.lock().unwrap();
    assert_eq!(shown.matches("type its name (apollo)").count(), 2, "{shown}");
    assert_eq!(shown.matches("nothing was decided").count(), 1, "{shown}");
}

#[tokio::test]
async fn a_withdrawn_editor_keeps_the_terminal_until_it_ends_and_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (open, close) = (folder.path().join("open"), folder.path().join("close"));
    let wait = script(&format!(
        r#"touch {}; while ! test -e {}; do sleep 0.01; done; echo '{{}}' > "$1""#,
        open.display(),
        close.display()
    ));
    let (terminal, mut keyboard, shown) = terminal(true, Some(wait));
    let approver = TerminalApprover::new("ann").on(terminal);
    let mut first = request("{\"amount\":1}");
    first.choices.push(Choice::Edit);
    keyboard.write_all(b"e\n").unwrap();
    let mut question = approver.review(&first);
    while !open.exists() {
        let limit = Duration::from_millis(1);
        assert!(tokio::time::timeout(limit, &mut question).await.is_err(), "it is being edited");
    }
    drop(question);
    assert!(!shown.lock().unwrap().contains("withdrawn"), "the editor has the screen");
    let second = request("{}");
    let mut next = approver.review(&second);
    let limit = Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, &mut next).await.is_err(), "the editor has the terminal");
    fs::write(close, "").unwrap();
    keyboard.write_all(b"a\ny\n").unwrap();
    let Review::Decided(decision) = next.await else { panic!("decided") };
    assert_eq!((decision.request, decision.answer), (second.id, DecisionKind::Approve));
    assert_eq!(shown.lock().unwrap().matches("(the question was withdrawn").count(), 1);
}

#[tokio::test]
async fn an_edit_that_somebody_else_has_to_approve_says_so() {
    let (terminal, mut keyboard, shown) = typed(true);
    let schema = r#"{"type":"object","properties":{"to":{"type":"string"},"amount":{}}}"#;
    let config = ToolConfig::DEFAULT.base_confidence(70).risk(Risk::Medium).four_eyes();
    let spec = DynSpec::new("pay", "Pays somebody.").config(config);
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let gate = Gate::builder()
        .dyn_tool(DynTool::new(spec, schema, body).unwrap())
        .approver(TerminalApprover::new("ann").on(terminal))
        .build()
        .await
        .unwrap();
    // `a` is not offered, so it sends nothing.
    keyboard.write_all(b"e\namount=500\n\na\nw\n").unwrap();
    let text = r#"{"amount":900,"to":"Initech"}"#;
    let submitted = gate.submit_json("pay", text, "agent", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("another person approves it") };
    let shown = shown.lock().unwrap().clone();
    assert!(shown.contains("[w] Send; it then waits for an approval"), "{shown}");
    assert_eq!(shown.matches("Type one of the letters").count(), 1, "{shown}");
    assert_eq!(ticket.request().revision, 2);
}

#[tokio::test]
async fn the_calls_of_the_run_before_this_one_are_shown_with_their_states() {
    let (terminal, mut keyboard, shown) = typed(true);
    let approver = TerminalApprover::new("ann").on(terminal);
    let gate = Gate::builder().tool::<Pay>().approver(approver).build().await.unwrap();
    keyboard.write_all(b"r no\nr no\n").unwrap();
    for (position, amount) in [(0, 900), (1, 901)] {
        let text = format!(r#"{{"to":"Initech","amount":{amount},"pin":"{PIN}"}}"#);
        let done = gate.submit_json("pay", &text, "agent", "run-1", position).await.unwrap();
        assert!(matches!(done, Submission::Done { .. }), "{done:?}");
    }
    let shown = shown.lock().unwrap();
    let listed: Vec<&str> = shown.split("earlier in this run:\n").skip(1).collect();
    let [listed] = listed[..] else { panic!("only the second call has one before it: {shown}") };
    let line = listed.lines().next().unwrap();
    assert!(line.contains("rejected"), "{line}");
    assert!(!shown.contains(PIN), "{shown}");
}
