//! Compares translated expressions with a real engine of ECMA-262: node, if it is there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

/// Reads lines of `[expression, [text, ..]]`, and answers each with a line: one letter for each
/// text, `y` or `n`, or `-` for an expression that is none. First in Unicode mode, then without.
const SCRIPT: &str = r"
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(line => line);
const answer = (source, flags, texts) => {
  let expression;
  try { expression = new RegExp(source, flags); } catch { return '-'; }
  return texts.map(text => expression.test(text) ? 'y' : 'n').join('');
};
process.stdout.write(lines.map(line => {
  const [source, texts] = JSON.parse(line);
  return answer(source, 'u', texts) + ' ' + answer(source, '', texts);
}).join('\n'));
";

/// Parts of texts: what the classes, boundaries and line ends distinguish.
const TEXTS: [&str; 30] = [
    "a", "b", "c", "z", "A", "Z", "_", "-", "0", "7", "9", " ", "\t", "\n", "\r", "\u{B}",
    "\u{85}", "\u{A0}", "\u{180E}", "\u{200B}", "\u{2028}", "\u{2029}", "\u{FEFF}", "é", "ſ", "K",
    "😀", "{", "]", ".",
];

/// Parts of expressions that are right in Unicode mode.
const ATOMS: [&str; 34] = [
    "a",
    "b",
    "c",
    "é",
    "😀",
    "-",
    ".",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    "[a-c]",
    "[^a-c]",
    r"[\d_-]",
    r"[^\w]",
    r"[^\S\n]",
    "[]",
    "[^]",
    r"\x61",
    r"\u0062",
    r"\u{1F600}",
    r"\uD83D\uDE00",
    r"[\uD83D\uDE00-\uD83D\uDE4F]",
    r"\cJ",
    r"\0",
    r"\n",
    r"\.",
    r"\/",
    r"[\b]",
    "[.*]",
    "[[&&a]",
    r"[\]\\^]",
];

/// Parts of expressions that may be wrong, or right in one mode only.
const PIECES: [&str; 48] = [
    "a", "b", "0", "1", "2", ",", "-", "^", "$", ".", "*", "+", "?", "??", "(", ")", "(?:",
    "(?<n>", "(?=", "(?!", "(?<=", "|", "[", "]", "[^", "{", "}", "{1}", "{1,2}", "{2,}", "{,2}",
    "\\", r"\d", r"\W", r"\s", r"\b", r"\B", r"\1", r"\k<n>", r"\-", r"\_", r"\u0061", r"\u{61}",
    r"\x6", r"\c", "é", "😀", r"\]",
];

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % most
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        (0..self.below(6)).map(|_| self.one(&TEXTS)).collect()
    }

    fn expression(&mut self, depth: usize) -> String {
        let mut out = String::new();
        for _ in 0..=self.below(3) {
            match self.below(if depth == 0 { 9 } else { 12 }) {
                0 => out.push_str(self.one(&["^", "$", r"\b", r"\B"])),
                1 => out.push('|'),
                kind => {
                    if kind <= 8 {
                        out.push_str(self.one(&ATOMS));
                    } else {
                        let inner = self.expression(depth - 1);
                        let open = self.one(&["(", "(?:"]);
                        let _ = write!(out, "{open}{inner})");
                    }
                    if self.below(3) == 0 {
                        out.push_str(self.one(&["*", "+", "?", "{2}", "{1,}", "{0,2}", "{0}"]));
                        out.push_str(self.one(&["", "", "?"]));
                    }
                }
            }
        }
        out
    }

    fn pieces(&mut self) -> String {
        (0..=self.below(6)).map(|_| self.one(&PIECES)).collect()
    }
}

