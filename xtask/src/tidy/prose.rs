//! Comments have at most 100 columns, and pages avoid words that must be read twice. Tables and
//! code in comments may be wider.

use super::{Text, is_page, is_rust};

const MAX_COLUMNS: usize = 100;

/// Words to avoid on pages, and their replacements.
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
    let page = is_page(&text.path) && text.path != "CHANGELOG.md";
    let rust = is_rust(&text.path);
    let mut fenced = false;
    for (line, number) in text.content.lines().zip(1..) {
        let mut say = |what: String| found.push(format!("{}:{number}: {what}", text.path));
        if let Some(comment) = comment(line).filter(|_| rust) {
            fenced ^= comment.starts_with("```");
            let wide = line.chars().count() > MAX_COLUMNS;
            if wide && !fenced && !comment.starts_with('|') {
                say(format!("a comment of more than {MAX_COLUMNS} columns"));
            }
        } else {
            fenced = false;
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

/// Returns the text of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("//")?;
    Some(text.trim_start_matches(['/', '!']).trim_start())
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
        let x = "x".repeat(98);
        let wide = format!("// {x}\nlet a = 1; // fine\n// | {x} |\n/// ```\n/// {x}\n/// ```\n");
        assert_eq!(of_text(&of("a.rs", &wide)).len(), 1);
        let page = of("docs/a.md", "Whoever reads it.\nIt renewed, whatever.\n");
        assert_eq!(of_text(&page).len(), 2);
        assert!(of_text(&of("CHANGELOG.md", "whoever")).is_empty());
    }
}
