//! The driver: builds, collects the files, packs them.

use std::path::Path;
use std::process::Command;

use super::program::{DEFAULTS, EVERYTHING};
use super::{archive, container, notices};
use crate::cargo::root;
use crate::dependencies;
use crate::tools::target;

/// Builds the program with every feature, and makes of it in `target/dist/`: an archive for this
/// host's target, the sums of the archives, and the folder that a container is built from.
pub(crate) fn run() -> Result<(), String> {
    let program = EVERYTHING.build()?;
    pack(&program)
}

/// Builds it with its defaults and with everything; fails if one is too large. Packs the second.
pub(crate) fn check() -> Result<(), String> {
    DEFAULTS.build()?;
    run()
}

fn pack(program: &Path) -> Result<(), String> {
    let tree = dependencies::tree()?;
    let cli = tree.members().find(|member| member.name == "hitl-cli");
    let version = cli.map(|cli| cli.version.as_str()).ok_or("there is no hitl-cli")?;
    let notices = notices::text(&notices::read(&tree));
    let to = root().join(target()).join("dist");
    let name = format!("hitl-{version}-{}", host()?);
    let archive = archive::make(program, &to, &name, &notices)?;
    println!("archive: {}, its sum is in SHA256SUMS beside it", archive.display());
    let context = container::prepare(program, &to, &notices)?;
    println!("container: podman build -t hitl {}", context.display());
    Ok(())
}

/// Returns the target for which cargo builds here.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|error| format!("cannot start rustc: {error}"))?;
    host_of(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| "rustc names no host".to_owned())
}

fn host_of(said: &str) -> Option<String> {
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_what_rustc_says() {
        let said = "rustc 1.95.0\nbinary: rustc\nhost: aarch64-apple-darwin\nrelease: 1.95.0\n";
        assert_eq!(host_of(said).as_deref(), Some("aarch64-apple-darwin"));
        assert_eq!(host_of("rustc 1.95.0"), None);
    }
}
