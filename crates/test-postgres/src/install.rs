//! The location of the server's programs, and their installation.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The advice for users whom this module cannot install the programs for.
const HINT: &str = "PostgreSQL's server is missing, and the tests of the PostgreSQL store need one. \
                    Install it (Debian, as root: `apt-get update && apt-get install \
                    --no-install-recommends postgresql openssl pgbouncer`; macOS: `brew install \
                    postgresql pgbouncer`), or set HITL_TEST_DATABASE_URL to a database in which \
                    tests may create schemas, or set HITL_SKIP_POSTGRES=1 to go without those tests";

/// Returns the folder with `initdb` and `pg_ctl`, of the newest installed version.
pub fn find() -> Option<PathBuf> {
    let mut folders = path();
    // Debian keeps them off the path, one folder per version.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    folders.extend(versions.into_iter().map(|version| version.join("bin")));
    let has_both = |folder: &PathBuf| {
        ["initdb", "pg_ctl"].iter().all(|program| folder.join(program).is_file())
    };
    folders.into_iter().find(has_both)
}

/// Returns the path of the pooler that one test needs.
pub fn find_pooler() -> Option<PathBuf> {
    let mut folders = path();
    folders.push(PathBuf::from("/usr/sbin"));
    folders.into_iter().map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

fn path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// Installs the missing programs of the server and the pooler with Debian's packages, if this user
/// may. The error names what to install. Without the pooler the tests continue: one is skipped,
/// with a loud message.
pub fn install() -> Result<PathBuf, String> {
    let mut said = String::new();
    let is_complete = find().is_some() && find_pooler().is_some();
    if !is_complete && super::server::is_root() && has_apt() {
        println!("PostgreSQL's server or pgbouncer is missing; installing it with apt-get");
        // Old package lists name packages that are gone. If they cannot be updated, they may still
        // work.
        let _stale = apt(&["update"]);
        if find().is_none() {
            said = apt(&["install", "postgresql", "openssl"]).err().unwrap_or_default();
        }
        if find_pooler().is_none() {
            let _without = apt(&["install", "pgbouncer"]);
        }
    }
    let found = find().ok_or_else(|| format!("{HINT}.{said}"))?;
    if find_pooler().is_none() {
        println!("pgbouncer is missing and could not be installed: the test behind it is SKIPPED");
    }
    Ok(found)
}

/// Installs Debian packages, if this user may. The error tells why not.
pub fn packages(names: &[&str]) -> Result<(), String> {
    if !super::server::is_root() || !has_apt() {
        return Err("packages can be installed by root, with apt-get".to_owned());
    }
    let _stale = apt(&["update"]);
    apt(&[&["install"], names].concat())
}

fn has_apt() -> bool {
    path().iter().any(|folder| folder.join("apt-get").is_file())
}

/// Runs apt-get. The error is its output.
fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]);
    // Without a network this should fail soon.
    command.args(["-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1"]);
    // An installed package may start no service: the tests have a server of their own.
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    let output = command.output().map_err(|error| format!(" apt-get: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!(" apt-get {} said: {said}", arguments.join(" ")))
}
