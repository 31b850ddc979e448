//! Secrets in formats of files, commands and protocols that have a place for them.

use super::*;

fn text(text: &str) -> String {
    Redactor::standard().text(text).into_owned()
}

fn assert_masked(texts: &[&str]) {
    for given in texts {
        let clean = text(given);
        assert!(clean.contains(MASK) && !clean.contains("Tr0mbone9"), "{given:?} -> {clean:?}");
        assert_eq!(text(&clean), clean, "again");
    }
}

#[test]
fn invariant_8_values_on_another_line_than_their_names_are_masked() {
    assert_masked(&[
        "env:\n- name: DB_PASSWORD\n  value: Tr0mbone9\n- name: MODE\n  value: dark",
        "- key: api_token\r\n  value: 'Tr0mbone9'\r\n",
        "password:\n  Tr0mbone9\nuser: ann",
        "password: >-\n  first line 1\n  Tr0mbone9\n\nuser: ann",
        "secret: |\n    Tr0mbone9\n    and more of it\nuser: ann",
        "password = \"\"\"\nTr0mbone9\n\"\"\"",
        "variable \"db_password\" {\n  type = string\n  default = \"Tr0mbone9\"\n}",
        "FROM x\nENV DB_PASSWORD Tr0mbone9\nRUN y",
        "<string name=\"api_secret\">Tr0mbone9</string>",
        "<item type=\"text\" key='password' x='1'> Tr0mbone9 </item>",
    ]);
    assert_masked(&[
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  url: Tr0mbone9\n",
        "apiVersion: v1\nstringData:\n  a.txt: |\n    one Tr0mbone9\nkind: Secret\n",
        "items:\n- kind: Secret\n  stringData:\n    x: \"Tr0mbone9\"\n- kind: Service\n",
    ]);
    let manifest = "data:\n  db: QXtQ\n  mode: ZGFyaw==\nkind: KIND\nmetadata:\n  name: db";
    let clean = manifest.replace("QXtQ", MASK).replace("ZGFyaw==", MASK);
    assert_eq!(text(&manifest.replace("KIND", "Secret")), clean.replace("KIND", "Secret"));
    let other = manifest.replace("KIND", "ConfigMap") + "\n---\nkind: SecretStore\n";
    assert_eq!(text(&other), other);
    let clean = text("password: |\n  first 1\n  two 2\nuser: ann");
    assert_eq!(clean, "password: |\n  [redacted]\nuser: ann");
    for plain in [
        "env:\n- name: LOG_LEVEL\n  value: debug9",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: x",
        "password:\n  type: string\n  minLength: 12",
        "password:\n  - one of them",
        "variable \"region\" {\n  default = \"eu-central-1\"\n}",
        "ENV PATH /usr/local/bin",
        "<string name=\"title\">Tr0mbone9</string>",
    ] {
        assert_eq!(text(plain), plain);
    }
}

