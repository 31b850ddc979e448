//! Secrets spelled so that a pattern does not see them, and harmless text spelled the same way.

use super::*;

fn text(text: &str) -> String {
    Redactor::standard().text(text).into_owned()
}

/// A GitHub token in two parts.
const TOKEN: [&str; 2] = ["ghp_q3Zk8RtW1yPv7L", "mX0dJs5HfGb2NcUa9Ee4To"];

#[test]
fn invariant_8_what_is_not_seen_hides_no_secret() {
    let [first, second] = TOKEN;
    for unseen in [
        "\u{200B}",
        "\u{AD}",
        "\u{2060}\u{FEFF}",
        "\0",
        "\u{1B}[31m",
        "\u{1B}[0;1m\u{1B}[K",
        "\u{1B}]8;;https://x.org\u{7}",
        "\u{202E}",
    ] {
        let token = format!("use {first}{unseen}{second}.");
        assert_eq!(text(&token), "use [redacted].", "{unseen:?}");
        for named in [
            format!("pass{unseen}word=Tr0mbone9"),
            format!("password={unseen}Tr0mb{unseen}one9{unseen}"),
            format!("{unseen}password{unseen}: Tr0mbone9 "),
        ] {
            let clean = text(&named);
            assert!(clean.contains(MASK) && !clean.contains("one9"), "{named:?} -> {clean:?}");
        }
    }
    // The UTF-16 output of a Windows program, read as UTF-8.
    let wide: String = "password=Tr0mbone9\n".chars().flat_map(|c| [c, '\0']).collect();
    assert!(!text(&wide).replace('\0', "").contains("Tr0m"));
}

#[test]
fn invariant_8_names_in_escapes_and_look_alikes_are_names() {
    for (written, shown) in [
        (r"\u0070assword=Tr0mbone9", r"\u0070assword=[redacted]"),
        (r"p\x61ssword: Tr0mbone9", r"p\x61ssword: [redacted]"),
        (r"\\u{70}assword=Tr0mbone9", r"\\u{70}assword=[redacted]"),
        ("&#112;assword=Tr0mbone9", "&#112;assword=[redacted]"),
        ("pass&#x77;ord: Tr0mbone9", "pass&#x77;ord: [redacted]"),
        ("%70assword=Tr0mbone9&a=1", "%70assword=[redacted]&a=1"),
        ("password%253DTr0mbone9%2526a=1", "password%253D[redacted]%2526a=1"),
        ("p\u{430}ssw\u{43E}rd=Tr0mbone9", "p\u{430}ssw\u{43E}rd=[redacted]"),
        ("tok\u{395}n: Tr0mbone9xyz", "tok\u{395}n: [redacted]"),
        ("password\u{A0}=\u{A0}Tr0mbone9", "password\u{A0}=\u{A0}[redacted]"),
        ("password\u{FF1D}Tr0mbone9", "password\u{FF1D}[redacted]"),
        (
            "\u{30D1}\u{30B9}\u{30EF}\u{30FC}\u{30C9}\u{FF1A}Tr0mbone9",
            "\u{30D1}\u{30B9}\u{30EF}\u{30FC}\u{30C9}\u{FF1A}[redacted]",
        ),
        ("password=3DTr0m=\r\nbone9 of", "password=3D[redacted] of"),
    ] {
        assert_eq!(text(written), shown);
    }
}

#[test]
fn what_is_read_otherwise_and_is_no_secret_stays_as_it_is_written() {
    for plain in [
        "the report\u{200B} of Monday\u{A0}: 12\u{202F}% more, in \u{1B}[1mbold\u{1B}[0m",
        r"C:\users\x\u0041nn\notes.txt",
        "a=3Db=\r\nc and the password is in the vault",
        "Пароли не хранятся, the keys are in Ключи",
        "https://x.org/?q=%41%42&page=2",
        "p\u{430}ypal and p\u{430}ssport",
    ] {
        assert_eq!(text(plain), plain);
    }
}

#[test]
fn invariant_9b_a_mask_over_what_is_not_seen_leaves_it_in_the_readers_sight() {
    let [first, second] = TOKEN;
    let written = format!("run {first}\u{202E}{second} and\u{200B} more");
    let tree = Json::Object(vec![("note".to_owned(), Json::String(written))]);
    let marked = Redactor::standard().redact_with_places(&tree).unwrap();
    assert_eq!(
        marked.tree.to_text(),
        "{\"note\":\"run [redacted]\u{202E}[redacted] and\u{200B} more\"}"
    );
    let covered: Vec<usize> = marked.places.iter().map(MaskedPlace::characters).collect();
    assert_eq!(covered, [first.len(), second.len()]);
}

#[test]
fn redacting_twice_is_redacting_once_where_text_is_read_otherwise() {
    for written in [
        "p\u{430}ssword=\u{1B}[1mTr0mbone9\u{1B}[0m x",
        r"\u0070assword=Tr0mbone9 \u0070assword=[redacted]",
        "password\u{FF1D}Tr0mbone9\u{200B}, [redacted] [redacted:0000000000]",
    ] {
        let once = text(written);
        assert_eq!(text(&once), once);
        assert!(!once.contains("Tr0m"), "{once}");
    }
}
