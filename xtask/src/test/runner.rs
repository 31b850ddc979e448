//! Runs one test binary for cargo, which starts this program as its runner: keeps the time that it
//! took, and in the quick tier leaves out a binary that has passed and has not changed since.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::cargo::root;
use crate::test::tier::Tier;
use crate::tools::target;

/// The folder of the times of this run.
const TIMES: &str = "HITL_XTASK_TIMES";
/// The folder of the marks of binaries that have passed; only the quick tier sets it.
const PASSED: &str = "HITL_XTASK_PASSED";
/// The variables that set the runner of cargo, one for each platform that has our tests.
const RUNNERS: [&str; 5] = [
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
    "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
    "CARGO_TARGET_X86_64_APPLE_DARWIN_RUNNER",
    "CARGO_TARGET_AARCH64_APPLE_DARWIN_RUNNER",
    "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUNNER",
];

/// A test binary that was run.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) took: Duration,
}

/// The surroundings of a cargo command whose binaries are watched.
pub(crate) struct Watch {
    times: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
}

impl Watch {
    pub(crate) fn new(tier: Tier) -> Result<Self, String> {
        let folder = root().join(target()).join("xtask");
        let times = folder.join("times");
        // The times of an earlier run.
        let _ = fs::remove_dir_all(&times);
        let passed = folder.join("passed");
        for made in [&times, &passed] {
            fs::create_dir_all(made).map_err(|e| format!("cannot make {}: {e}", made.display()))?;
        }
        let this = std::env::current_exe().map_err(|e| format!("no path of this program: {e}"))?;
        // Leaked: once per cargo command that runs tests.
        let text = |path: &Path| -> &'static str { path.display().to_string().leak() };
        let runner: &str = format!("{} runner", this.display()).leak();
        let mut environment: Vec<_> = RUNNERS.iter().map(|name| (*name, runner)).collect();
        environment.push((TIMES, text(&times)));
        if tier == Tier::Fast {
            environment.push((PASSED, text(&passed)));
        }
        Ok(Self { times, environment })
    }

    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.environment.iter().copied()
    }

    /// Returns the binaries that have been run.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let files = fs::read_dir(&self.times).into_iter().flatten().flatten();
        files
            .filter_map(|file| {
                let text = fs::read_to_string(file.path()).ok()?;
                let (millis, name) = text.split_once(' ')?;
                let took = Duration::from_millis(millis.parse().ok()?);
                Some(Run { name: name.to_owned(), took })
            })
            .collect()
    }
}

/// Runs a binary with its arguments. Returns its exit code.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let [binary, rest @ ..] = arguments else { return ExitCode::from(2) };
    let binary = Path::new(binary);
    let mark = std::env::var_os(PASSED).map(|folder| Path::new(&folder).join(name_of(binary)));
    let version = version_of(binary);
    if let (Some(mark), Some(version)) = (&mark, &version)
        && fs::read_to_string(mark).is_ok_and(|passed| passed == *version)
    {
        println!("{}: has passed, and is unchanged", name_of(binary));
        return ExitCode::SUCCESS;
    }
    let mut command = Command::new(binary);
    command.args(rest);
    // What a test runs with cargo is not a test binary.
    for name in RUNNERS.iter().chain([&TIMES, &PASSED]) {
        command.env_remove(name);
    }
    let started = Instant::now();
    let status = match command.status() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("cannot start {}: {error}", binary.display());
            return ExitCode::FAILURE;
        }
    };
    if let Some(folder) = std::env::var_os(TIMES) {
        let took = started.elapsed().as_millis();
        // A time that cannot be kept is only missing in the report.
        let _ = fs::write(
            Path::new(&folder).join(name_of(binary)),
            format!("{took} {}", shown_name(binary)),
        );
    }
    if !status.success() {
        return status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from);
    }
    if let (Some(mark), Some(version)) = (mark, version) {
        // A mark that cannot be kept means that the binary is run again.
        let _ = fs::write(mark, version);
    }
    ExitCode::SUCCESS
}

/// Returns the name of a binary. Cargo's hash is part of it: two targets may have one name.
fn name_of(binary: &Path) -> String {
    binary.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the name for the report: the package's, and that of the target.
fn shown_name(binary: &Path) -> String {
    let name = name_of(binary);
    let target = name.rsplit_once('-').map_or(&*name, |(target, _)| target);
    match std::env::var("CARGO_PKG_NAME") {
        Ok(package) => format!("{package}: {target}"),
        Err(_) => target.to_owned(),
    }
}

/// Returns what changes whenever cargo builds a binary again.
fn version_of(binary: &Path) -> Option<String> {
    let data = fs::metadata(binary).ok()?;
    let built = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {}", data.len(), built.as_nanos()))
}
