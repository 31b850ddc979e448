//! One answered question, sent again and again.

use std::collections::BTreeSet;

use serde_json::json;

use crate::filesystem::approve;
use crate::gateway::Gateway;
use crate::installed::installed;
use crate::raw::{Raw, answered, call, forms};
use crate::upstream::Upstream;

#[test]
fn invariant_3_an_answered_retry_sent_a_hundred_times_at_once_is_one_run() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::new();
    let gateway = Gateway::before(upstream.command(&installed));
    let mut raw = Raw::start(&gateway.command());
    let send = call("send_note", &json!({"note": "once"}), &forms());
    let question = raw.ask("tools/call", send.clone());
    let retry = answered(&send, &question["result"], &approve());
    let ids: Vec<u64> = (0..100).map(|_| raw.send("tools/call", retry.clone())).collect();
    let results: BTreeSet<String> =
        ids.into_iter().map(|id| raw.response(id)["result"].to_string()).collect();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results.iter().all(|result| result.contains("send_note has run")), "{results:?}");
    assert_eq!(upstream.runs("send_note"), 1);
    // And once more after a while.
    let late = raw.ask("tools/call", retry);
    assert_eq!(upstream.runs("send_note"), 1, "{late}");
}
