//! The proof that the tests of the pure parts can fail: cargo-mutants changes a sample of their
//! lines, and the tests have to notice.
//!
//! A mutant is tried with the unit tests of its crate, then with all tests of its crate, then with
//! those of the workspace, until one of them catches it: most are caught early, and building all
//! tests takes long. Each of the three passes on the unchanged sources first; otherwise it would
//! catch everything. A copy of the sources is changed, never the checkout.

mod explained;
mod sample;
mod tree;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::cargo::root;
use crate::test::WITHOUT_GROWTH;
use crate::tools::{Origin, Program, target};
use explained::Explained;
use sample::{Mutant, Part};

const MUTANTS: Program =
    Program { name: "cargo-mutants", version: "27.1.0", origin: Origin::Cargo };

/// The pure parts.
const FILES: [&str; 9] = [
    "crates/hitl-base/src/redact/**",
    "hitl-core/src/arguments/**",
    "hitl-core/src/confidence/**",
    "hitl-core/src/grant/**",
    "hitl-core/src/machine/**",
    "hitl-core/src/policy/**",
    "hitl-core/src/queue/**",
    "hitl-tasks/src/schedule/**",
    "hitl-tasks/src/state/**",
];
/// Mutants that are left out: cargo-mutants 27.1 applies `--re` to all others, and tries these
/// anyway.
const LEFT_OUT: &str = ": delete field ";
/// Dependencies that are optimised, because tests of redaction spend most of their time in them.
const OPTIMISED: [&str; 5] =
    ["aho-corasick", "memchr", "proptest", "regex-automata", "regex-syntax"];
/// The fraction of the viable mutants that the tests have to catch.
const WANTED: f64 = 0.95;

/// Tests that judge a mutant.
struct Judge {
    name: &'static str,
    /// The options of cargo-mutants.
    options: &'static [&'static str],
    /// The targets that are built and run.
    targets: &'static [&'static str],
    /// The options of the test binaries.
    tests: &'static [&'static str],
}

const JUDGES: [Judge; 3] = [
    Judge {
        name: "unit tests",
        options: &[],
        targets: &["--lib"],
        // They take most of the time, and few mutants are slow.
        tests: &WITHOUT_GROWTH,
    },
    Judge { name: "tests of the crate", options: &[], targets: &["--lib", "--tests"], tests: &[] },
    Judge {
        name: "tests of the workspace",
        // All but xtask, whose checks of the sources would notice the change itself.
        options: &[
            "--test-package=hitl,hitl-base,hitl-cli,hitl-console,hitl-core,hitl-fuzz-targets",
            "--test-package=hitl-macros,hitl-store,hitl-tasks,hitl-wire",
        ],
        targets: &["--lib", "--bins", "--tests"],
        tests: &[],
    },
];

