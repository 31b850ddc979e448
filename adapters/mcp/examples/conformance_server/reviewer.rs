//! A reviewer who approves what needs a full approval: at once, or after the `seconds` among the
//! arguments.

use std::time::Duration;

use hitl_core::gate::Notice;
use hitl_core::{ApprovalLevel, ApprovalRequest, Gate};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The arguments that the rule looks at.
#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    seconds: f64,
}

/// Returns the handler of a gate's notices, and the calls that begin to wait for a full approval.
pub(crate) fn waiting_calls()
-> (impl Fn(&Notice) + Send + Sync + 'static, UnboundedReceiver<ApprovalRequest>) {
    let (sender, receiver) = unbounded_channel();
    let handler = move |notice: &Notice| {
        if let Notice::Waiting(waiting) = notice
            && waiting.request().level == ApprovalLevel::Full
        {
            // Without a reviewer the call waits.
            let _ = sender.send(waiting.request().clone());
        }
    };
    (handler, receiver)
}

/// Decides on each call when its time has come.
pub(crate) async fn decide(gate: Gate, mut waiting: UnboundedReceiver<ApprovalRequest>) {
    while let Some(request) = waiting.recv().await {
        let gate = gate.clone();
        tokio::spawn(async move {
            let wait: Wait =
                serde_json::from_str(request.arguments.as_str()).unwrap_or(Wait { seconds: 0.0 });
            tokio::time::sleep(Duration::from_secs_f64(wait.seconds.clamp(0.1, 600.0))).await;
            // A call that was cancelled meanwhile is no longer to be decided.
            let _ = gate.decide(request.approve().by("reviewer")).await;
        });
    }
}
