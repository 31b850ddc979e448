//! The text of a file of tokens. Pure.

use std::fmt::Write as _;

use hitl_console::{Reviewer, TokenHash};
use hitl_core::Principal;
use serde::Deserialize;

/// The beginning of a new file.
const HEAD: &str = "# The reviewers of `hitl console`, and the hashes of their tokens. A block that is removed ends its token.\n";

/// The text of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    #[serde(default)]
    token: Vec<Entry>,
}

/// A token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tenant: Option<String>,
    sha256: String,
}

/// Parses a file. The error says which entry is wrong, and quotes no hash.
pub(super) fn parse(text: &str) -> Result<Vec<(TokenHash, Reviewer)>, String> {
    // The library's message would quote the line.
    let file: TokenFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let entries = file.token.into_iter().enumerate();
    entries
        .map(|(at, entry)| {
            let number = at + 1;
            let hash = entry.sha256.parse().map_err(|error| format!("token {number}: {error}"))?;
            check_names(&entry.name, &entry.roles, entry.tenant.as_deref())
                .map_err(|why| format!("token {number}: {why}"))?;
            Ok((hash, reviewer(&entry.name, &entry.roles, entry.tenant.as_deref())))
        })
        .collect()
}

/// Returns the reviewer of these names.
fn reviewer(name: &str, roles: &[String], tenant: Option<&str>) -> Reviewer {
    let reviewer = Reviewer::new(Principal::new(name));
    let reviewer = tenant.into_iter().fold(reviewer, Reviewer::of_tenant);
    roles.iter().fold(reviewer, |reviewer, role| reviewer.role(role.as_str()))
}

/// Refuses names in which nothing can be seen, or something that cannot.
pub(super) fn check_names(
    name: &str,
    roles: &[String],
    tenant: Option<&str>,
) -> Result<(), &'static str> {
    let names = [name].into_iter().chain(roles.iter().map(String::as_str)).chain(tenant);
    for text in names {
        if text.trim().is_empty() || text != text.trim() || text.chars().any(char::is_control) {
            return Err("names, roles and tenants are not empty, and have no control characters");
        }
    }
    Ok(())
}

/// Returns the text of a file with one more token.
pub(super) fn with_token(
    text: &str,
    name: &str,
    roles: &[String],
    tenant: Option<&str>,
    hash: TokenHash,
) -> String {
    let mut out = if text.is_empty() { HEAD.to_owned() } else { text.to_owned() };
    if !out.ends_with('\n') {
        out.push('\n');
    }
    // Writing to a String cannot fail. Without control characters, a string of JSON is one of TOML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    out.push_str("\n[[token]]\nname = ");
    out.push_str(&quoted(name));
    if !roles.is_empty() {
        let roles: Vec<_> = roles.iter().map(|role| quoted(role)).collect();
        let _ = write!(out, "\nroles = [{}]", roles.join(", "));
    }
    if let Some(tenant) = tenant {
        let _ = write!(out, "\ntenant = {}", quoted(tenant));
    }
    let _ = writeln!(out, "\nsha256 = \"{hash}\"");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_console::Token;
    use proptest::prelude::*;

    #[test]
    fn invariant_8_a_file_holds_hashes_and_its_errors_quote_none() {
        let token = Token::generate().unwrap();
        let text = with_token("", "ann", &["reviewer".to_owned()], Some("acme"), token.hash());
        assert!(!text.contains(token.reveal()));
        let hash = token.hash().to_string();
        for wrong in [
            text.replace("sha256", "sha-256"),
            text.replace(&hash, &hash[1..]),
            text.replace("[[token]]", "[[tokens]]"),
            text.replace("\"ann\"", "\" \""),
            text.replace("sha256 = \"", "sha256 = "),
            format!("{text}\nsha256 = \"{hash}\""),
            text.replace("roles = [\"reviewer\"]", "roles = \"reviewer\""),
        ] {
            let why = parse(&wrong).expect_err(&wrong);
            assert!(!why.contains(&hash[..8]), "{why}");
        }
    }

    /// Names of every printable character of ASCII, and some beyond.
    const NAMES: &str = "[!-~é😀]([ -~é😀]{0,18}[!-~é😀])?";

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            names in proptest::collection::vec(NAMES, 1..4),
            roles in proptest::collection::vec(NAMES, 0..3),
            tenant in proptest::option::of(NAMES),
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for name in &names {
                prop_assert_eq!(check_names(name, &roles, tenant.as_deref()), Ok(()));
                let hash = Token::from_secret(name.as_str()).hash();
                text = with_token(&text, name, &roles, tenant.as_deref(), hash);
                expected.push((hash, reviewer(name, &roles, tenant.as_deref())));
            }
            prop_assert_eq!(parse(&text), Ok(expected));
        }
    }

    #[test]
    fn invariant_9_a_name_is_as_it_looks() {
        for wrong in ["", " ", " ann", "ann\n", "a\u{7f}b", "a\0b"] {
            assert!(check_names(wrong, &[], None).is_err(), "{wrong:?}");
            assert!(check_names("ann", &[wrong.to_owned()], None).is_err(), "{wrong:?}");
            assert!(check_names("ann", &[], Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
