//! The host's key is replaced: requests, approvals, grants and rejections under the former one
//! still count, a text opens under its own key only, and nothing runs if a key is missing.

use crate::support;

use hitl_core::gate::ResealReport;
use hitl_core::grant::GrantTerms;
use hitl_core::seal::Sealed;
use hitl_core::store::{SealedPart, StoreErrorKind};
use hitl_core::{
    CallState, Gate, GateError, GateErrorKind, HostKey, HostKeys, MemoryStore, Outcome,
    ParameterSpec, Permit, QueueQuery, RequestId, ReviewScope, Risk, SnapshotError, SnapshotWriter,
    StateRequirement, Store as _, Submission, Tenant, Ticket, Tool, ToolConfig, ToolSpec,
};
use support::{World, ask, pay, tools, until};

fn key(byte: u8) -> HostKey {
    HostKey::from_bytes([byte; 32])
}

/// Returns keys of which the first seals.
fn keys(bytes: &[u8]) -> HostKeys {
    let (current, previous) = bytes.split_first().unwrap();
    let current = HostKeys::new(key(*current));
    previous.iter().fold(current, |keys, byte| keys.with_previous(key(*byte)))
}

/// A store, and the calls that its gates run.
#[derive(Clone)]
struct House {
    store: MemoryStore,
    world: World,
}

impl House {
    fn new() -> Self {
        Self { store: MemoryStore::new(), world: World::default() }
    }

    /// Returns the gate of a process with these keys.
    async fn gate(&self, bytes: &[u8]) -> Gate {
        let store = self.store.clone().keys(keys(bytes));
        let builder = tools(Gate::builder()).tool::<Fragile>().state(self.world.clone());
        builder.store(store).build().await.unwrap()
    }

    async fn state(&self, id: RequestId) -> CallState {
        self.store.get(&Tenant::default(), id).await.unwrap().unwrap().state()
    }

    async fn payload(&self, id: RequestId) -> Sealed {
        self.store.payload(&Tenant::default(), id).await.unwrap().unwrap()
    }
}

fn waits(submission: Submission) -> Ticket {
    match submission {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("it needs a human, and yet: {done:?}"),
    }
}

/// Submits a call with a secret.
async fn paid(gate: &Gate, position: u64) -> Result<Submission, GateError> {
    gate.submit(pay("shop", 5.0)).by("ann").key("run", position).await
}

async fn approve(gate: &Gate, ticket: &Ticket) {
    gate.decide(ticket.request().approve().by("dora")).await.unwrap();
}

fn is_executed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Executed(_))
}

fn missing_key(error: &GateError) -> bool {
    error.kind() == GateErrorKind::Store
        && error.store().is_some_and(|error| error.kind() == StoreErrorKind::Key)
}

/// With the former key, and with only the store's record of it.
const AFTER: [&[u8]; 2] = [&[2, 1], &[2]];

