//! What a call would do, as its tool says: rendered once, shown, sealed, bound to the decision, and
//! compared before the body starts.

use crate::granting;
use crate::support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use granting::refused;
use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{Caution, DetailLevel, PreviewFailure, PreviewItem, PreviewState};
use hitl_core::call::CallPreview;
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool};
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, CallRecord, CallState, ErasureScope, Gate, GateBuilder,
    GateErrorKind, HostKey, HostKeys, MaskSelection, MemoryAudit, MemoryStore, Outcome,
    ParameterSpec, Permit, Risk, RunContext, SnapshotError, SnapshotWriter, StateRequirement,
    Submission, Tenant, Tool, ToolConfig, ToolSpec,
};

/// The host's data, and what its preview does.
#[derive(Clone, Default)]
struct Shop(Arc<Mutex<Orders>>);

#[derive(Default)]
struct Orders {
    /// The totals of orders, by their ids.
    totals: BTreeMap<String, String>,
    refunded: Vec<String>,
    rendered: usize,
    failure: Option<Failure>,
    body_fails: bool,
    body_hangs: bool,
}

#[derive(Clone, Copy)]
enum Failure {
    Error(&'static str),
    Panic,
    Hang,
}

impl Shop {
    fn with(self, order: &str, total: &str) -> Self {
        self.set(order, total);
        self
    }

    fn set(&self, order: &str, total: &str) {
        self.0.lock().unwrap().totals.insert(order.to_owned(), total.to_owned());
    }

    fn fail(&self, failure: impl Into<Option<Failure>>) {
        self.0.lock().unwrap().failure = failure.into();
    }

    fn rendered(&self) -> usize {
        self.0.lock().unwrap().rendered
    }

    fn refunded(&self) -> Vec<String> {
        self.0.lock().unwrap().refunded.clone()
    }

    async fn preview(&self, order: &str, note: &str) -> Result<CallPreview, String> {
        let (failure, total) = {
            let mut orders = self.0.lock().unwrap();
            orders.rendered += 1;
            (orders.failure, orders.totals.get(order).cloned())
        };
        match failure {
            Some(Failure::Error(why)) => return Err(why.to_owned()),
            Some(Failure::Panic) => panic!("a bug in the preview"),
            Some(Failure::Hang) => std::future::pending::<()>().await,
            None => {}
        }
        let total = total.ok_or_else(|| format!("there is no order {order}"))?;
        let preview = CallPreview::new()
            .fact("order", order)
            .fact("total", &total)
            .fact("note", note)
            .difference("state", "paid", "refunded");
        let Some((_, by)) = total.split_once(" paid by ") else { return Ok(preview) };
        Ok(preview.warning(format!("it was paid by {by}")))
    }
}

macro_rules! refunds {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            order: String,
            note: String,
            pin: String,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Refunds an order.")
                .parameters(&[
                    ParameterSpec::new("order"),
                    ParameterSpec::new("note"),
                    ParameterSpec::sensitive("pin"),
                ])
                .states(&[StateRequirement::new::<Shop>()])
                .previews()
                .config($config);

            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|o| {
                    o.field("note", &self.note)?;
                    o.field("order", &self.order)?;
                    o.sensitive("pin", &self.pin)
                })
            }

            async fn preview(self, cx: RunContext) -> Result<CallPreview, String> {
                assert_eq!(cx.attempt(), 0, "a preview is no attempt");
                assert_eq!(cx.context().principal.as_str(), "ann");
                cx.state::<Shop>().preview(&self.order, &self.note).await
            }

            async fn run(permit: Permit<Self>) -> Result<String, String> {
                let (call, cx) = permit.open();
                let hangs = {
                    let mut orders = cx.state::<Shop>().0.lock().unwrap();
                    if orders.body_fails {
                        return Err("the bank is closed".to_owned());
                    }
                    orders.refunded.push(call.order.clone());
                    if orders.body_hangs {
                        orders.totals.insert(call.order.clone(), "0 EUR".to_owned());
                    }
                    orders.body_hangs
                };
                if hangs {
                    std::future::pending::<()>().await;
                }
                Ok(call.order)
            }
        }
    };
}

