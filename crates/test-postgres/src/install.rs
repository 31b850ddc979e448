//! Where the server's programs are, and how they come there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to do where we may not do it ourselves.
const HINT: &str = "PostgreSQL's server is missing, and the tests of the PostgreSQL store need one. \
                    Install it (Debian, as root: `apt-get update && apt-get install \
                    --no-install-recommends postgresql openssl pgbouncer`; macOS: `brew install \
                    postgresql pgbouncer`), or set HITL_TEST_DATABASE_URL to a database in which \
                    tests may create schemas, or set HITL_SKIP_POSTGRES=1 to go without those tests";

/// The folder with `initdb` and `pg_ctl`, of the newest version there is.
pub fn find() -> Option<PathBuf> {
    let mut folders = path();
    // Debian keeps them off the path, one folder for each version.
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

/// The pooler that one test needs.
pub fn find_pooler() -> Option<PathBuf> {
    let mut folders = path();
    folders.push(PathBuf::from("/usr/sbin"));
    folders.into_iter().map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

fn path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// Installs what is missing of the server and the pooler with Debian's packages, when this user
/// may. The error says what to install. Without the pooler one goes on: one test is skipped,
/// loudly.
pub fn install() -> Result<PathBuf, String> {
    let mut said = String::new();
    let is_complete = find().is_some() && find_pooler().is_some();
    if !is_complete && super::server::is_root() && has_apt() {
        println!("PostgreSQL's server or pgbouncer is missing; installing it with apt-get");
        // Old lists name packages that are gone. Where they cannot be renewed, they may still do.
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

/// Installs Debian packages, where this user may; says why not.
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

/// Runs apt-get. The error is what it said.
fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]);
    // Without a network this is to end soon.
    command.args(["-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1"]);
    // A package that is installed may start nothing: the tests have a server of their own.
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    let output = command.output().map_err(|error| format!(" apt-get: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!(" apt-get {} said: {said}", arguments.join(" ")))
}
