//! Which key names are the names of secrets.

use super::marks;

/// How sure a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Whatever is under it is a secret.
    Secret,
    /// What is under it is a secret if it looks like one.
    Suspect,
    /// It says nothing.
    Plain,
}

/// A name that has one of these words anywhere is a secret's.
const ANYWHERE: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passwort",
    "pwd",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "authorization",
    "apikey",
    "apitoken",
    "privatekey",
    "secretkey",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "sessiontoken",
    "bearertoken",
    "bottoken",
    "idtoken",
    "clientsecret",
    "clienttoken",
    "connectionstring",
    "setcookie",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "sharedkey",
    "authkey",
    "accountkey",
    "storagekey",
    "subscriptionkey",
    "servicekey",
    "usertoken",
    "webhooksecret",
];

/// A name that *ends* in one of these is a secret's: `github_token` is, `token_count` is not.
const AT_THE_END: &[&[&str]] = &[
    &["token"],
    &["pin"],
    &["otp"],
    &["totp"],
    &["cvv"],
    &["cvc"],
    &["ssn"],
    &["cookie"],
    &["cookies"],
    &["jwt"],
    &["bearer"],
    &["mnemonic"],
    &["auth"],
    &["oauth"],
    &["pw"],
    &["psk"],
    &["cred"],
    &["creds"],
    &["passkey"],
    &["api", "key"],
    &["access", "key"],
    &["private", "key"],
    &["signing", "key"],
    &["encryption", "key"],
    &["ssh", "key"],
    &["master", "key"],
    &["auth", "key"],
    &["account", "key"],
    &["storage", "key"],
    &["shared", "key"],
    &["subscription", "key"],
    &["service", "key"],
    &["session", "id"],
    &["seed", "phrase"],
    &["card", "number"],
    &["pin", "code"],
    &["security", "code"],
    &["connection", "string"],
];

/// A name with one of these at its end may be a secret's: what is under it decides.
const MAYBE: &[&str] = &[
    "key",
    "keys",
    "salt",
    "sas",
    "sig",
    "signature",
    "hmac",
    "license",
    "access",
    "login",
    "sid",
    "webhook",
    "dsn",
    "tokens",
    "hash",
    "private",
    "auths",
    "seed",
    "serial",
    "client",
];

/// What a name is about when it ends in one of these: not the secret itself.
const ABOUT: &[&str] = &[
    "url",
    "uri",
    "name",
    "names",
    "type",
    "count",
    "length",
    "len",
    "policy",
    "hint",
    "field",
    "label",
    "reset",
    "enabled",
    "required",
    "expires",
    "expiry",
    "expiration",
    "at",
    "date",
    "ttl",
    "path",
    "file",
    "dir",
    "directory",
    "ref",
    "version",
    "format",
    "algorithm",
    "rotation",
    "manager",
    "store",
    "arn",
    "min",
    "max",
    "prompt",
    "placeholder",
    "error",
    "valid",
    "status",
    "changed",
    "updated",
    "created",
    "endpoint",
    "location",
    "class",
    "provider",
    "strength",
    "input",
    "regex",
    "pattern",
    "age",
    "lifetime",
    "limit",
    "usage",
    "id",
    "ids",
    "index",
    "list",
    "map",
    "column",
    "handler",
    "method",
    "mode",
    "page",
    "form",
    "screen",
    "link",
    "help",
    "confirmation",
    "validator",
    "service",
];

/// Keys that are none: `primary_key`, `public_key`.
const ORDINARY_KEYS: &[&str] = &[
    "primary",
    "foreign",
    "public",
    "cache",
    "sort",
    "partition",
    "object",
    "idempotency",
    "row",
    "dedupe",
    "dedup",
    "s3",
    "map",
    "group",
    "routing",
    "lookup",
    "index",
    "unique",
    "composite",
    "hash",
    "range",
    "message",
    "translation",
    "i18n",
    "json",
    "property",
    "registry",
    "shift",
    "hot",
    "short",
    "host",
    "known",
    "pub",
    "blob",
    "file",
    "storage_object",
    "join",
    "order",
    "search",
    "config",
    "event",
    "issue",
    "project",
    "metric",
    "feature",
    "flag",
];

/// Passes that let somebody board.
const ORDINARY_PASSES: &[&str] = &[
    "boarding", "season", "day", "bus", "transit", "gate", "ski", "test", "first", "second", "by",
    "park",
];

/// Whether `key` is the name of a secret, whatever its case, separators or width.
///
/// ```
/// # use hitl_base::redact::is_secret_key;
/// assert!(["apiKey", "API_KEY", "x-api-key", "dbPassword", "ｐａｓｓｗｏｒｄ"].iter().all(|k| is_secret_key(k)));
/// assert!(["author", "token_count", "spinning", "monkey", "keyboard"].iter().all(|k| !is_secret_key(k)));
/// ```
pub fn is_secret_key(key: &str) -> bool {
    judge(key) == Name::Secret
}

