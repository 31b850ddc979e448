//! Builds an example, for tests that run it as its users do.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the path of an example, built from the current tree. If `cargo xtask test` has built it,
/// it sets a variable.
pub(crate) fn built(name: &str) -> PathBuf {
    // <target>/<profile>/deps/<this test>
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples").join(name);
    if std::env::var_os("HITL_TEST_BUILT").is_some() {
        return path;
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "hitl", "--example", name]);
    build.arg("--target-dir").arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    path
}
