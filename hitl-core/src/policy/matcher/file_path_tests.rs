//! Paths, plain and hostile.

use super::*;
use proptest::prelude::*;

fn both(matcher: &PathMatcher, text: &str) -> (Match, Match) {
    let program = matcher.compile().unwrap();
    (program.judge(text, Reading::Strict), program.judge(text, Reading::Loose))
}

fn strict(matcher: &PathMatcher, text: &str) -> Match {
    both(matcher, text).0
}

fn loose(matcher: &PathMatcher, text: &str) -> Match {
    both(matcher, text).1
}

/// Texts each of which leads, or may lead, out of `/srv/data`, or to a different file than it
/// seems.
const HOSTILE: &[&str] = &[
    "/srv/data/../etc/passwd",
    "/srv/data/..",
    "/srv/data/./../etc",
    "/srv/data/%2e%2e/etc/passwd",
    "/srv/data/%2E%2E%2Fetc",
    "/srv/data/%252e%252e/etc",
    "/srv/data/..%2fetc",
    "/srv/data/..;/etc",
    "/srv/data/;/x",
    "/srv/data/..\\etc",
    "/srv/data\\..\\etc",
    "\\srv\\data\\x",
    "/srv/data//x",
    "//srv/data/x",
    "/srv//data/x",
    "/srv/data/...",
    "/srv/data/x.",
    "/srv/data/x ",
    "/srv/data/ x",
    "/srv/data/.git. /config",
    "/srv/data/\u{FF0E}\u{FF0E}/etc",
    "/srv/data/\u{2025}/etc",
    "/srv/data/\u{2024}\u{2024}/etc",
    "/srv/data\u{FF0F}x",
    "/srv/data\u{2215}x",
    "/srv/data/\u{202E}txt.exe",
    "/srv/data/a\u{200B}b",
    "/srv/data/\u{FEFF}x",
    "/srv/data/x\0.png",
    "/srv/data/x\n",
    "/srv/data/x\r\ny",
    "/srv/data/x\ty",
    "/srv/data/~root/x",
    "~/srv/data/x",
    "~root",
    "/srv/data/PROGRA~1",
    "/srv/data/$HOME",
    "/srv/data/${X}/y",
    "/srv/data/`id`",
    "/srv/data/$(id)",
    "/srv/data/*",
    "/srv/data/?",
    "/srv/data/[a]",
    "/srv/data/{a,b}",
    "/srv/data/x;id",
    "/srv/data/x&y",
    "/srv/data/x|y",
    "/srv/data/x>y",
    "/srv/data/x'y",
    "/srv/data/x\"y",
    "/srv/data/x:stream",
    "/srv/data/x::$DATA",
    "C:/srv/data/x",
    "C:srv",
    "file:///srv/data/x",
    "/srv/data/NUL",
    "/srv/data/com1.txt",
    "/srv/data/\u{430}",
    "/srv/data/\u{212A}",
    "/srv/data/e\u{301}",
    "-rf",
    "--output=/srv/data/x",
    "@/srv/data/x",
    "",
    " ",
    "/srv/data/x#y",
    "/srv/data/x%00",
    "/srv/data/x%",
    "/srv/data/!x",
    "/srv/data/^x",
];

#[test]
fn invariant_5_no_hostile_path_relaxes() {
    let inside = PathMatcher::inside("/srv/data");
    let any = PathMatcher::any(["/srv/data/**", "**/x", "**"]).from("/srv/data");
    let here = PathMatcher::inside(".").matching(["**"]);
    assert!(HOSTILE.len() >= 40);
    for text in HOSTILE {
        for matcher in [&inside, &any, &here] {
            assert_ne!(strict(matcher, text), Match::Yes, "{text:?} {matcher:?}");
        }
    }
}

#[test]
fn plain_paths_below_the_root_relax() {
    let data = PathMatcher::inside("/srv/data").except(["**/.git/**", "secret.txt"]);
    for (text, expected) in [
        ("/srv/data/x", Match::Yes),
        ("/srv/data/a/b.txt", Match::Yes),
        ("/srv/data/./a", Match::Yes),
        ("/srv/data/dir/", Match::Yes),
        ("/srv/data/Müller.pdf", Match::Yes),
        ("/srv/data/a b.txt", Match::Yes),
        ("/srv/data/.env", Match::Yes),
        ("/srv/data", Match::No),
        ("/srv/data/", Match::No),
        ("/srv/database", Match::No),
        ("/SRV/data/x", Match::No),
        ("/srv", Match::No),
        ("/", Match::No),
        ("/etc/passwd", Match::No),
        ("x", Match::Unknown),
        ("srv/data/x", Match::Unknown),
        ("/srv/data/.git/config", Match::No),
        ("/srv/data/.GIT/config", Match::No),
        ("/srv/data/a/.git/hooks/x", Match::No),
        ("/srv/data/secret.txt", Match::No),
        ("/srv/data/SECRET.txt", Match::No),
        ("/srv/data/a/secret.txt", Match::Yes),
    ] {
        assert_eq!(strict(&data, text), expected, "{text}");
    }
    let here = PathMatcher::inside(".").matching(["src/**", "*.md"]);
    for (text, expected) in [
        ("src/main.rs", Match::Yes),
        ("./src/main.rs", Match::Yes),
        ("README.md", Match::Yes),
        ("docs/README.md", Match::No),
        ("src", Match::No),
        ("Src/x", Match::No),
        ("/src/main.rs", Match::Unknown),
    ] {
        assert_eq!(strict(&here, text), expected, "{text}");
    }
    let from = PathMatcher::inside("/srv/data").from("/srv/data/in");
    assert_eq!(strict(&from, "x"), Match::Yes);
    assert_eq!(strict(&from, "../x"), Match::Unknown);
}

