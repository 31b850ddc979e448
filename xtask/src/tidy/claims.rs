//! docs/claims.md: each promise stands in the page that it is quoted from, each test exists, and no
//! invariant of ARCHITECTURE.md is missing.

use std::collections::HashSet;

use super::{Text, is_rust, text};

const PAGE: &str = "docs/claims.md";
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Folders of checks that are run by name, without an attribute of their own: the contract of a
/// store, and races under shuttle.
const CHECKS: [&str; 2] = ["/suite/", "/shuttle/"];

/// The most lines between the attribute of a test and its fn.
const ATTRIBUTES: usize = 6;

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let Some(page) = texts.iter().find(|text| text.path == PAGE) else {
        return vec![format!("{PAGE} is missing")];
    };
    let claims = claims(&page.content);
    let known = tests(texts);
    let mut found = Vec::new();
    for claim in &claims {
        let at = format!("{PAGE}:{}", claim.line);
        let source = text(texts, claim.source);
        if source.is_empty() {
            found.push(format!("{at}: there is no page {}", claim.source));
        } else if !plain(source).contains(&plain(claim.promise)) {
            found.push(format!("{at}: {} does not say \"{}\"", claim.source, claim.promise));
        }
        if claim.tests.is_empty() {
            found.push(format!("{at}: a promise without a test"));
        }
        let missing = claim.tests.iter().filter(|name| !known.contains(**name));
        found.extend(missing.map(|name| format!("{at}: there is no test `{name}`")));
    }
    for number in invariants(text(texts, ARCHITECTURE)) {
        let prefix = format!("invariant_{number}_");
        let has_test = claims.iter().any(|claim| {
            claim.source == ARCHITECTURE
                && claim.promise.starts_with(&format!("{number}."))
                && claim.tests.iter().any(|name| name.starts_with(&prefix))
        });
        if !has_test {
            found.push(format!("{PAGE}: no test `{prefix}..` for invariant {number}"));
        }
    }
    found
}

/// A row: a promise, quoted from a page, and the tests that hold it.
struct Claim<'p> {
    line: usize,
    source: &'p str,
    promise: &'p str,
    tests: Vec<&'p str>,
}

/// Reads the tables. A heading names the page that the promises below it are quoted from.
fn claims(page: &str) -> Vec<Claim<'_>> {
    let mut source = "";
    let mut found = Vec::new();
    for (row, line) in page.lines().zip(1..) {
        if let Some(heading) = row.strip_prefix("## ") {
            source = heading.trim();
        }
        let Some((promise, tests)) = row
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"))
            .and_then(|row| row.split_once(" | "))
        else {
            continue;
        };
        if promise == "promise" {
            continue;
        }
        let tests = tests.split('`').skip(1).step_by(2).collect();
        found.push(Claim { line, source, promise, tests });
    }
    found
}

/// Returns the words of a page in one line, without the signs of markup.
fn plain(page: &str) -> String {
    let kept: String = page.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the numbers of the invariants: lines like `9b. **What it is**`.
fn invariants(architecture: &str) -> Vec<&str> {
    let numbered = architecture.lines().filter_map(|line| line.split_once(". **"));
    numbered
        .map(|(number, _)| number)
        .filter(|number| number.starts_with(|c: char| c.is_ascii_digit()) && number.len() < 4)
        .collect()
}

/// Returns the names of all tests.
fn tests(texts: &[Text]) -> HashSet<&str> {
    let mut found = HashSet::new();
    for text in texts.iter().filter(|text| is_rust(&text.path)) {
        let is_check = CHECKS.iter().any(|folder| text.path.contains(folder));
        let lines: Vec<&str> = text.content.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(name) = function(line) else { continue };
            let above = lines[..number].iter().rev().take(ATTRIBUTES);
            let mut above = above.take_while(|line| !line.is_empty() && !line.ends_with('}'));
            if is_check || above.any(|line| line.contains("#[") && line.contains("test")) {
                found.insert(name);
            }
        }
    }
    found
}

/// Returns the name of the fn that begins on this line.
fn function(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let code = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ")?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.split(|c| !is_name(c)).next()
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    const ROWS: &str = "# Claims\n## ARCHITECTURE.md\n| promise | tests |\n|---|---|\n\
        | 1. No side door. | `invariant_1_no_side_door` |\n## README.md\n";

    fn found(rows: &str) -> Vec<String> {
        check(&[
            of("ARCHITECTURE.md", "text 3.\n1. **No side\n   door.** More.\n"),
            of("README.md", "It *really* runs\nat most once."),
            of("a/src/store/suite/b.rs", "pub async fn one_claim_wins(s: &S) {}\n"),
            of(
                "a/tests/b.rs",
                "#[tokio::test]\nasync fn invariant_1_no_side_door() {}\n\nfn helper() {}\n",
            ),
            of(PAGE, rows),
        ])
    }

    #[test]
    fn promises_with_tests_are_fine() {
        let rows = format!(
            "{ROWS}| really runs at most once | `one_claim_wins`, `invariant_1_no_side_door` |\n"
        );
        assert_eq!(found(&rows), Vec::<String>::new());
    }

    #[test]
    fn what_no_page_says_and_what_no_test_holds_is_found() {
        let of_row = |row: &str| found(&format!("{ROWS}{row}\n")).join("\n");
        assert!(
            of_row("| runs exactly once | `one_claim_wins` |").contains("README.md does not say")
        );
        assert!(of_row("| at most once | `helper` |").contains("no test `helper`"));
        assert!(of_row("| at most once | `no_such_test` |").contains("no test `no_such_test`"));
        assert!(of_row("| at most once | none |").contains("without a test"));
        assert!(of_row("## b.md\n| x | `one_claim_wins` |").contains("no page b.md"));
        let without = ROWS.replace("1. No", "2. No");
        assert!(found(&without).join("\n").contains("no test `invariant_1_..`"));
        assert!(check(&[])[0].contains("is missing"));
    }
}
