//! Runs MCP's conformance suite against a server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::installed::{Installed, installed};
use crate::lines::Lines;

/// The versions of the protocol that the suite speaks, one for each era.
pub(crate) const VERSIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// What the suite says of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Passed,
    /// The protocol says SHOULD.
    Warned,
    Failed,
}

/// The verdicts of a run, by scenario and check. What the suite skipped is not in it.
pub(crate) type Verdicts = BTreeMap<String, Verdict>;

/// Runs every scenario of a version.
pub(crate) fn run_all(installed: &Installed, url: &str, version: &str) -> Verdicts {
    run(installed, url, &["--suite", "all", "--spec-version", version])
}

/// Runs the scenarios that the arguments choose.
pub(crate) fn run(installed: &Installed, url: &str, arguments: &[&str]) -> Verdicts {
    let results = tempfile::tempdir().unwrap();
    let suite = installed.package("@modelcontextprotocol/conformance/dist/index.js");
    let output = Command::new(&suite[0])
        .arg(&suite[1])
        .args(["server", "--url", url, "--output-dir"])
        .arg(results.path())
        .args(arguments)
        .current_dir(results.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let verdicts = read(results.path());
    // Its exit code also says whether a check failed, which is for the test to judge.
    assert!(
        !verdicts.is_empty(),
        "the suite checked nothing: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    verdicts
}

/// Reads the results of a run. Several checks of one name are one verdict: the worst.
fn read(folder: &Path) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        // server-<scenario>-<time>
        let name = entry.file_name().into_string().unwrap();
        let Some(named) = name.strip_prefix("server-") else { continue };
        // The time has six dashes: 2026-12-01T12-00-29-582Z, after one.
        let scenario = named.rsplitn(7, '-').last().unwrap();
        let checks = std::fs::read(entry.path().join("checks.json")).unwrap();
        let checks: Value = serde_json::from_slice(&checks).unwrap();
        for check in checks.as_array().unwrap() {
            let verdict = match check["status"].as_str().unwrap() {
                "SUCCESS" => Verdict::Passed,
                "WARNING" => Verdict::Warned,
                "FAILURE" => Verdict::Failed,
                _ => continue,
            };
            let key = format!("{scenario}:{}", check["id"].as_str().unwrap());
            let worst = verdicts.entry(key).or_insert(verdict);
            *worst = verdict.max(*worst);
        }
    }
    verdicts
}

/// Returns the names of the checks that failed.
pub(crate) fn failures(verdicts: &Verdicts) -> BTreeSet<&str> {
    let failed = verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Failed);
    failed.map(|(name, _)| &**name).collect()
}

/// A server over HTTP that prints its URL as a line of JSON.
pub(crate) struct Http {
    pub(crate) url: String,
    _lines: Lines,
}

pub(crate) fn serve(command: &[String]) -> Http {
    let lines = Lines::start(command);
    let url = lines.receive()["url"].as_str().unwrap().to_owned();
    Http { url, _lines: lines }
}

/// The official SDK does not compare `Mcp-Param-*` headers with the arguments that they repeat.
const HEADERS_OF_PARAMETERS: [&str; 3] = [
    "http-custom-header-server-validation:sep-2243-server-reject-invalid-param-chars",
    "http-custom-header-server-validation:sep-2243-server-reject-param-mismatch",
    "http-custom-header-server-validation:sep-2243-server-validate-param-match",
];

#[test]
fn the_everything_server_passes_alone() {
    let Some(installed) = installed() else { return };
    let mut command = installed.script("everything.js");
    command.push("--http".to_owned());
    let server = serve(&command);
    for version in VERSIONS {
        let verdicts = run_all(&installed, &server.url, version);
        let failed = failures(&verdicts);
        let expected = if version == "2026-07-28" { &HEADERS_OF_PARAMETERS[..] } else { &[] };
        assert_eq!(failed, expected.iter().copied().collect(), "{version}");
        assert!(verdicts.len() > 60, "{version}: {}", verdicts.len());
    }
}
