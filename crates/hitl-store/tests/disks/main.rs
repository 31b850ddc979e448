//! Disks that are really full, really read-only, and writes that the kernel really refuses.
//!
//! Each case runs in a process of its own, on a small file system that nobody else sees: a mount
//! namespace (`unshare -rm`) needs no privileges on most systems. Where it is not permitted, a loud
//! message says so, and the cases that need only a limit on the file size run anyway.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod audit;
mod store;
mod world;

use std::path::Path;
use std::process::Command;

/// The disk that a case runs on.
#[derive(Clone, Copy)]
enum Disk {
    /// A file system of this many kilobytes.
    OfSize(u32),
    /// Files are limited to this many blocks of 512 bytes.
    Limited(u32),
}

/// Runs one case in a process of its own; returns `false` if this machine does not permit the disk.
fn on_a(disk: Disk, case: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let prepare = match disk {
        Disk::OfSize(kilobytes) => {
            format!("mount -t tmpfs -o size={kilobytes}k tmpfs \"$HITL_DISK\"")
        }
        // A write beyond the limit must fail, and not end the process.
        Disk::Limited(blocks) => format!("trap '' XFSZ; ulimit -f {blocks}"),
    };
    let script = format!("{prepare} || exit 77; exec \"$0\" --exact one_case --nocapture");
    let mut command = match disk {
        Disk::OfSize(_) => {
            let mut command = Command::new("unshare");
            command.args(["-rm", "sh"]);
            command
        }
        Disk::Limited(_) => Command::new("sh"),
    };
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    command.env("HITL_DISK", folder.path()).env("HITL_CASE", case);
    let output = command.output();
    let said = |output: &std::process::Output| {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        String::from_utf8_lossy(&text).into_owned()
    };
    let refused = match &output {
        Ok(output) => {
            // `unshare` and `mount` report that they are not permitted; the case itself reports
            // that it ran.
            let began = said(output).contains("case begins");
            (!began && !output.status.success()).then(|| said(output))
        }
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = refused {
        eprintln!(
            "NOT TESTED: `{case}` needs a mount namespace, and this machine permits none: {why}"
        );
        return false;
    }
    let output = output.unwrap();
    let said = said(&output);
    assert!(output.status.success() && said.contains("case holds"), "{case}: {said}");
    true
}

/// Runs one case. Not a test of its own: the other tests start it as another process.
#[tokio::test]
async fn one_case() {
    let (Ok(case), Ok(disk)) = (std::env::var("HITL_CASE"), std::env::var("HITL_DISK")) else {
        return;
    };
    println!("case begins");
    let disk = Path::new(&disk);
    match case.as_str() {
        "full audit" => audit::full(disk).await,
        "full after the act" => audit::full_after_the_act(disk).await,
        "read-only audit" => audit::read_only(disk).await,
        "limited audit" => audit::limited(disk).await,
        "full store" => store::full(disk).await,
        "full store after the act" => store::full_after_the_act(disk).await,
        "read-only store" => store::read_only(disk).await,
        other => panic!("no such case: {other}"),
    }
    println!("case holds");
}

#[test]
fn invariant_6_on_a_full_disk_no_intent_is_written_and_nothing_runs() {
    on_a(Disk::OfSize(256), "full audit");
}

#[test]
fn invariant_6_a_disk_that_fills_up_during_the_act_is_debt_and_changes_nothing() {
    on_a(Disk::OfSize(256), "full after the act");
}

#[test]
fn invariant_6_on_a_read_only_disk_nothing_runs() {
    on_a(Disk::OfSize(256), "read-only audit");
}

#[test]
fn invariant_6_when_writes_fail_half_way_nothing_runs_and_the_chain_is_whole() {
    assert!(on_a(Disk::Limited(16), "limited audit"), "a limit needs no rights");
}

#[test]
fn invariant_5_a_store_on_a_full_disk_claims_nothing() {
    on_a(Disk::OfSize(2_048), "full store");
}

#[test]
fn invariant_3_a_result_that_finds_no_room_is_not_run_for_again() {
    on_a(Disk::OfSize(2_048), "full store after the act");
}

#[test]
fn invariant_5_a_store_on_a_read_only_disk_makes_no_gate() {
    on_a(Disk::OfSize(2_048), "read-only store");
}
