//! Programs of this repository, built from the current tree.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Returns the folder of what cargo has built: `<target>/<profile>`.
pub(crate) fn profile() -> PathBuf {
    // <target>/<profile>/deps/<this test>
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}

/// The program `hitl`.
pub(crate) fn hitl() -> PathBuf {
    built("hitl", &["--package", "hitl-cli", "--bin", "hitl", "--all-features"])
}

/// An example of this package.
pub(crate) fn example(name: &str) -> PathBuf {
    let arguments = ["--package", "hitl-mcp", "--all-features", "--example", name];
    built(&format!("examples/{name}"), &arguments)
}

/// Builds a program, unless `cargo xtask test` has.
fn built(path: &str, arguments: &[&str]) -> PathBuf {
    static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let profile = profile();
    let path = profile.join(path);
    // Held while cargo builds: a second build would only wait.
    let mut built = BUILT.lock().unwrap();
    if std::env::var_os("HITL_TEST_BUILT").is_none() && !built.contains(&path) {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet"]).args(arguments);
        build.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().unwrap().success(), "{} was not built", path.display());
        built.push(path.clone());
    }
    path
}
