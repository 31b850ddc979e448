//! The preview of a call in the state machine: a part of the question, like its arguments.

use crate::machine_support::*;

use hitl_core::approval::RequestPreview;
use hitl_core::machine::{CallRecord, CallState as S, EditedRevision, Event, Reask, Refusal};
use hitl_core::store::suite::{edited, facts};
use hitl_core::{ApprovalLevel, OwnerToken};
use serde_json::json;

/// The previews that a revision can have: as it is, another one, one that failed, and none.
fn previews(record: &CallRecord) -> [(&'static str, Option<RequestPreview>); 4] {
    let shown = record.request().preview.clone().unwrap();
    let mut other = shown.clone();
    other.digest = "7".repeat(64).parse().unwrap();
    let failed = serde_json::from_value(json!({
        "digest": "8".repeat(64),
        "found": { "is": "failed", "why": "error", "said": "503" },
    }));
    [("same", Some(shown)), ("other", Some(other)), ("failed", failed.unwrap()), ("none", None)]
}

fn revision(record: &CallRecord, preview: Option<RequestPreview>) -> EditedRevision {
    let request = record.request();
    EditedRevision {
        content: record.current_content(),
        arguments: request.arguments.clone(),
        masks: Vec::new(),
        more_masks: 0,
        contents: Vec::new(),
        preview,
        links: Vec::new(),
        effect: None,
        title: request.title.clone(),
        assessment: request.assessment.clone(),
        requirement: request.requirement(),
        reasons: Vec::new(),
        priority: request.priority,
        unread: false,
    }
}

#[test]
fn invariant_2_an_edit_approves_only_the_preview_that_its_editor_has_seen() {
    let record = start(ApprovalLevel::Quick, OwnerToken::new());
    for (name, preview) in previews(&record) {
        let decision = record.request().edit(r#"{"contract_id":2}"#).by("alice");
        let mut event = edited(&record, decision, 100, ApprovalLevel::Quick);
        let Event::Edit(edit) = &mut event else { panic!("it is an edit") };
        edit.revision.preview.clone_from(&preview);
        let next = changed(apply(&record, &event, EARLY));
        let counts = if name == "same" { S::Approved } else { S::Pending };
        assert_eq!(
            (next.state(), next.votes().len()),
            (counts, usize::from(name == "same")),
            "{name}"
        );
        assert_eq!((&next.request().preview, next.request().revision), (&preview, 2), "{name}");
        // No decision on the revision before answers this one.
        assert_ne!(next.request().binding, record.request().binding);
    }
}

#[test]
fn invariant_2_another_preview_is_another_question_also_after_an_attempt() {
    for attempts in [0, 1] {
        for state in [S::Pending, S::Approved] {
            let mut record = start(ApprovalLevel::Full, OwnerToken::new());
            set(&mut record, json!({ "attempts": attempts, "state": state }));
            for (name, preview) in previews(&record) {
                let reask = Reask::new(record.request().binding, facts(&record), "asked again");
                let reask = reask.revision(revision(&record, preview.clone()));
                let next = apply(&record, &Event::Reask(Box::new(reask)), EARLY);
                if name == "same" {
                    // Without a difference there is nothing to ask.
                    assert_eq!(next, Err(Refusal::Stale));
                    continue;
                }
                let next = changed(next);
                let request = next.request();
                assert_eq!((next.state(), request.revision), (S::Pending, 2), "{name} {state}");
                assert_eq!(request.preview, preview, "{name} {state}");
                assert_ne!(request.binding, record.request().binding, "{name} {state}");
                let stale = Event::Decide(record.request().approve().by("alice"));
                assert_eq!(apply(&next, &stale, EARLY), Err(Refusal::Stale), "{name} {state}");
            }
        }
    }
}

#[test]
fn invariant_5_no_grant_answers_a_call_whose_preview_failed() {
    let mut record = start(ApprovalLevel::Quick, OwnerToken::new());
    let allow = |record: &CallRecord| {
        Kind::Allow.event(record, hitl_core::ClaimToken::new(), OwnerToken::new())
    };
    assert_eq!(changed(apply(&record, &allow(&record), EARLY)).state(), S::Approved);
    let found = json!({ "is": "failed", "why": "late" });
    set(&mut record, json!({ "request": { "preview": { "found": found } } }));
    assert_eq!(apply(&record, &allow(&record), EARLY), Err(Refusal::NotAllowed));
}

#[test]
fn a_record_without_a_preview_is_read_and_bound_as_before() {
    let record = start(ApprovalLevel::Full, OwnerToken::new());
    let mut json = serde_json::to_value(&record).unwrap();
    json["request"].as_object_mut().unwrap().remove("preview").unwrap();
    let old: CallRecord = serde_json::from_value(json).unwrap();
    assert_eq!(old.request().preview, None);
    assert_eq!(changed(approve(&old, "alice")).state(), S::Approved);
}
