//! Comments have at most 100 columns (tables and code in them may be wider), pages and comments
//! avoid words that must be read twice, and the documentation of an item begins with a verb or a
//! noun.

use super::{Text, is_page, is_rust};

const MAX_COLUMNS: usize = 100;

/// Words to avoid, and their replacements.
const WORDS: [(&str, &str); 7] = [
    ("whoever", "the person or process that .."),
    ("anew", "again"),
    ("mended", "fixed"),
    ("is told", "learns, gets"),
    ("goes on", "continues"),
    ("runs out of its time", "times out"),
    ("look again", "check again"),
];

/// A word to avoid on pages. In a comment it may say that something does not matter.
const PAGE_WORD: (&str, &str) = ("whatever", "say what");

/// Words with which the documentation of an item does not begin.
const STARTS: [&str; 3] = ["What ", "How ", "Whether "];

/// Folders whose documentation is read by others than programmers: the texts of the command line
/// and of the API's document.
const TEXTS: [&str; 2] = ["crates/hitl-cli/src/", "crates/hitl-wire/src/"];

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    texts.iter().flat_map(of_text).collect()
}

fn of_text(text: &Text) -> Vec<String> {
    if is_rust(&text.path) {
        of_comments(text)
    } else if is_page(&text.path) && text.path != "CHANGELOG.md" {
        of_page(text)
    } else {
        Vec::new()
    }
}

fn of_page(text: &Text) -> Vec<String> {
    let mut found = Vec::new();
    for (line, number) in text.content.lines().zip(1..) {
        let words = words_in(line, WORDS.iter().chain([&PAGE_WORD]));
        found.extend(words.map(|what| format!("{}:{number}: {what}", text.path)));
    }
    found
}

fn of_comments(text: &Text) -> Vec<String> {
    let mut found = Vec::new();
    let documented =
        text.path.contains("src/") && !TEXTS.iter().any(|at| text.path.starts_with(at));
    let (mut fenced, mut inside) = (false, false);
    for (line, number) in text.content.lines().zip(1..) {
        let Some(comment) = comment(line) else {
            (fenced, inside) = (false, false);
            continue;
        };
        let mut say = |what: String| found.push(format!("{}:{number}: {what}", text.path));
        fenced ^= comment.starts_with("```");
        if !fenced && !comment.starts_with('|') && line.chars().count() > MAX_COLUMNS {
            say(format!("a comment of more than {MAX_COLUMNS} columns"));
        }
        let first = is_documentation(line) && !inside;
        if documented && first && STARTS.iter().any(|start| comment.starts_with(start)) {
            say(format!("\"{comment}\": begin with a verb (of a function) or a noun"));
        }
        inside = is_documentation(line);
        words_in(comment, WORDS.iter()).for_each(say);
    }
    found
}

fn words_in<'a>(
    line: &str,
    words: impl Iterator<Item = &'a (&'a str, &'a str)>,
) -> impl Iterator<Item = String> {
    let lower = line.to_lowercase();
    words
        .filter(move |(word, _)| has_word(&lower, word))
        .map(|(word, instead)| format!("\"{word}\"; {instead}"))
}

fn is_documentation(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("//!")
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
        let comments = "//! Asks anew.\n// Stays, whatever comes.\nlet whoever = 1;\n";
        assert_eq!(of_text(&of("a.rs", comments)).len(), 1);
    }

    #[test]
    fn documentation_that_begins_with_a_clause_is_found() {
        let code =
            "/// What is left.\n///\n/// What for.\nfn a();\n// What a day.\n/// Whatnot.\nfn b();";
        assert_eq!(of_text(&of("a/src/b.rs", code)).len(), 1);
        assert!(of_text(&of("a/tests/b.rs", code)).is_empty());
        assert!(of_text(&of("crates/hitl-wire/src/b.rs", code)).is_empty());
    }
}
