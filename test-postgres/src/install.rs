//! Where the server's programs are, and how they come there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to do where we may not do it ourselves.
const HINT: &str = "PostgreSQL's server is missing: install it (Debian: `apt-get install \
                    --no-install-recommends postgresql pgbouncer openssl`; macOS: `brew install postgresql pgbouncer`), or set \
                    HITL_TEST_DATABASE_URL to a database that tests may use";

/// The folder with `initdb` and `pg_ctl`, of the newest version there is.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
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

/// Whether the pooler is there that one test needs.
fn has_pooler() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push(PathBuf::from("/usr/sbin"));
    folders.iter().any(|folder| folder.join("pgbouncer").is_file())
}

/// Installs the server, and the pooler pgbouncer, with Debian's packages, when this user may;
/// otherwise says what to install.
pub fn install() -> Result<PathBuf, String> {
    if let Some(folder) = find().filter(|_| has_pooler()) {
        return Ok(folder);
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command.status().is_ok_and(|status| status.success())
    };
    if super::server::is_root() {
        println!("PostgreSQL's server or pgbouncer is missing; installing them with apt-get");
        let _stale = run(&["update", "-qq"]);
        run(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "postgresql",
            "pgbouncer",
            "openssl",
        ]);
    }
    find().ok_or_else(|| HINT.to_owned())
}
