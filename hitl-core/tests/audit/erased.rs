//! A log in which two lines about a call were erased, and one of another call was not.

use super::*;

const CALL: &str = "01970000-0000-7000-8000-000000000001";
const OTHER: &str = "01970000-0000-7000-8000-000000000002";

fn record(call: &str, event: &str, n: i64) -> AuditRecord {
    let at = Timestamp::from_millis(1_767_323_045_000 + n);
    let note = format!("private-{n}");
    let json = serde_json::json!({"event": event, "at": at, "call": call, "note": note});
    serde_json::from_value(json).unwrap()
}

/// Returns the placeholder of line number `n`, from 1.
fn placeholder(lines: &[Vec<u8>], n: usize) -> serde_json::Value {
    let bytes = &lines[n - 1][..lines[n - 1].len() - 1];
    let line: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    serde_json::json!({
        "hash": ChainHead::from_line(bytes).unwrap().hash,
        "event": line["event"]["event"],
        "call": line["event"]["call"],
    })
}

/// Replaces line `n` with a placeholder.
fn put(lines: &mut [Vec<u8>], n: usize, erased: &serde_json::Value) {
    let line: serde_json::Value = serde_json::from_slice(&lines[n - 1]).unwrap();
    let (hash, event, call) = (&erased["hash"], &erased["event"], &erased["call"]);
    lines[n - 1] = format!(
        "{{\"seq\":{},\"prev\":{},\"ts\":{},\"schema\":2,\"stream\":{},\"erased\":{{\"hash\":{hash},\"event\":{event},\"call\":{call}}}}}\n",
        line["seq"], line["prev"], line["ts"], line["stream"]
    )
    .into_bytes();
}

/// Returns six lines; the third and the fourth are the call's, and the sixth records their erasure.
fn log() -> Vec<Vec<u8>> {
    let mut chain = ChainWriter::after(ChainHead::genesis("w"));
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let events = [
        (OTHER, "requested"),
        (OTHER, "decided"),
        (CALL, "requested"),
        (CALL, "decided"),
        (OTHER, "executed"),
    ];
    let mut listed = Vec::new();
    for (n, (call, event)) in (1..).zip(events) {
        let mut line = chain.next(&record(call, event, n)).unwrap().to_vec();
        chain.keep();
        if call == CALL {
            let ChainHead { stream, seq, hash, .. } = chain.head();
            let at = record(call, event, n).at;
            listed.push(serde_json::json!(
                {"stream": stream, "seq": seq, "hash": hash, "event": event, "at": at}
            ));
        }
        line.push(b'\n');
        lines.push(line);
    }
    let said = serde_json::json!({
        "event": "erased", "at": Timestamp::from_millis(1_767_323_046_000), "call": CALL, "erased": listed,
    });
    let said: AuditRecord = serde_json::from_value(said).unwrap();
    let mut line = chain.next(&said).unwrap().to_vec();
    line.push(b'\n');
    lines.push(line);
    lines
}

fn honest() -> Vec<Vec<u8>> {
    let mut lines = log();
    for n in [3, 4] {
        let erased = placeholder(&lines, n);
        put(&mut lines, n, &erased);
    }
    lines
}

fn head(lines: &[Vec<u8>], n: usize) -> ChainHead {
    ChainHead::from_line(&lines[n - 1][..lines[n - 1].len() - 1]).unwrap()
}

/// A description, a log, the heads that vouch for it, and the expected finding; `None` if the log
/// is sound.
type Case = (&'static str, Vec<Vec<u8>>, Vec<ChainHead>, Option<FindingKind>);

fn cases() -> Vec<Case> {
    use FindingKind as K;

    let good = honest();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut lines = honest();
        change(&mut lines);
        lines
    };
    let alter = |n: usize, name: &str, value: &str| {
        let mut erased = placeholder(&log(), n);
        erased[name] = value.into();
        with(&|lines| put(lines, n, &erased))
    };
    let unlisted = with(&|lines| {
        let erased = placeholder(lines, 2);
        put(lines, 2, &erased);
    });
    let last = head(&good, 6);
    let early = vec![head(&good, 5)];
    let pretends = with(&|lines| {
        let line = String::from_utf8(log()[2].clone()).unwrap().replace("private-3", "another");
        let erased = format!(",\"erased\":{}}}\n", placeholder(&log(), 3));
        lines[2] = (line.trim_end().strip_suffix('}').unwrap().to_owned() + &erased).into();
    });
    let not_said = with(&|lines| {
        let erased = placeholder(lines, 6);
        put(lines, 6, &erased);
    });
    let half = with(&|lines| lines[3].clone_from(&log()[3]));
    vec![
        ("as an erasure leaves it", good.clone(), vec![], None),
        ("with the last head", good.clone(), vec![last.clone()], None),
        ("before it is all done", half, vec![last], None),
        ("with a placeholder's own head", good.clone(), vec![head(&good, 4), head(&good, 6)], None),
        ("not covered by a checkpoint", good.clone(), early, Some(K::ErasureNotVouched)),
        ("a line that is not listed", unlisted, vec![], Some(K::NotErased)),
        ("the record of it is gone", not_said, vec![], Some(K::NotErased)),
        ("another event", alter(3, "event", "rejected"), vec![], Some(K::NotErased)),
        ("another call", alter(3, "call", OTHER), vec![], Some(K::NotErased)),
        ("another hash", alter(3, "hash", &"a".repeat(64)), vec![], Some(K::NotErased)),
        ("content beside the placeholder", pretends, vec![], Some(K::NotARecord)),
        ("cut off after it", good[..5].to_vec(), vec![], Some(K::NotErased)),
    ]
}

#[test]
fn invariant_6_a_line_is_erased_only_where_the_audit_says_so() {
    for (what, lines, heads, found) in cases() {
        let checkpoint = Checkpoint::new(Timestamp::EPOCH, heads.clone());
        let checkpoints = if heads.is_empty() { vec![] } else { vec![checkpoint] };
        let report = verified(&lines.concat(), &checkpoints);
        match found {
            None => {
                assert!(report.is_sound(), "{what}: {:?}", report.findings);
                assert!(report.erased > 0, "{what}");
                assert_eq!(report.erased_calls, [CALL.parse().unwrap()], "{what}");
            }
            Some(kind) => assert!(report.has(kind), "{what}: {:?}", report.findings),
        }
        let text = String::from_utf8(lines.concat()).unwrap();
        let erased = text.lines().nth(2).is_some_and(|line| !line.contains("\"event\":{"));
        assert!(!erased || !text.contains("private-3"), "{what}");
    }
}

#[test]
fn both_verifiers_agree_on_erased_lines() {
    let folder = tempfile::tempdir().unwrap();
    for (n, (what, lines, heads, found)) in cases().into_iter().enumerate() {
        let path = |name: &str| folder.path().join(format!("{n}-{name}"));
        std::fs::write(path("log"), lines.concat()).unwrap();
        let script = docs().join("verify_audit.py");
        let (log, kept) = (path("log"), path("checkpoints"));
        let mut args = vec![script.to_str().unwrap()];
        let checkpoint = Checkpoint::new(Timestamp::EPOCH, heads.clone());
        std::fs::write(&kept, serde_json::to_string(&checkpoint).unwrap()).unwrap();
        if !heads.is_empty() {
            args.extend(["-c", kept.to_str().unwrap()]);
        }
        args.push(log.to_str().unwrap());
        let said = String::from_utf8(python(&args).stdout).unwrap();
        match found {
            None => assert_eq!(said, "sound\n", "{what}"),
            Some(kind) => assert!(said.contains(kind.name()), "{what}: {said}"),
        }
    }
}
