//! The cost of depending on hitl: crates, seconds of a clean build, and of each annotated tool.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::measure::Effort;
use crate::pair::{Pair, Unit};

pub(super) fn pairs(effort: Effort) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (name, features, budget) in [
        ("with default features", &[][..], 75.0),
        ("without SQLite", &["--no-default-features"], 65.0),
    ] {
        let count = move || (crates(features), budget);
        let path = format!("crates in the tree, {name}");
        pairs.push(Pair::counted(path, Unit::Crates, "the budget", count).budget(1.0));
    }
    if effort == Effort::Thorough {
        let parts = "serde, tokio, schemars, uuid, regex alone";
        pairs.push(Pair::counted("clean build without SQLite", Unit::Seconds, parts, || {
            (clean_build(HITL_ALONE, ""), clean_build(PARTS, ""))
        }));
        let parts = "the same parts and rusqlite, bundled";
        pairs.push(Pair::counted(
            "clean build with default features",
            Unit::Seconds,
            parts,
            || (clean_build(HITL, ""), clean_build(PARTS_AND_SQLITE, "")),
        ));
        let derives = "a struct with the same derives";
        pairs.push(Pair::counted("checking one annotated tool", Unit::Seconds, derives, tools));
    }
    pairs
}

const HITL: &str = "hitl = { path = \"ROOT\" }";
const HITL_ALONE: &str = "hitl = { path = \"ROOT\", default-features = false }";
const PARTS: &str = "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n\
    tokio = { version = \"1\", features = [\"rt\", \"sync\", \"time\", \"macros\"] }\n\
    schemars = \"1\"\nuuid = { version = \"1\", features = [\"v4\", \"v7\"] }\nregex = \"1\"";
const PARTS_AND_SQLITE: &str = "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n\
    tokio = { version = \"1\", features = [\"rt\", \"sync\", \"time\", \"macros\"] }\n\
    schemars = \"1\"\nuuid = { version = \"1\", features = [\"v4\", \"v7\"] }\nregex = \"1\"\n\
    rusqlite = { version = \"=0.39.0\", features = [\"bundled\"] }";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns the number of crates that a program gets with hitl.
#[expect(clippy::cast_precision_loss, reason = "a few dozen")]
fn crates(features: &[&str]) -> f64 {
    let mut command = cargo();
    command.args(["tree", "-e", "normal", "-p", "hitl", "--prefix", "none", "--format", "{p}"]);
    let output = command.args(features).current_dir(root()).output().expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    names.collect::<std::collections::BTreeSet<_>>().len() as f64
}

/// Creates a package with these dependencies and this program, in a folder of its own.
fn package(dependencies: &str, program: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = root();
    let dependencies = dependencies.replace("ROOT", &root.display().to_string());
    let manifest = format!(
        "[package]\nname = \"measured\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [workspace]\n[dependencies]\n{dependencies}\n"
    );
    std::fs::create_dir(folder.path().join("src")).expect("a folder");
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("written");
    std::fs::write(folder.path().join("src/lib.rs"), program).expect("written");
    // The same versions as in the workspace.
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("copied");
    folder
}

/// Returns the seconds of one command in a package.
fn seconds(package: &tempfile::TempDir, arguments: &[&str]) -> f64 {
    let start = Instant::now();
    let mut command = cargo();
    command.args(arguments).arg("--quiet").current_dir(package.path());
    command.env("CARGO_TARGET_DIR", package.path().join("target")).env_remove("RUSTFLAGS");
    let status = command.status().expect("cargo");
    assert!(status.success(), "cargo {arguments:?} failed");
    start.elapsed().as_secs_f64()
}

fn clean_build(dependencies: &str, program: &str) -> f64 {
    let package = package(dependencies, program);
    seconds(&package, &["fetch"]);
    seconds(&package, &["build"])
}

/// Returns the seconds for each of many tools, and for each of many structs with a tool's derives.
fn tools() -> (f64, f64) {
    const TOOLS: u32 = 200;
    let dependencies = format!(
        "{HITL_ALONE}\nserde = {{ version = \"1\", features = [\"derive\"] }}\nschemars = \"1\""
    );
    let (mut tools, mut structs) = (String::from("use hitl::prelude::*;\n"), String::new());
    for n in 0..TOOLS {
        let _ = writeln!(
            tools,
            "/// A tool.\n#[hitl_tool(risk = \"low\", describe = \"{{name}}\")]\n\
             pub async fn tool_{n}(name: String, amount: f64, to: Vec<String>) -> u32 {{ let _ = (name, amount, to); {n} }}"
        );
        let _ = writeln!(
            structs,
            "/// Arguments.\n#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]\n\
             pub struct Tool{n} {{ pub name: String, pub amount: f64, pub to: Vec<String> }}"
        );
    }
    let each = |program: &str| {
        let package = package(&dependencies, "");
        seconds(&package, &["check"]);
        let empty = touched(&package, "");
        (touched(&package, program) - empty) / f64::from(TOOLS)
    };
    (each(&tools), each(&structs))
}

/// Returns the seconds to check the package with another program.
fn touched(package: &tempfile::TempDir, program: &str) -> f64 {
    std::fs::write(package.path().join("src/lib.rs"), format!("{program}\n// {}", program.len()))
        .expect("written");
    seconds(package, &["check"])
}