/// Returns the answers of node to each question; `None` if there is no node.
fn ask(questions: &[(String, Vec<String>)]) -> Option<Vec<(String, String)>> {
    let start = Command::new("node")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut node) = start else {
        assert!(
            std::env::var_os("CI").is_none() || std::env::var_os("HITL_SKIP_JAVASCRIPT").is_some(),
            "regular expressions are compared with those of node, which is missing: install it, version \
             20 or later, or set HITL_SKIP_JAVASCRIPT=1 to go without this check"
        );
        eprintln!(
            "SKIPPED: install node, version 20 or later, to compare regular expressions with it"
        );
        return None;
    };
    let lines: String =
        questions.iter().map(|question| serde_json::to_string(question).unwrap() + "\n").collect();
    let mut to = node.stdin.take().unwrap();
    // Written while node reads, so that neither waits for the other.
    let writing = std::thread::spawn(move || to.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "node failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(unicode, plain)| (unicode.to_owned(), plain.to_owned()))
        .collect();
    assert_eq!(answers.len(), questions.len());
    Some(answers)
}

fn own(pattern: &Pattern, texts: &[String]) -> String {
    texts.iter().map(|text| if pattern.matches(text) { 'y' } else { 'n' }).collect()
}

/// Checks that both say the same of each text.
///
/// The engine of node begins a match between the halves of a character if nothing is consumed
/// there, which the standard does not: `/\B/u` matches inside of an emoji.
fn assert_same(source: &str, texts: &[String], own: &str, unicode: &str) {
    for ((own, node), text) in own.chars().zip(unicode.chars()).zip(texts) {
        let is_wide = text.chars().any(|c| u32::from(c) > 0xFFFF);
        if !(source.contains(r"\B") && is_wide) {
            assert_eq!(own, node, "{source} {text:?}");
        }
    }
}

fn amount() -> usize {
    if std::env::var_os("HITL_TEST_FULL").is_some() { 200_000 } else { 6_000 }
}

#[test]
fn node_and_the_translation_agree_on_right_expressions() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let questions: Vec<(String, Vec<String>)> = (0..amount())
        .map(|_| (random.expression(2), (0..12).map(|_| random.text()).collect()))
        .collect();
    let Some(answers) = ask(&questions) else { return };
    let mut compared = 0;
    for ((source, texts), (unicode, _)) in questions.iter().zip(&answers) {
        assert_ne!(unicode, "-", "the test writes what is none: {source}");
        let pattern = Pattern::new(source).unwrap_or_else(|why| panic!("{source}: {why}"));
        assert_same(source, texts, &own(&pattern, texts), unicode);
        compared += usize::from(unicode.contains('y') && unicode.contains('n'));
    }
    assert!(compared > amount() / 4, "{compared}");
}

#[test]
fn what_node_refuses_or_reads_otherwise_is_not_translated() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let questions: Vec<(String, Vec<String>)> = (0..amount() * 2)
        .map(|_| (random.pieces(), (0..8).map(|_| random.text()).collect()))
        .collect();
    let Some(answers) = ask(&questions) else { return };
    let (mut in_one_mode, mut in_both, mut refused) = (0, 0, 0);
    for ((source, texts), (unicode, plain)) in questions.iter().zip(&answers) {
        let Ok(pattern) = Pattern::new(source) else {
            refused += 1;
            continue;
        };
        let own = own(&pattern, texts);
        if unicode != "-" {
            in_both += 1;
            assert_same(source, texts, &own, unicode);
            continue;
        }
        in_one_mode += 1;
        assert_ne!(plain, "-", "{source} is no expression of ECMA-262");
        // Without Unicode mode, half of a character is one.
        for ((own, plain), text) in own.chars().zip(plain.chars()).zip(texts) {
            if text.chars().chain(source.chars()).all(|c| u32::from(c) < 0x1_0000) {
                assert_eq!(own, plain, "{source} {text:?}");
            }
        }
    }
    let least = amount() / 20;
    assert!(
        in_one_mode > least && in_both > least && refused > least,
        "{in_one_mode} {in_both} {refused}"
    );
}
