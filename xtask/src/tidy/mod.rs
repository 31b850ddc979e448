//! `cargo xtask tidy`: rules about the repository itself, each a pure function over its texts.

mod architecture;
mod book;
mod circles;
mod claims;
mod examples;
mod exhaustive;
mod features;
mod imports;
mod links;
mod platforms;
mod prose;
mod size;

use std::fs;
use std::path::Path;

use crate::cargo::root;
pub(crate) use links::beside;

/// A text file of the repository, by its path from the top.
pub(crate) struct Text {
    path: String,
    content: String,
}

/// Checks every rule. The error lists all violations.
pub(crate) fn run() -> Result<(), String> {
    let texts = read(root())?;
    let mut found = Vec::new();
    let rules = [
        links::check,
        book::check,
        architecture::check,
        features::check,
        platforms::check,
        circles::check,
        claims::check,
        examples::check,
        exhaustive::check,
        prose::check,
        size::check,
    ];
    for rule in rules {
        found.extend(rule(&texts));
    }
    if found.is_empty() {
        println!("tidy: {} files", texts.len());
        return Ok(());
    }
    Err(format!("not tidy:\n  {}", found.join("\n  ")))
}

/// Returns the hand-written texts below `top`, in the order of their paths.
fn read(top: &Path) -> Result<Vec<Text>, String> {
    let mut folders = vec![top.to_owned()];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| e.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if is_text(&path) {
                let content =
                    fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let path = path.strip_prefix(top).unwrap_or(&path);
                texts.push(Text { path: path.to_string_lossy().replace('\\', "/"), content });
            }
        }
    }
    texts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(texts)
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "md" | "toml" | "js" | "css"))
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn is_rust(path: &str) -> bool {
    has_extension(path, "rs")
}

fn is_page(path: &str) -> bool {
    has_extension(path, "md")
}

/// Returns the text at this path, or an empty one.
fn text<'t>(texts: &'t [Text], path: &str) -> &'t str {
    texts.iter().find(|text| text.path == path).map_or("", |text| &text.content)
}

#[cfg(test)]
fn of(path: &str, content: &str) -> Text {
    Text { path: path.to_owned(), content: content.to_owned() }
}
