//! Secrets that stand in a place of their own, in the formats that have such places.

use std::borrow::Cow;
use std::ops::Range;

use super::keys::{Name, judge};
use super::mask::is_mask;
use super::pairs::Masked;
use super::patterns::{Found, Pattern, ceil};
use super::placeholder::is_placeholder;
use super::wordy::is_name;
use super::{entropy, patterns};

const PLACES: &[(&str, &str)] = &[
    (
        "user of curl",
        r#"(?:\s|^)(?:-u|--user|--proxy-user)(?:[ =]|\s)\s*["']?[^\s:"']*["']?:["']?(?P<user>[^\s"']{2,})"#,
    ),
    (
        "user alone",
        r#"(?:\s|^)(?:-u|--user)(?:[ =]|\s)\s*["']?(?P<alone>[^\s:"']{8,}):["']?(?:\s|$)"#,
    ),
    ("mysql", r#"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]*?\s-p(?P<mysql>[^\s"'-]\S*)"#),
    (
        "sshpass and redis",
        r#"\bsshpass\s+-p\s*["']?(?P<ssh>[^\s"']+)|\bredis-cli\b[^\r\n]*?\s-a\s+["']?(?P<redis>[^\s"']+)"#,
    ),
    (
        "docker",
        r#"\b(?:docker|podman|helm)\s+[^\r\n]*?login\b[^\r\n]*?\s-p\s+["']?(?P<docker>[^\s"']+)"#,
    ),
    ("cookie", r#"\b(?:set-)?cookie\s*:\s*(?P<cookie>[^\s"'=;]+=[^\r\n"']{3,})"#),
    ("netrc", r#"\blogin\s+\S+\s+password\s+(?P<netrc>\S+)"#),
    ("SQL", r#"\bidentified\s+by\s+(?:password\s+)?\\?["'](?P<sql>[^"'\r\n\\]+)"#),
    (
        "whose password",
        r#"\bpasswor[dt]\s+for\s+(?:user\s+)?[^\s:=]+\s*[:=]\s*["']?(?P<whose>[^\s"']{4,})"#,
    ),
    ("SecureString", r#"\bConvertTo-SecureString\s+(?:-String\s+)?\\?["'](?P<shell>[^"'\r\n\\]+)"#),
    ("psexec", r#"\bpsexec(?:64)?(?:\.exe)?\b[^\r\n]*?\s-p\s+["']?(?P<psexec>[^\s"']+)"#),
    ("NetworkCredential", r#"\bNetworkCredential\s*\(\s*"[^"]*"\s*,\s*"(?P<net>[^"\r\n]+)""#),
    (
        "DirectoryEntry",
        r#"\bDirectoryEntry\s*\(\s*"[^"]*"\s*,\s*"[^"]*"\s*,\s*"(?P<entrance>[^"\r\n]+)""#,
    ),
    (
        "comparison",
        r#"["'`](?P<literal>[^"'`\r\n]+)["'`]\s*[!=]==?\s*(?P<than>[A-Za-z][A-Za-z0-9_.]*)"#,
    ),
    (
        "entry of XML",
        r#"<(?:key|name)>\s*(?P<entry>[A-Za-z][A-Za-z0-9_.:-]*)\s*</(?:key|name)>\s*<(?:string|value)>\s*(?P<text>[^<>\r\n]+?)\s*</"#,
    ),
    ("element of XML", r#"<(?P<tag>[A-Za-z][A-Za-z0-9_.:-]*)(?:\s[^<>]*)?>\s*(?P<xml>[^<>\s])"#),
    (
        "name and value",
        r#"\b(?:key|name|id|property|variable|field)["']?\s*[=:]\s*["'](?P<of>[A-Za-z][A-Za-z0-9_.:-]*)["']\s*,?\s*["']?value["']?\s*[=:]\s*["'](?P<value>[^"'\r\n]+)["']"#,
    ),
];

/// The places.
pub(super) static PLACE: Pattern = Pattern::anywhere(|| patterns::folded(PLACES));

/// Masks what stands in a secret's place.
pub(super) fn mask<'t>(text: &'t str, masked: &mut Masked<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = PLACE.find(text, at) {
        let Some(whole) = found.captures().get(0) else { break };
        let Some((value, secret)) = value(text, &found) else { break };
        // What is none may begin within what was taken for one.
        at = ceil(text, if secret { whole.end() } else { value.start.max(whole.start() + 1) });
        if secret {
            let value = value.start..end_of(text, &found, value.end);
            let secret = &text[value.clone()];
            at = at.max(value.end);
            if !is_mask(secret) && !is_placeholder(secret) {
                out.push_str(&text[copied..value.start]);
                out.push_str(&masked.mask(secret));
                copied = value.end;
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where a value ends that ends at `end` of what was searched: it may go on.
fn end_of(text: &str, found: &Found<'_>, end: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let rest = &text[end..];
    if found.is_cut(end) { end + rest.find(ends).unwrap_or(rest.len()) } else { end }
}

/// Where an element's text ends that begins here; nothing when another begins in it.
fn element_end(text: &str, from: usize) -> Option<usize> {
    let end = from + text[from..].find(['<', '>', '\r', '\n'])?;
    let after = text[end..].trim_start();
    after.starts_with("</").then(|| from + text[from..end].trim_end().len())
}

/// What was found in a place, and whether it is a secret.
fn value(text: &str, found: &Found<'_>) -> Option<(Range<usize>, bool)> {
    const SURE: &[&str] = &[
        "user", "cookie", "mysql", "ssh", "redis", "docker", "netrc", "sql", "whose", "shell",
        "psexec", "net", "entrance",
    ];
    const NAMED: &[(&str, &str)] =
        &[("tag", "xml"), ("entry", "text"), ("of", "value"), ("than", "literal")];
    let found = found.captures();
    if let Some(sure) = SURE.iter().find_map(|group| found.name(group)) {
        return Some((sure.range(), true));
    }
    if let Some(alone) = found.name("alone") {
        return Some((alone.range(), !is_name(alone.as_str())));
    }
    let named = |(name, value): &(&str, &str)| Some((found.name(name)?, found.name(value)?));
    let (name, value) = NAMED.iter().find_map(named)?;
    let mut range = value.range();
    let secret = match judge(name.as_str()) {
        Name::Plain => return Some((range, false)),
        secret => secret,
    };
    if found.name("xml").is_some() {
        let Some(end) = element_end(text, range.start) else { return Some((range, false)) };
        range.end = end;
    }
    let secret = secret == Name::Secret || entropy::looks_secret(&text[range.clone()]);
    Some((range, secret))
}
