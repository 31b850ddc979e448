//! Kinds that public corpora and documentation showed to be missed, or to be masked wrongly, each
//! with invented values.

use super::*;

fn text(text: &str) -> String {
    Redactor::standard().text(text).into_owned()
}

#[test]
fn invariant_8_secrets_are_masked_whole_in_these_forms() {
    let issued = concat!(
        "ghs_",
        "20270101_eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJpc3MiOiI3NyIsInN1YiI6ImluX3NvbWVf",
        "cGxhY2UifQ.q7Zp1LxV9tRkB3mWc5YdHn8QfEo2UaJs"
    );
    for (before, secret, after) in [
        // Issuers' prefixes.
        ("", issued, ""),
        ("", "bedrock-api-key-x7Kq2mVt9ZpLw4RsBn8c", ""),
        ("use ", concat!("dckr_", "oat_q8Zk3RtW7yPv2LmX5dJs"), " here"),
        ("", concat!("mlsn.", "9f3a7c15e2b84d60917fa3c5e8b2d4069f3a7c15e2b84d60"), ""),
        // A cloud access key's secret, alone and with slashes.
        ("f('", "p4Tz/Yq9LmX2/vRk7Wc3BnHs5Jd8GfEa1UoZ6xQt", "')"),
        // Two halves joined by a colon.
        ("tableau\n", "Qm7ZxP2rLk9TwVn4Yc8HsA==:Jd5GfEa1UoZ6xQtBn3RkWv8MpYc2LhXs", "\n"),
        // A path that names the secret after it.
        ("GET /v2/check/token/", "MzQ1Njc4OTAxMjM0OtPq7vLx2kZmR9wB", " HTTP/1.1"),
        // A value that begins with a slash and is no path.
        ("secret_path = \"", "/k7PvLm2XtQz9RwBn4YcHs8JdGfEa1Uo5Zx3WqTr", "\""),
        // Equals signs in the middle, and at the beginning.
        ("relay_token: ", "k9v_2xw7=41tq8zr5mb0c", ""),
        ("relayToken==", "4kz9-81xv0pq7m3c2wt5r-", ""),
        // A user and a password for a host.
        ("export BUNDLE_GEMS__EXAMPLE__ORG=", "ann:0fdeadc0de", ""),
        // Manifests whose kind is spelled differently.
        ("kind: secret\ndata:\n  more: ", "Ym9iOnRyb21ib25l", "\n"),
        // Statements with other words that begin like a password's.
        (
            "ALTER USER 'a'@'b' IDENTIFIED WITH 'mysql_native_password' AS '",
            "*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B",
            "' REQUIRE NONE PASSWORD EXPIRE DEFAULT",
        ),
        ("IDENTIFIED BY ", "swordfish", ";"),
    ] {
        let given = format!("{before}{secret}{after}");
        assert_eq!(text(&given), format!("{before}{MASK}{after}"), "{given}");
    }
}

#[test]
fn prose_and_changes_are_shown() {
    for plain in [
        "Each record is identified by its number and by nothing else.",
        "The user may enter a password instead of the login name.",
        "The session, user, and password database are found there.",
        "tool: honor --ask-pass when loading a private key",
        "introduces --initialize-pin and --initialize-so-pin",
        "lib_set_client_credentials2: Added\nlib_cipher_add_auth: ADDED",
        "See SetSecret= and LoadSecret= above.",
        "`TlsSecretKey8`, `TlsVecKey16` and `raw_sign_ahead2`",
        "  * usb-limit-2-more_packets-to-1-GiB-CVE-2027-3527.patch",
        "sk-ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEEq7Zp1LxV9tRkB3mWc5YdHn8QfEoFAmZ0\nq7Zp1LxV9tRkB3mWc5YdHn8QfEo2UaJs\n=mIC1\n-----END PGP SIGNATURE-----",
    ] {
        assert_eq!(text(plain), plain);
    }
}

#[test]
fn identifiers_of_these_kinds_are_shown() {
    for plain in [
        "cs_live_b7Zp1LxV9tRkB3mWc5YdHn8QfEo2UaJsX4GvTq6KiNw0PyMz3RuFh",
        "auth0|65f1c0a9e83b7d2f4a6c8e01",
        "google-oauth2|a65f1c0a9e83b7d2f4a6",
        "public key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-x7Kq2m",
        "AAMkAGI2TG93AAA9tRkB3mWc5YdHn8QfEo2UaJsX4GvTq6KiNw0PyMz3RuFhAAA=",
        "PLx7Kq2mVt9ZpLw4RsBn8cYd3HfEo6UaJs",
        "chatcmpl-x7Kq2mVt9ZpLw4RsBn8cYd3HfEo6",
        "x-amz-id-2: x7Kq2mVt9ZpLw4RsBn8cYd3HfEo6UaJsX4GvTq6KiNw0PyMz3RuFh5Wq+Jd8GfEa1Uo=",
        // By chance, the check digits of these are valid for a card.
        "+4917123450018",
        "4006000000060",
        "gid://shop/Product/4222222222222",
        "4111222233334444551",
        "DE21 4539 1488 0343 6400 11",
    ] {
        assert_eq!(text(plain), plain);
    }
    assert_eq!(text("4111 2222 3333 4444 551"), MASK);
    // In the middle of a file any few letters may occur.
    let file = format!("{}/APBq7Zp1LxV9tRkB3mWc5YdHn8", "iVBORw0KGgoAAAANSUhEUgAAAAQ".repeat(3));
    assert!(issuer_tokens::find(&file, 0).is_none());
}
