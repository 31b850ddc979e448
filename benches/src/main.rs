//! Measures every path beside its yardstick and prints one table. `cargo xtask bench` builds and
//! runs this; see `benches/README.md`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is the table")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use hitl_benches::{Effort, chart, child, measure, paths, report};

const HELP: &str = "\
Usage: hitl-bench [--quick | --thorough] [--out FOLDER] [PATH ...]

Measures the named paths, or all of them. Writes results.json and results.svg to FOLDER
(target/bench). Exit code 1: a row is over its budget, and --strict was given.
";

fn main() -> ExitCode {
    if child::is_one() {
        return ExitCode::SUCCESS;
    }
    let (mut effort, mut strict) = (Effort::Quick, false);
    let (mut folder, mut wanted) = (PathBuf::from("target/bench"), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::Quick,
            "--thorough" => effort = Effort::Thorough,
            "--strict" => strict = true,
            "--out" => folder = arguments.next().unwrap_or_default().into(),
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            name if paths::ALL.iter().any(|(path, _)| *path == name) => {
                wanted.push(name.to_owned());
            }
            other => {
                let known: Vec<&str> = paths::ALL.iter().map(|(path, _)| *path).collect();
                eprintln!("no such path or option: {other}\npaths: {}\n\n{HELP}", known.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    let start = Instant::now();
    let mut rows = Vec::new();
    for (name, pairs) in paths::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
            continue;
        }
        for pair in pairs(effort) {
            eprint!("\r\x1b[K{:>4} s  {}", start.elapsed().as_secs(), pair.path);
            rows.push(measure(pair, effort));
        }
    }
    eprintln!("\r\x1b[K");
    print!("{}", report::table(&rows));
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| report::write_json(&rows, &folder.join("results.json")))
        .and_then(|()| std::fs::write(folder.join("results.svg"), chart::svg(&rows)));
    if let Err(error) = written {
        eprintln!("cannot write to {}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    let over = rows.iter().filter(|row| row.holds() == Some(false)).count();
    println!("\n{over} over budget; {} s; {}", start.elapsed().as_secs(), folder.display());
    if strict && over > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
