//! Attacks on declared secrets: forms in which a secret might be shown despite its declaration.

#![allow(clippy::format_collect, reason = "short texts of a test")]

use std::time::{Duration, Instant};

use super::forms::{STANDARD, URL_SAFE, hex};
use super::*;
use crate::json::parse_json;

const SECRET: &str = "Vex7-qualm_Drift9!Zu";

/// Returns how much of a form is left between its markers after masking.
fn left(taint: &Taint, form: &str) -> usize {
    let clean = taint.text(&format!("before <{form}> after")).into_owned();
    let inner = clean.strip_prefix("before <").and_then(|clean| clean.strip_suffix("> after"));
    let inner = inner.unwrap_or_else(|| panic!("{form}: {clean}"));
    inner.replace(MASK, "").chars().filter(|c| c.is_alphanumeric()).count()
}

fn each_char(text: &str, write: impl Fn(char) -> String) -> String {
    text.chars().map(write).collect()
}

fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let digit = |five: &[u8]| {
        let five = format!("{:0<5}", std::str::from_utf8(five).unwrap());
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from_str_radix(&five, 2).unwrap()])
    };
    bits.as_bytes().chunks(5).map(digit).collect()
}

fn rot13(text: &str) -> String {
    each_char(text, |c| {
        let turn = |first: u8| char::from((c as u8 - first + 13) % 26 + first);
        match c {
            'a'..='z' => turn(b'a').to_string(),
            'A'..='Z' => turn(b'A').to_string(),
            _ => c.to_string(),
        }
    })
}

