//! A reviewer's view: one card, rendered from a request.

use hitl::approval::DetailLevel;
use hitl::{ApprovalRequest, Submission, Timestamp};

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{one_thread, repeat};
use crate::tools::{Plain, arguments, memory_gate, queue_up};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "the same request as JSON by serde_json";
    vec![
        Pair::timed("render one card, as text", || rendering(as_text), against, writing),
        Pair::timed("render one card, as HTML", || rendering(as_html), against, writing),
    ]
}

fn request() -> ApprovalRequest {
    one_thread().block_on(async {
        let gate = memory_gate().await;
        let Plain { customer, limit, note } = arguments(200);
        let submitted = gate.submit(queue_up(customer, limit, note)).by("ann").await;
        let Submission::Pending(ticket) = submitted.expect("submitted") else {
            panic!("it waits for a human")
        };
        ticket.request().clone()
    })
}

fn rendering(as_what: fn(&ApprovalRequest, Timestamp) -> String) -> Run {
    let (request, now) = (request(), Timestamp::now());
    repeat(move || as_what(&request, now))
}

fn as_text(request: &ApprovalRequest, now: Timestamp) -> String {
    request.render(now, DetailLevel::Brief).to_text()
}

fn as_html(request: &ApprovalRequest, now: Timestamp) -> String {
    request.render(now, DetailLevel::Brief).to_html()
}

fn writing() -> Run {
    let request = request();
    repeat(move || serde_json::to_string(&request).expect("plain data"))
}
