//! A call that runs at once, by the size of its arguments and by the destination of its audit.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use hitl::audit::Durability;
use hitl::backend::SessionId;
use hitl::prelude::*;
use hitl::redact::Redactor;
use hitl::{AuditSink as _, JsonlAudit, MemoryAudit, MemoryStore};
use serde_json::{to_string, to_vec};
use sha2::{Digest as _, Sha256};

use crate::heap;
use crate::measure::Effort;
use crate::pair::{Pair, Run, Unit};
use crate::timing::{one_thread, repeat, repeat_on};
use crate::tools::{
    Plain, arguments, audit_record, audit_records, gate, look_up, memory_gate, write_down,
};

/// The minimum work of a gate: serialise the arguments, hash them, serialise one audit record.
const LEAST: &str = "serialise + SHA-256 + serialise one record";

/// The sizes of the arguments.
const SIZES: [(&str, usize); 3] = [("small", 20), ("4 KB", 4 << 10), ("256 KB", 256 << 10)];

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (size, bytes) in SIZES {
        pairs.push(
            Pair::timed(
                format!("auto call, read-only, {size}"),
                move || reading(bytes),
                LEAST,
                move || least(bytes),
            )
            .budget(2.5),
        );
        pairs.push(Pair::timed(
            format!("auto call, claimed in memory, {size}"),
            move || claiming(bytes),
            LEAST,
            move || least(bytes),
        ));
    }
    pairs.push(Pair::timed(
        "auto call, read-only, beside a bare async fn",
        || reading(20),
        "a bare async fn",
        bare,
    ));
    for (size, bytes) in SIZES {
        pairs.push(Pair::timed(
            format!("auto call, read-only, {size}, beside its parts by hand"),
            move || reading(bytes),
            "serialise, look for secrets, two digests, an id, two records",
            move || by_hand(bytes),
        ));
    }
    for (size, bytes) in SIZES {
        pairs.push(
            Pair::timed(
                format!("auto call, read-only, chained audit file, {size}"),
                move || filed(bytes, Durability::HandedOver),
                "the same bytes, one write(2) each",
                move || written(bytes, Durability::HandedOver),
            )
            .budget(1.5),
        );
    }
    for (size, bytes) in SIZES {
        pairs.push(Pair::timed(
            format!("auto call, read-only, chained audit file, {size}, beside making its lines"),
            move || filed(bytes, Durability::HandedOver),
            "serialise + SHA-256 of both, one write(2) each",
            move || made_and_written(bytes),
        ));
    }
    pairs.push(Pair::timed(
        "auto call, read-only, synced audit file, small",
        || filed(20, Durability::Synced),
        "the same bytes, one write(2) and fdatasync(2) each",
        || written(20, Durability::Synced),
    ));
    pairs.push(Pair::timed(
        "call_json from bytes, small",
        || from_text(20),
        "serde_json + SHA-256 + one record",
        || least_from_text(20),
    ));
    pairs.push(Pair::timed(
        "call_json from bytes, 4 KB",
        || from_text(4 << 10),
        "serde_json + SHA-256 + one record",
        || least_from_text(4 << 10),
    ));
    pairs.push(Pair::on_heap(
        "auto call, read-only, allocations",
        Unit::Allocations,
        LEAST,
        allocations,
    ));
    pairs
}

fn reading(bytes: usize) -> Run {
    let runtime = one_thread();
    let gate = runtime.block_on(memory_gate());
    let plain = arguments(bytes);
    calling(&runtime, gate, plain)
}

fn calling(runtime: &Rc<tokio::runtime::Runtime>, gate: Gate, plain: Plain) -> Run {
    repeat_on(Rc::clone(runtime), move || {
        let (gate, Plain { customer, limit, note }) = (gate.clone(), plain.clone());
        async move { gate.call(look_up(customer, limit, note)).by("ann").await.expect("it runs") }
    })
}

/// Calls a gate whose store keeps every call, and replaces it at intervals: its growth is measured
/// elsewhere.
fn claiming(bytes: usize) -> Run {
    const KEPT: u64 = 20_000;
    let runtime = one_thread();
    let (plain, mut calls, mut inner) = (arguments(bytes), KEPT, None::<Run>);
    Box::new(move |times| {
        if calls >= KEPT || inner.is_none() {
            let (gate, plain) = (runtime.block_on(memory_gate()), plain.clone());
            inner = Some(repeat_on(Rc::clone(&runtime), move || {
                let (gate, Plain { customer, limit, note }) = (gate.clone(), plain.clone());
                async move {
                    gate.call(write_down(customer, limit, note)).by("ann").await.expect("it runs")
                }
            }));
            calls = 0;
        }
        calls += times;
        inner.as_mut().map_or(Duration::ZERO, |inner| inner(times))
    })
}

