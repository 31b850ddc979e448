//! The folder that a container is built from, and the rules for its Containerfile.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive::{NOTICES, copy, recreate, write};
use crate::cargo::root;

const CONTAINERFILE: &str = "crates/hitl-cli/Containerfile";

/// The folder of the store, empty: an image gets its volume's owner from it.
const DATA: &str = "data";

/// The names in the folder that a container is built from, beside the Containerfile.
const CONTEXT: [&str; 5] = ["hitl", "LICENSE-APACHE", "LICENSE-MIT", NOTICES, DATA];

/// Makes the folder `container` in this one. Returns its path.
pub(super) fn prepare(program: &Path, folder: &Path, notices: &str) -> Result<PathBuf, String> {
    let file = root().join(CONTAINERFILE);
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let found = check(&text);
    if !found.is_empty() {
        return Err(format!("{CONTAINERFILE}:\n  {}", found.join("\n  ")));
    }
    let context = folder.join("container");
    recreate(&context)?;
    recreate(&context.join(DATA))?;
    write(&context.join("Containerfile"), text.as_bytes())?;
    write(&context.join(NOTICES), notices.as_bytes())?;
    copy(program, &context.join("hitl"))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&root().join(licence), &context.join(licence))?;
    }
    Ok(context)
}

/// Says what is wrong with a Containerfile: it copies only what is there, runs as a user who is not
/// root, and keeps its store in a volume that this user owns.
fn check(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let all = |word: &str| -> Vec<&str> {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(first, _)| *first == word).map(|(_, rest)| rest.trim()).collect()
    };
    // By number: a host that demands a user who is not root cannot look a name up.
    let user = all("USER").last().copied().unwrap_or_default();
    let (id, group) = user.split_once(':').unwrap_or((user, ""));
    let is_plain = |id: &str| id.parse::<u32>().is_ok_and(|id| id > 0);
    if !is_plain(id) || !is_plain(group) {
        found.push(format!("it runs as \"{user}\": name user and group by number, not root's"));
    }
    let mut copied = Vec::new();
    for line in all("COPY") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (options, words): (Vec<&str>, Vec<&str>) =
            words.into_iter().partition(|word| word.starts_with("--"));
        let Some((to, from)) = words.split_last() else { continue };
        for from in from {
            if !CONTEXT.contains(from) {
                found.push(format!("it copies {from}, which is not there"));
            }
            let owned = options.contains(&format!("--chown={user}").as_str());
            copied.push((*from, *to, owned));
        }
    }
    let volumes = all("VOLUME");
    let volume = volumes.first().map_or("", |list| list.trim_matches(['[', ']', '"']));
    if !copied.contains(&(DATA, volume, true)) {
        found.push(format!("the volume \"{volume}\" is not a copy of {DATA} that the user owns"));
    }
    if !all("ENV").iter().any(|set| set.starts_with(&format!("HITL_DB={volume}/"))) {
        found.push("HITL_DB is not in the volume".to_owned());
    }
    let entries = all("ENTRYPOINT");
    let entry = entries.first().map_or("", |list| list.trim_matches(['[', ']', '"']));
    if !copied.iter().any(|(from, to, _)| *from == "hitl" && *to == entry) {
        found.push(format!("the program is not copied to \"{entry}\", which it starts"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> String {
        fs::read_to_string(root().join(CONTAINERFILE)).expect("the Containerfile")
    }

    #[test]
    fn the_containerfile_is_sound() {
        assert_eq!(check(&sound()), [""; 0]);
    }

    #[test]
    fn each_lack_is_found() {
        for (from, to) in [
            ("USER 65532:65532", ""),
            ("USER 65532:65532", "USER root"),
            ("USER 65532:65532", "USER 0:0"),
            ("USER 65532:65532", "USER 65532:0"),
            ("COPY hitl ", "COPY hitl completions "),
            ("--chown=65532:65532 ", ""),
            ("HITL_DB=/data/", "HITL_DB=/tmp/"),
            ("ENTRYPOINT [\"/usr/local/bin/hitl\"]", "ENTRYPOINT [\"/bin/hitl\"]"),
            ("VOLUME [\"/data\"]", "VOLUME [\"/var\"]"),
        ] {
            let text = sound();
            assert!(text.contains(from), "{from}");
            assert_ne!(check(&text.replace(from, to)), [""; 0], "{from}, {to}");
        }
    }

    #[test]
    fn the_folder_has_all_that_the_containerfile_copies() {
        let folder = std::env::temp_dir().join(format!("hitl-container-{}", std::process::id()));
        recreate(&folder).expect("a folder");
        let program = folder.join("program");
        write(&program, b"").expect("a program");
        let context = prepare(&program, &folder, "notices").expect("a context");
        for name in CONTEXT.into_iter().chain(["Containerfile"]) {
            assert!(context.join(name).exists(), "{name}");
        }
        let _ = fs::remove_dir_all(&folder);
    }
}
