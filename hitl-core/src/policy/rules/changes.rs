//! The differences between two texts of a rule file, for the person who is to accept the newer.
//! Pure.

use std::borrow::Cow;

use hitl_base::display::clip;

/// The most lines that are listed.
const MAX_LINES: usize = 400;
/// The most characters of a listed line.
const MAX_CHARACTERS: usize = 500;

/// The differences between two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The removed lines (`- `) and then the added ones (`+ `), with their numbers; if some are not
    /// listed, a last line that counts them.
    pub(super) lines: Vec<String>,
    /// The number of removed or added lines that are not listed, or not in full.
    pub(super) unlisted: usize,
}

impl Changes {
    /// Returns the removed and the added lines, in file order. The common beginning and end are
    /// left out; everything between is listed, so that a line that only moved under another rule is
    /// seen. At most 400 lines; if there are more, the removed lines leave half of the room to the
    /// added ones. Linear.
    pub(super) fn between(older: &str, newer: &str) -> Self {
        let (old, new): (Vec<&str>, Vec<&str>) = (older.lines().collect(), newer.lines().collect());
        let same = |a: &&str, b: &&str| a == b;
        let head = old.iter().zip(&new).take_while(|(a, b)| same(a, b)).count();
        let (old, new) = (&old[head..], &new[head..]);
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| same(a, b)).count();
        let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
        let gone = old.len().min(MAX_LINES.saturating_sub(new.len()).max(MAX_LINES / 2));
        let come = new.len().min(MAX_LINES - gone);
        let mut cut = 0;
        let mut line = |sign: char, number: usize, line: &str| {
            let said = clip(line, MAX_CHARACTERS);
            cut += usize::from(matches!(said, Cow::Owned(_)));
            format!("{sign} {number}: {said}")
        };
        let mut lines: Vec<String> = Vec::with_capacity(gone + come + 1);
        lines
            .extend(old.iter().take(gone).enumerate().map(|(at, it)| line('-', head + at + 1, it)));
        lines
            .extend(new.iter().take(come).enumerate().map(|(at, it)| line('+', head + at + 1, it)));
        let (gone, come) = (old.len() - gone, new.len() - come);
        if gone + come > 0 {
            lines.push(format!(
                "{} more lines are not listed ({gone} that go, {come} that come): read the file",
                gone + come
            ));
        }
        Self { lines, unlisted: gone + come + cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(older: &str, newer: &str) -> Vec<String> {
        Changes::between(older, newer).lines
    }

    #[test]
    fn what_differs_is_listed_with_its_place() {
        assert_eq!(lines("a\nb\nc", "a\nb\nc"), Vec::<String>::new());
        assert_eq!(lines("a\nb\nc", "a\nx\ny\nc"), ["- 2: b", "+ 2: x", "+ 3: y"]);
        assert_eq!(lines("", "a"), ["+ 1: a"]);
        // A line that moved under another rule.
        let moved = lines("[1]\ninert\n[2]", "[1]\n[2]\ninert");
        assert_eq!(moved, ["- 2: inert", "- 3: [2]", "+ 2: [2]", "+ 3: inert"]);
    }

    #[test]
    fn invariant_5_what_goes_does_not_hide_what_comes() {
        let text = |line: &str, count: usize| format!("{line}\n").repeat(count);
        // Removed, added; the number of each that is listed.
        for (old, new, gone, come) in [
            (0, 1_000, 0, 400),
            (1_000, 0, 400, 0),
            (1_000, 1, 399, 1),
            (400, 400, 200, 200),
            (1_000, 199, 201, 199),
            (1, 1_000, 1, 399),
            (200, 200, 200, 200),
        ] {
            let Changes { lines, unlisted } = Changes::between(&text("x", old), &text("y", new));
            let listed = |sign: &str| lines.iter().filter(|it| it.starts_with(sign)).count();
            assert_eq!((listed("- "), listed("+ ")), (gone, come), "{old} {new}");
            assert_eq!(unlisted, old + new - gone - come);
            assert_eq!(lines.len(), gone + come + usize::from(unlisted > 0));
        }
        let lines = lines(&text("x", 500), &text("y", 300));
        assert_eq!(
            lines[MAX_LINES],
            "400 more lines are not listed (300 that go, 100 that come): read the file"
        );
        // A line that is listed in part is marked, and counts.
        let long = Changes::between("", &"z".repeat(600));
        assert!(long.lines[0].contains("characters left out"), "{long:?}");
        assert_eq!((long.lines.len(), long.unlisted), (1, 1));
    }
}
