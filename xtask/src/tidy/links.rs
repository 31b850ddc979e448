//! Every relative link of a page leads to a file that exists, and its anchor to a heading.

use std::collections::HashSet;
use std::path::Path;

use super::{Text, is_page};
use crate::cargo::root;

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let exists = |path: &str| root().join(path).exists();
    texts
        .iter()
        .filter(|text| is_page(&text.path))
        .flat_map(|page| broken(page, texts, exists))
        .collect()
}

fn broken(page: &Text, texts: &[Text], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for target in targets(&page.content) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { page.path.clone() } else { beside(&page.path, path) };
        let wrong = if !exists(&path) {
            Some("leads nowhere")
        } else if anchor.is_empty() || !is_page(&path) {
            None
        } else {
            let content = super::text(texts, &path);
            (!anchors(content).contains(anchor)).then_some("names no heading")
        };
        found.extend(wrong.map(|wrong| format!("{}: the link {target} {wrong}", page.path)));
    }
    found
}

/// Returns the targets of the links and images of a page, except those in code.
pub(super) fn targets(content: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in content.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(&rest[..end]);
            rest = &rest[end..];
        }
    }
    found
}

/// Resolves a path that is relative to the page at `page`.
pub(crate) fn beside(page: &str, path: &str) -> String {
    let folder = Path::new(page).parent().and_then(Path::to_str).unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the anchors of a page's headings, as GitHub generates them.
fn anchors(content: &str) -> HashSet<String> {
    let headings = content.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            heading.chars().filter(|c| kept(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        let texts = [
            of("README.md", "[a](docs/a.md) [b](docs/a.md#what-it-is) [c](https://example.com)"),
            of("docs/a.md", "# What it is\n[up](../README.md) [x](b.md)\n[y](#what-it-was)"),
        ];
        let exists = |path: &str| texts.iter().any(|text| text.path == path);
        assert_eq!(broken(&texts[0], &texts, exists), Vec::<String>::new());
        let found = broken(&texts[1], &texts, exists);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("b.md leads nowhere"), "{found:?}");
        assert!(found[1].ends_with("#what-it-was names no heading"), "{found:?}");
    }

    #[test]
    fn code_has_no_links() {
        assert!(targets("```\n[a](b)\n```\n").is_empty());
        assert_eq!(targets("x [a](b) and ![c](d)"), ["b", "d"]);
    }
}
