//! Secrets that stand in a place of their own, in the formats that have such places.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Match, Regex};

use super::keys::{Name, judge};
use super::mask::is_mask;
use super::pairs::Masked;
use super::placeholder::is_placeholder;
use super::wordy::is_name;
use super::{entropy, patterns};

const PLACES: &str = concat!(
    r#"(?i)(?:\s|^)(?:-u|--user|--proxy-user)(?:[ =]|\s)\s*["']?[^\s:"']*["']?:["']?(?P<user>[^\s"']{2,})"#,
    r#"|(?:\s|^)(?:-u|--user)(?:[ =]|\s)\s*["']?(?P<alone>[^\s:"']{8,}):["']?(?:\s|$)"#,
    r#"|\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]*?\s-p(?P<mysql>[^\s"'-]\S*)"#,
    r#"|\bsshpass\s+-p\s*["']?(?P<ssh>[^\s"']+)|\bredis-cli\b[^\r\n]*?\s-a\s+["']?(?P<redis>[^\s"']+)"#,
    r#"|\b(?:docker|podman|helm)\s+[^\r\n]*?login\b[^\r\n]*?\s-p\s+["']?(?P<docker>[^\s"']+)"#,
    r#"|\b(?:set-)?cookie\s*:\s*(?P<cookie>[^\s"'=;]+=[^\r\n"']{3,})"#,
    r#"|\blogin\s+\S+\s+password\s+(?P<netrc>\S+)"#,
    r#"|\bidentified\s+by\s+(?:password\s+)?\\?["'](?P<sql>[^"'\r\n\\]+)"#,
    r#"|\bpasswor[dt]\s+for\s+(?:user\s+)?[^\s:=]+\s*[:=]\s*["']?(?P<whose>[^\s"']{4,})"#,
    r#"|\bConvertTo-SecureString\s+(?:-String\s+)?\\?["'](?P<shell>[^"'\r\n\\]+)"#,
    r#"|\bpsexec(?:64)?(?:\.exe)?\b[^\r\n]*?\s-p\s+["']?(?P<psexec>[^\s"']+)"#,
    r#"|\bNetworkCredential\s*\(\s*"[^"]*"\s*,\s*"(?P<net>[^"\r\n]+)""#,
    r#"|\bDirectoryEntry\s*\(\s*"[^"]*"\s*,\s*"[^"]*"\s*,\s*"(?P<entrance>[^"\r\n]+)""#,
    r#"|["'`](?P<literal>[^"'`\r\n]+)["'`]\s*[!=]==?\s*(?P<than>[A-Za-z][A-Za-z0-9_.]*)"#,
    r#"|<(?:key|name)>\s*(?P<entry>[A-Za-z][A-Za-z0-9_.:-]*)\s*</(?:key|name)>\s*<(?:string|value)>\s*(?P<text>[^<>\r\n]+?)\s*</"#,
    r#"|<(?P<tag>[A-Za-z][A-Za-z0-9_.:-]*)(?:\s[^<>]*)?>\s*(?P<xml>[^<>\r\n]+?)\s*</"#,
    r#"|\b(?:key|name|id|property|variable|field)["']?\s*[=:]\s*["'](?P<of>[A-Za-z][A-Za-z0-9_.:-]*)["']\s*,?\s*["']?value["']?\s*[=:]\s*["'](?P<value>[^"'\r\n]+)["']"#,
);

static IN_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests compile it")]
    // ASCII word boundaries: the fast engine has no others.
    patterns::compile(&PLACES.replace(r"\b", r"(?-u:\b)"))
        .expect("the places are a valid regular expression")
});

/// Masks what stands in a secret's place.
pub(super) fn mask<'t>(text: &'t str, masked: &mut Masked<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = IN_PLACE.captures_at(text, at) {
        let Some(whole) = found.get(0) else { break };
        let Some((value, secret)) = value(&found) else { break };
        // What is none may begin within what was taken for one.
        at = if secret { whole.end() } else { value.start().max(whole.start() + 1) };
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if secret && !is_mask(value.as_str()) && !is_placeholder(value.as_str()) {
            out.push_str(&text[copied..value.start()]);
            out.push_str(&masked.mask(value.as_str()));
            copied = value.end();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// What was found in a place, and whether it is a secret.
fn value<'t>(found: &Captures<'t>) -> Option<(Match<'t>, bool)> {
    const SURE: &[&str] = &[
        "user", "cookie", "mysql", "ssh", "redis", "docker", "netrc", "sql", "whose", "shell",
        "psexec", "net", "entrance",
    ];
    const NAMED: &[(&str, &str)] =
        &[("tag", "xml"), ("entry", "text"), ("of", "value"), ("than", "literal")];
    if let Some(sure) = SURE.iter().find_map(|group| found.name(group)) {
        return Some((sure, true));
    }
    if let Some(alone) = found.name("alone") {
        return Some((alone, !is_name(alone.as_str())));
    }
    let (name, value) =
        NAMED.iter().find_map(|(name, value)| Some((found.name(name)?, found.name(value)?)))?;
    let secret = match judge(name.as_str()) {
        Name::Secret => true,
        Name::Suspect => entropy::looks_secret(value.as_str()),
        Name::Plain => false,
    };
    Some((value, secret))
}
