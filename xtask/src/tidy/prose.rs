//! Comments have at most 100 columns, and pages avoid words that must be read twice.

use super::Text;

const MAX_COLUMNS: usize = 100;

/// Words of pages, and what to write instead.
const WORDS: [(&str, &str); 8] = [
    ("whoever", "the person or process that .."),
    ("whatever", "say what"),
    ("anew", "again"),
    ("mended", "fixed"),
    ("is told", "learns, gets"),
    ("goes on", "continues"),
    ("runs out of its time", "times out"),
    ("look again", "check again"),
];

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    texts.iter().flat_map(of_text).collect()
}

fn of_text(text: &Text) -> Vec<String> {
    let mut found = Vec::new();
    let page = text.path.ends_with(".md") && text.path != "CHANGELOG.md";
    let rust = text.path.ends_with(".rs");
    for (line, number) in text.content.lines().zip(1..) {
        let mut say = |what: String| found.push(format!("{}:{number}: {what}", text.path));
        if rust && line.trim_start().starts_with("//") && line.chars().count() > MAX_COLUMNS {
            say(format!("a comment of more than {MAX_COLUMNS} columns"));
        }
        if !page {
            continue;
        }
        let lower = line.to_lowercase();
        for (word, instead) in WORDS {
            if has_word(&lower, word) {
                say(format!("\"{word}\"; {instead}"));
            }
        }
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !is_letter(before) && !is_letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn wide_comments_and_odd_words_are_found() {
        let wide = format!("// {}\nlet a = 1; // fine", "x".repeat(98));
        assert_eq!(of_text(&of("a.rs", &wide)).len(), 1);
        let page = of("docs/a.md", "Whoever reads it.\nIt renewed, whatever.\n");
        assert_eq!(of_text(&page).len(), 2);
        assert!(of_text(&of("CHANGELOG.md", "whoever")).is_empty());
    }
}