/// How sure a name is.
pub(super) fn judge(key: &str) -> Name {
    if !marks::may_be_a_name(key) {
        return Name::Plain;
    }
    let mut words = words(key);
    // `password2` and `api_key_1` are passwords and keys too.
    while let Some(last) = words.last_mut() {
        let letters = last.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        last.truncate(letters);
        if letters > 0 {
            break;
        }
        words.pop();
    }
    let Some(last) = words.last().map(String::as_str) else { return Name::Plain };
    if AT_THE_END.iter().any(|end| ends_with(&words, end)) {
        return Name::Secret;
    }
    let before = words.len().checked_sub(2).map_or("", |at| words[at].as_str());
    if last == "pass" && !ORDINARY_PASSES.contains(&before) {
        return Name::Secret;
    }
    let whole = words.concat();
    let anywhere = words.iter().any(|word| ANYWHERE.contains(&word.as_str()))
        // `apikey` and `MYAPIKEY` have no seam to split at; `pass-word` has one too many.
        || ANYWHERE.contains(&whole.as_str())
        || ANYWHERE.iter().any(|secret| last.ends_with(secret));
    if anywhere {
        return if ABOUT.contains(&last) { Name::Suspect } else { Name::Secret };
    }
    if MAYBE.contains(&last) && !(matches!(last, "key" | "keys") && ORDINARY_KEYS.contains(&before))
        || last.len() > 5 && last.ends_with("token")
        || last.len() > 3
            && last.ends_with("key")
            && !matches!(
                last,
                "monkey"
                    | "turkey"
                    | "hockey"
                    | "whiskey"
                    | "jockey"
                    | "donkey"
                    | "hotkey"
                    | "pubkey"
                    | "publickey"
            )
    {
        return Name::Suspect;
    }
    Name::Plain
}

fn ends_with(words: &[String], end: &[&str]) -> bool {
    words.len() >= end.len()
        && words[words.len() - end.len()..].iter().zip(end).all(|(a, b)| a == b)
}

/// Splits a name at separators and at humps, in lower-case ASCII where there is such a letter.
pub(crate) fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = key.chars().map(narrow).peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|n| n.is_lowercase());
        let hump = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || (before.is_uppercase() && next_is_lower));
        if (hump || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A full-width letter or digit as its ordinary twin.
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`marks::may_be_a_name`] stands on.
    #[test]
    fn every_word_of_a_secret_has_a_stem() {
        let ends = AT_THE_END.iter().map(|words| words.concat());
        let words = [ANYWHERE, MAYBE, &["pass", "token", "key"]].concat();
        for word in words.into_iter().map(str::to_owned).chain(ends) {
            assert!(marks::STEMS.iter().any(|stem| word.contains(stem)), "{word}");
        }
    }

    #[test]
    fn a_quick_look_never_misses_a_name() {
        for key in ["pass-word", "P_W", "x.se_cret", "API key", "to-Ken", "\u{FF50}in", "my pin 1"]
        {
            assert!(marks::may_be_a_name(key), "{key}");
        }
        for key in ["amount", "customer", "limit", "note", "", "reservation_id"] {
            assert!(!marks::may_be_a_name(key), "{key}");
        }
    }

    #[test]
    fn secrets_by_name() {
        for key in [
            "password",
            "Password",
            "user_password",
            "passwordHash",
            "PASSWD",
            "pin",
            "user-pin",
            "accessToken",
            "ACCESS_TOKEN",
            "x-auth-token",
            "AWS_SECRET_ACCESS_KEY",
            "clientSecret",
            "Authorization",
            "cookie",
            "apikey",
            "myapikey",
            "pass-word",
            "cvv",
            "cardNumber",
            "sessionId",
            "ghToken",
            "password2",
            "api_key_1",
            "secret.value",
            "DB_PASS",
            "PGPASSWORD",
            "spring.datasource.password",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn ordinary_names_are_left_alone() {
        for key in [
            "author",
            "authors",
            "authority",
            "token_count",
            "max_tokens",
            "tokens",
            "pinned",
            "shipping",
            "key",
            "primary_key",
            "keyboard",
            "payment_id",
            "user_id",
            "reservation_id",
            "session",
            "card",
            "gift_card",
            "amount",
            "spin",
            "opinion",
            "secretary",
            "passenger",
            "passengers",
            "compass",
            "boarding_pass",
            "primary_key",
            "id",
            "",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }
}
