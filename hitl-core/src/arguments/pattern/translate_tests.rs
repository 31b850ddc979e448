use super::*;

fn matches(source: &str, text: &str) -> bool {
    let pattern = Pattern::new(source).unwrap_or_else(|why| panic!("{source}: {why}"));
    pattern.matches(text)
}

#[test]
fn an_expression_matches_what_ecma_matches() {
    for (source, fits, others) in [
        // Not anchored; `$` is the very end, `^` the very start.
        ("b", &["abc"][..], &["acc"][..]),
        ("^a$", &["a"], &["a\n", "\na", "xa"]),
        ("^a|b$", &["ax", "xb"], &["xa", "bx"]),
        // The classes are of ASCII, white space is not.
        (r"^\d$", &["7"], &["٣", "x"]),
        (r"^\w$", &["_", "Z"], &["é", "-"]),
        (r"^\s$", &[" ", "\u{A0}", "\u{FEFF}", "\u{2029}", "\u{B}"], &["\u{85}", "\u{180E}", "a"]),
        (r"^[\W\d]$", &["é", "5"], &["a"]),
        (r"^[^\S]$", &["\u{3000}"], &["x"]),
        // The dot leaves out four line terminators.
        ("^.$", &["a", "😀", "\u{85}", "\u{B}"], &["\n", "\r", "\u{2028}", "\u{2029}"]),
        // Empty classes.
        ("^[^]$", &["\n", "😀"], &[""]),
        ("[]", &[], &["", "a"]),
        // Boundaries of words are of ASCII.
        (r"a\b", &["a", "aé", "a b"], &["ab"]),
        (r"a\B", &["ab"], &["aé", "a"]),
        (r"^\B$", &[""], &["a"]),
        // Escapes.
        (r"^\x41\u0042\u{43}\cA\0\t$", &["ABC\u{1}\0\t"], &["ABC"]),
        (r"^\uD83D\uDE00$", &["😀"], &["x"]),
        (r"^[\uD83D\uDE00-\uD83D\uDE02]$", &["😁"], &["😃"]),
        (r"^[\b]$", &["\u{8}"], &["b"]),
        // What only engines without Unicode mode accept, in their one meaning.
        (r"^\-\_\:\ \@$", &["-_: @"], &["-_:@"]),
        ("^{a}]$", &["{a}]"], &["a"]),
        (r"^[\w-.]+$", &["a-b.c"], &["a b"]),
        ("^a{,2}$", &["a{,2}"], &["aa"]),
        // Classes.
        ("^[[&&~~.-]+$", &["[&~.", "-"], &["a"]),
        ("^[a-]+$", &["a-a"], &["b"]),
        ("^[-a]+$", &["a-a"], &["b"]),
        ("^[^a-c]$", &["d", "é"], &["b"]),
        // Repetitions, greedy and lazy.
        ("^(?:ab){2,3}?$", &["abab", "ababab"], &["ab", "abababab"]),
        ("^a{0}$", &[""], &["a"]),
        ("^(?<year>\\d{4})-(x|)$", &["2026-x", "2026-"], &["26-"]),
        ("^(a*)*$", &["", "aaa"], &["b"]),
        ("", &["", "x"], &[]),
        ("a||b", &[""], &[]),
    ] {
        for text in fits {
            assert!(matches(source, text), "{source} {text:?}");
        }
        for text in others {
            assert!(!matches(source, text), "{source} {text:?}");
        }
    }
}

#[test]
fn what_has_no_exact_counterpart_is_refused_with_its_place() {
    for (source, why) in [
        ("a(?=b)", "`(?=`, its character 2, looks around"),
        ("(?<!b)a", "`(?<!`, its character 1, looks around"),
        (r"(a)\1", r"`\1`, its character 4, refers back"),
        (r"(?<n>a)\k<n>", r"`\k`, its character 8, refers back"),
        (r"\012", "refers back to a group, or is an octal number"),
        (r"\p{L}", r"`\p`, its character 1, names a property of Unicode"),
        (r"[\P{L}]", "names a property of Unicode"),
        (r"\uD83D", "half of a character"),
        (r"[^\uDC00-\uDFFF]", "half of a character"),
        (r"\u{D800}", "half of a character"),
        (r"\u{110000}", "no code point"),
        (r"\u{61}\-", r"`\-`, its character 7, is wrong in Unicode mode"),
        (r"[\w-.]😀", "wrong in Unicode mode"),
        (r"}\uD83D\uDE00", "wrong in Unicode mode"),
        (r"\uD83", "needs 4 hexadecimal digits"),
        (r"\xg", "needs 2 hexadecimal digits"),
        (r"\c1", "followed by no letter"),
        (r"\A", r"`\A`, its character 1, is no escape of ECMA-262"),
        (r"\z", "no escape of ECMA-262"),
        (r"\é", "no escape"),
        ("a\\", "escapes nothing"),
        ("(?i)a", "no group of ECMA-262"),
        ("(?i:a)", "no group of ECMA-262"),
        ("(?P<a>b)", "no group of ECMA-262"),
        ("(?<>a)", "has a name"),
        ("(?<a>b)(?<a>c)", "the name of another group"),
        ("(a", "`(`, its character 1, is never closed"),
        ("a)", "`)`, its character 2, closes no group"),
        ("x[a", "`[`, its character 2, is never closed"),
        ("[b-a]", "ends out of order"),
        (r"[\B]", "no escape"),
        ("*a", "repeats nothing"),
        ("a|+", "repeats nothing"),
        ("{2}", "repeats nothing"),
        ("a**", "repeats a repetition"),
        ("a{1}{2}", "repeats a repetition"),
        ("a?+", "repeats a repetition"),
        ("^*", "`*`, its character 2, repeats `^`"),
        (r"\b+", r"repeats `\b`"),
        ("a{3,2}", "its numbers out of order"),
        ("a{1000000}", "repeats too often"),
        ("(?:a{500}){500}", "unfold to more than"),
    ] {
        let said = Pattern::new(source).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(why), "{source}: {said}");
    }
    let deep = format!("{}a{}", "(".repeat(60), ")".repeat(60));
    assert!(Pattern::new(&deep).unwrap_err().to_string().contains("nested too deeply"));
    let long = "a".repeat(5_000);
    assert!(Pattern::new(&long).unwrap_err().to_string().contains("longer than"));
    // As large as it may be, and of what compiles to most.
    Pattern::new("^.{1,1000}$").unwrap();
    Pattern::new(r"^\S{1,1000}$").unwrap();
    assert!(Pattern::new(r"^\S{1,9000}$").unwrap_err().to_string().contains("too large"));
}

#[test]
fn a_match_counts_its_work() {
    let pattern = Pattern::new("^(?:abc){1,200}$").unwrap();
    assert_eq!(pattern.weight(), 602);
    assert!(pattern.steps(&"a".repeat(1 << 20)) > 1_000_000);
    assert!(pattern.steps("abc") < 10);
}
