//! The book: its table of contents names every page of docs, and its pages link to nothing outside.

use std::collections::BTreeSet;

use super::{Text, is_page, links};

const SUMMARY: &str = "docs/SUMMARY.md";

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let Some(summary) = texts.iter().find(|text| text.path == SUMMARY) else {
        return vec![format!("{SUMMARY} is missing")];
    };
    let named = links::targets(&summary.content).into_iter();
    let named: BTreeSet<String> = named.map(|target| links::beside(SUMMARY, target)).collect();
    let pages = texts.iter().filter(|text| text.path.starts_with("docs/") && is_page(&text.path));
    let mut found = Vec::new();
    for page in pages.filter(|page| page.path != SUMMARY) {
        if !named.contains(&page.path) {
            found.push(format!("{}: {SUMMARY} does not name it", page.path));
        }
        for target in links::targets(&page.content) {
            let inside = target.contains(':')
                || target.starts_with('#')
                || links::beside(&page.path, target).starts_with("docs/");
            if !inside {
                found.push(format!(
                    "{}: the link {target} leads out of the book: link to the repository's address",
                    page.path
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn a_page_that_the_contents_lack_and_a_link_that_leaves_are_found() {
        let texts = [
            of(SUMMARY, "- [a](guide/a.md)\n"),
            of("docs/guide/a.md", "[b](../b.md) [out](../../README.md) [w](https://x.y) [h](#h)"),
            of("docs/b.md", "b"),
        ];
        let found = check(&texts);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("../../README.md") && found[1].contains("docs/b.md"),
            "{found:?}"
        );
    }
}
