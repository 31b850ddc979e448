use super::*;
use crate::call::{Permit, Tenant, ToolConfig};
use crate::dynamic::{DynArguments, DynSpec, DynTool};
use crate::gate::Submission;
use crate::seal::{Bound, HostKey, HostKeys, Purpose};
use crate::store::{MemoryStore, Store as _};

async fn gate(store: MemoryStore) -> Gate {
    let spec = DynSpec::new("pay", "Pays.").config(ToolConfig::DEFAULT.base_confidence(50));
    let schema = r#"{"type": "object", "properties": {"amount": {"type": "integer"}},
        "required": ["amount"], "additionalProperties": false}"#;
    let body = |_: Permit<DynArguments>| async {
        Err::<hitl_base::JsonText, _>("nothing runs here".to_owned())
    };
    let tool = DynTool::new(spec, schema, body).unwrap();
    Gate::builder().store(store).dyn_tool(tool).build().await.unwrap()
}

/// An attacker has the former key and can write to the store.
#[tokio::test]
async fn invariant_2_what_was_not_asked_about_is_not_sealed_under_the_new_key() {
    let (one, two) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
    let store = MemoryStore::new();
    let old = gate(store.clone().keys(one.clone())).await;
    let submitted = old.submit_json("pay", r#"{"amount": 5}"#, "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    let id = ticket.request().id;
    let listed = store.sealed_texts(SealedPart::Payload, two.id(), 0, 10).await.unwrap();
    let (ring, bound) = (KeyRing::new(one.clone().into()), Bound::new(id, Purpose::Payload, 1));
    let plain = String::from_utf8(ring.open(&listed.texts[0].sealed, &bound).unwrap()).unwrap();
    let more = plain.replace('5', "9");
    assert_ne!(more, plain);
    let forged = ring.seal(more.as_bytes(), &bound).unwrap();
    assert!(store.reseal(&listed.texts[0], forged.clone()).await.unwrap());
    let new = gate(store.clone().keys(HostKeys::new(two).with_previous(one))).await;
    let done = new.reseal().await.unwrap();
    assert_eq!((done.resealed, done.left, done.unreadable), (0, 1, 1));
    assert_eq!(store.payload(&Tenant::default(), id).await.unwrap(), Some(forged));
    assert!(new.retire_keys().await.is_err());
}

/// The same for contents that the arguments name: such a content is neither sealed again nor
/// uncovered.
#[tokio::test]
async fn invariant_2_a_content_that_was_not_shown_is_not_sealed_under_the_new_key() {
    const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let (one, two) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
    let folder = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(folder.path()).unwrap().join("file");
    std::fs::write(&path, format!("good {TOKEN}")).unwrap();
    let store = MemoryStore::new();
    let gate = async |keys: HostKeys| {
        let spec = DynSpec::new("run", "Runs.").config(ToolConfig::DEFAULT.base_confidence(50));
        let schema = r#"{"type": "object", "properties": {"path": {"type": "string"}}}"#;
        let body = |_: Permit<DynArguments>| async {
            Err::<hitl_base::JsonText, _>("nothing runs here".to_owned())
        };
        let tool = DynTool::new(spec, schema, body).unwrap().content_of("path").unwrap();
        Gate::builder().store(store.clone().keys(keys)).dyn_tool(tool).build().await.unwrap()
    };
    let old = gate(HostKeys::new(one.clone())).await;
    let text = serde_json::json!({ "path": path }).to_string();
    let mut asked = Vec::new();
    for position in 0..2 {
        let submitted = old.submit_json("run", &text, "ann", "run", position).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
        asked.push(ticket.request().clone());
    }
    let listed = store.sealed_texts(SealedPart::Payload, two.id(), 0, 10).await.unwrap();
    let forged = listed.texts.iter().find(|text| text.id == asked[0].id).unwrap();
    let ring = KeyRing::new(one.clone().into());
    let bound = Bound::new(asked[0].id, Purpose::Payload, 1);
    let plain = String::from_utf8(ring.open(&forged.sealed, &bound).unwrap()).unwrap();
    let more = plain.replace("good ", "evil ");
    assert_ne!(more, plain);
    let evil = ring.seal(more.as_bytes(), &bound).unwrap();
    assert!(store.reseal(forged, evil).await.unwrap());
    let new = gate(HostKeys::new(two).with_previous(one)).await;
    let error = new.uncover(&asked[0], "bob", crate::MaskSelection::All).await.unwrap_err();
    assert_eq!(error.kind(), crate::GateErrorKind::Payload);
    let done = new.reseal().await.unwrap();
    assert_eq!((done.resealed, done.left, done.unreadable), (1, 1, 1));
    let uncovered = new.uncover(&asked[1], "bob", crate::MaskSelection::All).await.unwrap();
    let card = uncovered.render(hitl_base::Timestamp::EPOCH, crate::approval::DetailLevel::Full);
    assert!(card.to_text().contains(TOKEN));
}
