//! The browser that the console's tests use, and the accessibility checker for its pages.

use std::process::{Command, Stdio};

use hitl_test_postgres::packages;

use crate::tools::target;

/// Set to `1` to skip the tests that need a browser.
const SKIP: &str = "HITL_SKIP_BROWSER";
/// Tells the tests that a missing browser is a failure.
const REQUIRE: &str = "HITL_REQUIRE_BROWSER";

/// The advice for users whom this module cannot install the programs for.
const HINT: &str = "Chromium and ChromeDriver are missing, and the console's tests need them. Install \
                    them (Debian, as root: `apt-get update && apt-get install \
                    --no-install-recommends chromium chromium-driver`), or set HITL_SKIP_BROWSER=1 \
                    to go without those tests";

/// axe-core, which finds accessibility problems. Only the tests use it.
const AXE: &str = "axe-core@4.14.1";

/// Makes sure that there is a browser and axe-core. Returns the variable that makes the tests
/// require them; `None` if the developer chose to skip those tests.
pub(crate) fn prepare() -> Result<Option<(&'static str, &'static str)>, String> {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        if std::env::var_os("CI").is_some() {
            return Err(format!("{SKIP} is set, and in CI nothing is skipped"));
        }
        println!("\n{SKIP} is set: SKIPPED are all tests that need a browser\n");
        return Ok(None);
    }
    if !is_there() {
        println!("Chromium or ChromeDriver is missing; installing them with apt-get");
        let installed = packages(&["chromium", "chromium-driver"]);
        if !is_there() {
            let said = installed.err().unwrap_or_default();
            return Err(format!("{HINT}. {said}"));
        }
    }
    axe()?;
    Ok(Some((REQUIRE, "1")))
}

fn is_there() -> bool {
    let has = |names: &[&str]| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .any(|folder| names.iter().any(|name| folder.join(name).is_file()))
    };
    has(&["chromedriver"]) && has(&["chromium", "chromium-browser", "google-chrome"])
}

/// Fetches axe-core with npm, from its configured registry, into the target folder.
fn axe() -> Result<(), String> {
    let folder = target().join("browser");
    if folder.join("axe.min.js").is_file() {
        return Ok(());
    }
    let hint = format!(
        "axe-core is missing, and npm cannot fetch it: install npm, or unpack `axe.min.js` of \
         {AXE} into {}, or set {SKIP}=1 to go without the tests that need a browser",
        folder.display()
    );
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("fetching {AXE} with npm");
    run(Command::new("npm").args(["pack", "--silent", AXE]).current_dir(&folder))
        .map_err(|why| format!("{hint}. {why}"))?;
    let archive = format!("{}.tgz", AXE.replace('@', "-"));
    run(Command::new("tar")
        .args(["-xzf", &archive, "--strip-components=1", "package/axe.min.js"])
        .current_dir(&folder))
    .map_err(|why| format!("{hint}. {why}"))
}

/// Runs a command quietly; the error is its output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
