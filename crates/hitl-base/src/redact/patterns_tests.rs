//! Redaction takes linear time: a text that is n times as long takes about n times as long,
//! whatever is in it.

use std::fs;
use std::time::Instant;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;

use super::ALL;
use crate::Json;
use crate::redact::Redactor;

/// The length of the first measurement in bytes, and the factor of the second.
const LENGTH: usize = 4 * 1024;
const TIMES: usize = 4;
/// The same for texts measured again when the first seems too slow: the engine's cache building
/// counts less in longer texts.
const LONGER: usize = 24 * 1024;
const MORE_TIMES: usize = 8;
/// The most times a slow measurement is repeated; the shortest counts, because other processes use
/// the machine too.
const AGAIN: usize = 8;

/// Returns the duration in seconds.
fn cost(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Returns the ratio of the time for one long text to that for the same amount of short texts: 1 if
/// linear, `times` if quadratic. Both take about as long, so that other load on the machine slows
/// both.
fn excess(times: usize, most: f64, short: impl Fn(), long: impl Fn()) -> f64 {
    let (mut shorts, mut longs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..AGAIN {
        shorts = shorts.min(cost(|| (0..times).for_each(|_| short())));
        longs = longs.min(cost(&long));
        if longs < shorts * most {
            break;
        }
    }
    longs / shorts
}

fn assert_linear(what: &str, unit: &str) {
    let redactor = Redactor::standard();
    let excess_of = |length: usize, times: usize, most: f64| {
        let text = |length: usize| unit.repeat(length / unit.len() + 1);
        let (short, long) = (text(length), text(length * times));
        let redact = |text: &str| drop(std::hint::black_box(redactor.text(text)));
        excess(times, most, || redact(&short), || redact(&long))
    };
    if excess_of(LENGTH, TIMES, 2.0) >= 2.0 {
        let excess = excess_of(LONGER, MORE_TIMES, 3.0);
        assert!(excess < 3.0, "{what}: {excess:.1} times the work for each part of many {unit:?}");
    }
}

/// Returns texts that begin like a match and may or may not become one.
fn hostile(source: &str, samples: usize) -> Vec<String> {
    // The generator does not support boundaries.
    let plain = [r"(?-u:\b)", r"\b", r"\z"].iter().fold(source.to_owned(), |s, b| s.replace(b, ""));
    let plain = plain.replace("(?:\\s|^)", " ").replace("(?:\\s|$)", " ");
    let matches = string_regex(&plain).unwrap_or_else(|error| panic!("{source}: {error}"));
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for n in 0..samples {
        let whole = matches.new_tree(&mut runner).unwrap().current();
        let letters: Vec<char> = whole.chars().collect();
        let parts = [letters.len(), letters.len().saturating_sub(1), letters.len() / 2];
        let part: String = letters[..parts[n % parts.len()]].iter().collect();
        texts.push(if n % 2 == 0 { part } else { format!("{part} ") });
    }
    texts.retain(|text| !text.trim().is_empty());
    texts
}

#[test]
fn work_is_linear_for_what_begins_like_each_pattern() {
    // `cargo xtask test --full` sets it.
    let most = if std::env::var_os("HITL_TEST_FULL").is_some() { 12 } else { 4 };
    for (name, pattern) in ALL {
        for (alternative, source) in pattern.alternatives.iter() {
            // Samples of literals differ only in their letters.
            let samples = match source.len() {
                0..40 => 1,
                40..400 => 3,
                _ => most,
            };
            for unit in hostile(source, samples) {
                assert_linear(&format!("{name}: {alternative}"), &unit);
            }
        }
    }
}

/// Beginnings of the text around a pattern.
const AROUND: &[&str] = &[
    "=",
    "==",
    "\u{200B}p",
    "\u{1B}[",
    "\u{1B}]8;;",
    r"\u0070",
    r"\\\\\\\\\\",
    "&#112;",
    "%2525",
    "=3D=\n",
    "p\u{430}ss",
    "\u{430}p",
    "password\u{FF1D}x\u{200B}y ",
    "password='x' + ",
    "password='x'+'y",
    "password=\"\"\"\n",
    "password: |\n  x\n",
    "password:\n  x1",
    "kind: Secret\ndata:\n  a: b\n",
    "kind: Secret\n---\n",
    "- BEGIN A PRIVATE KEY ----END ",
    "https://aaaaaaaaaaaaaaaaaaaa",
    "= ",
    "\u{e9}==",
    "key=",
    "token=",
    "key='",
    "key=\"",
    "pw=`",
    "pw=\\\"",
    "a:b:pw=",
    "key=/",
    "key: ",
    "key: x",
    "pw=)",
    "pw=(",
    "pw=x(",
    "let key = ",
    "password ",
    "password: ",
    "password=\"a ",
    "password is ",
    "token | ",
    "key, ",
    "--token ",
    "--token=--",
    "sk-",
    "SG.",
    "xoxb-",
    "t1.",
    "eyJ",
    "eyJaaaaaaaa.",
    "://a:",
    "a://b:c@",
    "a://:",
    "hooks/",
    "data:a/b;base64,",
    "-----BEGIN CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----\nComment: ",
    "-----END ",
    "mysql ",
    "mysql <a>x</a>",
    "redis-cli ",
    "docker login ",
    "psexec ",
    "cookie: ",
    "cookie: a=",
    "<key>",
    "<key a",
    "<key>x",
    "<password>",
    "<a>x</a>",
    "'x' == ",
    "{",
    "[",
    "{\"a\":",
    "${",
    "{{",
    "$(",
    "key=${",
    "key={{",
    "key=$",
    "\\",
    "\\\\\"",
    "4111 ",
    "4-1",
    "%41",
    "%3D",
    "&quot;",
    "&#",
    "\u{ff21}",
    "\u{43f}\u{430}",
    "aB3+",
    "aB3/",
    "a-",
    "1.",
    "@",
    "identified by ",
    "login a password ",
    "key name value=",
    "NetworkCredential(\"",
    "\n",
    "\r\n\t",
    " ",
    "x",
    "abandon ",
    "c2VjcmV0",
    "12, ",
    "-p ",
    "-u a:",
    "pin=%22a%22 ",
    "pin=&quot;a&quot; ",
    "pin=%27a ",
    "pin=&#34;a%22 ",
];

#[test]
fn work_is_linear_where_the_text_around_a_pattern_is_read() {
    for unit in AROUND {
        assert_linear("around", unit);
    }
}

#[test]
fn work_is_linear_in_what_a_tree_has() {
    let redactor = Redactor::standard();
    let entry = |n: usize| (format!("k password=s3cr3t{n}"), Json::String("x".to_owned()));
    let items = |n: usize| Json::Array(vec![Json::String("--token".to_owned()); n]);
    let excess_of = |tree: &dyn Fn(usize) -> Json| {
        let (short, long) = (tree(1_000), tree(8_000));
        let redact = |tree: &Json| drop(std::hint::black_box(redactor.json(tree)));
        excess(8, 3.0, || redact(&short), || redact(&long))
    };
    let keys = excess_of(&|n| Json::Object((0..n).map(entry).collect()));
    assert!(keys < 3.0, "keys that become the same: {keys:.1}");
    let list = excess_of(&items);
    assert!(list < 3.0, "a list of options: {list:.1}");
}

#[test]
fn a_secret_is_masked_to_its_end_however_long_it_is() {
    let redactor = Redactor::standard();
    for length in [900, 1_000, 1_024, 1_100, 4_000, 4_096, 5_000, 20_000] {
        let long = "q3Zk8RtW".repeat(length / 8);
        let spaced = "q3Zk8 tW".repeat(length / 8);
        for text in [
            format!("password={long} x"),
            format!("password=\"{long}\" x"),
            format!("password='{spaced}' x"),
            format!("a note\npassword: {long}\nx"),
            format!("--token {long} x"),
            format!("Authorization: Bearer {long} x"),
            format!("eyJhbGciOiJI.eyJ{long}.{long} x"),
            format!("mysql -p{long} x"),
            format!("cookie: a={long}\nx"),
            format!("ghp_{long} x"),
            format!("SG.{long} x"),
            format!("<password>{long}</password> x"),
            format!("identified by '{spaced}' x"),
            format!("/hooks/{long} x"),
            format!("-----BEGIN PRIVATE KEY-----\n{spaced}\n-----END PRIVATE KEY----- x"),
            format!("{} password={long} x", "some words ".repeat(500)),
            format!("{} ghp_{long} x", "some words ".repeat(500)),
        ] {
            let clean = redactor.text(&text);
            let left = clean.contains("q3Zk8") || !clean.contains("[redacted");
            let (start, end) = (&text[..40], &clean[clean.len().saturating_sub(80)..]);
            assert!(!left && clean.ends_with('x'), "{length}: {start}.. -> ..{end}");
        }
    }
}

#[test]
fn no_pattern_is_compiled_elsewhere() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redact");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            let own =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("patterns"));
            let compiled =
                ["Regex::new", "RegexBuilder", "RegexSet"].iter().any(|c| source.contains(c));
            assert!(own || !compiled, "{} compiles a pattern of its own", path.display());
            // A pattern that is missing from the list is not measured.
            let statics = source.matches(": Pattern = Pattern::").count();
            let listed = ALL.len();
            assert!(own || statics <= 1 && statics <= listed, "{}", path.display());
        }
    }
}
