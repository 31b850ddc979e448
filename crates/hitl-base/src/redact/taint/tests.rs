use super::forms::{STANDARD, base64, hex, percent};
use super::*;
use crate::json::parse_json;

#[test]
fn invariant_8_a_secret_is_scrubbed_in_every_encoding() {
    let taint = Taint::new(["p\u{e4}ss w/ord?".to_owned(), "9731".to_owned(), "no".to_owned()]);
    for text in [
        "it was p\u{e4}ss w/ord? and 9731",
        "b64 cMOkc3Mgdy9vcmQ/ and OTczMQ==",
        "url p%C3%A4ss%20w%2Ford%3F p%c3%a4ss%20w%2ford%3f",
        "hex 70c3a4737320772f6f72643f 70C3A4737320772F6F72643F 39373331",
    ] {
        let clean = taint.text(text);
        for left in
            ["ss w", "9731", "cMOkc3", "OTczMQ", "C3%A4", "c3%a4", "70c3", "70C3", "39373331"]
        {
            assert!(!clean.contains(left), "{left}: {clean}");
        }
        assert!(clean.contains(MASK));
    }
    assert_eq!(taint.text("no, nothing"), "no, nothing");
}

#[test]
fn invariant_8_a_secret_inside_a_longer_base64_text_is_found() {
    let secret = "correct-horse-battery";
    let taint = Taint::new([secret.to_owned()]);
    for before in ["", "u:", "user:", "x-y:"] {
        let whole = base64(format!("{before}{secret}&z=1").as_bytes(), STANDARD);
        let clean = taint.text(&whole).into_owned();
        assert!(clean.contains(MASK) && clean.len() < whole.len(), "{before}: {whole} {clean}");
    }
}

#[test]
fn invariant_8_half_of_a_secret_is_found_from_sixteen_characters_on() {
    // Too few letters and digits for a search in disguises, which would find a half too.
    let secret = "a7!$-.*+b8?@~^#:";
    for (length, found) in [(16, true), (15, false)] {
        let secret = &secret[..length];
        let taint = Taint::new([secret.to_owned()]);
        for half in [&secret[..length / 2], &secret[length / 2..]] {
            let said = format!("one part is {half}, the other one not");
            assert_eq!(!taint.text(&said).contains(half), found, "{length}: {half}");
        }
    }
}

#[test]
fn numbers_and_keys_are_scrubbed_and_what_only_contains_them_is_not() {
    let taint = Taint::new(["1234".to_owned(), "hunter2".to_owned()]);
    let tree =
        parse_json(r#"{"hunter2":1,"a":1234.0,"b":12345,"c":"C-1234","d":["x12345"]}"#).unwrap();
    assert_eq!(
        taint.json(&tree).to_text(),
        r#"{"[redacted]":1,"a":"[redacted]","b":12345,"c":"C-[redacted]","d":["x12345"]}"#
    );
}

#[test]
fn invariant_8_a_secret_is_scrubbed_in_every_disguise() {
    let secret = "Vex7-qualm_Drift9!Zu";
    let taint = Taint::new([secret.to_owned()]);
    let spaced: String = secret.chars().flat_map(|c| [c, ' ']).collect();
    let dotted: String = secret.chars().flat_map(|c| [c, '\u{b7}', ' ']).collect();
    let backwards: String = secret.chars().rev().collect();
    for form in [
        secret.to_uppercase(),
        secret.to_lowercase(),
        spaced.clone(),
        spaced.to_uppercase(),
        dotted,
        backwards.clone(),
        backwards.to_lowercase(),
        backwards.chars().flat_map(|c| [c, '-']).collect(),
        secret.chars().flat_map(|c| [c, '\u{200b}']).collect(),
        secret.replace('-', "- "),
        format!("{}\n{}", &secret[..9], &secret[9..]),
        secret[..10].to_owned(),
        secret[10..].to_owned(),
        percent(secret.to_uppercase().as_bytes(), true),
        hex(secret.as_bytes())
            .as_bytes()
            .chunks(2)
            .flat_map(|two| ["%", std::str::from_utf8(two).unwrap()])
            .collect(),
    ] {
        let clean = taint.text(&format!("before <{form}> after")).into_owned();
        assert!(clean.contains(MASK), "{form}: {clean}");
        assert!(
            !clean.to_lowercase().contains("qualm") && !clean.contains("mlauq"),
            "{form}: {clean}"
        );
        assert!(clean.starts_with("before <") && clean.ends_with("> after"), "{clean}");
    }
}

#[test]
fn invariant_8_a_secret_that_is_split_over_arguments_is_scrubbed() {
    let taint = Taint::new(["Vex7-qualm_Drift9!Zu".to_owned()]);
    for call in [
        r#"{"a":"Vex7-qua","b":"lm_Drift9!Zu","c":"stays"}"#,
        r#"{"a":"it is Vex7-q","n":3,"b":{"c":"ualm_Drift","d":"9!Zu"},"c":"stays"}"#,
        r#"["Vex7-qualm_Dr","ift9!Zu","stays"]"#,
        r#"["Vex7","-qualm_","Drift9","!Zu","stays"]"#,
    ] {
        let clean = taint.json(&parse_json(call).unwrap()).to_text();
        assert!(!clean.contains("qua") && !clean.contains("ift"), "{call}: {clean}");
        assert!(clean.contains("stays"), "{clean}");
    }
}

#[test]
fn what_is_like_a_secret_by_chance_stays() {
    let taint =
        Taint::new(["summer".to_owned(), "9731".to_owned(), "correct horse battery".to_owned()]);
    for text in [
        "In SUMMER, order 97310 was sent; 1379 too.",
        "A correct answer; the horse has no battery.",
        "s-u-m-m-e-r",
        "correct them",
    ] {
        assert_eq!(taint.text(text), text);
    }
}

#[test]
fn looking_for_disguises_is_linear() {
    let taint = Taint::new(["aaaaaaaaaaaaaaaa1".to_owned(), "a a a a a a a a".to_owned()]);
    // Without a bound this would take minutes.
    for unit in ["a", "a ", "A-", "1a"] {
        let long = unit.repeat(400_000 / unit.len());
        assert!(taint.text(&long).len() <= long.len() + 400_000);
    }
}
