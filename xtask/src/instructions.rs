//! Instruction counts of a few paths, which do not depend on the machine's load, compared with the
//! recorded counts in `benches/instructions.json`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hitl_test_postgres::packages;

use crate::cargo::{cargo, root};

/// A path whose instructions are counted.
struct Counted {
    /// The name, here and in the file of counts.
    name: &'static str,
    /// The argument of the measuring program that selects the path.
    repeats: &'static str,
    /// Counts only this function, and the functions that it calls.
    within: Option<&'static str>,
    /// Two numbers of repetitions, whose difference excludes the preparations.
    times: (u64, u64),
}

impl Counted {
    const fn new(name: &'static str, times: (u64, u64)) -> Self {
        Self { name, repeats: name, within: None, times }
    }
}

const PATHS: [Counted; 5] = [
    Counted::new("auto_call", (200, 1_200)),
    Counted::new("assess", (50, 250)),
    Counted {
        repeats: "assess",
        within: Some("*call::digest::content_digest*"),
        ..Counted::new("digest", (50, 250))
    },
    Counted::new("redaction", (200, 1_200)),
    Counted::new("task_submit", (200, 1_200)),
];
/// The fraction by which a count may rise.
const TOLERANCE: f64 = 0.05;

/// The handling of counts that differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// A count that rose is an error.
    Compare,
    /// The current counts are recorded.
    Keep,
}

/// Counts, and compares or records. Without valgrind, if it may not be installed, prints that and
/// does nothing; in CI that is an error.
pub(crate) fn run(baseline: Baseline) -> Result<(), String> {
    if let Err(why) = prepare() {
        let why = format!(
            "valgrind is missing and could not be installed (Debian: apt-get install valgrind): {why}"
        );
        if std::env::var_os("CI").is_some() {
            return Err(why);
        }
        println!("SKIPPED: instructions were not counted: {why}");
        return Ok(());
    }
    let compiler = compiler()?;
    let file = root().join("benches/instructions.json");
    let kept = match std::fs::read_to_string(&file) {
        Ok(kept) => kept,
        Err(_) if baseline == Baseline::Keep => String::new(),
        Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
    };
    let comparable = kept_compiler(&kept) == Some(&compiler);
    if baseline == Baseline::Compare && !comparable {
        println!(
            "NOT COMPARED: the counts were kept with {}, this is {compiler}; `cargo xtask \
             instructions --keep` keeps those of this one",
            kept_compiler(&kept).unwrap_or("another compiler")
        );
        return Ok(());
    }
    let program = build()?;
    let mut counts = Vec::new();
    for path in &PATHS {
        let (few, many) = path.times;
        let (less, more) = (count(&program, path, few)?, count(&program, path, many)?);
        counts.push((path.name, more.saturating_sub(less) / (many - few)));
    }
    if baseline == Baseline::Keep {
        return keep(&file, &compiler, &counts);
    }
    compare(&kept, &counts)
}

fn keep(file: &Path, compiler: &str, counts: &[(&str, u64)]) -> Result<(), String> {
    let mut text = format!("{{\n  \"compiler\": \"{compiler}\"");
    for (path, count) in counts {
        let _ = write!(text, ",\n  \"{path}\": {count}");
    }
    text.push_str("\n}\n");
    std::fs::write(file, &text).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    print!("{text}");
    Ok(())
}

fn compare(kept: &str, counts: &[(&str, u64)]) -> Result<(), String> {
    let mut risen = Vec::new();
    for (path, now) in counts {
        let Some(before) = kept_count(kept, path) else {
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
        "more than {:.0} % above the instructions that benches/instructions.json keeps: {}. Make it \
         cheaper, or say in the commit why it has to cost more and run `cargo xtask instructions \
         --keep`",
        TOLERANCE * 100.0,
        risen.join(", ")
    ))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn relative(now: u64, before: u64) -> f64 {
    now as f64 / before.max(1) as f64 - 1.0
}

/// Reads `"path": 123` in a flat JSON object.
fn kept_count(json: &str, path: &str) -> Option<u64> {
    let (_, rest) = json.split_once(&format!("\"{path}\":"))?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn kept_compiler(json: &str) -> Option<&str> {
    let (_, rest) = json.split_once("\"compiler\": \"")?;
    rest.split_once('"').map(|(compiler, _)| compiler)
}

/// Returns the compiler and its target: another one generates other instructions from the same
/// source.
fn compiler() -> Result<String, String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("-vV").current_dir(root()).output();
    let output = output.map_err(|error| format!("cannot ask rustc for its version: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let of = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match (of("release:"), of("host:")) {
        (Some(release), Some(host)) => Ok(format!("rustc {release} for {host}")),
        _ => Err("rustc does not say its version".to_owned()),
    }
}

/// Makes sure that valgrind is installed.
fn prepare() -> Result<(), String> {
    let there = || {
        let mut command = Command::new("valgrind");
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if there() {
        return Ok(());
    }
    println!("valgrind is missing; installing it with apt-get");
    packages(&["valgrind"])?;
    if there() { Ok(()) } else { Err("it was installed and does not start".to_owned()) }
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

/// Returns the number of instructions of one run.
fn count(program: &Path, path: &Counted, times: u64) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.args(path.within.map(|function| format!("--toggle-collect={function}")));
    command.arg(program).args([path.repeats, &times.to_string()]);
    let output = command.output().map_err(|error| format!("cannot start valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let counted = collected.and_then(|(_, count)| count.trim().parse().ok());
    match counted {
        Some(0) | None => Err(format!("valgrind did not count {}: {said}", path.name)),
        Some(counted) => Ok(counted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_counts_are_read() {
        let kept = "{\n  \"compiler\": \"rustc 1.2.3 for here\",\n  \"auto_call\": 123,\n  \"assess\": 4\n}";
        assert_eq!(kept_compiler(kept), Some("rustc 1.2.3 for here"));
        assert_eq!(kept_count(kept, "auto_call"), Some(123));
        assert_eq!(kept_count(kept, "assess"), Some(4));
        assert_eq!(kept_count(kept, "other"), None);
        assert!(relative(105, 100) <= TOLERANCE + 1e-9 && relative(106, 100) > TOLERANCE);
        assert!(compare(kept, &[("auto_call", 129), ("assess", 4)]).is_ok());
        let risen = compare(kept, &[("auto_call", 130), ("assess", 4)]).expect_err("too many");
        assert!(risen.contains("auto_call from 123 to 130 (+5.7 %)"), "{risen}");
        assert!(compare(kept, &[("digest", 1)]).expect_err("not kept").contains("--keep"));
    }
}
