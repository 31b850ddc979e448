//! What differs between two texts of a rule file, for a person who is to accept the newer. Pure.

use std::fmt::Write as _;

use hitl_base::display::clip;

/// The most lines that are listed.
const MAX_LINES: usize = 400;
/// The most characters of a line that are listed.
const MAX_CHARACTERS: usize = 500;

/// Returns the lines that go (`- `) and the lines that come (`+ `), in the order of the files. What is
/// alike at the beginning and at the end is left out; everything between is listed, so that a line that
/// only moved under another rule is seen. At most 400 lines; the last one counts the others. Linear.
pub(super) fn changed_lines(older: &str, newer: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (older.lines().collect(), newer.lines().collect());
    let same = |a: &&str, b: &&str| a == b;
    let head = old.iter().zip(&new).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let line = |sign: char, number: usize, line: &str| {
        let mut said = format!("{sign} {number}: ");
        // Writing to a String cannot fail.
        let _ = write!(said, "{}", clip(line, MAX_CHARACTERS));
        said
    };
    let gone = old.iter().enumerate().map(|(at, it)| line('-', head + at + 1, it));
    let come = new.iter().enumerate().map(|(at, it)| line('+', head + at + 1, it));
    let all = old.len() + new.len();
    let mut lines: Vec<String> = gone.chain(come).take(MAX_LINES).collect();
    if all > lines.len() {
        lines.push(format!("{} more lines are not listed: read the file", all - lines.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_listed_with_its_place() {
        assert_eq!(changed_lines("a\nb\nc", "a\nb\nc"), Vec::<String>::new());
        assert_eq!(changed_lines("a\nb\nc", "a\nx\ny\nc"), ["- 2: b", "+ 2: x", "+ 3: y"]);
        assert_eq!(changed_lines("", "a"), ["+ 1: a"]);
        // A line that moved under another rule.
        let moved = changed_lines("[1]\ninert\n[2]", "[1]\n[2]\ninert");
        assert_eq!(moved, ["- 2: inert", "- 3: [2]", "+ 2: [2]", "+ 3: inert"]);
        let long = "x\n".repeat(1_000);
        let lines = changed_lines("", &long);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[MAX_LINES], "600 more lines are not listed: read the file");
    }
}
