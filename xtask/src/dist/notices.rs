//! The licences of what the program is built from, which go wherever the program goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::dependencies::tree::{Package, Tree};

/// A package of others, and the texts of its licences.
pub(super) struct Notice {
    name: String,
    license: String,
    texts: Vec<String>,
}

/// Reads those of every package that the program needs, with any feature and on any platform.
pub(super) fn read(tree: &Tree) -> Vec<Notice> {
    let cli = tree.members().filter(|member| member.name == "hitl-cli");
    let others = tree.built(cli).into_iter().filter(|package| package.source.is_some());
    others.map(of_package).collect()
}

fn of_package(package: &Package) -> Notice {
    Notice {
        name: format!("{} {}", package.name, package.version),
        license: package.license.clone().unwrap_or_default(),
        texts: package.manifest_path.parent().map(texts).unwrap_or_default(),
    }
}

/// Returns the texts of the licences in a package's folder, in the order of their names.
fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let is_licence = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start))
    };
    let licences = paths.iter().filter(|path| path.is_file() && is_licence(path));
    licences.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Returns the file for people: a list of packages, and each text once, with those that it is of.
pub(super) fn text(notices: &[Notice]) -> String {
    let names = notices.iter().map(|notice| format!("{} ({})\n", notice.name, notice.license));
    let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for notice in notices {
        for text in &notice.texts {
            texts.entry(text.trim()).or_default().push(&notice.name);
        }
    }
    let line = "-".repeat(80);
    let texts = texts.iter();
    let texts = texts.map(|(text, of)| format!("\n{line}\n{}\n{line}\n\n{text}\n", of.join(", ")));
    let start = "The program hitl contains these packages, under their licences:\n\n".to_owned();
    std::iter::once(start).chain(names).chain(texts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies;

    #[test]
    fn each_text_is_there_once_with_all_that_it_is_of() {
        let notice = |name: &str, texts: &[&str]| Notice {
            name: name.to_owned(),
            license: "MIT".to_owned(),
            texts: texts.iter().map(|&text| text.to_owned()).collect(),
        };
        let text =
            text(&[notice("a 1", &["one", "two"]), notice("b 2", &["one\n"]), notice("c 3", &[])]);
        assert!(text.contains("a 1 (MIT)\nb 2 (MIT)\nc 3 (MIT)\n"), "{text}");
        assert!(text.contains("\na 1, b 2\n") && text.matches("\none\n").count() == 1, "{text}");
    }

    #[test]
    fn the_program_s_dependencies_have_theirs_and_the_tests_are_not_among_them() {
        let tree = dependencies::tree().expect("what cargo says");
        let notices = read(&tree);
        let of = |name: &str| notices.iter().find(|notice| notice.name.starts_with(name));
        assert!(of("clap ").is_some_and(|clap| !clap.texts.is_empty()));
        assert!(of("hitl").is_none() && of("insta ").is_none());
    }
}