const QUICK: ToolConfig =
    ToolConfig::DEFAULT.base_confidence(70).timeout(Duration::from_millis(200));
refunds!(Refund, "refund", QUICK);
refunds!(Auto, "auto", ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
refunds!(Look, "look_at", ToolConfig::DEFAULT.base_confidence(95).read_only());
refunds!(Again, "again", QUICK.idempotent().attempts(3));

fn refund(order: &str) -> Refund {
    Refund { order: order.to_owned(), note: "late".to_owned(), pin: "none".to_owned() }
}

fn builder(shop: &Shop) -> GateBuilder {
    let tools = Gate::builder().tool::<Refund>().tool::<Auto>().tool::<Look>().tool::<Again>();
    tools.state(shop.clone())
}

async fn gate(shop: &Shop) -> Gate {
    builder(shop).build().await.unwrap()
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

async fn approve(gate: &Gate, request: &ApprovalRequest) {
    gate.decide(request.approve().by("bob")).await.unwrap();
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

fn facts(request: &ApprovalRequest) -> BTreeMap<String, String> {
    let items = request.preview.iter().flat_map(|preview| &preview.items);
    let fact = |item: &PreviewItem| match item {
        PreviewItem::Fact { label, value } => Some((label.clone(), value.clone())),
        _ => None,
    };
    items.filter_map(fact).collect()
}

fn failure(request: &ApprovalRequest) -> Option<PreviewFailure> {
    match &request.preview.as_ref()?.found {
        PreviewState::Failed { why, .. } => Some(*why),
        _ => None,
    }
}

fn card(request: &ApprovalRequest) -> String {
    request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text()
}

#[tokio::test]
async fn invariant_9_a_preview_is_first_on_every_card_and_rendered_once() {
    let shop = Shop::default().with("17", "1,200 EUR\u{202e}");
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    assert_eq!(shop.rendered(), 1);
    assert_eq!(request.level, ApprovalLevel::Quick, "{request:?}");
    for extent in [DetailLevel::Brief, DetailLevel::Full] {
        let card = request.render(Timestamp::EPOCH, extent);
        assert_eq!(card.sections[0].heading, "would do");
        for shown in [card.to_text(), card.to_html(), card.to_markdown(), card.to_chat()] {
            let plain = shown.replace('\\', "");
            assert!(plain.contains("1,200 EUR") && plain.contains("refunded"), "{shown}");
            assert!(!shown.contains('\u{202e}') && plain.contains("u{202e}"), "{shown}");
        }
        assert!(card.warnings.iter().any(|why| why.starts_with("the preview has")));
    }
    shop.set("17", "1,200 EUR");
    let calm = submitted(&gate, refund("17"), 1).await;
    assert_eq!(calm.render(Timestamp::EPOCH, DetailLevel::Brief).warnings, [""; 0]);
    approve(&gate, &calm).await;
    assert_eq!(claimed(&gate, &calm).await.state(), CallState::Executed);
    // Once at each submission, and once before the body.
    assert_eq!((shop.rendered(), shop.refunded()), (3, vec!["17".to_owned()]));
}

#[tokio::test]
async fn invariant_2_a_preview_that_changed_after_the_approval_is_asked_about_with_the_difference()
{
    let shop = Shop::default().with("17", "1,200 EUR");
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    approve(&gate, &request).await;
    shop.set("17", "9,900 EUR");
    let asked = claimed(&gate, &request).await;
    let (again, state) = (asked.request(), asked.state());
    assert_eq!((state, again.revision), (CallState::Pending, 2));
    assert_ne!(again.binding, request.binding);
    assert_eq!(facts(again)["total"], "9,900 EUR");
    assert_eq!(
        again.reasons.last().unwrap(),
        "asked again: what the call would do has changed since this was asked"
    );
    let shown = card(again);
    assert!(shown.contains("total: 9,900 EUR  (changed, it was \"1,200 EUR\")"), "{shown}");
    assert!(shown.contains("the preview has changed since it was last shown: `total`"), "{shown}");
    assert_eq!(shop.refunded(), [""; 0]);
    // The earlier decision does not count, and the new one is about the present preview.
    let outdated = gate.decide(request.approve().by("carl")).await.unwrap_err();
    assert_eq!(outdated.kind(), GateErrorKind::Refused);
    approve(&gate, again).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(shop.refunded(), ["17"]);
}

#[tokio::test]
async fn invariant_2_a_preview_that_comes_back_is_the_one_that_was_approved() {
    let shop = Shop::default().with("17", "good");
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    shop.set("17", "other");
    shop.set("17", "good");
    approve(&gate, &request).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_preview_that_fails_is_reviewed_in_full_and_never_auto() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let gate = gate(&shop).await;
    let auto =
        |order: &str| Auto { order: order.to_owned(), note: String::new(), pin: String::new() };
    let look =
        |order: &str| Look { order: order.to_owned(), note: String::new(), pin: String::new() };
    for call in [gate.submit(auto("17")).by("ann").await, gate.submit(look("17")).by("ann").await] {
        let done = call.unwrap();
        assert!(matches!(done, Submission::Done { outcome: Outcome::Executed(_), .. }), "{done:?}");
    }
    let ran = shop.refunded().len();
    let fails = [
        (None, "18", PreviewFailure::Error, "there is no order 18"),
        (Some(Failure::Error("503\u{202e}")), "17", PreviewFailure::Error, r"503\u{202e}"),
        (Some(Failure::Panic), "17", PreviewFailure::Panicked, "it panicked"),
        (Some(Failure::Hang), "17", PreviewFailure::Late, "it did not return in time"),
    ];
    for ((fails, order, why, says), position) in fails.into_iter().zip(0..) {
        shop.fail(fails);
        let auto = submitted(&gate, auto(order), 10 + position).await;
        let look = submitted(&gate, look(order), 20 + position).await;
        for request in [auto, look] {
            assert_eq!((request.level, failure(&request)), (ApprovalLevel::Full, Some(why)));
            let shown = card(&request);
            let warns = shown.contains("the preview failed: ");
            assert!(warns && shown.contains("not known: ") && shown.contains(says), "{shown}");
        }
    }
    assert_eq!(shop.refunded().len(), ran);
}

#[tokio::test]
async fn invariant_5_a_preview_that_is_not_shown_in_whole_is_reviewed_in_full() {
    let long = "word ".repeat(9_000);
    let shop = Shop::default().with("17", &long);
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    assert_eq!(request.level, ApprovalLevel::Full);
    assert!(!request.preview.as_ref().unwrap().is_whole());
    assert!(serde_json::to_string(&request).unwrap().len() < 80_000);
    let shown = request.render(Timestamp::EPOCH, DetailLevel::Full).to_text();
    assert!(
        shown.contains("the preview is too long: 3 parts of it are left out"),
        "{}",
        &shown[..400]
    );
    // What is left out is bound too.
    approve(&gate, &request).await;
    shop.set("17", &format!("{long}and more"));
    let asked = claimed(&gate, &request).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    let shown = card(asked.request());
    assert!(shown.contains("since it was last shown, in what is masked or left out"), "{shown}");
}

#[tokio::test]
async fn invariant_5_a_call_that_its_tool_warns_about_is_reviewed_in_full_and_no_grant_answers_it()
{
    const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let shop = Shop::default().with("17", "5 EUR").with("18", &format!("5 EUR paid by {TOKEN}"));
    let gate = builder(&shop).requester_may_decide().build().await.unwrap();
    let plain = submitted(&gate, refund("17"), 0).await;
    granting::permit(&gate, &plain, GrantTerms::any_arguments().durable()).await;
    let covered = gate.submit(refund("17")).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(covered, Submission::Done { .. }), "{covered:?}");

    let warned = submitted(&gate, refund("18"), 2).await;
    assert_eq!(warned.level, ApprovalLevel::Full);
    assert!(warned.cautions().contains(&Caution::Warning));
    let factors: Vec<_> = warned.assessment.factors.iter().map(|one| &*one.name).collect();
    assert!(factors.contains(&"preview_warning"), "{factors:?}");
    let view = warned.render(Timestamp::EPOCH, DetailLevel::Brief);
    let says = "the tool warns: it was paid by [redacted";
    assert!(view.warnings.iter().any(|one| one.starts_with(says)), "{:?}", view.warnings);
    assert!(card(&warned).contains("! it was paid by"));
    assert_eq!(warned.preview.as_ref().unwrap().masks[1].at, "preview:/4/0");
    let uncovered = gate.uncover(&warned, "alice", MaskSelection::All).await.unwrap();
    let view = uncovered.render(Timestamp::EPOCH, DetailLevel::Full);
    assert!(view.warnings.iter().any(|one| one.contains(TOKEN)), "{:?}", view.warnings);
    assert_eq!(refused(&gate, &warned, GrantTerms::exactly()).await, GrantError::Preview);

    // A call that waits is not answered by a grant once its tool warns, and an approval is for the
    // preview without the warning.
    approve(&gate, &warned).await;
    shop.set("18", "5 EUR paid by eve");
    let asked = claimed(&gate, &warned).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_preview_that_fails_before_the_run_asks_again_or_starts_nothing() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let deadline = Duration::from_secs(5);
    let gate = builder(&shop).evaluation_timeout(deadline).build().await.unwrap();
    let request = submitted(&gate, refund("17"), 0).await;
    approve(&gate, &request).await;
    // No answer says nothing about the call: it stays approved, and is not started.
    for fails in [Failure::Panic, Failure::Hang] {
        shop.fail(fails);
        let serving = tokio::spawn({
            let gate = gate.clone();
            async move { gate.serve().await }
        });
        tokio::time::sleep(3 * deadline).await;
        serving.abort();
        assert_eq!(record(&gate, request.id).await.state(), CallState::Approved);
    }
    // An error is an answer, and it is another one than was approved.
    shop.fail(Failure::Error("the order was deleted"));
    let asked = claimed(&gate, &request).await;
    let again = asked.request();
    assert_eq!((asked.state(), again.level), (CallState::Pending, ApprovalLevel::Full));
    assert!(card(again).contains("the order was deleted"), "{}", card(again));
    assert_eq!(shop.refunded(), [""; 0]);
    // A person who has seen that may approve it; the same failure is then no news.
    approve(&gate, again).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);

    // A failure that is over is news.
    shop.fail(Failure::Error("503"));
    let request = submitted(&gate, refund("17"), 1).await;
    approve(&gate, &request).await;
    shop.fail(None);
    let asked = claimed(&gate, &request).await;
    assert_eq!((asked.state(), failure(asked.request())), (CallState::Pending, None));
    let factors = &asked.request().assessment.factors;
    assert!(factors.iter().all(|factor| factor.name != "preview_not_shown"), "{factors:?}");
}

#[tokio::test]
async fn invariant_2_an_edit_renders_again_and_approves_only_what_its_editor_has_seen() {
    let shop = Shop::default().with("17", "1,200 EUR").with("18", "7 EUR");
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    let patch = r#"{"order":"18"}"#;
    // The editor can look at what the edit would lead to before it is made.
    let preview = gate.preview_edit(&request, patch, "bob").await.unwrap();
    assert_eq!(
        (facts(&preview.request)["total"].as_str(), preview.state),
        ("7 EUR", CallState::Pending)
    );
    gate.decide(request.edit(patch).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    assert_eq!(facts(edited.request())["order"], "18");
    assert_eq!((edited.state(), edited.votes().len()), (CallState::Pending, 0));
    assert!(card(edited.request()).contains("(changed, it was \"17\")"));
    approve(&gate, edited.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(shop.refunded(), ["18"]);

    // An edit that leaves the preview as it was is an approval of it.
    let request = submitted(&gate, refund("17"), 1).await;
    gate.decide(request.edit(r#"{"pin":"1234"}"#).by("bob")).await.unwrap_err();
    let request = submitted(&gate, refund("none"), 2).await;
    gate.decide(request.edit(r#"{"note":"x"}"#).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    assert_eq!((edited.state(), edited.votes().len()), (CallState::Approved, 1), "{edited:?}");
}

#[tokio::test]
async fn invariant_8_a_preview_is_shown_without_secrets_and_uncovered_by_who_decides() {
    const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let shop = Shop::default().with("17", &format!("total {TOKEN}"));
    let (store, audit) = (MemoryStore::new(), MemoryAudit::new());
    let gate = builder(&shop).store(store.clone()).audit(audit.clone()).build().await.unwrap();
    let call = Refund {
        note: "see 9731-secret".to_owned(),
        pin: "9731-secret".to_owned(),
        ..refund("17")
    };
    let request = submitted(&gate, call, 0).await;
    let kept = serde_json::to_string(&record(&gate, request.id).await).unwrap();
    let view = request.render(Timestamp::EPOCH, DetailLevel::Full);
    let audited = format!("{:?}", audit.records());
    for shown in [kept, format!("{request:?}"), view.to_text(), view.to_html(), audited] {
        assert!(!shown.contains(TOKEN) && !shown.contains("9731-secret"), "{shown}");
    }
    let preview = request.preview.as_ref().unwrap();
    let places: Vec<_> =
        preview.masks.iter().map(|mask| (mask.at.as_str(), mask.declared)).collect();
    assert_eq!(places, [("preview:/1/total", false), ("preview:/2/note", true)]);
    assert!(request.needs_uncovering());
    for selection in
        [MaskSelection::All, MaskSelection::at("preview:"), MaskSelection::at("preview:/1/total")]
    {
        let uncovered = gate.uncover(&request, "alice", selection).await.unwrap();
        let view = uncovered.render(Timestamp::EPOCH, DetailLevel::Full);
        assert!(view.to_text().contains(TOKEN) && !view.to_text().contains("9731-secret"));
        assert_eq!(view.to_uncover, 0);
        assert!(!format!("{uncovered:?}").contains(TOKEN));
    }
    gate.uncover(&request, "alice", MaskSelection::at("preview:/0/order")).await.unwrap_err();
    // The error of an author is masked too.
    shop.fail(Failure::Error(
        "no order at https://u:ghp_abcdefghijklmnopqrstuvwxyz0123456789@x.org",
    ));
    let failed = submitted(&gate, refund("18"), 1).await;
    assert!(failure(&failed).is_some());
    assert!(!serde_json::to_string(&failed).unwrap().contains(TOKEN));
}

#[tokio::test]
async fn invariant_6_the_audit_names_the_preview_that_was_asked_about_and_that_ran() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let audit = MemoryAudit::new();
    let gate = builder(&shop).audit(audit.clone()).build().await.unwrap();
    let request = submitted(&gate, refund("17"), 0).await;
    let first = request.preview.as_ref().unwrap().digest;
    approve(&gate, &request).await;
    shop.set("17", "9,900 EUR");
    let asked = claimed(&gate, &request).await;
    let second = asked.request().preview.as_ref().unwrap().digest;
    approve(&gate, asked.request()).await;
    claimed(&gate, &request).await;
    let named = |event: &str| -> Vec<_> {
        let records = audit.records();
        let of = records.iter().filter(|record| record.event.to_string() == event);
        of.map(|record| record.preview).collect()
    };
    assert_eq!(named("proposed"), [Some(first)]);
    assert_eq!(named("requested"), [Some(first)]);
    assert_eq!(named("decided"), [Some(first), Some(second)]);
    assert_eq!(named("reopened"), [Some(second)]);
    assert_eq!(named("claimed"), [Some(second)]);
    assert!(
        !format!("{:?}", audit.records()).contains("1,200 EUR"),
        "the digest, and not the text"
    );
}

#[tokio::test]
async fn invariant_5_a_grant_skips_neither_a_failed_preview_nor_one_that_changed() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let gate = builder(&shop).requester_may_decide().build().await.unwrap();
    shop.fail(Failure::Error("503"));
    let failed = submitted(&gate, refund("17"), 0).await;
    assert_eq!(refused(&gate, &failed, GrantTerms::exactly()).await, GrantError::Preview);
    shop.fail(None);
    let request = submitted(&gate, refund("17"), 1).await;
    // Two calls of a batch that run together wait for each other with the grant.
    granting::permit(&gate, &request, GrantTerms::any_arguments().durable()).await;
    let covered = gate.submit(refund("17")).by("ann").key("run", 2).await.unwrap();
    assert!(matches!(covered, Submission::Done { .. }), "the grant covers it: {covered:?}");
    // The grant covers arguments, also where the preview of the call is another one.
    shop.set("17", "9,900 EUR");
    let covered = gate.submit(refund("17")).by("ann").key("run", 3).await.unwrap();
    assert!(matches!(covered, Submission::Done { .. }), "{covered:?}");
    // It does not cover a call of which nobody knows what it would do, waiting or new.
    shop.fail(Failure::Error("503"));
    assert_eq!(submitted(&gate, refund("17"), 4).await.level, ApprovalLevel::Full);
    assert_eq!(record(&gate, failed.id).await.state(), CallState::Pending);
    shop.fail(None);

    // A call that the grant has answered and that has not started yet is asked about when its
    // preview changes meanwhile.
    let other = builder(&shop).requester_may_decide().build().await.unwrap();
    let waits = submitted(&other, refund("17"), 5).await;
    granting::permit(&other, &waits, GrantTerms::any_arguments().durable()).await;
    let granted = record(&other, waits.id).await;
    assert_eq!(granted.state(), CallState::Approved, "{granted:?}");
    shop.set("17", "1 EUR");
    let asked = claimed(&other, &waits).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
}

#[tokio::test]
async fn a_call_that_is_submitted_again_shows_its_present_preview() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    let again = submitted(&gate, refund("17"), 0).await;
    assert_eq!((again.id, again.revision), (request.id, 1), "it re-attaches");
    shop.set("17", "9,900 EUR");
    let again = submitted(&gate, refund("17"), 0).await;
    assert_eq!((again.id, again.revision), (request.id, 2));
    assert_eq!(facts(&again)["total"], "9,900 EUR");
}

#[tokio::test]
async fn invariant_2_an_approval_of_a_failed_call_does_not_reach_another_preview() {
    let shop = Shop::default().with("17", "1,200 EUR");
    shop.0.lock().unwrap().body_fails = true;
    let gate = gate(&shop).await;
    for (position, total) in [(0, "1,200 EUR"), (1, "9,900 EUR")] {
        shop.set("17", "1,200 EUR");
        let call = || Again { order: "17".to_owned(), note: String::new(), pin: String::new() };
        let request = submitted(&gate, call(), position).await;
        approve(&gate, &request).await;
        let failed = claimed(&gate, &request).await;
        assert_eq!(failed.state(), CallState::Failed);
        shop.set("17", total);
        let key = failed.retry_key();
        let retried = gate.submit(call()).by("ann").retry_of(&failed).await.unwrap();
        let asked = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
        if total == "1,200 EUR" {
            let runs =
                asked.state() != CallState::Pending || matches!(retried, Submission::Done { .. });
            assert!(runs, "{asked:?}");
        } else {
            assert_eq!(asked.state(), CallState::Pending, "{asked:?}");
        }
    }
}

/// An attempt with an unknown outcome may be why the preview differs: it is shown, and not refused.
#[tokio::test]
async fn invariant_3_a_further_attempt_is_asked_about_if_the_last_one_changed_the_preview() {
    let shop = Shop::default().with("17", "1,200 EUR");
    shop.0.lock().unwrap().body_hangs = true;
    let gate = gate(&shop).await;
    let request = submitted(&gate, refund("17"), 0).await;
    approve(&gate, &request).await;
    // It hangs after it has done its work.
    let unknown = claimed(&gate, &request).await;
    assert_eq!(unknown.state(), CallState::OutcomeUnknown, "{unknown:?}");
    let retry = hitl_core::Resolution::Retry { attested: true };
    gate.resolve(&unknown, retry, "bob").await.unwrap();
    let asked = claimed(&gate, &request).await;
    let again = asked.request();
    assert_eq!((asked.state(), again.revision, asked.attempts()), (CallState::Pending, 2, 1));
    assert!(card(again).contains("total: 0 EUR  (changed, it was \"1,200 EUR\")"));
    assert_eq!(shop.refunded(), ["17"]);
    shop.0.lock().unwrap().body_hangs = false;
    approve(&gate, again).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
    assert_eq!(shop.refunded(), ["17", "17"]);
}

#[tokio::test]
async fn invariant_8_nothing_of_a_preview_is_left_when_its_call_is_erased() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let store = MemoryStore::new();
    let audit = MemoryAudit::new();
    let gate = builder(&shop).store(store.clone()).audit(audit).build().await.unwrap();
    let request = submitted(&gate, refund("17"), 0).await;
    gate.decide(request.reject("no").by("bob")).await.unwrap();
    let scope = ErasureScope::Call { tenant: Tenant::default(), id: request.id };
    // The audit confirms in the background that it has the decision.
    support::until("the call is erased", async || {
        gate.erase(&scope, "asked to", "alice", &[]).await.is_ok()
    })
    .await;
    let erased = record(&gate, request.id).await;
    assert!(erased.is_erased() && erased.request().preview.is_none());
    assert!(!serde_json::to_string(&erased).unwrap().contains("1,200 EUR"));
    let payload = hitl_core::Store::payload(&store, &Tenant::default(), request.id).await.unwrap();
    assert!(payload.is_none());
}

#[tokio::test]
async fn invariant_2_all_or_none_of_a_batch_waits_for_the_preview_that_changed() {
    let shop = Shop::default().with("17", "1,200 EUR").with("18", "7 EUR");
    let gate = gate(&shop).await;
    let batch = gate.submit_all("run").call(0, refund("17")).call(1, refund("18")).all_or_none();
    let batch = batch.by("ann").await;
    let ids: Vec<_> =
        batch.parts().iter().map(|part| part.receipt.as_ref().unwrap().id.unwrap()).collect();
    for id in &ids {
        approve(&gate, record(&gate, *id).await.request()).await;
    }
    shop.set("18", "9,900 EUR");
    let second = record(&gate, ids[1]).await.request().clone();
    let asked = claimed(&gate, &second).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    assert_eq!(
        (record(&gate, ids[0]).await.state(), shop.refunded()),
        (CallState::Approved, vec![])
    );
    approve(&gate, asked.request()).await;
    let outcomes = batch.wait().await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(Outcome::Executed(_)))),
        "{outcomes:?}"
    );
    assert_eq!(shop.refunded().len(), 2);
}

