//! A call that a rule refuses.

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{one_thread, repeat, repeat_on};
use crate::tools::{Plain, arguments, audit_record, denying, write_down};

use serde_json::to_vec;
use sha2::{Digest as _, Sha256};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    vec![
        // The store keeps denied calls.
        Pair::timed("denied call", denied, "serialise + SHA-256 + serialise one record", least)
            .at_most(2_000),
    ]
}

fn denied() -> Run {
    let runtime = one_thread();
    let gate = runtime.block_on(denying());
    let plain = arguments(20);
    repeat_on(runtime, move || {
        let (gate, Plain { customer, limit, note }) = (gate.clone(), plain.clone());
        async move { gate.call(write_down(customer, limit, note)).by("ann").await.expect_err("denied") }
    })
}

fn least() -> Run {
    let record = one_thread().block_on(audit_record());
    let plain = arguments(20);
    repeat(move || {
        let text = to_vec(&plain.clone()).expect("plain data");
        (Sha256::digest(&text), to_vec(&record).expect("plain data"))
    })
}
