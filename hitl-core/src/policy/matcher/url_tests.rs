//! URLs, plain and hostile.

use super::*;
use proptest::prelude::*;

fn docs() -> UrlMatcher {
    UrlMatcher::hosts(["docs.rs", "*.rust-lang.org"])
}

fn judge(matcher: &UrlMatcher, text: &str, reading: Reading) -> Match {
    matcher.compile().unwrap().judge(text, reading)
}

/// Texts that lead some program to a host other than `docs.rs`, or to another port.
const HOSTILE: &[&str] = &[
    "https://docs.rs@evil.example/",
    "https://docs.rs:443@evil.example/",
    "https://user:pass@docs.rs/",
    "https://@docs.rs/",
    "https://evil.example/docs.rs",
    "https://evil.example#docs.rs",
    "https://evil.example?docs.rs",
    "https://evil.example\\@docs.rs",
    "https://docs.rs\\.evil.example/",
    "https://docs.rs\\evil.example",
    "https:\\\\docs.rs/",
    "https:/docs.rs/",
    "https:docs.rs/",
    "https:///docs.rs/",
    "https:////evil.example/",
    "//docs.rs/",
    "docs.rs",
    "http://docs.rs/",
    "ftp://docs.rs/",
    "javascript://docs.rs/%0aalert(1)",
    "file://docs.rs/etc/passwd",
    "https://docs.rs.evil.example/",
    "https://evildocs.rs/",
    "https://xdocs.rs/",
    "https://docs.rs./",
    "https://docs.rs.:443/",
    "https://docs.rs:8443/",
    "https://docs.rs:0443/",
    "https://docs.rs:+443/",
    "https://docs.rs:443:80/",
    "https://docs.rs:/",
    "https://docs.rs:99999/",
    "https://docs%2ers/",
    "https://docs.rs%00.evil.example/",
    "https://docs.rs%2f@evil.example/",
    "https://d\u{43E}cs.rs/",
    "https://docs\u{3002}rs/",
    "https://docs\u{FF0E}rs/",
    "https://\u{FF44}ocs.rs/",
    "https://docs.rs\u{FF0F}.evil.example/",
    "https://docs.rs\u{2215}.evil.example/",
    "https://docs.rs\u{200B}/",
    "https://docs.rs\u{202E}/",
    "https://docs.rs/\u{202E}",
    "https://docs.rs\t/",
    "https://docs.rs\n.evil.example/",
    " https://docs.rs/",
    "https://docs.rs/ ",
    "https://docs.rs/\nHost: evil",
    "https://docs.rs/\0",
    "https://docs.rs/<script>",
    "https://docs.rs/`id`",
    "https://docs.rs/{a,b}",
    "https://docs.rs/x|y",
    "https://docs.rs/\"x",
    "https://xn--dcs-sqb.rs/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://a.b.rust-lang.org/",
    "https://rust-lang.org/",
    "https://.rust-lang.org/",
    "https://-.rust-lang.org/",
    "https://*.rust-lang.org/",
    "https://",
    "https:///",
    "",
    "view-source:https://docs.rs/",
    "https+x://docs.rs/",
    "https://docs.rs,evil.example/",
    "https://docs.rs;evil.example/",
    "https://docs.rs&evil.example/",
    "https://docs.rs%40evil.example/",
];

#[test]
fn invariant_5_no_hostile_url_relaxes() {
    assert!(HOSTILE.len() >= 40);
    for text in HOSTILE {
        assert_ne!(judge(&docs(), text, Reading::Strict), Match::Yes, "{text:?}");
    }
    let below = docs().paths(["/api/**"]);
    for path in [
        "/",
        "/apix/y",
        "/api",
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/api/..;/admin",
        "/api//x",
        "/api/x%2fy",
        "/api/.%2e/x",
        "/API/x",
        "/api/;/x",
        "/api/x/..",
        "/api/~x",
    ] {
        let url = format!("https://docs.rs{path}");
        assert_ne!(judge(&below, &url, Reading::Strict), Match::Yes, "{url}");
    }
}

