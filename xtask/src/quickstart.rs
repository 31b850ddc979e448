//! The quickstart, run as a newcomer would, on its own data; its counts must add up.

use std::path::PathBuf;
use std::process::Command;

use crate::cargo::{cargo, root};
use crate::test::Tier;
use crate::tools::target;

/// Runs the quickstart in a folder of its own: as it was built with the other examples, or, in the
/// full tier, with a newcomer's command and features.
pub(crate) fn run(tier: Tier) -> Result<(), String> {
    let folder = Folder::new()?;
    let typed = cargo(&["run", "--quiet", "-p", "hitl", "--example", "quickstart", "--"]);
    let mut command = if tier == Tier::Full {
        typed.command()
    } else {
        let built = root().join(target()).join("debug/examples/quickstart");
        let mut command = Command::new(built);
        command.current_dir(root());
        command
    };
    let db = folder.0.join("quickstart.db");
    let options = ["--decide", "leave", "--json", "--db"];
    let typed = format!("{} {} {}", typed.typed(), options.join(" "), db.display());
    println!("{typed}");
    let output = command
        .args(options)
        .arg(&db)
        .output()
        .map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!("the quickstart failed ({}). Again: {typed}", output.status));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    println!("{last}");
    check(last).map_err(|why| format!("the quickstart's counts are wrong: {why}: {last}"))?;
    Ok(())
}

const KEYS: [&str; 13] = [
    "calls",
    "auto",
    "quick",
    "full",
    "denied",
    "executed",
    "failed",
    "rejected",
    "pending",
    "unknown",
    "cancelled",
    "expired",
    "reattached",
];

/// Checks that the last line has the counts, and that they add up.
fn check(line: &str) -> Result<(), String> {
    let counts = read(line).ok_or("not one flat JSON object of counts")?;
    let keys: Vec<&str> = counts.iter().map(|(key, _)| *key).collect();
    if keys != KEYS {
        return Err(format!("the keys are not {KEYS:?}"));
    }
    let sum = |wanted: &[&str]| -> u64 {
        counts.iter().filter(|(key, _)| wanted.contains(key)).map(|(_, count)| count).sum()
    };
    let calls = sum(&["calls"]);
    if calls == 0 {
        return Err("no call was replayed".to_owned());
    }
    if calls != sum(&["auto", "quick", "full", "denied"]) {
        return Err("the verdicts do not add up".to_owned());
    }
    if calls != sum(&KEYS[4..12]) {
        return Err("the final states do not add up".to_owned());
    }
    if sum(&["pending"]) != sum(&["quick", "full"]) {
        return Err("what was asked does not wait".to_owned());
    }
    Ok(())
}

/// Reads a flat JSON object of counts.
fn read(line: &str) -> Option<Vec<(&str, u64)>> {
    let inner = line.trim().strip_prefix('{')?.strip_suffix('}')?;
    inner
        .split(',')
        .map(|pair| {
            let (key, count) = pair.split_once(':')?;
            let key = key.trim().strip_prefix('"')?.strip_suffix('"')?;
            Some((key, count.trim().parse().ok()?))
        })
        .collect()
}

/// A temporary folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("hitl-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Any remains are in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pending: u64, reattached: u64) -> String {
        format!(
            r#"{{"calls":5,"auto":3,"quick":1,"full":1,"denied":0,"executed":3,"failed":0,"rejected":0,"pending":{pending},"unknown":0,"cancelled":0,"expired":0,"reattached":{reattached}}}"#
        )
    }

    #[test]
    fn counts_that_add_up_pass_and_others_do_not() {
        assert_eq!(check(&line(2, 0)), Ok(()));
        assert_eq!(check(&line(3, 0)), Err("the final states do not add up".to_owned()));
        assert!(check("done").is_err());
        assert!(check(r#"{"calls":1}"#).is_err());
        assert!(check(&line(2, 0).replace("\"full\"", "\"fool\"")).is_err());
    }
}