fn least(bytes: usize) -> Run {
    let record = one_thread().block_on(audit_record());
    let plain = arguments(bytes);
    repeat(move || {
        let copy = plain.clone();
        let text = to_vec(&copy).expect("plain data");
        (Sha256::digest(&text), to_vec(&record).expect("plain data"))
    })
}

/// Does exactly the work that a gate must do for every call: serialises the arguments and scans
/// them for secrets, computes the digests of the content and of the binding, generates an id, and
/// keeps two records in memory.
fn by_hand(bytes: usize) -> Run {
    /// The bytes that a digest has before the arguments, and a binding beside the content's digest.
    const AROUND: [u8; 85] = [7; 85];
    let records = one_thread().block_on(audit_records(bytes));
    let (redactor, audit, plain) = (Redactor::standard(), MemoryAudit::new(), arguments(bytes));
    repeat(move || {
        let text = to_string(&plain.clone()).expect("plain data");
        assert!(redactor.has_nothing_in(&text), "it is ordinary text");
        let content = Sha256::new().chain_update(AROUND).chain_update(&text).finalize();
        let binding = Sha256::new().chain_update(AROUND).chain_update(content).finalize();
        for record in &records {
            audit.append(record).expect("kept");
        }
        (binding, SessionId::new())
    })
}

fn bare() -> Run {
    #[expect(clippy::unused_async, reason = "the least that an async tool can be")]
    async fn body(customer: String, limit: u32, note: String) -> u32 {
        std::hint::black_box((customer, note));
        limit
    }
    let plain = arguments(20);
    repeat_on(one_thread(), move || {
        let Plain { customer, limit, note } = plain.clone();
        body(customer, limit, note)
    })
}

fn filed(bytes: usize, durability: Durability) -> Run {
    let runtime = one_thread();
    let folder = tempfile::tempdir().expect("a folder");
    let audit = JsonlAudit::open(folder.path().join("audit.jsonl")).expect("an audit file");
    let audit = audit.durability(durability);
    let gate = runtime.block_on(gate(MemoryStore::new(), audit));
    let mut inner = calling(&runtime, gate, arguments(bytes));
    Box::new(move |times| {
        let _kept = &folder;
        inner(times)
    })
}

/// Writes the lines of a call without building them.
fn written(bytes: usize, durability: Durability) -> Run {
    let runtime = one_thread();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let audit = JsonlAudit::open(&path).expect("an audit file");
    let gate = runtime.block_on(gate(MemoryStore::new(), audit));
    calling(&runtime, gate, arguments(bytes))(1);
    let kept = std::fs::read_to_string(&path).expect("the audit");
    let lines: Vec<Vec<u8>> = kept.lines().map(|line| format!("{line}\n").into_bytes()).collect();
    let mut file: File = OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.path().join("raw"))
        .expect("a file");
    repeat(move || {
        let _kept = &folder;
        for line in &lines {
            file.write_all(line).expect("written");
            if durability == Durability::Synced {
                file.sync_data().expect("synced");
            }
        }
    })
}

/// Does the minimum work for a chained line: serialises and hashes the arguments, and serialises,
/// hashes and writes each record.
fn made_and_written(bytes: usize) -> Run {
    let plain = arguments(bytes);
    let records = one_thread().block_on(audit_records(bytes));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("raw");
    let mut file: File = OpenOptions::new().append(true).create(true).open(path).expect("a file");
    repeat(move || {
        let _kept = &folder;
        let text = to_vec(&plain.clone()).expect("plain data");
        std::hint::black_box(Sha256::digest(&text));
        for record in &records {
            let mut line = to_vec(record).expect("plain data");
            std::hint::black_box(Sha256::digest(&line));
            line.push(b'\n');
            file.write_all(&line).expect("written");
        }
    })
}

fn from_text(bytes: usize) -> Run {
    let runtime = one_thread();
    let gate = runtime.block_on(memory_gate());
    let text: Rc<str> = to_string(&arguments(bytes)).expect("plain data").into();
    let mut position = 0;
    repeat_on(runtime, move || {
        position += 1;
        let (gate, text, at) = (gate.clone(), Rc::clone(&text), position);
        async move { gate.call_json("look_up", &text, "ann", "bench", at).await.expect("it runs") }
    })
}

fn least_from_text(bytes: usize) -> Run {
    let record = one_thread().block_on(audit_record());
    let text = to_string(&arguments(bytes)).expect("plain data");
    repeat(move || {
        let plain: Plain = serde_json::from_str(&text).expect("plain data");
        let text = to_vec(&plain).expect("plain data");
        (Sha256::digest(&text), to_vec(&record).expect("plain data"))
    })
}

fn allocations() -> (f64, f64) {
    const CALLS: u32 = 1_000;
    let (mut ours, mut yardstick) = (reading(20), least(20));
    ours(10);
    yardstick(10);
    let each = |run: &mut Run| heap::watch(|| run(CALLS.into())).1.allocations / f64::from(CALLS);
    (each(&mut ours), each(&mut yardstick))
}
