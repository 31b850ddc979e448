//! Secrets by name in text: `key=value`, headers, URL queries, flags.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::entropy;
use super::keys::{Name, judge};
use super::marks::STEMS;
use super::mask::{Masker, is_mask};
use super::shapes::is_placeholder;

/// A name, what joins it to its value, and the value: quoted, or up to white space or a separator.
/// Between them there may be a type (`password: str = ..`), a bracket (`env["X"] = ..`), or a comma
/// (`define("X", ..)`).
const PAIR: &str = concat!(
    r#"(?P<name>(?:--?)?[A-Za-z\u{FF21}-\u{FF5A}][A-Za-z0-9_.\u{FF10}-\u{FF5A}-]{1,63})"#,
    r#"(?P<join>\\?["'`]?[\])]?(?:[ \t]*:[ \t]*[A-Za-z&?][A-Za-z0-9_<>\[\]?&.]*[ \t]*=[ \t]*|[ \t]*(?:=>|:=|==|!=|\?=|[=:])[ \t]*|(?P<call>[ \t]*[,(][ \t]*)|(?P<is>[ \t]+is:?[ \t]+)|[ \t]+))"#,
    r#"(?P<scheme>(?i:bearer|basic|token|digest)[ \t]+)?"#,
    r#"(?:(?:[bBrRfFuUL@]{1,2})?\\?(?:"(?P<double>(?:[^"\\\r\n]|\\[^"\r\n])+)|'(?P<single>(?:[^'\\\r\n]|\\[^'\r\n])+)|`(?P<tick>[^`\r\n$]+))\\?["'`]|(?P<bare>[^\s"'`,;&<>(){}\[\]\\]+|\[redacted(?::[0-9a-f]{10})?\]))"#,
);

/// Secrets that stand in a place of their own, in the formats that have such places.
const PLACES: &str = concat!(
    r#"(?i)(?:\s|^)(?:-u|--user|--proxy-user)(?:[ =]|\s)\s*["']?[^\s:"']{1,80}:(?P<user>[^\s"'@]{2,})"#,
    r#"|\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]*?\s-p(?P<mysql>[^\s"'-]\S*)"#,
    r#"|\bsshpass\s+-p\s*["']?(?P<ssh>[^\s"']+)|\bredis-cli\b[^\r\n]*?\s-a\s+["']?(?P<redis>[^\s"']+)"#,
    r#"|\b(?:docker|podman|helm)\s+[^\r\n]*?login\b[^\r\n]*?\s-p\s+["']?(?P<docker>[^\s"']+)"#,
    r#"|\b(?:set-)?cookie\s*:\s*(?P<cookie>[^\r\n"']{3,})"#,
    r#"|\blogin\s+\S+\s+password\s+(?P<netrc>\S+)"#,
    r#"|<(?P<tag>[A-Za-z][A-Za-z0-9_.:-]{1,63})(?:\s[^<>]*)?>(?P<xml>[^<>\r\n]{1,512})</"#,
    r#"|\b(?:key|name|id|property)\s*[=:]\s*["'](?P<of>[A-Za-z][A-Za-z0-9_.:-]{1,63})["']\s*,?\s*["']?value["']?\s*[=:]\s*["'](?P<value>[^"'\r\n]{1,512})["']"#,
);

static IN_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests compile it")]
    // ASCII word boundaries: the fast engine has no others.
    Regex::new(&PLACES.replace(r"\b", r"(?-u:\b)"))
        .expect("the places are a valid regular expression")
});

static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests compile it")]
    Regex::new(&format!("^(?:{PAIR})")).expect("the pairs are a valid regular expression")
});

/// A quick look for names before the slow one at what follows them.
static STEM: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "literals: the tests compile them")]
    Regex::new(&format!("(?i:{}|[\u{FF21}-\u{FF5A}])", STEMS.join("|")))
        .expect("the stems are a valid regular expression")
});

pub(super) fn mask<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let text = match placed(text, masker) {
        Cow::Borrowed(text) => return paired(text, masker),
        Cow::Owned(text) => text,
    };
    Cow::Owned(paired(&text, masker).into_owned())
}

