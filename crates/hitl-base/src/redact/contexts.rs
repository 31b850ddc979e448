//! Secrets in fixed places, in the formats that have such places.

use std::borrow::Cow;
use std::ops::Range;

use super::forms::is_odd;
use super::mask::{NameMasker, is_mask};
use super::natural_text::is_name;
use super::patterns::{Found, Pattern, ceil};
use super::placeholder::is_placeholder;
use super::secret_names::{Name, judge, names_a_key};
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
    ("netrc", r"\blogin\s+\S+\s+password\s+(?P<netrc>\S+)"),
    ("SQL", r#"\bidentified\s+by\s+(?:password\s+)?\\?["'](?P<sql>[^"'\r\n\\]+)"#),
    (
        "whose password",
        r#"\bpasswor[dt]\s+for\s+(?:user\s+)?[^\s:=]+\s*[:=]\s*["']?(?P<whose>[^\s"']{4,})"#,
    ),
    (
        "SecureString",
        r#"\bConvertTo-SecureString\s+(?:-[A-Za-z]+\s+)*(?:\\?["'](?P<shell>[^"'\r\n\\]+)|(?P<bare_shell>[^\s"'$(-][^\s"']{3,}))"#,
    ),
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
        r"<(?:key|name)>\s*(?P<entry>[A-Za-z][A-Za-z0-9_.:-]*)\s*</(?:key|name)>\s*<(?:string|value)>\s*(?P<text>[^<>\r\n]+?)\s*</",
    ),
    (
        "attribute and content of XML",
        r#"<(?P<element>[A-Za-z][A-Za-z0-9_.:-]*)\s+(?:[a-z:]{1,16}="[^"<>]{0,64}"\s+)?(?:name|key|id)\s*=\s*["'](?P<attribute>[A-Za-z][A-Za-z0-9_.:-]*)["'][^<>]{0,128}>\s*(?P<content>[^<>\s][^<>\r\n]*?)\s*</"#,
    ),
    ("element of XML", r"<(?P<tag>[A-Za-z][A-Za-z0-9_.:-]*)(?:\s[^<>]*)?>\s*(?P<xml>[^<>\s])"),
    (
        "name and value",
        r#"\b(?:key|name|id|property|variable|field)["']?\s*[=:]\s*["'](?P<of>[A-Za-z][A-Za-z0-9_.:-]*)["']\s*,?\s*["']?value["']?\s*[=:]\s*["'](?P<value>[^"'\r\n]+)["']"#,
    ),
    (
        "name and value on two lines",
        r#"(?:\s|^)(?:-[ \t]+)?(?:name|key):[ \t]*["']?(?P<first_line>[A-Za-z][A-Za-z0-9_.-]*)["']?[ \t]*\r?\n[ \t]*value:[ \t]*["']?(?P<second_line>[^\s"'#{}\[\]&*|>][^\s"'#]*)"#,
    ),
    (
        "default of a declaration",
        r#"\bvariable\s+"(?P<declared>[A-Za-z_][A-Za-z0-9_-]*)"\s*\{[^{}]{0,600}?\bdefault\s*=\s*"(?P<preset>[^"\r\n]+)""#,
    ),
    (
        "variable of an image",
        r#"(?:\s|^)(?:env|arg)[ \t]+(?P<image>[A-Za-z_][A-Za-z0-9_]*)[ \t]+["']?(?P<variable_of>[^\s"'=]{4,})"#,
    ),
    (
        "login of a protocol",
        r#"\buser[ \t]+\S{1,64}\r?\n(?:[^\r\n]{1,128}\r?\n)?(?:[<>C:-]{1,3}[ \t]*)?pass[ \t]+(?P<mail>[^\s"']{4,})|\b[a-z][0-9]{1,6}[ \t]+login[ \t]+["']?[^\s"']{1,64}["']?[ \t]+["']?(?P<imap>[^\s"']{4,})|\bauth(?:enticate)?[ \t]+plain[ \t]+(?P<plain>[A-Za-z0-9+/]{12,}={0,2})"#,
    ),
    (
        "user and password of a driver",
        r#"\bjdbc:oracle:[a-z0-9]{1,8}:[^\s/@:"']{1,64}/(?P<driver>[^\s@/"']{2,})@"#,
    ),
    (
        "line of a password file",
        r"(?:\s|^)[A-Za-z0-9_.*-]{1,253}:(?:5432|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<file>[^\s:]{3,})",
    ),
    (
        "password in French",
        r#"\bmots? de passe\b["']?\s*(?:(?:est|:|=)\s*){1,2}["'«]?\s*(?P<french>[^\s"'»]{4,})"#,
    ),
    (
        "password of a program",
        r#"\b(?:psexec(?:64)?(?:\.exe)?|mongo(?:sh|dump|restore|export|import)?|cqlsh|rabbitmqadmin|oc|az|heroku|rdesktop|evil-winrm|cadaver|zip|unzip|7z|rar|unrar|mosquitto_(?:pub|sub)|sqlcmd|bcp|isql|tsql|ipmitool|influx|clickhouse-client|snowsql|vault|argocd|aria2c|ncftp(?:get|put)?|winexe|smbmap|crackmapexec|nxc|expect)\b[^\r\n|;]*?\s-[pP]\s*["']?(?P<program>[^\s"'-][^\s"']{2,})"#,
    ),
    (
        "password of a directory or a cipher",
        r#"\b(?:ldap(?:search|add|modify|delete|passwd|whoami|compare|modrdn)|etcdctl|htdigest|nmcli|security)\b[^\r\n|;]*?\s-w\s*["']?(?P<directory>[^\s"'-][^\s"']{2,})|\bopenssl\b[^\r\n|;]*?\s-(?:k\s+|pass(?:in|out)?\s+pass:)["']?(?P<cipher>[^\s"'-][^\s"']{2,})"#,
    ),
    (
        "user and password in one",
        r#"\b(?:smbclient|rpcclient|smbget|net|nmblookup|winexe|wmic)\b[^\r\n|;]*?\s-U\s*["']?[^\s"'%]+%(?P<share>[^\s"']{2,})|\b(?:sqlplus|rman|expdp|impdp|sqlldr)\s+(?:-\S+\s+)*["']?[A-Za-z][A-Za-z0-9_]*/["']?(?P<oracle>[^\s"'@]{2,})@?|\bhtpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+["']?(?P<htpasswd>[^\s"']+)|\blftp\s+[^\r\n]*?-u\s+["']?[^\s"',]+,(?P<lftp>[^\s"']+)|\s/(?:p|pass|password):(?P<windows>[^\s"'/]{3,})|\bhttps?\s+[^\r\n]*?-a\s+["']?[^\s"':]+:(?P<httpie>[^\s"']+)"#,
    ),
    (
        "SQL without quotes",
        r#"\bidentified\s+(?:(?:with\s+["'`]?[a-z0-9_]+["'`]?\s+)(?:by|as)|by)\s+(?:password\s+)?\\?["'`]?(?P<by>[^\s"'`;,)]{3,})|\b(?:user|role|login)\b[^;\r\n]{0,120}?\s(?:encrypted\s+)?password\s*=?\s*\\?["'`]?(?P<role>[^\s"'`;,)]{3,})"#,
    ),
    (
        "default of a variable",
        r#"(?:getenv|environ|\benv)\b[\w.:]*\s*[(\[.]\s*["']?(?P<variable>[A-Za-z_][A-Za-z0-9_]*)["']?\s*[)\]]?\s*(?:or|\|\||\?\?|\?:|,)\s*["'](?P<otherwise>[^"'\r\n]{3,})["']"#,
    ),
    (
        "default of what is named",
        r#"(?P<assigned>[A-Za-z_][A-Za-z0-9_.]*)\s*:?=\s*[\w.]*(?:getenv|environ|\benv)\b[\w.:]*\s*[(\[]\s*["'][A-Za-z0-9_]+["']\s*,\s*["'](?P<fallback>[^"'\r\n]{3,})["']"#,
    ),
    (
        "argument of a client",
        r#"\b[A-Za-z_.]*(?:client|api|sdk|connect|authenticate|login)[A-Za-z_]*\s*\(\s*["'](?P<argument>[A-Za-z0-9_-]{16,})["']"#,
    ),
    (
        "bytes",
        r#"(?P<bytes_of>[A-Za-z_][A-Za-z0-9_.-]*)["']?(?:\[[0-9A-Za-z_]*\])?\s*[:=]{0,2}\s*(?:new\s+)?(?:(?:\[\])?(?:byte|u8|uint8|uint8_t|bytes|bytearray|uint8array|byte\[\])(?:\[\])?\s*(?:\(\s*)?[\[{(]\s*(?P<bytes>(?:0x[0-9a-f]{1,2}|[0-9]{1,3})(?:\s*,\s*(?:0x[0-9a-f]{1,2}|[0-9]{1,3})){7,})|[\[{(]\s*(?P<hexes>0x[0-9a-f]{1,2}(?:\s*,\s*(?:0x[0-9a-f]{1,2}|[0-9]{1,3})){7,}))"#,
    ),
    ("part of a JWK", r#""kty"[^{}]*?"(?:d|k|p|q|dp|dq|qi)"\s*:\s*"(?P<jwk>[A-Za-z0-9_-]{16,})"#),
    (
        "words of a wallet",
        r#"\b(?:mnemonic|(?:seed|recovery|secret|backup|wallet)[ _-]?(?:phrase|words?|mnemonic)|seed)\b["']?\s*(?:(?:is|are|was)\b)?\s*[:=]?\s*["'\[(]*(?P<phrase>[a-z]{3,8}(?:["']?[ ,]+["']?[a-z]{3,8}){11,23})\b"#,
    ),
    (
        "code for once",
        r#"\b(?:(?:one[ -]?time|verification|security|confirmation|authenti(?:cation|fication)|authorization|login|sign-?in|access|activation|2fa|mfa|sms|unlock|door)[ _-]+(?:pass)?(?:code|pin)|otp|totp|tan|pin(?:[ _-]?code)?|passcode|cvv2?|cvc2?)\b["']?\s*(?:(?:is|was|:|=|-|#)\s*){0,2}["']?(?P<code>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3})\b|\b(?:cvv2?|cvc2?)\b\s*(?:is|:|=|#)?\s*(?P<check>[0-9]{3})\b|\b(?:ssn|social security(?: number)?)\b\s*(?:is|:|=|#)?\s*(?P<social>[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})\b"#,
    ),
];

