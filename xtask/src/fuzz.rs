//! Runs the fuzz targets with cargo-fuzz, and keeps a small corpus of each in `fuzz/kept/`, which
//! every test of the workspace tries again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo::{cargo, root};
use crate::tools::{Origin, Program, target};

const FUZZ: Program = Program { name: "cargo-fuzz", version: "0.13.2", origin: Origin::Cargo };

const TARGETS: [&str; 6] = ["arguments", "audit", "matchers", "redaction", "render", "rules"];
/// The time for each target, in seconds.
const SECONDS: u64 = 600;
/// The most bytes of an input.
const MAX_BYTES: usize = 4096;
/// The most inputs that are kept of a target, of all lengths, and the most bytes of each.
const KEPT: usize = 400;
const KEPT_BYTES: usize = 400;

/// Runs every target, or one, for some seconds.
pub(crate) fn run(options: &[&str]) -> Result<(), String> {
    let (mut seconds, mut wanted) = (SECONDS, TARGETS.to_vec());
    match options {
        [] => {}
        ["--seconds", number, rest @ ..] => {
            seconds = number.parse().map_err(|_| format!("{number} is no number of seconds"))?;
            if let [name] = rest {
                let known = TARGETS.iter().find(|target| *target == name);
                wanted = vec![known.ok_or_else(|| format!("there is no target {name}"))?];
            }
        }
        _ => return Err("cargo xtask fuzz [--seconds N [TARGET]]".to_owned()),
    }
    let program = FUZZ.prepare()?;
    for name in wanted {
        fuzz(&program, name, seconds)?;
    }
    Ok(())
}

fn fuzz(program: &Path, name: &str, seconds: u64) -> Result<(), String> {
    let folder = root().join(target()).join("fuzz").join(name);
    let (found, merged) = (folder.join("found"), folder.join("merged"));
    let _ = fs::remove_dir_all(&merged);
    for made in [&found, &merged] {
        fs::create_dir_all(made).map_err(|error| format!("{}: {error}", made.display()))?;
    }
    let kept = root().join("fuzz/kept").join(format!("{name}.hex"));
    let before = fs::read_to_string(&kept).unwrap_or_default();
    for (number, input) in inputs(&(before + &seeds(name)?))?.iter().enumerate() {
        let file = found.join(format!("kept-{number}"));
        fs::write(&file, input).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let time = format!("-max_total_time={seconds}");
    let length = format!("-max_len={MAX_BYTES}");
    let found = found.display().to_string();
    libfuzzer(program, name, &[&found], &[&time, &length, "-timeout=20"])?;
    let merged_name = merged.display().to_string();
    libfuzzer(program, name, &[&merged_name, &found], &["-merge=1", &length])?;
    let inputs = read_all(&merged)?;
    println!("{name}: {} inputs that differ, in {found}", inputs.len());
    let text = text(inputs);
    fs::write(&kept, text).map_err(|error| format!("{}: {error}", kept.display()))
}

/// Runs a target under libFuzzer.
fn libfuzzer(program: &Path, name: &str, corpora: &[&str], options: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(["fuzz", "run", name]).args(corpora).arg("--").args(options);
    // The coverage counters are an unstable option of the compiler.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(root()).stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("cargo fuzz: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "the target {name} failed ({status}): fix it, and make the input that broke it, in \
         fuzz/artifacts/{name}, a test and one of its SEEDS"
    ))
}

/// Returns the initial inputs of a target, as lines of hexadecimal digits.
fn seeds(name: &str) -> Result<String, String> {
    let print = cargo(&["run", "--quiet", "-p", "hitl-fuzz-targets", "--example", "seeds", "--"]);
    let output = print.command().arg(name).output();
    let output = output.map_err(|error| format!("cannot print the seeds of {name}: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read_all(folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    let files = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    files.map(|file| fs::read(file?.path())).collect::<Result<_, _>>().map_err(|e| e.to_string())
}

/// Reads a kept corpus: an input on each line, in hexadecimal digits.
fn inputs(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let input = |line: &str| line.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
    text.lines()
        .map(|line| input(line).ok_or_else(|| format!("not hexadecimal digits: {line}")))
        .collect()
}

/// Writes inputs of all lengths, in an order that depends on nothing else.
fn text(inputs: Vec<Vec<u8>>) -> String {
    let short = inputs.into_iter().filter(|input| input.len() <= KEPT_BYTES);
    let ordered: BTreeSet<(usize, Vec<u8>)> = short.map(|input| (input.len(), input)).collect();
    let step = ordered.len().div_ceil(KEPT).max(1);
    let mut text = String::new();
    for (_, input) in ordered.into_iter().step_by(step) {
        for byte in input {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_is_read_as_it_was_written_and_the_longest_inputs_are_not_kept() {
        let mut all: Vec<Vec<u8>> = vec![vec![0xFF, 0], b"a".to_vec(), Vec::new()];
        let kept = text(all.iter().cloned().chain([vec![1; KEPT_BYTES + 1]]).collect());
        assert_eq!(kept, "\n61\nff00\n");
        all.sort_by_key(Vec::len);
        assert_eq!(inputs(&kept), Ok(all));
        assert!(inputs("6").is_err() && inputs("6g").is_err() && inputs("+1").is_err());
        let many = (0..=u16::MAX).map(|n| n.to_be_bytes().to_vec()).collect();
        let many = text(many);
        assert!((KEPT / 2..=KEPT).contains(&many.lines().count()));
        assert!(many.starts_with("0000\n") && many.contains("\nff"), "of all kinds");
    }
}