/// Tries a part of the sample, `2/4` for example, or all of it.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let part = part.map_or(Ok(Part::WHOLE), Part::parse)?;
    let program = MUTANTS.prepare()?;
    let explained = Explained::read(&root().join("xtask/mutants.toml"))?;
    let folder = root().join(target()).join("mutants");
    let tree = tree::refresh(&folder)?;
    let all = list(&program, &tree)?;
    let mut left = part.of(sample::choose(all));
    let (mut caught, mut unviable) = (0, 0);
    for judge in &JUDGES {
        if left.is_empty() {
            break;
        }
        println!("\n{} mutants, judged by the {}", left.len(), judge.name);
        let seen = judge.try_all(&program, &folder, &tree, &left)?;
        caught += seen.caught;
        unviable += seen.unviable;
        left.retain(|mutant| seen.missed.contains(&mutant.name));
    }
    let viable = caught + left.len();
    println!("\n{caught} of {viable} viable mutants were caught, {unviable} do not compile");
    let mut unexplained = 0;
    for mutant in &left {
        let why = explained.why(mutant);
        unexplained += usize::from(why.is_none());
        println!("missed: {}\n        {}", mutant.name, why.unwrap_or("not explained"));
    }
    if fraction(caught, viable) < WANTED {
        return Err(format!("the tests caught fewer than {:.0} % of the mutants", WANTED * 100.0));
    }
    if unexplained > 0 {
        let what = "test them, or say in xtask/mutants.toml why no test can see them";
        return Err(format!("{unexplained} mutants were missed: {what}"));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn fraction(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Lists the mutants of the pure parts.
fn list(program: &Path, tree: &Path) -> Result<Vec<Mutant>, String> {
    let mut command = Command::new(program);
    command.args(["mutants", "--workspace", "--list", "--json"]).current_dir(tree);
    command.args(FILES.iter().flat_map(|file| ["--file", file]));
    let output = command.output().map_err(|error| format!("cargo mutants: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut all: Vec<Mutant> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo mutants: {error}"))?;
    all.retain(|mutant| !mutant.name.contains(LEFT_OUT));
    Ok(all)
}

/// The outcomes of a run.
#[derive(Default)]
struct Seen {
    caught: usize,
    unviable: usize,
    missed: Vec<String>,
}

impl Judge {
    fn try_all(
        &self,
        program: &Path,
        folder: &Path,
        tree: &Path,
        mutants: &[Mutant],
    ) -> Result<Seen, String> {
        let mut command = Command::new(program);
        command.args(["mutants", "--workspace", "--in-place", "--no-shuffle", "--all-features"]);
        command.args(["--minimum-test-timeout", "120"]);
        command.arg("--output").arg(folder).args(self.options).current_dir(tree);
        // Options of every command of cargo: after `--`, they would not be those of a build.
        command.args(self.targets.iter().map(|target| format!("--cargo-arg={target}")));
        command.args(OPTIMISED.iter().map(|package| {
            format!("--cargo-arg=--config=profile.dev.package.{package}.opt-level=2")
        }));
        for mutant in mutants {
            command.arg("--re").arg(mutant.pattern()).arg("--file").arg(&mutant.file);
        }
        command.args(["--", "--"]).args(self.tests);
        command.env("CARGO_TARGET_DIR", tree.join(tree::BUILDS));
        // Few orders of each race of the scheduler: a mutant is not rare.
        command.env("HITL_ROUNDS", "50");
        // Nobody debugs a mutant, and without line numbers it is linked faster.
        command.env("CARGO_PROFILE_DEV_DEBUG", "none");
        let status = command.status().map_err(|error| format!("cargo mutants: {error}"))?;
        // 2: some were missed; 3: some took too long, which counts as caught.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            return Err(format!("cargo mutants failed ({status})"));
        }
        let file = folder.join("mutants.out/outcomes.json");
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        outcomes(&text, |name| mutants.iter().any(|mutant| mutant.name == name))
    }
}

fn outcomes(text: &str, is_wanted: impl Fn(&str) -> bool) -> Result<Seen, String> {
    #[derive(Deserialize)]
    struct File {
        outcomes: Vec<Outcome>,
    }
    #[derive(Deserialize)]
    struct Outcome {
        scenario: serde_json::Value,
        summary: String,
    }
    let file: File = serde_json::from_str(text).map_err(|error| format!("outcomes: {error}"))?;
    let mut seen = Seen::default();
    for outcome in file.outcomes {
        let Some(name) = outcome.scenario["Mutant"]["name"].as_str() else { continue };
        if !is_wanted(name) {
            continue;
        }
        match &*outcome.summary {
            "CaughtMutant" | "Timeout" => seen.caught += 1,
            "Unviable" => seen.unviable += 1,
            "MissedMutant" => seen.missed.push(name.to_owned()),
            other => return Err(format!("an unknown outcome of {name}: {other}")),
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_and_an_unknown_one_is_an_error() {
        let of = |summary: &str| {
            format!(r#"{{"scenario":{{"Mutant":{{"name":"{summary}"}}}},"summary":"{summary}"}}"#)
        };
        let file = |of_all: &[String]| format!(r#"{{"outcomes":[{}]}}"#, of_all.join(","));
        let baseline = r#"{"scenario":"Baseline","summary":"Success"}"#.to_owned();
        let all = [baseline, of("CaughtMutant"), of("Timeout"), of("Unviable"), of("MissedMutant")];
        let seen = outcomes(&file(&all), |_| true).expect("outcomes");
        assert_eq!((seen.caught, seen.unviable), (2, 1));
        assert_eq!(seen.missed, ["MissedMutant"]);
        assert!(outcomes(&file(&[of("Failure")]), |_| true).is_err());
        assert_eq!(outcomes(&file(&all), |_| false).expect("outcomes").caught, 0);
    }

    #[test]
    fn the_fraction_of_nothing_is_whole() {
        assert!(fraction(0, 0) >= WANTED && fraction(19, 20) >= WANTED);
        assert!(fraction(18, 20) < WANTED);
    }
}