/// The pattern of all places.
pub(super) static PLACE: Pattern = Pattern::anywhere(|| patterns::folded(PLACES));

/// Masks the values in places of secrets.
pub(super) fn mask<'t>(text: &'t str, masked: &mut NameMasker<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = PLACE.find(text, at) {
        let Some(whole) = found.captures().get(0) else { break };
        let Some((value, secret)) = value(text, &found) else {
            at = ceil(text, whole.start() + 1);
            continue;
        };
        // Another place may begin within the text that was taken for this one.
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

/// Returns the end of a value whose searched part ends at `end`: it may continue.
fn end_of(text: &str, found: &Found<'_>, end: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let rest = &text[end..];
    if found.is_cut(end) { end + rest.find(ends).unwrap_or(rest.len()) } else { end }
}

/// Returns the end of the element text that begins here; `None` if another element begins in it.
fn element_end(text: &str, from: usize) -> Option<usize> {
    let end = from + text[from..].find(['<', '>', '\r', '\n'])?;
    let after = text[end..].trim_start();
    after.starts_with("</").then(|| from + text[from..end].trim_end().len())
}

/// Groups whose match is always a secret.
const SURE: &[&str] = &[
    "user",
    "cookie",
    "mysql",
    "ssh",
    "redis",
    "docker",
    "netrc",
    "sql",
    "whose",
    "shell",
    "net",
    "entrance",
    "program",
    "directory",
    "cipher",
    "share",
    "oracle",
    "htpasswd",
    "lftp",
    "windows",
    "httpie",
    "phrase",
    "social",
    "jwk",
    "mail",
    "plain",
    "driver",
    "file",
];

/// Groups whose match is a secret if the name in the first group is a secret's.
const NAMED: &[(&str, &str)] = &[
    ("tag", "xml"),
    ("entry", "text"),
    ("of", "value"),
    ("than", "literal"),
    ("variable", "otherwise"),
    ("assigned", "fallback"),
    ("bytes_of", "bytes"),
    ("bytes_of", "hexes"),
    ("first_line", "second_line"),
    ("attribute", "content"),
    ("declared", "preset"),
    ("image", "variable_of"),
];

/// Returns the value found in a place, and whether it is a secret.
fn value(text: &str, found: &Found<'_>) -> Option<(Range<usize>, bool)> {
    let found = found.captures();
    if let Some(sure) = SURE.iter().find_map(|group| found.name(group)) {
        return Some((sure.range(), true));
    }
    if let Some(word) = found.name("by").or_else(|| found.name("role")) {
        let whole = found.get(0)?;
        let quoted = text[..word.start()].ends_with(['"', '\'', '`']);
        let sql = found.name("by").is_some() && whole.as_str().starts_with("IDENTIFIED");
        // `identified by its name`, `users forget the password often`: another place may begin in
        // the text that was taken for this one.
        return Some(if quoted || sql || is_odd(word.as_str()) {
            (word.range(), true)
        } else {
            (whole.start()..whole.start(), false)
        });
    }
    if let Some(code) = found.name("code").or_else(|| found.name("check")) {
        // A longer number is not a one-time code; its own shape decides.
        let after =
            text[code.end()..].strip_prefix([' ', '-', '.', ',']).unwrap_or(&text[code.end()..]);
        return Some((code.range(), !after.starts_with(|c: char| c.is_ascii_digit())));
    }
    if let Some(argument) = found.name("argument") {
        let drawn = entropy::is_uuid(argument.as_str()) || entropy::looks_secret(argument.as_str());
        return Some((argument.range(), drawn));
    }
    if let Some(alone) = found.name("alone") {
        return Some((alone.range(), !is_name(alone.as_str())));
    }
    if let Some(word) = found.name("bare_shell") {
        // A plain word after a command's name continues a sentence.
        let digit = word.as_str().bytes().any(|byte| byte.is_ascii_digit());
        return Some((word.range(), digit || !is_name(word.as_str())));
    }
    if let Some(word) = found.name("french").or_else(|| found.name("imap")) {
        return Some((word.range(), is_odd(word.as_str().trim_end_matches(['.', ',', ';', ':']))));
    }
    let named = |(name, value): &(&str, &str)| Some((found.name(name)?, found.name(value)?));
    let (name, value) = NAMED.iter().find_map(named)?;
    let mut range = value.range();
    // The element's name or its attribute may tell what the element contains.
    let element = found.name("element").map_or(Name::Plain, |element| judge(element.as_str()));
    let secret = match judge(name.as_str()) {
        Name::Plain if element == Name::Plain => return Some((range, false)),
        Name::Plain => element,
        secret => secret,
    };
    if found.name("xml").is_some() {
        let Some(end) = element_end(text, range.start) else { return Some((range, false)) };
        range.end = end;
    }
    let value = &text[range.clone()];
    let drawn = entropy::looks_secret(value)
        || entropy::is_uuid(value)
        || found.name("bytes").or_else(|| found.name("hexes")).is_some()
            && names_a_key(name.as_str());
    Some((range, secret == Name::Secret || drawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn every_group_of_the_places_is_known() {
        let own = [
            "by",
            "role",
            "code",
            "check",
            "argument",
            "alone",
            "bare_shell",
            "french",
            "imap",
            "element",
        ];
        for (place, source) in PLACES {
            for group in source.split("(?P<").skip(1).filter_map(|rest| rest.split('>').next()) {
                let named = NAMED.iter().any(|(name, value)| [*name, *value].contains(&group));
                assert!(named || SURE.contains(&group) || own.contains(&group), "{place}: {group}");
            }
        }
    }

    #[test]
    fn invariant_8_no_place_ends_the_search() {
        for (first, shown) in [
            ("ConvertTo-SecureString Hunter2pass", "ConvertTo-SecureString [redacted]"),
            ("ConvertTo-SecureString command", "ConvertTo-SecureString command"),
            (r#""kty": "oct", "k": "aaaabbbbccccddddeeee""#, r#""kty": "oct", "k": "[redacted]""#),
        ] {
            let text = format!("{first} ; mysql -u root -pS3cretPw1");
            let clean = Redactor::standard().text(&text).into_owned();
            assert_eq!(clean, format!("{shown} ; mysql -u root -p[redacted]"));
        }
    }
}