/// Masks what stands in a secret's place.
fn placed<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let may = |sign: &str| text.contains(sign);
    if !(may("-u")
        || may("-p")
        || may("-a ")
        || may("login")
        || may("ookie")
        || may("</")
        || may("alue"))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = IN_PLACE.captures_at(text, at) {
        let Some(whole) = found.get(0) else { break };
        let value = ["user", "cookie", "mysql", "ssh", "redis", "docker", "netrc", "xml", "value"]
            .iter()
            .find_map(|group| Some((*group, found.name(group)?)));
        let Some((group, value)) = value else { break };
        let named = |group| found.name(group).map_or("", |name| name.as_str());
        let secret = match group {
            "xml" => is_named(named("tag"), value.as_str()),
            "value" => is_named(named("of"), value.as_str()),
            _ => true,
        };
        // What is none may begin within what was taken for one.
        at = if secret { whole.end() } else { value.start().max(whole.start() + 1) };
        if secret && !is_mask(value.as_str()) && !is_placeholder(value.as_str()) {
            out.push_str(&text[copied..value.start()]);
            out.push_str(&masker.mask(value.as_str()));
            copied = value.end();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn is_named(name: &str, value: &str) -> bool {
    match judge(name) {
        Name::Secret => true,
        Name::Suspect => entropy::looks_secret(value),
        Name::Plain => false,
    }
}

/// Masks what is joined to a secret's name.
fn paired<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(stem) = STEM.find_at(text, at) {
        let start = name_start(text, at.min(stem.start()), stem.start());
        // What it is about is found by the fast engine, its parts by the slow one.
        let found = PAIRS.find(&text[start..]).and_then(|pair| PAIRS.captures(pair.as_str()));
        let Some((found, value)) = found.and_then(|found| {
            let value = value(&found)?.range();
            Some((found, start + value.start..start + value.end))
        }) else {
            at = stem.end();
            continue;
        };
        let join = found.name("join").map_or(stem.end(), |join| start + join.end());
        // A pair that is none may hide another one in what was taken for its value.
        at = join.max(stem.end());
        if is_secret(text, start, &found, value.clone()) {
            out.push_str(&text[copied..value.start]);
            out.push_str(&masker.mask(&text[value.clone()]));
            copied = value.end;
            at = value.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where the name begins that has a stem at `stem`; not before `from`.
fn name_start(text: &str, from: usize, stem: usize) -> usize {
    let in_name = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '.' | '-')
            || ('\u{FF10}'..='\u{FF5A}').contains(&c)
    };
    let before = &text[from..stem];
    let kept: usize =
        before.chars().rev().take(60).take_while(|c| in_name(*c)).map(char::len_utf8).sum();
    let start = stem - kept;
    // A name begins with a letter, or with the dashes of a flag.
    let name = &text[start..];
    let lead = name.find(|c: char| !matches!(c, '_' | '.') && !c.is_ascii_digit()).unwrap_or(0);
    let dashes = name[lead..].bytes().take_while(|b| *b == b'-').count();
    start + lead + dashes.saturating_sub(2)
}

fn value<'t>(found: &Captures<'t>) -> Option<regex::Match<'t>> {
    ["double", "single", "tick", "bare"].iter().find_map(|group| found.name(group))
}

fn is_secret(text: &str, start: usize, found: &Captures<'_>, at: Range<usize>) -> bool {
    let value = &text[at.clone()];
    let name = found.name("name").map_or("", |name| name.as_str());
    let join = found.name("join").map_or("", |join| join.as_str());
    let flag = name.starts_with("--");
    let key = name.trim_start_matches('-');
    if is_mask(value) || is_placeholder(value) {
        return false;
    }
    let quoted = found.name("bare").is_none();
    match judge(key) {
        Name::Secret => {}
        Name::Suspect if !join.trim().is_empty() && entropy::looks_secret(value) => {
            return quoted || !is_code(text, &at);
        }
        _ => return false,
    }
    if join.contains("!=") || join.contains("==") && !quoted {
        return false;
    }
    if found.name("is").is_some() {
        // `the PIN is 1234`, but `the token is expired`.
        return value.len() >= 4 && value.bytes().any(|byte| byte.is_ascii_digit());
    }
    if found.name("call").is_some() {
        // `define("DB_PASSWORD", "..")`, `setPassword("..")`: only what is in quotes is a value.
        return quoted && value.len() >= 6 && !value.contains(' ');
    }
    if found.name("scheme").is_some() || quoted {
        // `Authorization: Bearer ..`, or a value in quotes: `password "hunter2"` is still prose.
        return flag || !join.trim().is_empty();
    }
    let joined = join.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | ']' | ')')
    });
    match joined {
        // Only a flag has its value after a space: `--password hunter2`, but `the password is`.
        "" => flag && !value.starts_with('-'),
        // `password: the one you know` is prose; `password: hunter2` is not, nor is a whole line.
        ":" => {
            let coded = value.len() >= 6 && !value.bytes().all(|b| b.is_ascii_alphabetic());
            flag || (coded || value.len() >= 16 || is_a_line(text, start, &at))
                && !is_code(text, &at)
        }
        _ => value.len() >= 3 && !is_code(text, &at) && !is_argument(text, &at),
    }
}

/// Whether name and value are all there is on their line: a line of YAML, of an INI file, a header.
fn is_a_line(text: &str, start: usize, at: &Range<usize>) -> bool {
    let before = text[..start].rsplit('\n').next().unwrap_or_default();
    let after = text[at.end..].split('\n').next().unwrap_or_default().trim();
    let indent = before.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'"' | b'\''));
    let many = text.contains('\n') || before.starts_with(' ');
    many && indent && at.len() >= 4 && (after.is_empty() || after.starts_with('#'))
}

/// Whether what stands in a value's place is code that gets it: `os.environ[..]`, `get_password()`,
/// `config.password`.
fn is_code(text: &str, at: &Range<usize>) -> bool {
    let value = &text[at.clone()];
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let path =
        value.trim_start_matches('&').replace("::", ".").replace("->", ".").replace("?.", ".");
    let called = text[at.end..].starts_with(['(', '[']);
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    (called && path.split('.').all(word))
        || (path.contains('.') && path.split('.').all(word) && !digits)
        || path.starts_with("process.env")
        || path.starts_with("os.environ")
}

/// Whether a bare value is a name among arguments: `f(password=password, token=auth_token)`.
fn is_argument(text: &str, at: &Range<usize>) -> bool {
    let value = &text[at.clone()];
    let name = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    name && text[at.end..].starts_with([',', ')'])
}
