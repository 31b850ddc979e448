use proptest::prelude::*;

use super::*;
use crate::json::parse_json;

fn redacted(text: &str) -> String {
    Redactor::standard().json(&parse_json(text).unwrap()).to_text()
}

fn text(text: &str) -> String {
    Redactor::standard().text(text).into_owned()
}

#[test]
fn invariant_8_a_secret_key_hides_whatever_is_under_it() {
    assert_eq!(redacted(r#"{"a":{"password":{"x":[1,2]}}}"#), r#"{"a":{"password":"[redacted]"}}"#);
    assert_eq!(redacted(r#"{"pin":1234}"#), r#"{"pin":"[redacted]"}"#);
    assert_eq!(
        redacted(r#"{"token":null,"has_secret":true}"#),
        r#"{"token":null,"has_secret":true}"#
    );
}

#[test]
fn a_card_number_is_masked_as_text_and_as_number() {
    assert_eq!(
        redacted(r#"{"n":4111111111111111,"s":"card 4111 1111 1111 1111."}"#),
        r#"{"n":"[redacted]","s":"card [redacted]."}"#
    );
}

#[test]
fn invariant_8_json_inside_strings_is_looked_into() {
    let inner = r#"{"body":"{\"user\":\"ann\",\"apiKey\":\"abc\",\"deep\":\"[{\\\"pin\\\":\\\"77\\\"}]\"}"}"#;
    let clean = redacted(inner);
    assert!(!clean.contains("abc") && !clean.contains("77") && clean.contains("ann"), "{clean}");
    assert_eq!(
        redacted(r#"{"body":"{ \"a\" : 1 }"}"#),
        r#"{"body":"{ \"a\" : 1 }"}"#,
        "unchanged text stays"
    );
}

#[test]
fn invariant_8_names_count_in_text() {
    for (given, clean) in [
        ("password=hunter2", "password=[redacted]"),
        ("PASSWORD = \"correct horse\" ok", "PASSWORD = \"[redacted]\" ok"),
        ("db_password: hunter2, user: ann", "db_password: [redacted], user: ann"),
        ("curl --token abc123 --page 2", "curl --token [redacted] --page 2"),
        (
            "https://x.org/p?user=ann&access_token=t0k3n&page=2",
            "https://x.org/p?user=ann&access_token=[redacted]&page=2",
        ),
        ("X-Api-Key: 9f8e7d6c", "X-Api-Key: [redacted]"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("{'secret': 'abc', 'x': 1", "{'secret': '[redacted]', 'x': 1"),
        ("export AWS_SECRET_ACCESS_KEY=abcd/efgh+123", "export AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("Set-Cookie: sid=31d4d96e407aad42", "Set-Cookie: [redacted]"),
    ] {
        assert_eq!(text(given), clean);
    }
}

#[test]
fn prose_about_secrets_is_left_alone() {
    for prose in [
        "The password is wrong.",
        "Please reset my password and token: the page is broken",
        "author: Ann, token_count=12, max_tokens: 4096, keyboard=de",
        "Pin the tab. The key idea: simplicity. Session 12 starts at 10:30.",
        "primary_key=id&sort_key=name",
        "git show 4b825dc642cb6eb9a060e54bf8d69288fbee4904 src/main.rs:12",
        "id=0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11",
        "/usr/share/Projects/MyCompany2024/Frontend3/UserProfileHeader/index7",
        "thisIsAVeryLongCamelCaseFunctionNameWith2Numbers",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert_eq!(text(prose), prose);
    }
}

#[test]
fn tokens_are_masked_inside_text() {
    for secret in [
        concat!("sk", "-proj-abcdefghijklmnopqrstuvwx"),
        concat!("gh", "p_abcdefghijklmnopqrstuvwxyz0123456789"),
        concat!("AK", "IAIOSFODNN7EXAMPLE"),
        concat!("SG", ".ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"),
        concat!("glpat", "-AbCdEfGhIjKlMnOpQrSt"),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "Bearer abcdefghijkl",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Ee4To6KiQ",
    ] {
        assert_eq!(text(&format!("before {secret} after")), "before [redacted] after", "{secret}");
    }
    assert_eq!(text("postgres://app:hunter2@db/x"), "postgres://app:[redacted]@db/x");
}

#[test]
fn ordinary_values_stay() {
    for value in [
        "0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11",
        "/usr/share/doc/hitl/README.md",
        "credit_card_4421486",
        "+1 555 010 9999",
        "2024-05-20 10:11:12",
        "https://example.com/a:b@c",
        "task-skeleton",
        "1767323045678",
        "gift_card_8190333",
    ] {
        assert_eq!(text(value), value);
    }
}

#[test]
fn invariant_8_a_value_in_an_open_quote_is_masked_and_what_is_before_it_stays() {
    for (cut, clean) in [
        (r#"{"user":"ann","password":"Tr0mbone9"#, r#"{"user":"ann","password":"[redacted]"#),
        ("password = 'Tr0mbone9", "password = '[redacted]"),
        (r#"password=\"Tr0mbone9"#, r#"password=\"[redacted]"#),
        (r#"password = """Tr0mbone9"#, r#"password = """[redacted]"#),
    ] {
        assert_eq!(text(cut), clean);
    }
}

#[test]
fn invariant_8_a_word_that_ends_in_an_exclamation_mark_is_a_password() {
    let said = |value: &str| format!("log in with password: {value} and press enter");
    for password in ["Sunshine!", "correcthorse!"] {
        assert!(!text(&said(password)).contains(password), "{password}");
    }
    assert_eq!(text(&said("required")), said("required"));
}

#[test]
fn where_a_secret_is_kept_is_shown_unless_the_link_has_one() {
    let kept = |link: &str| format!(r#"password: "{link}""#);
    for link in ["https://vault.example/v1/db-7", "op://Team/db2/field", "https://v2.example/?a=1"]
    {
        assert_eq!(text(&kept(link)), kept(link));
    }
    for link in [
        "https://vault.example/v1/q3Zk8RtW1yPv7LmX0dJs",
        "https://ann:Tr0mbone9@vault.example/v1",
        "v2://vault.example/v1/db-7",
    ] {
        let masked = text(&kept(link));
        assert!(masked.contains("[redacted") && masked != kept(link), "{masked}");
    }
}

#[test]
fn equal_secrets_have_equal_marks_under_a_key_and_guessable_ones_have_none() {
    let redactor = Redactor::standard().with_key([7; 32]);
    let mark =
        |redactor: &Redactor, secret: &str| redactor.text(&format!("token={secret}")).into_owned();
    let (one, two) = ("s3cr3t-value-0001-abcdef", "s3cr3t-value-0002-abcdef");
    assert_eq!(mark(&redactor, one), mark(&redactor, one));
    assert_ne!(mark(&redactor, one), mark(&redactor, two));
    assert_ne!(mark(&redactor, one), mark(&Redactor::standard().with_key([8; 32]), one));
    assert!(mark(&redactor, one).starts_with("token=[redacted:"));
    assert_eq!(mark(&redactor, "1234"), "token=[redacted]");
    assert_eq!(redactor.text("card 4111 1111 1111 1111"), "card [redacted]");
}

#[test]
fn an_allow_list_shows_nothing_else() {
    let redactor = Redactor::standard().only(["to", "token"]);
    let tree = parse_json(r#"{"to":"ann","token":"abc","note":"x","n":[1]}"#).unwrap();
    assert_eq!(
        redactor.json(&tree).to_text(),
        r#"{"to":"ann","token":"[redacted]","note":"[redacted]","n":"[redacted]"}"#
    );
}

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        ".{0,12}",
        "[a-z_]{0,8}(password|token|api_key|pin)[=: ]{1,2}[\"']?[A-Za-z0-9/+]{0,12}[\"']?",
        Just("{\"a\":\"".to_owned()),
        Just("\"}".to_owned()),
        "[redacted]{0,12}(:[0-9a-f]{10})?\\]",
        "https://[a-z]{1,5}:[^ ]{1,8}@x/[?]token=[a-z0-9]{3,9}&",
        "[A-Za-z0-9+/]{30,60}=?",
        "[0-9 -]{12,24}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_is_passed_over_for_being_short_hides_nothing(
        text in prop_oneof!["[A-Za-z0-9._-]{0,10}", "(--?)?(pw|key|pass|pin|sk|api|eyJ)[-_.]?[A-Za-z0-9]{0,6}"],
    ) {
        prop_assume!(text.len() <= SHORT && !names_a_code(&text));
        prop_assert!(is_short(&text));
        let redactor = Redactor::standard();
        prop_assert!(matches!(redactor.once(&text), Cow::Borrowed(same) if same == text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn redacting_twice_changes_nothing(key in "[a-zA-Z_-]{1,16}", value in soup(), keyed: bool) {
        let redactor = if keyed { Redactor::standard().with_key([3; 32]) } else { Redactor::standard() };
        let tree = Json::Object(vec![(key, Json::String(value.clone()))]);
        let once = redactor.json(&tree);
        prop_assert_eq!(&redactor.json(&once), &once);
        prop_assert!(parse_json(&once.to_text()).is_ok());
        let text = redactor.text(&value).into_owned();
        prop_assert_eq!(redactor.text(&text).into_owned(), text);
    }

    /// A value under a secret's name is gone, whatever surrounds it.
    #[test]
    fn invariant_8_a_named_secret_never_survives(
        before in "[a-z ]{0,12}", after in "[a-z ]{0,12}", secret in "[A-Za-z0-9]{6}7[A-Za-z0-9]{6}",
    ) {
        for form in [
            format!("{before} password={secret} {after}"),
            format!("{before} api_key: \"{secret}\" {after}"),
            format!("{before} --token {secret} {after}"),
            format!("https://h/{before}?client_secret={secret}&x={after}"),
            format!("{{\"note\":\"{before}\",\"auth\":{{\"pin\":\"{secret}\"}}}}"),
        ] {
            let clean = text(&form);
            prop_assert!(before.contains(&secret) || !clean.contains(&secret), "{} -> {}", form, clean);
        }
    }
}

/// Returns a strategy for documents that hold secrets, and some that do not.
fn parts() -> impl Strategy<Value = String> + Clone {
    const NAMES: &[&str] = &[
        "password",
        "kenn-wort",
        "se_cret",
        "api key",
        "token_count",
        "note",
        "name",
        "value",
        "kind",
        "kty",
        "Secret",
        "data",
        "d",
        "customer",
        "X-Api-Key",
        "--token",
        "-u",
        "publicKey",
        "sortKey",
        "Authorization",
        "author",
        "[redacted]",
        "[1,2]",
        "{\"pin\":77}",
        " {} ",
        "hunter2",
        "q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Ee4To6KiQ",
        "4111111111111111",
        "password=hunter2",
        "a \"b\"",
        "The customer asks for a refund.",
        "2024-05-22",
    ];
    prop_oneof![
        8 => proptest::sample::select(NAMES).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9 =:_-]{0,14}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn invariant_8_a_text_that_has_nothing_is_a_tree_that_has_nothing(
        tree in crate::json::trees(parts()), keyed: bool,
    ) {
        let redactor = if keyed { Redactor::standard().with_key([3; 32]) } else { Redactor::standard() };
        let nothing = redactor.has_nothing_in(&tree.to_text());
        prop_assert!(!nothing || redactor.json_if_changed(&tree).is_none(), "{}", tree.to_text());
        prop_assert!(!redactor.only(["a"]).has_nothing_in(&tree.to_text()));
    }
}

#[test]
fn most_calls_have_nothing_to_hide_and_need_no_tree() {
    let redactor = Redactor::standard();
    for call in [
        "{}",
        r#"{"customer":"C-1042","limit":3,"note":"on the second leg"}"#,
        r#"{"flights":[{"date":"2024-05-22","number":"HAT271"}],"ids":["a","b"],"insured":false}"#,
    ] {
        assert!(redactor.has_nothing_in(call), "{call}");
    }
}

#[test]
fn invariant_8_a_value_on_a_line_of_its_own_ends_the_line() {
    for (given, clean) in [
        ("password:\n  hunter2\n", "password:\n  [redacted]\n"),
        ("password:\n  hunter2 # of staging\n", "password:\n  [redacted]\n"),
        ("password:\n  hunter2\t# of staging", "password:\n  [redacted]"),
        ("password:\n  hunter2 is what we use\n", "password:\n  hunter2 is what we use\n"),
    ] {
        assert_eq!(text(given), clean);
    }
}
