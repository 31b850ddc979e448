//! A call about which a reviewer is asked inline, through a channel, and which is approved at once.

use hitl::approval;
use serde_json::to_vec;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{one_thread, repeat_on};
use crate::tools::{Plain, arguments, ask_first, asking, audit_record};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "the same channels + serialise + SHA-256 + four records";
    vec![Pair::timed("quick round trip through a channel", asked, against, least).at_most(2_000)]
}

fn asked() -> Run {
    let runtime = one_thread();
    let (approver, mut questions) = approval::channel(16);
    let gate = runtime.block_on(asking(approver));
    runtime.spawn(async move {
        while let Some(question) = questions.recv().await {
            let decision = question.request.approve().by("bob");
            question.decide(decision).expect("somebody waits");
        }
    });
    let plain = arguments(20);
    repeat_on(runtime, move || {
        let (gate, Plain { customer, limit, note }) = (gate.clone(), plain.clone());
        async move { gate.call(ask_first(customer, limit, note)).by("ann").await.expect("it runs") }
    })
}

/// Does the minimum work: requested, decided, claimed, executed are four records, and the question
/// and its answer are sent.
fn least() -> Run {
    let runtime = one_thread();
    let record = runtime.block_on(audit_record());
    let (questions, mut asked) = mpsc::channel::<(Vec<u8>, oneshot::Sender<bool>)>(16);
    runtime.spawn(async move {
        while let Some((question, answer)) = asked.recv().await {
            answer.send(!question.is_empty()).expect("somebody waits");
        }
    });
    let plain = arguments(20);
    repeat_on(runtime, move || {
        let (questions, plain, record) = (questions.clone(), plain.clone(), record.clone());
        async move {
            let text = to_vec(&plain).expect("plain data");
            let digest = Sha256::digest(&text);
            let (answer, answered) = oneshot::channel();
            questions.send((text, answer)).await.expect("somebody asks");
            let approved = answered.await.expect("an answer");
            let records: Vec<_> = (0..4).map(|_| to_vec(&record).expect("plain data")).collect();
            (digest, approved, records)
        }
    })
}
