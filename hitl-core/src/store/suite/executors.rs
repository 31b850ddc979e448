//! Executors and their tools, and calls whose tool has changed.

use std::sync::Arc;

use super::Subject;
use super::fixture::{Draft, approved, claim, facts, sealed, tenant};
use crate::call::ToolFacts;
use crate::ids::{ClaimToken, SessionId};
use crate::machine::{CallState, EditedRevision, Event, Reask, Refusal};
use crate::policy::{ApprovalLevel, Priority, Requirement};
use crate::store::{EventPayload, Executor};

fn tool(name: &str, build: &str) -> ToolFacts {
    let record = Draft::new("run", 1).call().stamped(hitl_base::Timestamp::EPOCH);
    ToolFacts { name: name.to_owned(), build: Some(build.to_owned()), ..facts(&record) }
}

async fn executor(s: &Subject, tools: &[ToolFacts]) -> SessionId {
    let session = s.store.open_session().await.unwrap();
    s.store.record_tools(session, tools).await.unwrap();
    session
}

async fn all(s: &Subject) -> Vec<Executor> {
    let mut all = s.store.executors().await.unwrap().all().to_vec();
    all.sort_unstable_by_key(|executor| executor.session);
    all
}

/// A session's recorded tools are found unchanged, with their time; the last record counts.
pub async fn an_executor_is_known_by_the_tools_that_it_records(s: Subject) {
    assert!(all(&s).await.is_empty());
    let silent = s.store.open_session().await.unwrap();
    let tools = [tool("pay", "1.0"), tool("r\u{e9}ad \"it\"", "2")];
    let session = executor(&s, &tools).await;
    let found = all(&s).await;
    assert_eq!(found.len(), 1, "who records nothing is none: {silent}");
    assert_eq!((found[0].session, found[0].is_alive), (session, true));
    assert_eq!(found[0].recorded_at, s.store.now().await.unwrap());
    assert_eq!(*found[0].tools, tools);
    s.pass(5);
    s.store.record_tools(session, &tools[..1]).await.unwrap();
    s.store.record_tools(session, &tools[..1]).await.unwrap();
    let found = all(&s).await;
    assert_eq!(found.len(), 1);
    assert_eq!(*found[0].tools, tools[..1]);
    assert_eq!(found[0].recorded_at, s.store.now().await.unwrap());
}

/// Each executor has its own tools, even if several have the same.
pub async fn executors_are_apart(s: Subject) {
    let (old, new) = ([tool("pay", "1.0")], [tool("pay", "2.0")]);
    let sessions = [executor(&s, &old).await, executor(&s, &new).await, executor(&s, &old).await];
    let found = all(&s).await;
    assert_eq!(found.len(), 3);
    for (session, tools) in sessions.iter().zip([&old, &new, &old]) {
        let executor = found.iter().find(|executor| executor.session == *session).unwrap();
        assert_eq!(*executor.tools, *tools);
    }
}

/// Dead executors are marked as dead, and their tools are forgotten once others have the same.
pub async fn a_dead_executor_is_said_to_be_dead(s: Subject) {
    let dead = executor(&s, &[tool("pay", "1.0")]).await;
    let alive = executor(&s, &[tool("pay", "2.0")]).await;
    s.store.close_session(dead).await.unwrap();
    let found = all(&s).await;
    let states: Vec<_> = found.iter().map(|e| (e.session, e.is_alive)).collect();
    assert_eq!(states, [(dead, false), (alive, true)]);
    let executors = s.store.executors().await.unwrap();
    assert_eq!(executors.newest("pay").unwrap().build.as_deref(), Some("2.0"));
    let again = executor(&s, &[tool("pay", "1.0")]).await;
    let states: Vec<_> = all(&s).await.iter().map(|e| (e.session, e.is_alive)).collect();
    assert_eq!(states, [(alive, true), (again, true)], "the same tools are known already");
}

/// However many executors come and go, few are kept.
pub async fn invariant_13_dead_executors_are_forgotten(s: Subject) {
    for build in 0..40 {
        let session = executor(&s, &[tool("pay", &build.to_string())]).await;
        s.store.close_session(session).await.unwrap();
        s.pass(1);
    }
    let last = executor(&s, &[tool("pay", "last")]).await;
    let found = all(&s).await;
    assert_eq!(found.len(), 33);
    assert!(found.iter().any(|executor| executor.session == last && executor.is_alive));
    let kept = |build: &str| {
        found.iter().any(|executor| executor.tools[0].build.as_deref() == Some(build))
    };
    assert!(kept("39") && kept("8") && !kept("7") && !kept("0"), "the last ones are kept");
}

/// A call whose tool has changed is asked about again, with its new arguments in the same step.
pub async fn a_call_of_a_changed_tool_is_asked_about_again(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    let now = ToolFacts { description: "Signs twice.".to_owned(), ..tool("sign_contract", "2.0") };
    let revision = EditedRevision {
        content: format!("{:064x}", 77).parse().unwrap(),
        arguments: record.request.arguments.clone(),
        masks: Vec::new(),
        more_masks: 0,
        contents: Vec::new(),
        preview: record.request.preview.clone(),
        links: Vec::new(),
        title: "Sign it twice".to_owned(),
        effect: None,
        assessment: record.request.assessment.clone(),
        requirement: Requirement::new(ApprovalLevel::Full),
        reasons: vec!["new".to_owned()],
        priority: Priority::Medium,
        unread: false,
    };
    let reask = Reask::new(record.request.binding, now, "asked again").revision(revision);
    let event = Event::Reask(Box::new(reask));
    let payload = EventPayload::payload(sealed(b"next"));
    let asked = s.store.apply(&tenant(), record.id(), event.clone(), payload).await.unwrap();
    let request = &asked.request;
    assert_eq!((asked.state, request.revision), (CallState::Pending, 2));
    assert_eq!((request.build.as_deref(), &*request.title), (Some("2.0"), "Sign it twice"));
    assert_eq!(s.get(record.id()).await, asked, "it is kept as it was told");
    let kept = s.store.payload(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"next")));
    assert_eq!(s.refuse(record.id(), event).await, Refusal::Stale, "once is enough");
    let session = s.store.open_session().await.unwrap();
    let mut old = record.clone();
    let decided = s.apply(record.id(), Event::Decide(request.approve().by("alice"))).await;
    let refusal = s.refuse(record.id(), claim(&old, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Stale, "what was approved first does not run");
    Arc::make_mut(&mut old.request).binding = decided.request.binding;
    s.apply(record.id(), claim(&decided, ClaimToken::new(), session)).await;
}
