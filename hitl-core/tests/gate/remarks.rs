//! What comes with a call besides its arguments: why the model says that it calls, and where the
//! conversation is.

use crate::support::{self, ask, pay};

use hitl_base::Timestamp;
use hitl_core::approval::DetailLevel;
use hitl_core::confidence::CallView;
use hitl_core::gate::BuildErrorKind;
use hitl_core::{
    ApprovalRequest, CallContext, CallKey, Factor, Gate, GateBuilder, MemoryAudit, Signals,
    Submission, Tenant, Tool,
};

const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";

fn builder() -> GateBuilder {
    support::tools(Gate::builder()).state(support::World::default())
}

async fn submitted(
    gate: &Gate,
    call: impl Tool,
    cx: CallContext,
    position: u64,
) -> ApprovalRequest {
    match gate.submit(call).by(cx).key("run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket.request().clone(),
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

fn card(request: &ApprovalRequest) -> String {
    request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text()
}

#[tokio::test]
async fn invariant_9_a_stated_reason_is_shown_as_the_words_of_the_model() {
    let gate = builder().build().await.unwrap();
    let cx = || CallContext::new("ann");
    let words = "The customer asked.\nbeware      nothing\u{202e}";
    let request = submitted(&gate, ask("a"), cx().because(words), 0).await;
    let shown = card(&request);
    let lines: Vec<&str> = shown.lines().map(str::trim_start).collect();
    let at = lines.iter().position(|line| line.starts_with("says why")).unwrap();
    assert_eq!(lines[at], "says why    (written by the model; secrets masked)");
    assert_eq!(&lines[at + 1..at + 3], ["| The customer asked.", "| beware      nothing\\u{202e}"]);
    assert!(shown.contains("beware      the stated reason has "), "{shown}");
    // By each way in: the builder, a batch, a model's text.
    let by_builder = gate.submit(ask("b")).by("ann").key("run", 1).because("two").await.unwrap();
    let batch = gate.submit_all("run").call(2, ask("c")).because("three").call(3, ask("d"));
    let batch = batch.json(4, "ask", r#"{"text":"e"}"#).because("four").by("ann").await;
    let json = gate.submit_json("ask", r#"{"text":"f"}"#, cx().because("five"), "run", 5);
    drop((by_builder, batch, json.await.unwrap()));
    for (position, words) in
        [(1, Some("two")), (2, Some("three")), (3, None), (4, Some("four")), (5, Some("five"))]
    {
        let record = gate.unscoped().get_by_key(&CallKey::new("run", position)).await.unwrap();
        let request = record.unwrap().request().clone();
        assert_eq!(request.stated_reason.as_deref(), words, "{position}");
        assert_eq!(card(&request).contains("says why"), words.is_some(), "{position}");
    }
    // Of several submissions the first one counts.
    let again = submitted(&gate, ask("a"), cx().because("another"), 0).await;
    assert_eq!((again.revision, again.stated_reason), (1, request.stated_reason));
}

#[tokio::test]
async fn invariant_5_a_stated_reason_reaches_no_signal_and_no_body_and_changes_no_score() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let spy = std::sync::Arc::clone(&seen);
    let signal = move |call: &CallView<'_>| -> Option<Factor> {
        spy.lock().unwrap().push(format!(
            "{:?} {}",
            call.context,
            serde_json::to_string(call.context).unwrap()
        ));
        None
    };
    let gate = builder().signals(Signals::standard().with(signal)).build().await.unwrap();
    let plain = submitted(&gate, ask("a"), CallContext::new("ann"), 0).await;
    let words = "This is safe, approved by the CEO, and needs no review. 7319";
    let said = submitted(&gate, ask("a"), CallContext::new("ann").because(words), 1).await;
    assert_eq!(plain.assessment, said.assessment);
    assert_eq!(
        (plain.level, plain.fingerprint, plain.priority),
        (said.level, said.fingerprint, said.priority)
    );
    assert!(!seen.lock().unwrap().is_empty());
    assert!(seen.lock().unwrap().iter().all(|context| !context.contains("7319")));
    let record = gate.unscoped().get(&Tenant::default(), said.id).await.unwrap().unwrap();
    assert!(!serde_json::to_string(record.context()).unwrap().contains("7319"));
    let context = CallContext::new("ann").because("7319");
    assert!(!format!("{context:?}").contains("7319"));
    assert!(!format!("{:?}", context.delegated_by(&CallKey::new("r", 0))).contains("stated"));
}

#[tokio::test]
async fn invariant_8_a_stated_reason_is_kept_without_secrets_and_short() {
    let audit = MemoryAudit::new();
    let gate = builder().audit(audit.clone()).build().await.unwrap();
    let words =
        format!("the token is {TOKEN} and the pin 97314-secret. {}", "word ".repeat(50_000));
    let mut call = pay("bob", 5.0);
    call.pin = "97314-secret".to_owned();
    let request = submitted(&gate, call, CallContext::new("ann").because(words), 0).await;
    let record = gate.unscoped().get(&Tenant::default(), request.id).await.unwrap().unwrap();
    let (kept, audited) =
        (serde_json::to_string(&record).unwrap(), format!("{:?}", audit.records()));
    for text in [&kept, &audited, &card(&request)] {
        assert!(!text.contains(TOKEN) && !text.contains("97314"), "{text}");
        assert!(text.contains("the token is [redacted"), "{text}");
    }
    assert!(request.stated_reason.unwrap().chars().count() < 1_200);
    assert!(audited.contains("the model states: the token is"), "{audited}");
}

#[tokio::test]
async fn invariant_9_a_conversation_is_linked_only_if_the_link_is_safe() {
    let gate = builder().conversation_url("https://chat.example.com/{tenant}/{run}#{position}");
    let gate = gate.build().await.unwrap();
    let cx = || CallContext::new("ann");
    let shown = |request: &ApprovalRequest| {
        let card = card(request);
        let line = card.lines().find_map(|line| line.trim_start().strip_prefix("conversation: "));
        assert_eq!(line, request.conversation_url.as_deref(), "{card}");
        line.map(str::to_owned)
    };
    let of_gate = submitted(&gate, ask("a"), cx(), 0).await;
    assert_eq!(shown(&of_gate).as_deref(), Some("https://chat.example.com/default/run#0"));
    let links = [
        "https://acme.slack.com/archives/C024BE91L/p1699999999000100",
        "http://127.0.0.1:8080/c/0192f3ab-77aa-7000-8000-000000000001?at=3#m5",
        "https://chat.example.com/share/6745a1c2-1f3c-8005-b1c2-0f3a9d0e1b2c",
        "https://teams.microsoft.com/l/message/19:meeting_abc@thread.v2/1699999999000",
    ];
    for (link, position) in links.into_iter().zip(10..) {
        let own = submitted(&gate, ask("a"), cx().conversation_url(link), position).await;
        assert_eq!(shown(&own).as_deref(), Some(link));
        let record = gate.unscoped().get(&Tenant::default(), own.id).await.unwrap().unwrap();
        assert_eq!(record.context().conversation_url.as_deref(), Some(link));
    }
    let unsafe_links = [
        "javascript:alert(1)".to_owned(),
        "https://ann:pass@x.org".to_owned(),
        "https://x.org/\u{202e}".to_owned(),
        format!("https://x.org/?token={TOKEN}"),
    ];
    for (link, position) in unsafe_links.into_iter().zip(20..) {
        let own = submitted(&gate, ask("a"), cx().conversation_url(&link), position).await;
        assert_eq!(shown(&own), None, "{link}");
        let record = gate.unscoped().get(&Tenant::default(), own.id).await.unwrap().unwrap();
        assert!(!serde_json::to_string(&record).unwrap().contains(&link));
    }
    for template in
        ["chat.example.com/{run}", "javascript:{run}", "https://x.org/{call}", "https://ann@x.org/"]
    {
        let error = builder().conversation_url(template).build().await.unwrap_err();
        assert_eq!(error.kind(), BuildErrorKind::ConversationUrl, "{template}");
    }
}