/// Returns forms of [`SECRET`], by name.
fn forms() -> Vec<(&'static str, String)> {
    let bytes = SECRET.as_bytes();
    let backwards: String = SECRET.chars().rev().collect();
    let hex = hex(bytes);
    let pairs = |before: &str, between: &str| {
        let pairs = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
        pairs.map(|two| format!("{before}{two}")).collect::<Vec<_>>().join(between)
    };
    let base64 = forms::base64(bytes, STANDARD);
    let (first, second) = SECRET.split_at(10);
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    vec![
        ("base32", base32(bytes)),
        ("base32 in lower case", base32(bytes).to_lowercase()),
        ("base32 after a prefix", base32(format!("user:{SECRET}").as_bytes())),
        ("base64 in lines", format!("{}\n{}", &base64[..13], &base64[13..])),
        ("base64 spaced", each_char(&base64, |c| format!("{c} "))),
        ("base64 backwards", reversed(&base64)),
        ("base64 of it backwards", forms::base64(backwards.as_bytes(), STANDARD)),
        ("base64 of upper case", forms::base64(SECRET.to_uppercase().as_bytes(), URL_SAFE)),
        ("base64 of a half", forms::base64(&bytes[..10], STANDARD)),
        ("base64 of base64", forms::base64(base64.as_bytes(), STANDARD)),
        ("hex with colons", pairs("", ":")),
        ("hex with blanks", pairs("", " ")),
        ("hex as a dump", pairs("0x", ", ")),
        ("hex as escapes", pairs("\\x", "")),
        ("hex backwards", reversed(&hex)),
        ("hex of upper case", forms::hex(SECRET.to_uppercase().as_bytes())),
        ("hex in lines", format!("{}\n{}", &hex[..17], &hex[17..])),
        ("decimal bytes", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")),
        ("octal escapes", bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()),
        ("binary digits", bytes.iter().map(|byte| format!("{byte:08b} ")).collect()),
        ("JSON escapes", each_char(SECRET, |c| format!("\\u{:04x}", c as u32))),
        ("JSON escapes of some", SECRET.replace('q', "\\u0071").replace('D', "\\u0044")),
        ("escapes in braces", each_char(SECRET, |c| format!("\\u{{{:x}}}", c as u32))),
        ("decimal entities", each_char(SECRET, |c| format!("&#{};", c as u32))),
        ("hexadecimal entities", each_char(SECRET, |c| format!("&#x{:X};", c as u32))),
        ("percent twice", pairs("%25", "")),
        ("percent three times, some", SECRET.replace('q', "%252571")),
        ("quoted-printable", pairs("=", "")),
        ("quoted-printable, some", SECRET.replace('q', "=71").replace('D', "=44")),
        ("ROT13", rot13(SECRET)),
        (
            "full width",
            each_char(SECRET, |c| char::from_u32(c as u32 + 0xFEE0).unwrap().to_string()),
        ),
        ("Cyrillic look-alikes", SECRET.replace('e', "\u{435}").replace('a', "\u{430}")),
        (
            "mathematical letters",
            each_char(SECRET, |c| match c {
                'a'..='z' => char::from_u32(0x1D41A + c as u32 - 'a' as u32).unwrap().to_string(),
                _ => c.to_string(),
            }),
        ),
        ("combining marks", each_char(SECRET, |c| format!("{c}\u{301}"))),
        ("variation selectors", each_char(SECRET, |c| format!("{c}\u{FE0F}"))),
        ("tag characters between", each_char(SECRET, |c| format!("{c}\u{E0041}"))),
        ("colons between", each_char(SECRET, |c| format!("{c}:"))),
        ("brackets around each", each_char(SECRET, |c| format!("[{c}]"))),
        ("emoji between", each_char(SECRET, |c| format!("{c}\u{1F600}"))),
        ("a letter between", each_char(SECRET, |c| format!("{c}x"))),
        ("two letters between", each_char(SECRET, |c| format!("{c}xy"))),
        ("underscores every three", format!("{}___{}", &SECRET[..3], &SECRET[3..])),
        ("halves swapped", format!("{second}{first}")),
        ("halves backwards each", format!("{}{}", reversed(first), reversed(second))),
        ("upper half", first.to_uppercase()),
        ("spaced half", each_char(second, |c| format!("{c} "))),
        ("without its ends", SECRET[1..19].to_owned()),
        ("its middle", SECRET[3..18].to_owned()),
        ("every other character", SECRET.chars().step_by(2).collect()),
        (
            "every other, then the rest",
            SECRET.chars().step_by(2).chain(SECRET.chars().skip(1).step_by(2)).collect(),
        ),
        ("three lines", format!("{}\n\n{}\n\n{}", &SECRET[..6], &SECRET[6..12], &SECRET[12..])),
        ("Debug of bytes", format!("{bytes:?}")),
    ]
}

/// Checks that a secret is masked in these texts, and how they are then shown.
fn shown(secret: &str, texts: &[(&str, &str)]) {
    let taint = Taint::new([secret.to_owned()]);
    for (text, shown) in texts {
        assert_eq!(taint.text(text), *shown, "{secret} in {text}");
    }
}

fn shown_json(secret: &str, trees: &[(&str, &str)]) {
    let taint = Taint::new([secret.to_owned()]);
    for (tree, shown) in trees {
        assert_eq!(taint.json(&parse_json(tree).unwrap()).to_text(), *shown, "{secret} in {tree}");
    }
}

#[test]
fn invariant_8_a_declared_secret_is_found_in_every_form() {
    let taint = Taint::new([SECRET.to_owned()]);
    let mut leaks = Vec::new();
    for (name, form) in forms() {
        let left = left(&taint, &form);
        // The prefix of an encoded text stays.
        if left > 8 {
            leaks.push(format!("{name}: {left} characters of {form}"));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn invariant_8_a_declared_secret_is_found_in_every_spelling() {
    shown("stra\u{df}e-Kf7xq", &[("STRASSE-KF7XQ", MASK), ("strasse_kf7XQ", MASK)]);
    shown("\u{130}stanbul-42x", &[("istanbul-42x, i\u{307}stanbul-42X", "[redacted], [redacted]")]);
    shown("\u{fb01}sh-Tank-77x", &[("FISH-TANK-77X", MASK)]);
    shown(
        "p\u{e4}sswort-Kf7",
        &[("pa\u{308}sswort-kf7; P%C3%84SSWORT-KF7", "[redacted]; [redacted]")],
    );
    shown(
        "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}-42-x",
        &[("\u{41f}\u{420}\u{418}\u{412}\u{415}\u{422}42X", MASK)],
    );
    let path = r"C:\temp\Vex7-qualm";
    shown(path, &[("c:/temp/VEX7-QUALM", MASK), (r"c:\\temp\\Vex7-Qualm", MASK)]);
    shown(
        SECRET,
        &[
            (r"Vex7-qua\nlm_Drift9!Zu", MASK),
            ("\u{1b}[31mVex7\u{1b}[0m-qua\u{1b}[1mlm_Drift9!Zu", "\u{1b}[31m[redacted]"),
            (
                "aa\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} Vex7-qualm_Drift9!Zu",
                "aa\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} [redacted]",
            ),
        ],
    );
}

#[test]
fn invariant_8_a_declared_number_is_found_as_people_and_programs_write_it() {
    shown(
        "1234567",
        &[
            (
                "1,234,567 or 1 234 567 or 1.234.567 or 0x12d687",
                "[redacted] or [redacted] or [redacted] or [redacted]",
            ),
            ("11,234,567 and 1,234,5678 and 123", "1[redacted] and [redacted]8 and 123"),
        ],
    );
    shown(
        "4111222233334444",
        &[
            ("4,111,222,233,334,444 and 4111-2222-3333-4444", "[redacted] and [redacted]"),
            ("4 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4", MASK),
            (
                &format!("{:x} {:#X}", 4_111_222_233_334_444_u64, 4_111_222_233_334_444_u64),
                "[redacted] [redacted]",
            ),
        ],
    );
    shown("9731", &[("9,731; 9 7 3 1; 9-7-3-1", "[redacted]; [redacted]; [redacted]")]);
    shown_json(
        "4111222233334444",
        &[
            (r#"{"a":41112222,"b":33334444}"#, r#"{"a":"[redacted]","b":"[redacted]"}"#),
            (
                r#"{"a":4111,"b":2222,"c":"3333","d":4444}"#,
                r#"{"a":"[redacted]","b":"[redacted]","c":"[redacted]","d":"[redacted]"}"#,
            ),
            (
                r"[4111222233334444.0,4.111222233334444e15,-4111222233334445]",
                r#"["[redacted]","[redacted]","[redacted]"]"#,
            ),
        ],
    );
    shown_json(
        "100000",
        &[(
            "[1e5,100000.0,1.0e+5,100001,10]",
            r#"["[redacted]","[redacted]","[redacted]",100001,10]"#,
        )],
    );
    shown_json("0", &[("[0,1]", "[0,1]")]);
}

#[test]
fn invariant_8_a_declared_secret_is_found_over_keys_and_values() {
    shown_json(
        SECRET,
        &[
            (r#"{"Vex7-qualm":"Drift9!Zu"}"#, r#"{"[redacted]":"[redacted]"}"#),
            (r#"{"Vex7-qua":1,"lm_Drift9!Zu":2}"#, r#"{"[redacted]":1,"[redacted] #2":2}"#),
            (r#"{"a":"Vex7-qua","b":"lm_Drift9!Zu"}"#, r#"{"a":"[redacted]","b":"[redacted]"}"#),
            // In reverse order.
            (r#"{"b":"lm_Drift9!Zu","a":"Vex7-qua"}"#, r#"{"b":"[redacted]","a":"[redacted]"}"#),
            // With the declared argument between them.
            (
                r#"{"a":"Vex7-qua","pin":"[redacted]","b":"lm_Drift9!Zu"}"#,
                r#"{"a":"[redacted]","pin":"[redacted]","b":"[redacted]"}"#,
            ),
            (r#"["VmV4Ny1xdWFs","bV9EcmlmdDkhWnU="]"#, r#"["[redacted]","[redacted]="]"#),
        ],
    );
    let bytes = format!("{:?}", SECRET.as_bytes());
    let masks = format!("[{}]", vec!["\"[redacted]\""; SECRET.len()].join(","));
    shown_json(SECRET, &[(&bytes, &masks)]);
}

#[test]
fn ordinary_text_beside_a_declared_secret_stays() {
    let ordinary = [
        "Order 97310 of 2024-01-01 for 1,209.50 EUR; call +49 170 1234567 before 10:30.",
        "The administrators reset the password on Monday, in winter, 9 a.m. to 7 p.m.; 3 of 1,000.",
        "commit 2ca9c36d0b17e4f5a8c3b6d92e41f07a5c8d3b19, uuid 018f3c5e-7a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
        "IP 10.0.0.1, 192.168.178.22; rows 1, 2, 3, 4, 5; 0000000000000000; aaaaaaaaaaaaaaaaaaaaaaaa",
        "Customer customer-2023-000999 and ACC-2024-0013 are others; correct horse, wrong battery.",
    ];
    let secrets = [
        "9731",
        "summer",
        "Administrator2024",
        "ACC-2024-0012",
        "10000000",
        "correct horse battery",
        "p\u{e4}ss w/ord?",
        "20240202",
        "1234567890123456",
        SECRET,
        "hunter2",
        "018f3c5e-7a2b-7d11-9a21-0123456789ab",
        "4111111111111111",
    ];
    for secret in secrets {
        let taint = Taint::new([secret.to_owned()]);
        for text in ordinary {
            assert_eq!(taint.text(text), text, "{secret}");
        }
    }
}

#[test]
fn a_short_declared_number_masks_few_others() {
    let text: String = (1000..10_000).map(|n| format!("{n}, ")).collect();
    let masked = Taint::new(["9731".to_owned()]).text(&text).matches(MASK).count();
    assert_eq!(masked, 1);
    let dates: String =
        (1..=9).flat_map(|a| (1..=9).map(move |b| format!("{a} {b} and 2,{a}{b}1; "))).collect();
    assert_eq!(Taint::new(["9731".to_owned()]).text(&dates), dates);
}

/// Returns the time to search a text for secrets, the shortest of three runs.
fn looking(secrets: &[String], text: &str) -> Duration {
    let looking = || {
        let start = Instant::now();
        let clean = Taint::new(secrets.iter().cloned()).text(text).len();
        assert!(clean <= text.len() * MASK.len());
        start.elapsed()
    };
    (0..3).map(|_| looking()).min().unwrap_or_default()
}

#[test]
fn invariant_13_looking_for_secrets_is_linear_in_text_and_in_secrets() {
    type Secrets = fn(usize) -> Vec<String>;
    let attacks: [(Secrets, &str); 6] = [
        (|n| vec!["a".repeat(n)], "a"),
        (|n| vec!["ab".repeat(n / 2)], "aba"),
        (|n| (0..n / 16).map(|n| format!("aaaaaaaaaa{n:05}x")).collect(), "aaaaaaaaaa"),
        (|n| (0..n / 8).map(|n| format!("{n:08}")).collect(), "00001"),
        (|n| (0..n / 4).map(|n| format!("{n:04}")).collect(), "1.0, "),
        (|n| vec!["%25".repeat(n / 3), "\\u".repeat(n / 2)], "%25\\u{=4&#"),
    ];
    for (secrets, unit) in attacks {
        let cost = |size: usize| {
            looking(&secrets(size), &unit.repeat(size * 4 / unit.len())).as_secs_f64()
        };
        let (small, large) = (cost(1_000).max(0.002), cost(8_000));
        // Eight times as much of both; a quadratic search would take 64 times as long.
        assert!(large < small * 30.0, "{unit}: {small} s, then {large} s");
    }
}

#[test]
fn invariant_8_beside_more_secrets_than_are_looked_for_nothing_is_shown() {
    let secrets = (0..50_000).map(|n| format!("secret-{n:07}"));
    let taint = Taint::new(secrets);
    assert_eq!(taint.text("anything"), MASK);
    let tree = parse_json(r#"{"a":"text","b":7}"#).unwrap();
    assert_eq!(taint.json(&tree).to_text(), r#"{"a":"[redacted]","b":"[redacted]"}"#);
}