#[test]
fn invariant_5_a_disguised_path_is_found_where_it_tightens() {
    let secrets = PathMatcher::any(["~/.ssh/**", "**/.env", "/etc/**", "/proc/*/environ"]);
    for text in [
        "~/.ssh/id_rsa",
        "/home/ann/.ssh/id_rsa",
        concat!("/ro", "ot/.ssh/config"),
        "/Users/ann/.ssh/x",
        "/HOME/ann/.SSH/x",
        "/srv/.env",
        "/srv/.ENV",
        "/srv/%2eenv",
        "/srv/%252eenv",
        "/srv/.env.",
        "/srv/.env ",
        "/srv/.env::$DATA",
        "/srv/x/../.env",
        "/srv\\.env",
        "C:\\srv\\.env",
        "file:///srv/.env",
        "/srv/\u{FF0E}env",
        "/srv/.e\u{200B}nv",
        "/srv//.env",
        "/etc/passwd",
        "//etc/passwd",
        "/srv/../etc/passwd",
        "/etc/./shadow",
        "/\u{FF45}\u{FF54}\u{FF43}/shadow",
        "/srv;/../etc/passwd",
        "/proc/self/environ",
    ] {
        assert_eq!(loose(&secrets, text), Match::Yes, "{text:?}");
    }
    for unclear in ["/srv/*", "$HOME/x", "~bob/x", "/a/../b", "/srv/x`id`", "x", "/a/PROGRA~1"] {
        assert_eq!(loose(&secrets, unclear), Match::Unknown, "{unclear:?}");
    }
    for clear in
        ["/srv/a.txt", "/srv/\u{41E}\u{442}\u{447}\u{451}\u{442}.pdf", "/srv/a b", "/etcetera/x"]
    {
        assert_eq!(loose(&secrets, clear), Match::No, "{clear:?}");
    }
    let but = PathMatcher::any(["**/.env*"]).except(["**/.env.example"]);
    assert_eq!(loose(&but, "/a/.env.example"), Match::No);
    for not_exactly in ["/a/.ENV.example", "/a/b/../.env.example", "/a/.env%2eexample"] {
        assert_eq!(loose(&but, not_exactly), Match::Yes, "{not_exactly}");
    }
}

#[test]
fn a_matcher_that_is_none_says_why() {
    for wrong in [
        PathMatcher::default(),
        PathMatcher::default().except(["x"]),
        PathMatcher::inside("srv"),
        PathMatcher::inside("~/x"),
        PathMatcher::inside("/srv/../etc"),
        PathMatcher::inside("/srv/*"),
        PathMatcher::any(["a//b"]),
        PathMatcher::any([""]),
        PathMatcher::any(["../x"]),
        PathMatcher::any(["[ab]"]),
        PathMatcher::any(["x"]).from("srv"),
    ] {
        assert!(wrong.compile().is_err(), "{wrong:?}");
    }
}

proptest! {
    /// A path with an interpreted character never matches where a rule relaxes.
    #[test]
    fn invariant_5_no_path_with_an_interpreted_character_relaxes(
        before in "[a-z/]{0,6}", sign in "[^a-zA-Z0-9 _.,@+=/\u{C0}-\u{17E}-]", after in "[a-z/.]{0,6}",
    ) {
        let text = format!("/srv/{before}{sign}{after}");
        prop_assert_ne!(strict(&PathMatcher::inside("/srv"), &text), Match::Yes);
    }

    /// A matching path stays below the root in every file system's reading.
    #[test]
    fn invariant_5_what_is_taken_has_no_step_up(text in "/srv/[a-z./ ]{0,12}") {
        if strict(&PathMatcher::inside("/srv"), &text) == Match::Yes {
            prop_assert!(text.split('/').all(|step| step != ".."));
        }
    }

    /// A path that matches in the strict reading also matches in the loose one: the loose reading
    /// misses no plain path.
    #[test]
    fn invariant_5_what_is_meant_strictly_is_meant_loosely(
        text in "[a-z./]{1,12}", glob in "(\\*\\*/)?[a-z]{0,2}\\*?[a-z](/\\*\\*)?",
    ) {
        let matcher = PathMatcher::any([glob]);
        if let (Match::Yes, other) = both(&matcher, &text) {
            prop_assert_eq!(other, Match::Yes);
        }
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in any::<String>()) {
        let _ = both(&PathMatcher::any(["**/x", "~/y", "/z/**"]).from("/srv"), &text);
    }
}
