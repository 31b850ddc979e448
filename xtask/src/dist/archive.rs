//! An archive of the program, with what a person needs beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::file_name;
use crate::cargo::root;

/// The name of the file with the licences of what the program is built from.
pub(super) const NOTICES: &str = "THIRD-PARTY.txt";

/// The files that are copied from the repository, each from where.
const COPIES: [(&str, &str); 3] = [
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("README.md", "crates/hitl-cli/README.md"),
];

/// The completions, each by the shell's name and the file that this shell looks for.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "hitl.bash"),
    ("zsh", "_hitl"),
    ("fish", "hitl.fish"),
    ("powershell", "_hitl.ps1"),
    ("elvish", "hitl.elv"),
];

/// Packs the program into `NAME.tar.gz` in this folder, and writes the sums of all archives there.
/// Returns the archive's path.
pub(super) fn make(
    program: &Path,
    folder: &Path,
    name: &str,
    notices: &str,
) -> Result<PathBuf, String> {
    let files = folder.join(name);
    recreate(&files)?;
    copy(program, &files.join(file_name()))?;
    for (to, from) in COPIES {
        copy(&root().join(from), &files.join(to))?;
    }
    write(&files.join(NOTICES), notices.as_bytes())?;
    let completions = files.join("completions");
    recreate(&completions)?;
    for (shell, file) in COMPLETIONS {
        let text = output(Command::new(program).args(["completions", shell]))?;
        write(&completions.join(file), &text)?;
    }
    let archive = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    if cfg!(target_os = "linux") {
        // A person who unpacks as root would get files of the builder's user.
        tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    }
    output(tar.args(["-czf", &archive, name]).current_dir(folder))?;
    sums(folder)?;
    Ok(folder.join(archive))
}

/// Writes `SHA256SUMS` for the archives in a folder, for `sha256sum --check`.
fn sums(folder: &Path) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut archives: Vec<String> = names.filter(|name| name.ends_with(".tar.gz")).collect();
    archives.sort();
    let gnu = output(Command::new("sha256sum").args(&archives).current_dir(folder));
    // That of macOS, which prints the same.
    let perl =
        || output(Command::new("shasum").args(["-a", "256"]).args(&archives).current_dir(folder));
    write(&folder.join("SHA256SUMS"), &gnu.or_else(|_| perl())?)
}

/// Makes a folder, without what was in it.
pub(super) fn recreate(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|e| format!("cannot remove {}: {e}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
}

pub(super) fn write(to: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(to, content).map_err(|e| format!("cannot write {}: {e}", to.display()))
}

fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}): {}", output.status, why.trim()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_archive_has_the_program_licences_completions_and_a_sum() {
        let folder = std::env::temp_dir().join(format!("hitl-xtask-{}", std::process::id()));
        recreate(&folder).expect("a folder");
        let program = folder.join("program");
        write(&program, b"#!/bin/sh\necho \"# $1 of $2\"\n").expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be run");

        let archive = make(&program, &folder, "hitl-1.2.3-host", "notices").expect("an archive");
        let list = output(Command::new("tar").arg("-tzf").arg(&archive)).expect("its list");
        let list = String::from_utf8(list).expect("text");
        for file in ["hitl", "LICENSE-MIT", "LICENSE-APACHE", "README.md", NOTICES] {
            assert!(list.contains(&format!("hitl-1.2.3-host/{file}\n")), "{file}: {list}");
        }
        let completions = fs::read_to_string(folder.join("hitl-1.2.3-host/completions/_hitl"));
        assert_eq!(completions.expect("those of zsh"), "# completions of zsh\n");
        let sums = fs::read_to_string(folder.join("SHA256SUMS")).expect("sums");
        let (sum, file) = sums.trim_end().split_once("  ").expect("a sum and a name");
        assert_eq!((sum.len(), file), (64, "hitl-1.2.3-host.tar.gz"));

        write(&program, b"#!/bin/sh\nexit 1\n").expect("a program that fails");
        assert!(make(&program, &folder, "hitl-1.2.3-host", "").is_err());
        let _ = fs::remove_dir_all(&folder);
    }
}
