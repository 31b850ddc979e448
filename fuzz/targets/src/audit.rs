//! The audit's reader takes any bytes, and a log that was changed anywhere is never sound.

use hitl_base::Timestamp;
use hitl_core::AuditRecord;
use hitl_core::audit::{AuditEvent, ChainHead, ChainWriter, Checkpoint, Verifier};

pub(crate) const SEEDS: &[&str] = &[
    "{\"seq\":1,\"prev\":\"\",\"ts\":\"\",\"schema\":2,\"stream\":\"s\",\"event\":{}}\n",
    "\u{1}\u{2}flip\u{3}",
    "{}\n\n[",
];

/// Reads the bytes as a log; then uses them to change a sound one.
pub fn audit(data: &[u8]) {
    let report = Verifier::new().chain("any", data).unwrap().finish();
    assert!(report.records <= data.len() as u64);

    let mut chain = ChainWriter::after(ChainHead::genesis("w"));
    let mut log = Vec::new();
    for n in 0..6 {
        let record = AuditRecord::about(AuditEvent::PolicyLoaded, n.to_string(), Timestamp::EPOCH);
        log.extend_from_slice(chain.next(&record).unwrap());
        log.push(b'\n');
        chain.keep();
    }
    let checkpoint = Checkpoint::new(Timestamp::EPOCH, [chain.head().clone()]);
    let verify = |log: &[u8]| {
        Verifier::new().checkpoint(checkpoint.clone()).chain("log", log).unwrap().finish()
    };
    assert!(verify(&log).is_sound());
    let mut changed = log.clone();
    for edit in data.chunks(3).take(8) {
        let &[what, high, low] = edit else { break };
        if changed.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([high, low])) % changed.len();
        match what % 4 {
            0 => changed[at] ^= 1 << (what >> 5),
            1 => drop(changed.remove(at)),
            2 => changed.insert(at, low),
            _ => changed.truncate(at),
        }
    }
    assert_eq!(verify(&changed).is_sound(), changed == log);
}
