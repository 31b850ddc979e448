//! How many audit records are verified in a second: `cargo run --release --example verify_rate`.

use std::time::Instant;

use hitl_base::Timestamp;
use hitl_core::AuditRecord;
use hitl_core::audit::{AuditEvent, ChainHead, ChainWriter, Verifier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const RECORDS: u32 = 200_000;
    let mut chain = ChainWriter::after(ChainHead::genesis("rate"));
    let mut log = Vec::new();
    // As long as an intent with its arguments and its score.
    let about = "x".repeat(600);
    for _ in 0..RECORDS {
        let record = AuditRecord::about(AuditEvent::PolicyLoaded, about.as_str(), Timestamp::EPOCH);
        log.extend_from_slice(chain.next(&record)?);
        log.push(b'\n');
        chain.keep();
    }
    let begin = Instant::now();
    let report = Verifier::new().chain("log", &log[..])?.finish();
    let took = begin.elapsed();
    println!(
        "{} records of {} bytes in {took:.2?}: {:.0} a second, {} findings",
        report.records,
        log.len() / RECORDS as usize,
        f64::from(RECORDS) / took.as_secs_f64(),
        report.findings.len()
    );
    Ok(())
}