#[test]
fn plain_urls_relax() {
    for text in [
        "https://docs.rs",
        "https://docs.rs/",
        "HTTPS://Docs.RS/x",
        "https://docs.rs:443/x?y=z#w",
        "https://doc.rust-lang.org/std/?search=a%20b",
        "https://docs.rs/a/../b",
        "https://docs.rs/?q=user@example.com",
    ] {
        assert_eq!(judge(&docs(), text, Reading::Strict), Match::Yes, "{text}");
    }
    let below = docs().paths(["/api/**"]).except(["/api/admin/**"]);
    assert_eq!(judge(&below, "https://docs.rs/api/x?y", Reading::Strict), Match::Yes);
    assert_eq!(judge(&below, "https://docs.rs/api/Admin/x", Reading::Strict), Match::No);
    let local = UrlMatcher::hosts(["127.0.0.1"]).schemes(["http"]).port(8080);
    assert_eq!(judge(&local, "http://127.0.0.1:8080/x", Reading::Strict), Match::Yes);
    for other in ["http://127.0.0.1/", "http://127.1:8080/", "http://0177.0.0.1:8080/"] {
        assert_ne!(judge(&local, other, Reading::Strict), Match::Yes, "{other}");
    }
    let deep = UrlMatcher::hosts(["**.example.com"]);
    assert_eq!(judge(&deep, "https://a.b.example.com/", Reading::Strict), Match::Yes);
    assert_eq!(judge(&deep, "https://example.com/", Reading::Strict), Match::No);
    let idna = UrlMatcher::hosts(["xn--bcher-kva.example"]);
    assert_eq!(judge(&idna, "https://xn--bcher-kva.example/", Reading::Strict), Match::Yes);
    assert_eq!(judge(&idna, "https://b\u{FC}cher.example/", Reading::Strict), Match::Unknown);
}

#[test]
fn invariant_5_a_disguised_url_is_found_where_it_tightens() {
    let evil = UrlMatcher::hosts(["evil.example", "*.evil.example"]);
    for text in [
        "https://evil.example/",
        "https://EVIL.example",
        "https://a.evil.example/x",
        "https://evil.example./",
        "https://docs.rs@evil.example/",
        "https:\\\\evil.example\\x",
        "https:/evil.example",
        "//evil.example/x",
        "evil.example/x",
        "https://evil%2eexample/",
        "https://evil\u{3002}example/",
        "https://\u{FF45}vil.example/",
        "https://evil.exa\u{200B}mple/",
        " https://evil.example/",
        "https://evil.example:443/",
        "https://evil.example:8443/",
    ] {
        assert_eq!(judge(&evil, text, Reading::Loose), Match::Yes, "{text:?}");
    }
    for unclear in [
        "http://10.0.0.1/",
        "https://[::1]/",
        "https://\u{435}vil.example/",
        "",
        "https://",
        "http://evil.example/",
        "https://user@docs.rs/",
    ] {
        assert_eq!(judge(&evil, unclear, Reading::Loose), Match::Unknown, "{unclear:?}");
    }
    assert_eq!(judge(&evil, "https://docs.rs/x", Reading::Loose), Match::No);
}

#[test]
fn a_matcher_that_is_none_says_why() {
    for wrong in [
        UrlMatcher::default(),
        UrlMatcher::hosts(["*"]),
        UrlMatcher::hosts(["docs.*"]),
        UrlMatcher::hosts(["docs-*.rs"]),
        UrlMatcher::hosts(["Docs.rs"]),
        UrlMatcher::hosts(["docs.rs:443"]),
        UrlMatcher::hosts(["https://docs.rs"]),
        UrlMatcher::hosts(["docs.rs."]),
        UrlMatcher::hosts([""]),
        UrlMatcher::hosts(["b\u{FC}cher.example"]),
        docs().schemes(["https:"]),
        docs().schemes([""]),
        docs().paths(["api/**"]),
        docs().paths(["/a/../b"]),
    ] {
        assert!(wrong.compile().is_err(), "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn invariant_5_no_url_with_an_interpreted_character_relaxes(
        before in "[a-z]{0,6}", sign in "[^a-zA-Z0-9._~:/?#@!$&'()*+,;=%-]", after in "[a-z/.]{0,6}",
    ) {
        let text = format!("https://docs.rs/{before}{sign}{after}");
        prop_assert_ne!(judge(&docs(), &text, Reading::Strict), Match::Yes);
    }

    /// A URL matches only if its host is exactly the one in the rule, whatever precedes it.
    #[test]
    fn invariant_5_only_the_host_itself_is_meant(authority in "[a-z.@:\\\\%0-9-]{1,16}") {
        let text = format!("https://{authority}/");
        if judge(&docs(), &text, Reading::Strict) == Match::Yes {
            let host = authority.strip_suffix(":443").unwrap_or(&authority);
            prop_assert!(host == "docs.rs" || host.ends_with(".rust-lang.org"));
        }
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in any::<String>()) {
        let _ = judge(&docs(), &text, Reading::Strict);
        let _ = judge(&docs(), &text, Reading::Loose);
    }
}
