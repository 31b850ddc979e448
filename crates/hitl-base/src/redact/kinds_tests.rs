//! Kinds of secrets and of harmless text, each with invented values.

use proptest::prelude::*;

use super::*;
use crate::json::parse_json;

/// A password that is not a word.
const PASSWORD: &str = "Tr0mbone9";
/// A random secret.
const DRAWN: &str = "q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9E";

fn text(text: &str) -> String {
    Redactor::standard().text(text).into_owned()
}

fn json(text: &str) -> String {
    Redactor::standard().json(&parse_json(text).unwrap()).to_text()
}

#[test]
fn invariant_8_options_of_one_letter_are_masked_where_the_program_is_known() {
    for command in [
        "ldapsearch -x -D cn=admin -w Tr0mbone9 -b dc=x",
        "smbclient //srv/share -U ann%Tr0mbone9",
        "zip -P Tr0mbone9 out.zip in",
        "sqlplus scott/Tr0mbone9@db",
        "openssl enc -aes-256-cbc -k Tr0mbone9 -in x",
        "htpasswd -b .htpasswd ann Tr0mbone9",
        "mosquitto_pub -u ann -P Tr0mbone9 -t x",
        "xfreerdp /u:ann /p:Tr0mbone9 /v:host",
        "lftp -u ann,Tr0mbone9 host",
        "cqlsh -u ann -p Tr0mbone9 host",
    ] {
        let clean = text(command);
        assert!(!clean.contains(PASSWORD), "{clean}");
        assert_eq!(clean, command.replace(PASSWORD, MASK));
    }
    assert_eq!(
        json(r#"{"argv":["ldapsearch","-w","Tr0mbone9"],"b":["mysql","-pTr0mbone9","-u","x"]}"#),
        r#"{"argv":["ldapsearch","-w","[redacted]"],"b":["mysql","-p[redacted]","-u","x"]}"#
    );
    for other in ["cp -p Tr0mbone9 x", "tar -P Tr0mbone9", "ls -w Tr0mbone9", "mkdir -p a/b/c"] {
        assert_eq!(text(other), other);
    }
}

#[test]
fn invariant_8_sql_and_defaults_in_code_are_masked() {
    for code in [
        "CREATE ROLE app WITH LOGIN PASSWORD Tr0mbone9;",
        "ALTER USER ann IDENTIFIED BY Tr0mbone9;",
        "create user 'a'@'%' identified with caching_sha2_password by 'Tr0mbone9';",
        "x = os.environ.get('API_TOKEN') or 'Tr0mbone9'",
        "process.env.DB_PASSWORD || 'Tr0mbone9'",
        "os.getenv('DB_PASSWORD', 'Tr0mbone9')",
        "SECRET := getenv(\"X\", \"Tr0mbone9\")",
    ] {
        assert!(!text(code).contains(PASSWORD), "{}", text(code));
    }
}

#[test]
fn invariant_8_pairs_are_found_in_the_encodings_of_html_urls_and_base64() {
    for (encoded, left) in [
        ("a=1%26password%3DTr0mbone9%26b=2", "a=1%26password%3D[redacted]%26b=2"),
        (
            "&quot;password&quot;: &quot;Tr0mb&amp;one9&quot;, x",
            "&quot;password&quot;: &quot;[redacted]&quot;, x",
        ),
        ("x cGFzc3dvcmQ9VHIwbWJvbmU5OSZ4PTE= y", "x [redacted] y"),
        ("x YW5uOlRyMG1ib25lOTkhIQ== y", "x [redacted] y"),
    ] {
        assert_eq!(text(encoded), left);
    }
}

#[test]
fn invariant_8_codes_numbers_bytes_and_phrases_are_masked() {
    for (given, left) in [
        ("pin: 4711", "pin: [redacted]"),
        ("Your verification code is 482913.", "Your verification code is [redacted]."),
        ("OTP 593021 expires", "OTP [redacted] expires"),
        ("ssn 219-09-9999, ok", "ssn [redacted], ok"),
        ("call 219-09-9999", "call [redacted]"),
        ("card number 4111 1111 1111 1111", "card number [redacted]"),
        (
            "secretKey := []byte{12, 240, 33, 9, 77, 120, 4, 65, 200, 1};",
            "secretKey := []byte{[redacted]};",
        ),
        (
            "seed phrase: ladder window fossil garden pepper ribbon tunnel oyster violet napkin copper meadow",
            "seed phrase: [redacted]",
        ),
    ] {
        assert_eq!(text(given), left);
    }
    assert_eq!(json(r#"{"aes_key":[12,240,33,9,77,120,4,65]}"#), r#"{"aes_key":"[redacted]"}"#);
    for other in [
        "zip code: 90210, country code 49, area code 415",
        "Please use code SAVE2024 at the checkout",
        "The order number is 12345678, code 2024.",
        "000-12-3456 and 2024-05-22",
    ] {
        assert_eq!(text(other), other);
    }
}

#[test]
fn invariant_8_structures_that_name_their_values_are_masked() {
    for (given, left) in [
        (
            r#"{"label":"API token","value":"trombone"}"#,
            r#"{"label":"API token","value":"[redacted]"}"#,
        ),
        (r#"{"k":"db_password","v":"trombone"}"#, r#"{"k":"db_password","v":"[redacted]"}"#),
        (
            r#"{"l":["-----BEGIN RSA PRIVATE KEY-----","MIIEabc","-----END RSA PRIVATE KEY-----","after"]}"#,
            r#"{"l":["[redacted]","[redacted]","[redacted]","after"]}"#,
        ),
        (
            r#"{"SERVICE_KEY":"3f2a8c14-77d1-4b9e-9a3e-5d0c6b7f1e22","order_id":"3f2a8c14-77d1-4b9e-9a3e-5d0c6b7f1e22"}"#,
            r#"{"SERVICE_KEY":"[redacted]","order_id":"3f2a8c14-77d1-4b9e-9a3e-5d0c6b7f1e22"}"#,
        ),
    ] {
        assert_eq!(json(given), left);
    }
    assert!(!json(&format!(r#"{{"keys":{{"{DRAWN}":"ann"}}}}"#)).contains(DRAWN));
    assert_eq!(
        text("c = AcmeClient('3f2a8c14-77d1-4b9e-9a3e-5d0c6b7f1e22')"),
        "c = AcmeClient('[redacted]')"
    );
}

#[test]
fn invariant_8_what_is_said_to_be_public_does_not_hide_a_known_mark() {
    let token = concat!("gh", "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    assert_eq!(
        json(&format!(r#"{{"public_token":"{token}"}}"#)),
        r#"{"public_token":"[redacted]"}"#
    );
    assert_eq!(json(&format!(r#"{{"file_id":"{token}"}}"#)), r#"{"file_id":"[redacted]"}"#);
    let plain = format!(r#"{{"public_key":"{DRAWN}","file_id":"{DRAWN}"}}"#);
    assert_eq!(json(&plain), plain);
}

#[test]
fn invariant_8_names_in_other_languages_and_with_look_alikes_are_secrets() {
    for name in [
        "p\u{430}ssword",
        "hasło",
        "şifre",
        "密碼",
        "секретный_ключ",
        "motDePasse",
        "mot de passe",
        "Contraseña",
        "wachtwoord_db",
        "heslo",
        "암호",
        "passwörd",
    ] {
        assert!(is_secret_key(name), "{name}");
    }
    for given in
        ["contraseña: Tr0mbone9", "hasło: Tr0mbone9", "пароль: Tr0mbone9", "Şifre = Tr0mbone9"]
    {
        assert!(!text(given).contains(PASSWORD), "{}", text(given));
    }
    for name in ["öffentlich", "größe", "名前", "имя", "адрес"] {
        assert!(!is_secret_key(name), "{name}");
    }
}

#[test]
fn identifiers_are_shown() {
    for id in [
        "0x0DC9B8dC2596758B0541DeCc0f152BEbaFf1A9AE",
        "rDz7vTqKc2nYb5WmE8hJxLp4sGfQaU9eNt",
        "cosmos1q9wzv5k7ryx2s8d3jfh4nmce6tgu0lap2q9wz",
        "https://drive.google.com/file/d/1a2B3c4D5e6F7g8H9i0J-kLmNoPqRsTuV/view",
        "https://a.example/?ttclid=E.C.P.q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Eq3Zk8RtW1yPv7LmX",
        "https://a.example/?fbclid=IwARq3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Eq3Zk8RtW1yPv7LmX",
        "VGhlIGN1c3RvbWVyIGFza3MgZm9yIGEgcmVmdW5kIG9mIHRoZSBzZWNvbmQgbGVn",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJq3Zk8RtW1yPv7LmX0dJs5HfGb2Nc",
    ] {
        assert_eq!(text(id), id);
        assert_eq!(json(&format!(r#"{{"to":"{id}"}}"#)), format!(r#"{{"to":"{id}"}}"#));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn prose_stays_readable(words in proptest::collection::vec(
        proptest::sample::select(&[
            "the", "customer", "asks", "for", "a", "refund", "of", "second", "leg", "because", "it", "was", "late",
            "please", "book", "two", "seats", "on", "Monday", "at", "10:30", "number", "12", "code", "SAVE10",
            "secure", "access", "is", "required", "keyboard", "authors", "pinned", "tokens", "and", "session",
            "passengers", "string", "login", "page", "key", "point", "we", "sign", "off", "by", "2024-05-22", "words",
        ][..]), 1..24),
        mark in "[.,;!?]",
    ) {
        let prose = words.join(" ") + &mark;
        prop_assert_eq!(text(&prose), prose);
    }
}

#[test]
fn invariant_8_a_code_beside_its_name_is_masked_in_a_short_text_too() {
    for (short, clean) in [
        ("pin-4711", "pin-[redacted]"),
        ("PIN--4711", "PIN--[redacted]"),
        ("a-otp-4711", "a-otp-[redacted]"),
        ("cvv2-4711", "cvv2-[redacted]"),
        ("C-1042", "C-1042"),
        ("pin.4711", "pin.4711"),
    ] {
        assert_eq!(text(short), clean);
        let call = format!(r#"{{"note":"{short}"}}"#);
        assert_eq!(Redactor::standard().has_nothing_in(&call), short == clean, "{short}");
    }
}

#[test]
fn invariant_8_drawn_keys_are_masked_and_hide_nothing_beside_them() {
    let drawn = "kJ8s0fPq2LmX9vTz4RwB";
    assert_eq!(
        json(&format!(r#"{{"api":{{"{drawn}":1,"name":"DB_PASSWORD","value":"hunter2"}}}}"#)),
        r#"{"api":{"[redacted]":1,"name":"DB_PASSWORD","value":"[redacted]"}}"#
    );
    assert_eq!(
        json(&format!(r#"{{"api":{{"{drawn}":1,"kind":"Secret","data":{{"x":"hunter2"}}}}}}"#)),
        r#"{"api":{"[redacted]":1,"kind":"Secret","data":{"x":"[redacted]"}}}"#
    );
    assert_eq!(
        json(&format!(r#"{{"api":{{"{drawn}":1,"password=hunter2":2}}}}"#)),
        r#"{"api":{"[redacted]":1,"password=[redacted]":"[redacted]"}}"#
    );
    assert_eq!(
        json(&format!(r#"{{"kind":"Secret","data":{{"{drawn}":"x","user":{{"{drawn}":"y"}}}}}}"#)),
        r#"{"kind":"Secret","data":{"[redacted]":"[redacted]","user":{"[redacted]":"[redacted]"}}}"#
    );
    let card = |text: &str| {
        let marked = Redactor::standard().redact_with_places(&parse_json(text).unwrap()).unwrap();
        marked.tree.to_text()
    };
    assert_eq!(
        card(&format!(r#"{{"password":{{"{drawn}":1,"by":[{{"{drawn}":true}}]}}}}"#)),
        r#"{"password":{"[redacted]":"[redacted]","by":[{"[redacted]":true}]}}"#
    );
}

#[test]
fn invariant_8_a_value_in_encoded_quotes_is_masked_to_its_quote() {
    let long = format!("{} & 100 %", "Tr0mbone9 is it ".repeat(100));
    for quote in ["&quot;", "&apos;", "&#34;", "&#39;", "%22", "%27"] {
        assert_eq!(
            text(&format!("pin={quote}a b{quote} x")),
            format!("pin={quote}[redacted]{quote} x")
        );
        let clean = text(&format!("password={quote}{long}{quote} x"));
        assert_eq!(clean, format!("password={quote}[redacted]{quote} x"));
        // The quote does not close on its line.
        for end in ["\n", "\r\n", "<br>"] {
            let clean = text(&format!("password={quote}Tr0mbone9{end}x{quote}"));
            assert_eq!(clean, format!("password={quote}[redacted]{end}x{quote}"));
        }
        assert_eq!(
            text(&format!("password={quote}Tr0mbone9 x")),
            format!("password={quote}[redacted] x")
        );
    }
}
