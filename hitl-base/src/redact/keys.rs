//! Which key names are the names of secrets.

/// A name that has one of these words anywhere is a secret's.
const ANYWHERE: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "authorization",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "sessiontoken",
    "idtoken",
    "clientsecret",
    "connectionstring",
    "setcookie",
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
    &["api", "key"],
    &["access", "key"],
    &["private", "key"],
    &["signing", "key"],
    &["encryption", "key"],
    &["ssh", "key"],
    &["master", "key"],
    &["session", "id"],
    &["seed", "phrase"],
    &["card", "number"],
    &["pin", "code"],
    &["security", "code"],
    &["connection", "string"],
];

/// Whether `key` is the name of a secret, whatever its case, separators or width.
///
/// ```
/// # use hitl_base::redact::is_secret_key;
/// assert!(["apiKey", "API_KEY", "x-api-key", "dbPassword", "ｐａｓｓｗｏｒｄ"].iter().all(|k| is_secret_key(k)));
/// assert!(["author", "token_count", "spinning", "monkey", "keyboard"].iter().all(|k| !is_secret_key(k)));
/// ```
pub fn is_secret_key(key: &str) -> bool {
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
    words.iter().any(|word| ANYWHERE.contains(&word.as_str()))
        || AT_THE_END.iter().any(|end| ends_with(&words, end))
        // `apikey` and `MYAPIKEY` have no seam to split at; `pass-word` has one too many.
        || ANYWHERE.contains(&words.concat().as_str())
        || words.last().is_some_and(|word| ANYWHERE.iter().any(|secret| word.ends_with(secret)))
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
            "id",
            "",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }
}