/// Replaces key 1 with key 2, up to the point where the first may be dropped.
async fn rotate(house: &House) {
    let gate = house.gate(&[2, 1]).await;
    let done = gate.reseal().await.unwrap();
    assert_eq!((done.left, done.unreadable), (0, 0), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_call_of_before_is_found_approved_and_run_under_the_new_key() {
    for after in AFTER {
        let house = House::new();
        let old = house.gate(&[1]).await;
        let asked = waits(paid(&old, 0).await.unwrap());
        let approved = waits(paid(&old, 1).await.unwrap());
        approve(&old, &approved).await;
        rotate(&house).await;
        let gate = house.gate(after).await;
        let again = waits(paid(&gate, 0).await.unwrap());
        assert_eq!(again.request().id, asked.request().id, "{after:?}");
        assert_eq!(again.request().binding, asked.request().binding, "the question is the same");
        approve(&gate, &again).await;
        assert!(is_executed(&again.wait().await.unwrap()));
        let done = gate.adopt(&Tenant::default(), approved.request().id).await.unwrap();
        assert!(is_executed(&done), "{done:?}");
        assert_eq!(house.world.ran(), 2);
        // Other content is different under every key.
        let other = gate.submit(pay("shop", 6.0)).by("ann").key("run", 0).await.unwrap_err();
        assert_eq!(other.kind(), GateErrorKind::KeyConflict);
        let mut secret = pay("shop", 5.0);
        secret.pin = "0000-secret".to_owned();
        let other = gate.submit(secret).by("ann").key("run", 0).await.unwrap_err();
        assert_eq!(other.kind(), GateErrorKind::KeyConflict, "another secret");
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_what_a_process_cannot_open_is_kept_for_one_that_can() {
    let house = House::new();
    let asked = waits(paid(&house.gate(&[1]).await, 0).await.unwrap());
    rotate(&house).await;
    // These have neither key, and keep digest keys of their own.
    for bytes in [[4, 3], [6, 5]] {
        drop(house.gate(&bytes).await);
    }
    let mark = house.store.metadata("host_keys.digests").await.unwrap().unwrap();
    assert_eq!(mark.split(' ').count(), 3);
    let gate = house.gate(&[2]).await;
    let again = waits(paid(&gate, 0).await.unwrap());
    assert_eq!(again.request().id, asked.request().id, "key 1 is gone, and its digests are not");
    // A process that opens all of them keeps a single list.
    let gate = house.gate(&[2, 4, 6]).await;
    gate.reseal().await.unwrap();
    let mark = house.store.metadata("host_keys.digests").await.unwrap().unwrap();
    assert_eq!(mark.split(' ').count(), 1);
    let again = waits(paid(&house.gate(&[2]).await, 0).await.unwrap());
    assert_eq!(again.request().id, asked.request().id);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_an_exact_grant_of_before_covers_the_same_call_and_no_other() {
    for after in AFTER {
        let house = House::new();
        let old = house.gate(&[1]).await;
        let ticket = waits(paid(&old, 0).await.unwrap());
        let terms = GrantTerms::exactly().durable().uses(2);
        let preview = old.preview_grant(ticket.request().grant(terms).by("dora")).await.unwrap();
        old.save_grant(preview).await.unwrap();
        rotate(&house).await;
        let gate = house.gate(after).await;
        let mut secret = pay("shop", 5.0);
        secret.pin = "0000-secret".to_owned();
        drop(waits(gate.submit(secret).by("ann").key("run", 3).await.unwrap()));
        let done = paid(&gate, 1).await.unwrap();
        assert!(matches!(done, Submission::Done { outcome: Outcome::Executed(_), .. }), "{done:?}");
        assert_eq!(house.world.ran(), 1, "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_of_before_is_remembered() {
    for after in AFTER {
        let house = House::new();
        let old = house.gate(&[1]).await;
        let ticket = waits(paid(&old, 0).await.unwrap());
        old.decide(ticket.request().reject("too much").by("dora")).await.unwrap();
        rotate(&house).await;
        let again = paid(&house.gate(after).await, 1).await.unwrap();
        let Submission::Done { outcome: Outcome::Denied { reason }, .. } = again else {
            panic!("it was rejected before, and yet: {again:?}")
        };
        assert!(reason.contains("too much"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_nothing_changes_nothing_after_a_rotation_either() {
    let house = House::new();
    let ticket = waits(paid(&house.gate(&[1]).await, 0).await.unwrap());
    rotate(&house).await;
    let gate = house.gate(&[2]).await;
    let decision = ticket.request().edit(r#"{"amount": 5.0}"#).by("dora");
    let refused = gate.decide(decision).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(hitl_core::Refusal::Unchanged), "{refused}");
    let edited = gate.decide(ticket.request().edit(r#"{"amount": 4.0}"#).by("dora"));
    let edited = edited.await.unwrap();
    assert_eq!(edited.request().revision, 2);
    assert_eq!(house.payload(ticket.request().id).await.key_id(), Some(key(2).id()));
}

/// Fails the first time.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fragile {
    pin: String,
}

impl Tool for Fragile {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("fragile", "Fails at first.")
        .parameters(&[ParameterSpec::sensitive("pin")])
        .states(&[StateRequirement::new::<World>()])
        .config(ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High).idempotent().attempts(3));

    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.sensitive("pin", &self.pin))
    }

    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let (_call, cx) = permit.open();
        let world = cx.state::<World>().clone();
        world.run("fragile".to_owned()).await;
        if world.ran() == 1 { Err("not now".to_owned()) } else { Ok("done".to_owned()) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_before_is_tried_again_under_its_approval() {
    for after in AFTER {
        let house = House::new();
        let fragile = || Fragile { pin: "9731-secret".to_owned() };
        let old = house.gate(&[1]).await;
        let ticket = waits(old.submit(fragile()).by("ann").key("run", 0).await.unwrap());
        approve(&old, &ticket).await;
        let failed = ticket.request().id;
        assert!(!is_executed(&ticket.wait().await.unwrap()));
        rotate(&house).await;
        let gate = house.gate(after).await;
        let record = gate.unscoped().get(&Tenant::default(), failed).await.unwrap().unwrap();
        assert!(gate.may_retry(&record));
        let mut other = fragile();
        other.pin.push('0');
        let other = gate.submit(other).by("ann").retry_of(&record).await.unwrap_err();
        assert_eq!(other.kind(), GateErrorKind::KeyConflict);
        let again = gate.submit(fragile()).by("ann").retry_of(&record).await.unwrap();
        let executed = matches!(again, Submission::Done { outcome: Outcome::Executed(_), .. });
        assert!(executed, "{again:?}");
        assert_eq!(house.world.ran(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_process_without_the_key_runs_nothing_and_loses_nothing() {
    let house = House::new();
    let new = house.gate(&[2, 1]).await;
    let ticket = waits(paid(&new, 0).await.unwrap());
    approve(&new, &ticket).await;
    let id = ticket.request().id;
    let old = house.gate(&[1]).await;
    let error = old.adopt(&Tenant::default(), id).await.unwrap_err();
    assert!(missing_key(&error), "{error:?}");
    assert!(error.to_string().contains(&key(2).id().to_string()), "{error}");
    assert!(!error.to_string().contains("cancel"), "{error}");
    // There, the same call looks different: that is a conflict, and no second call.
    assert_eq!(paid(&old, 0).await.unwrap_err().kind(), GateErrorKind::KeyConflict);
    assert_eq!((house.world.ran(), house.state(id).await), (0, CallState::Approved));
    assert!(is_executed(&new.adopt(&Tenant::default(), id).await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_call_of_another_key_is_a_conflict_and_runs_nothing() {
    let house = House::new();
    let ticket = waits(paid(&house.gate(&[1]).await, 0).await.unwrap());
    approve(&house.gate(&[1]).await, &ticket).await;
    // Never opened with both: the store has no record of the first key.
    let gate = house.gate(&[2]).await;
    assert_eq!(paid(&gate, 0).await.unwrap_err().kind(), GateErrorKind::KeyConflict);
    let id = ticket.request().id;
    assert!(missing_key(&gate.adopt(&Tenant::default(), id).await.unwrap_err()));
    assert_eq!((house.world.ran(), house.state(id).await), (0, CallState::Approved));
}

#[tokio::test(start_paused = true)]
async fn resealing_changes_no_call_and_retiring_waits_for_it() {
    let house = House::new();
    {
        let old = house.gate(&[1]).await;
        for position in 0..250 {
            drop(waits(paid(&old, position).await.unwrap()));
        }
        let done = waits(paid(&old, 1000).await.unwrap());
        approve(&old, &done).await;
        assert!(is_executed(&done.wait().await.unwrap()));
    }
    let other = house.store.clone().keys(key(1));
    let session = other.open_session().await.unwrap();
    let before = house.store.history(0, 5000).await.unwrap().entries;
    let gate = house.gate(&[2, 1]).await;
    let uses = gate.key_uses().await.unwrap();
    assert_eq!((uses.len(), uses[0].key, uses[0].texts), (1, Some(key(1).id()), 251));
    let done = gate.reseal().await.unwrap();
    assert_eq!((done.resealed, done.left, done.unreadable), (251, 0, 0));
    assert_eq!(
        gate.reseal().await.unwrap(),
        ResealReport::default(),
        "there is nothing left to do"
    );
    assert_eq!(house.store.history(0, 5000).await.unwrap().entries, before);
    for part in SealedPart::ALL {
        let page = house.store.sealed_texts(part, key(2).id(), 0, 1000).await.unwrap();
        assert_eq!(page.texts, []);
    }
    // One process still seals under the former key.
    let refused = gate.retire_keys().await.unwrap_err();
    assert!(missing_key(&refused) && refused.to_string().contains("processes"), "{refused}");
    other.close_session(session).await.unwrap();
    until("its gate's session ends", async || gate.retire_keys().await.is_ok()).await;
    let late = waits(paid(&house.gate(&[1]).await, 2000).await.unwrap());
    let refused = gate.retire_keys().await.unwrap_err();
    assert!(missing_key(&refused), "{refused}");
    let left = gate.reseal().await.unwrap();
    assert_eq!((left.resealed, left.left), (1, 0));
    approve(&gate, &late).await;
    let run = gate.adopt(&Tenant::default(), late.request().id).await.unwrap();
    assert!(is_executed(&run));
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_damaged_text_is_not_resealed_and_keeps_its_key_from_being_retired() {
    let house = House::new();
    let id = waits(paid(&house.gate(&[1]).await, 0).await.unwrap()).request().id;
    let page = house.store.sealed_texts(SealedPart::Payload, key(2).id(), 0, 10).await.unwrap();
    let mut bytes = house.payload(id).await.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let bent = Sealed::from_bytes(bytes);
    assert!(house.store.reseal(&page.texts[0], bent.clone()).await.unwrap());
    assert!(!house.store.reseal(&page.texts[0], bent.clone()).await.unwrap(), "it is another one");
    let gate = house.gate(&[2, 1]).await;
    let done = gate.reseal().await.unwrap();
    assert_eq!((done.resealed, done.left, done.unreadable), (0, 1, 1));
    assert!(house.payload(id).await == bent, "it stays as it was found");
    until("the former key's gate ends", async || {
        house.store.clone().keys(key(2)).sessions_under_other_keys().await.unwrap() == 0
    })
    .await;
    let refused = gate.retire_keys().await.unwrap_err();
    assert!(missing_key(&refused) && refused.to_string().contains("1 sealed"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_continues_after_a_rotation() {
    let house = House::new();
    let old = house.gate(&[1]).await;
    for position in 0..5 {
        drop(waits(old.submit(ask("x")).by("ann").key("run", position).await.unwrap()));
    }
    let query = || QueueQuery::pending().limit(3);
    let first = old.scoped_to(ReviewScope::all_tenants()).queue().page(query()).await.unwrap();
    let next = first.next.unwrap();
    let queue = house.gate(&[2, 1]).await.scoped_to(ReviewScope::all_tenants()).queue();
    assert_eq!(queue.page(query().after(next.clone())).await.unwrap().entries.len(), 2);
    let queue = house.gate(&[2]).await.scoped_to(ReviewScope::all_tenants()).queue();
    let refused = queue.page(query().after(next)).await.unwrap_err();
    assert_eq!(refused.kind(), GateErrorKind::InvalidQuery);
}

/// Random histories of a store under three keys: calls are submitted, approved, run, and resealed
/// by processes with any keys. At every step a call runs, or its arguments open, if and only if the
/// process knows the key under which it is sealed.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_call_runs_if_and_only_if_its_key_is_known() {
    const RINGS: [&[u8]; 9] =
        [&[1], &[2], &[3], &[1, 2], &[2, 1], &[2, 3], &[3, 2], &[1, 2, 3], &[3, 2, 1]];
    let (mut ran, mut refused) = (0, 0);
    for seed in 1..=15_u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut pick = |of: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(random >> 33).unwrap() % of
        };
        let house = House::new();
        let mut approved: Vec<(RequestId, u8)> = Vec::new();
        for position in 0..25 {
            let ring = RINGS[pick(RINGS.len())];
            let gate = house.gate(ring).await;
            match pick(4) {
                0 | 1 => {
                    let ticket = waits(paid(&gate, position).await.unwrap());
                    approve(&gate, &ticket).await;
                    approved.push((ticket.request().id, ring[0]));
                }
                2 => {
                    gate.reseal().await.unwrap();
                    for (_, by) in approved.iter_mut().filter(|(_, by)| ring.contains(by)) {
                        *by = ring[0];
                    }
                }
                _ if approved.is_empty() => {}
                _ => {
                    let at = pick(approved.len());
                    let (id, by) = approved[at];
                    let before = house.world.ran();
                    let tried = gate.adopt(&Tenant::default(), id).await;
                    if let Ok(outcome) = tried {
                        assert!(is_executed(&outcome) && ring.contains(&by), "{seed} {position}");
                        assert_eq!(house.world.ran(), before + 1);
                        approved.swap_remove(at);
                        ran += 1;
                    } else {
                        assert_eq!(house.world.ran(), before, "{seed} {position}");
                        assert_eq!(house.state(id).await, CallState::Approved);
                        refused += 1;
                    }
                }
            }
            for (id, by) in &approved {
                assert_eq!(house.payload(*id).await.key_id(), Some(key(*by).id()));
            }
        }
        // A process with all keys runs all remaining calls.
        let gate = house.gate(&[3, 2, 1]).await;
        for (id, _) in approved {
            assert!(is_executed(&gate.adopt(&Tenant::default(), id).await.unwrap()), "{seed}");
        }
    }
    assert!(ran > 8 && refused > 8, "{ran} {refused}");
}
