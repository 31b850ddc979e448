//! Instruction counts of a few paths, which do not depend on the machine's mood, beside the counts
//! that are kept in `benches/instructions.json`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cargo::{cargo, root};

/// Each path, and the numbers of repetitions whose difference is the path alone.
const PATHS: [(&str, u64, u64); 4] = [
    ("auto_call", 200, 1_200),
    ("assess", 50, 250),
    ("redaction", 200, 1_200),
    ("task_submit", 200, 1_200),
];
/// By how much a count may rise.
const TOLERANCE: f64 = 0.05;

/// What becomes of counts that differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// A count that rose is an error.
    Compare,
    /// The counts of now are kept.
    Keep,
}

/// Counts, and compares or keeps. Says so and does nothing where there is no valgrind and none may
/// be installed; in CI that is an error.
pub(crate) fn run(baseline: Baseline) -> Result<(), String> {
    if !install() {
        let why =
            "valgrind is missing and could not be installed (Debian: apt-get install valgrind)";
        if std::env::var_os("CI").is_some() {
            return Err(why.to_owned());
        }
        println!("SKIPPED: instructions were not counted: {why}");
        return Ok(());
    }
    let program = build()?;
    let counted: Vec<(&str, u64)> = PATHS
        .iter()
        .map(|(path, few, many)| {
            let (less, more) = (count(&program, path, *few)?, count(&program, path, *many)?);
            Ok((*path, (more.saturating_sub(less)) / (many - few)))
        })
        .collect::<Result<_, String>>()?;
    let file = root().join("benches/instructions.json");
    if baseline == Baseline::Keep {
        let lines: Vec<String> =
            counted.iter().map(|(path, count)| format!("  \"{path}\": {count}")).collect();
        let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
        std::fs::write(&file, &text)
            .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
        print!("{text}");
        return Ok(());
    }
    let kept = std::fs::read_to_string(&file)
        .map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let mut risen = Vec::new();
    for (path, now) in &counted {
        let Some(before) = kept_count(&kept, path) else {
            return Err(format!(
                "no count of {path} is kept: run `cargo xtask instructions --keep`"
            ));
        };
        let change = relative(*now, before);
        println!("{path:<12} {now:>9} instructions, kept {before:>9} ({:+.1} %)", change * 100.0);
        if change > TOLERANCE {
            risen.push(format!("{path} from {before} to {now} ({:+.1} %)", change * 100.0));
        } else if change < -TOLERANCE {
            println!("             fewer than kept: `cargo xtask instructions --keep` keeps that");
        }
    }
    if risen.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more instructions than {} % above what benches/instructions.json keeps: {}. Make it cheaper, \
         or say in the commit why it has to cost more and run `cargo xtask instructions --keep`",
        TOLERANCE * 100.0,
        risen.join(", ")
    ))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn relative(now: u64, before: u64) -> f64 {
    now as f64 / before.max(1) as f64 - 1.0
}

/// Reads `"path": 123` out of a flat JSON object.
fn kept_count(json: &str, path: &str) -> Option<u64> {
    let (_, rest) = json.split_once(&format!("\"{path}\":"))?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Whether valgrind is there now.
fn install() -> bool {
    let there = || {
        let mut command = Command::new("valgrind");
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if there() {
        return true;
    }
    println!("valgrind is missing; installing it with apt-get");
    let _stale = apt(&["update", "-qq"]);
    apt(&["install", "-y", "-qq", "--no-install-recommends", "valgrind"]) && there()
}

fn build() -> Result<PathBuf, String> {
    let command =
        cargo(&["build", "--release", "-p", "hitl-instructions", "--message-format=json"]);
    let typed = command.typed();
    let output = command.command().stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("the build failed. Again: {typed}"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let made = messages.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split_once('"').map(|(path, _)| PathBuf::from(path))
    });
    made.ok_or_else(|| "cargo does not say where the program is".to_owned())
}

/// The instructions of one run.
fn count(program: &PathBuf, path: &str, times: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([path, &times.to_string()])
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let counted = collected.and_then(|(_, count)| count.trim().parse().ok());
    counted.ok_or_else(|| format!("valgrind did not count {path}: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_counts_are_read() {
        let kept = "{\n  \"auto_call\": 123,\n  \"assess\": 4\n}";
        assert_eq!(kept_count(kept, "auto_call"), Some(123));
        assert_eq!(kept_count(kept, "assess"), Some(4));
        assert_eq!(kept_count(kept, "other"), None);
        assert!(relative(105, 100) <= TOLERANCE + 1e-9 && relative(106, 100) > TOLERANCE);
    }
}