fn dynamic(shop: &Shop) -> DynTool {
    let schema = r#"{"type":"object","properties":{"order":{"type":"string"},
        "pin":{"type":"string","writeOnly":true}},"required":["order"]}"#;
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let tool = DynTool::new(DynSpec::new("crm", "Refunds.").config(QUICK), schema, body).unwrap();
    let shop = shop.clone();
    tool.preview(move |arguments, _cx| {
        let shop = shop.clone();
        async move {
            let tree = arguments.tree();
            let order = tree.get("order").and_then(|order| order.as_str()).unwrap_or_default();
            shop.preview(order, "").await
        }
    })
}

async fn submit_json(gate: &Gate, text: &str, position: u64) -> ApprovalRequest {
    match gate.submit_json("crm", text, "ann", "run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket.request().clone(),
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

#[tokio::test]
async fn invariant_2_a_run_time_tool_renders_and_an_edit_elsewhere_leaves_it_to_the_claim() {
    let shop = Shop::default().with("17", "1,200 EUR").with("18", "7 EUR");
    let store = MemoryStore::new();
    let gate = Gate::builder().dyn_tool(dynamic(&shop)).store(store.clone()).build().await.unwrap();
    let elsewhere = Gate::builder().store(store.clone());
    let elsewhere = match hitl_core::Store::host_key(&store) {
        Some(key) => elsewhere.key(key),
        None => elsewhere,
    };
    let elsewhere = elsewhere.build().await.unwrap();
    let request = submit_json(&gate, r#"{"order":"17"}"#, 0).await;
    assert_eq!(facts(&request)["total"], "1,200 EUR");
    elsewhere.decide(request.edit(r#"{"order":"18"}"#).by("bob")).await.unwrap();
    let edited = record(&gate, request.id).await;
    assert_eq!(edited.state(), CallState::Pending, "its editor has not seen what it would do");
    assert_eq!(failure(edited.request()), Some(PreviewFailure::Elsewhere));
    gate.decide(edited.request().approve().by("carl")).await.unwrap();
    let asked = claimed(&gate, &request).await;
    assert_eq!(
        (asked.state(), facts(asked.request())["total"].as_str()),
        (CallState::Pending, "7 EUR")
    );
    approve(&gate, asked.request()).await;
    assert_eq!(claimed(&gate, &request).await.state(), CallState::Executed);
}

#[tokio::test]
async fn invariant_2_a_tool_that_begins_to_render_previews_is_another_tool() {
    let shop = Shop::default().with("17", "1,200 EUR");
    let plain = |renders: bool| {
        let schema = r#"{"type":"object","properties":{"order":{"type":"string"}}}"#;
        let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
        let tool =
            DynTool::new(DynSpec::new("crm", "Refunds.").config(QUICK), schema, body).unwrap();
        let render = |_, _| async { CallPreview::new().fact("total", "9") };
        if renders { tool.preview(render) } else { tool }
    };
    drop(shop);
    let store = MemoryStore::new();
    for (position, before) in [(0, false), (1, true)] {
        let old = Gate::builder().store(store.clone()).dyn_tool(plain(before));
        let old = old.build().await.unwrap();
        let request = submit_json(&old, r#"{"order":"17"}"#, position).await;
        assert_eq!(request.preview.is_some(), before);
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
        assert_eq!(asked.request().preview.is_some(), !before);
        assert_ne!(asked.request().fingerprint, request.fingerprint);
        let why = asked.request().reasons.last().unwrap();
        assert!(why.contains("whether it says what a call would do"), "{why}");
    }
}

fn host_keys(bytes: &[u8]) -> HostKeys {
    let key = |byte: &u8| HostKey::from_bytes([*byte; 32]);
    let (current, previous) = bytes.split_first().unwrap();
    previous.iter().map(key).fold(HostKeys::new(key(current)), HostKeys::with_previous)
}

/// Another process continues, under a new host key: the preview is the same one, is sealed again,
/// and can be uncovered; without its old key too.
#[tokio::test]
async fn invariant_2_a_preview_is_the_same_after_a_restart_and_under_a_new_host_key() {
    const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let shop = Shop::default().with("17", &format!("1,200 EUR {TOKEN}"));
    let store = MemoryStore::new();
    let gate = async |keys: &[u8]| {
        let store = store.clone().keys(host_keys(keys));
        builder(&shop).store(store).build().await.unwrap()
    };
    let old = gate(&[1]).await;
    let kept = submitted(&old, refund("17"), 0).await;
    let changed = submitted(&old, refund("17"), 1).await;
    approve(&old, &kept).await;
    let waits = submitted(&old, refund("17"), 2).await;
    drop(old);
    let new = gate(&[2, 1]).await;
    assert_eq!(claimed(&new, &kept).await.state(), CallState::Executed);
    // The preview keeps its digest in a revision that the new key seals.
    let again = submitted(&new, refund("17"), 2).await;
    assert_eq!((again.revision, &again.preview), (1, &waits.preview));
    assert!(new.reseal().await.unwrap().resealed > 0);
    drop(new);
    let last = gate(&[2]).await;
    let uncovered = last.uncover(&waits, "alice", MaskSelection::All).await.unwrap();
    let view = uncovered.render(Timestamp::EPOCH, DetailLevel::Full).to_text();
    assert!(view.contains(TOKEN), "{view}");
    approve(&last, &changed).await;
    shop.set("17", "9,900 EUR");
    let asked = claimed(&last, &changed).await;
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    let shown = card(asked.request());
    assert!(shown.contains("changed, it was") && !shown.contains(TOKEN), "{shown}");
}
