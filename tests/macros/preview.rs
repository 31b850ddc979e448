//! Tools that say what a call would do: `#[hitl_tool(preview = ..)]`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hitl::approval::{DetailLevel, PreviewItem};
use hitl::call::CallPreview;
use hitl::prelude::*;
use hitl::{ApprovalRequest, GateBuilder, Timestamp, hitl_tools};

/// The totals of orders, by their ids.
#[derive(Debug, Default)]
struct Shop(Mutex<BTreeMap<String, String>>);

impl Shop {
    fn set(&self, order: &str, total: &str) {
        self.0.lock().unwrap().insert(order.to_owned(), total.to_owned());
    }

    fn total(&self, order: &str) -> Option<String> {
        self.0.lock().unwrap().get(order).cloned()
    }

    #[expect(clippy::unused_async, reason = "a preview is async")]
    async fn would_refund(&self, order: &str, pin: String) -> Result<CallPreview, String> {
        let total = self.total(order).ok_or_else(|| format!("there is no order {order}"))?;
        Ok(CallPreview::new().fact("total", total).fact("pin", pin))
    }
}

#[hitl_tools]
impl Shop {
    /// Refunds an order.
    #[hitl_tool(base_confidence = 20, preview = Shop::would_refund)]
    async fn refund(&self, order: &str, #[hitl(sensitive)] pin: String) -> String {
        let _ = pin;
        self.total(order).unwrap_or_default()
    }
}

#[expect(clippy::unused_async, reason = "a preview is async")]
async fn would_cancel(
    order: String,
    shop: &Arc<Shop>,
    cx: CallContext,
    times: Vec<u8>,
) -> CallPreview {
    CallPreview::new()
        .fact("total", shop.total(&order).unwrap_or_default())
        .fact("for", &cx.principal)
        .difference("times", "", format!("{times:?}"))
}

/// Cancels an order.
#[hitl_tool(base_confidence = 20, preview = would_cancel)]
async fn cancel(
    order: String,
    #[hitl(state)] shop: &Arc<Shop>,
    #[hitl(context)] cx: CallContext,
    #[hitl(default)] times: Vec<u8>,
) {
    let _ = (order, shop, cx, times);
}

fn builder(shop: &Arc<Shop>) -> GateBuilder {
    Gate::builder().tools::<Shop>(Arc::clone(shop)).tool::<Cancel>()
}

fn fact(request: &ApprovalRequest, name: &str) -> String {
    let items = &request.preview.as_ref().unwrap().items;
    let value = items.iter().find_map(|item| match item {
        PreviewItem::Fact { label, value } if label == name => Some(value.clone()),
        _ => None,
    });
    value.unwrap()
}

async fn asked<T: Tool>(gate: &Gate, call: T, position: u64) -> ApprovalRequest {
    match gate.submit(call).by("ann").key("run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket.request().clone(),
        other @ Submission::Done { .. } => panic!("it needs a review: {other:?}"),
    }
}

#[tokio::test]
async fn a_preview_gets_the_parameters_the_state_and_the_context_of_its_tool() {
    let shop = Arc::new(Shop::default());
    shop.set("17", "1,200 EUR");
    let gate = builder(&shop).build().await.unwrap();
    let request = asked(&gate, cancel("17", vec![1, 2]), 0).await;
    assert_eq!(
        (fact(&request, "total"), fact(&request, "for")),
        ("1,200 EUR".into(), "ann".into())
    );
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    assert!(card.contains("times: nothing → \"[1, 2]\""), "{card}");
    // A method has its service.
    let request = asked(&gate, Shop::refund("17", "9731-secret"), 1).await;
    assert_eq!(fact(&request, "total"), "1,200 EUR");
    assert!(!fact(&request, "pin").contains("9731"), "a secret stays one");
    let request = asked(&gate, Shop::refund("18", "9731-secret"), 2).await;
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    assert!(card.contains("there is no order 18"), "{card}");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn invariant_2_a_preview_is_sealed_and_compared_after_a_restart() {
    const SECRET: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let folder = tempfile::tempdir().unwrap();
    let shop = Arc::new(Shop::default());
    shop.set("17", &format!("1,200 EUR {SECRET}"));
    let durable = async || {
        let store = SqliteStore::open(folder.path().join("calls.db")).await.unwrap();
        builder(&shop).store(store).build().await.unwrap()
    };
    let gate = durable().await;
    let request = asked(&gate, Shop::refund("17", "none"), 0).await;
    gate.decide(request.approve().by("bob")).await.unwrap();
    drop(gate);
    let (mut looked_at, mut open) = (0, vec![folder.path().to_owned()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()));
            continue;
        }
        let written = std::fs::read(&path).unwrap();
        looked_at += 1;
        assert!(!written.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
    assert!(looked_at > 0);
    // Another life of the program, in which the total is another one.
    shop.set("17", "9,900 EUR");
    let gate = durable().await;
    let again = asked(&gate, Shop::refund("17", "none"), 0).await;
    assert_eq!((again.id, again.revision), (request.id, 2));
    let card = again.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    assert!(card.contains("total: 9,900 EUR  (changed, it was "), "{card}");
    gate.decide(again.approve().by("bob")).await.unwrap();
    drop(gate);
    let gate = durable().await;
    let total = gate.call(Shop::refund("17", "none")).by("ann").key("run", 0).await.unwrap();
    assert_eq!(total, "9,900 EUR");
}