#[test]
fn invariant_8_a_string_in_parts_is_masked_in_all_of_them() {
    for (given, clean) in [
        ("\"password\" : \"Tr0m\" + \"bone9\"", "\"password\" : \"[redacted]\" + \"[redacted]\""),
        (
            "token = (\n  \"q3Zk8RtW1y\"\n  \"Pv7LmX0dJs\"\n)",
            "token = (\n  \"[redacted]\"\n  \"[redacted]\"\n)",
        ),
        (
            "$secret = 'Tr0m' . 'bo' . 'ne9';",
            "$secret = '[redacted]' . '[redacted]' . '[redacted]';",
        ),
        ("token = \"q3Zk8\" \\\n  \"RtW1y\"", "token = \"[redacted]\" \\\n  \"[redacted]\""),
        (r#"\"secret\": \"Tr0m\" + \"bone9\""#, r#"\"secret\": \"[redacted]\" + \"[redacted]\""#),
    ] {
        assert_eq!(text(given), clean);
    }
    for (given, clean) in [
        ("password=\"Tr0mbone9\", user=\"ann\"", "password=\"[redacted]\", user=\"ann\""),
        ("--password \"Tr0mbone9\" \"file\"", "--password \"[redacted]\" \"file\""),
        ("token = \"q3Zk8RtW1y\" + \" of a user\"", "token = \"[redacted]\" + \" of a user\""),
        ("password = (get_password())", "password = (get_password())"),
    ] {
        assert_eq!(text(given), clean);
    }
}

#[test]
fn invariant_8_logins_of_protocols_drivers_and_addresses_are_masked() {
    assert_masked(&[
        "USER ann\r\nPASS Tr0mbone9\r\nSTAT\r\n",
        "> USER ann\n< 331 go on\n> PASS Tr0mbone9\n",
        "a001 LOGIN ann Tr0mbone9\r\n",
        "jdbc:oracle:thin:ann/Tr0mbone9@db:1521/x",
        "db.example.org:5432:app:ann:Tr0mbone9",
        "*:*:*:ann:Tr0mbone9\n",
        "security add-generic-password -a ann -w Tr0mbone9",
        "Mot de passe : Tr0mbone9",
        "\u{D328}\u{C2A4}\u{C6CC}\u{B4DC}: Tr0mbone9",
        "the vault -> password -> Tr0mbone9qX4",
        "https://x.org/a;jsessionid=Tr0mbone9Q3ZK8R/b",
        "PHPSESSID=Tr0mbone9q3zk8rtw1ypv7lm",
    ]);
    for (given, clean) in [
        ("AUTH PLAIN AGFubgBUcjBtYm9uZTk=", "AUTH PLAIN [redacted]"),
        ("https://q3Zk8RtW1yPv7LmX0dJs@git.example/a", "https://[redacted]@git.example/a"),
        ("secret AIhq5Xyb1Gga9Q1 of", "secret [redacted] of"),
        ("x 70617373776f72643d5472306d626f6e6539 y", "x [redacted] y"),
        // Encoded twice.
        ("x Y0dGemMzZHZjbVE5VkhJd2JXSnZibVU1 y", "x [redacted] y"),
        (
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56w\n---- END SSH2 ENCRYPTED PRIVATE KEY ----.",
            "[redacted].",
        ),
        ("----BEGIN PRIVATE KEY----\nMIIE\n----END PRIVATE KEY----.", "[redacted]."),
    ] {
        assert_eq!(text(given), clean);
    }
    for plain in [
        "git clone https://deploy-of-the-website@git.example/a",
        "the users pass through the gate",
        "the login ann chose",
        "src/main.rs:5432:12:error:x",
        "---- BEGIN of the appendix ----",
        "a PUBLIC KEY and a PRIVATE KEY, BEGIN and END",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQAB\n---- END SSH2 PUBLIC KEY ----",
    ] {
        assert_eq!(text(plain), plain);
    }
}

#[test]
fn ids_of_versions_and_clicks_are_shown_beside_their_names() {
    let ids = ["WUkC2mBhHyOPVMGRbC02ymBrS8V4PYTF", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"];
    for id in ids {
        for plain in [
            format!("x-amz-version-id: {id}"),
            format!("https://b.s3.example/k?versionId={id}"),
            format!("version {id}"),
            format!("of object version {id} of the file"),
            format!("--version-id {id}"),
        ] {
            assert_eq!(text(&plain), plain);
        }
        let tree =
            crate::json::parse_json(&format!("{{\"version\":\"{id}\",\"VersionId\":\"{id}\"}}"));
        assert!(Redactor::standard().json_if_changed(&tree.unwrap()).is_none());
    }
    // Their digits form a valid card number.
    for plain in ["https://x.org/?yclid=6211222233334444557", "yclid: 6211222233334444557"] {
        assert_eq!(text(plain), plain);
    }
    let tree = crate::json::parse_json(r#"{"yclid":6211222233334444557}"#).unwrap();
    assert!(Redactor::standard().json_if_changed(&tree).is_none());
    let tree = crate::json::parse_json(r#"{"order":6211222233334444557}"#).unwrap();
    assert!(Redactor::standard().json_if_changed(&tree).is_some());
}
