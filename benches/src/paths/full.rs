//! A call that waits in the queue, is decided there, and runs: all in memory.

use serde_json::to_vec;
use sha2::{Digest as _, Sha256};

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{one_thread, repeat, repeat_on};
use crate::tools::{arguments, audit_record, full_round_trip, memory_gate};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "serialise + SHA-256 + four records";
    vec![Pair::timed("full round trip in memory", decided, against, least).at_most(2_000)]
}

fn decided() -> Run {
    let runtime = one_thread();
    let gate = runtime.block_on(memory_gate());
    let plain = arguments(20);
    repeat_on(runtime, move || {
        let (gate, plain) = (gate.clone(), plain.clone());
        async move { full_round_trip(&gate, plain).await }
    })
}

fn least() -> Run {
    let record = one_thread().block_on(audit_record());
    let plain = arguments(20);
    repeat(move || {
        let text = to_vec(&plain.clone()).expect("plain data");
        let records: Vec<_> = (0..4).map(|_| to_vec(&record).expect("plain data")).collect();
        (Sha256::digest(&text), records)
    })
}
