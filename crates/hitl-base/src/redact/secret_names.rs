//! The key names that are names of secrets.

use super::vocabulary::{
    ABOUT, ANYWHERE, AT_THE_END, FOREIGN, MAYBE, ORDINARY_KEYS, ORDINARY_PASSES, WITHIN,
};

/// The certainty that a name is a secret's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Every value under it is a secret.
    Secret,
    /// The value under it is a secret if it looks like one.
    Suspect,
    /// The name tells nothing.
    Plain,
}

/// Returns whether `key` is the name of a secret, whatever its case, separators or width.
///
/// ```
/// # use hitl::redact::is_secret_key;
/// assert!(["apiKey", "API_KEY", "x-api-key", "dbPassword", "ｐａｓｓｗｏｒｄ"].iter().all(|k| is_secret_key(k)));
/// assert!(["author", "token_count", "spinning", "monkey", "keyboard"].iter().all(|k| !is_secret_key(k)));
/// ```
pub fn is_secret_key(key: &str) -> bool {
    judge(key) == Name::Secret
}

/// Returns how certain it is that a name is a secret's. A name with lookalike letters is judged in
/// both readings.
pub(super) fn judge(key: &str) -> Name {
    // Bundler puts a host's user and password under a name made from the host.
    if key.starts_with("BUNDLE_") && key.contains("__") {
        return Name::Secret;
    }
    let judged = judge_words(words(key));
    if judged == Name::Secret || key.is_ascii() {
        return judged;
    }
    let foreign: String =
        key.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    if FOREIGN.iter().any(|name| foreign.contains(name)) {
        return Name::Secret;
    }
    match judge_words(words(&key.chars().map(plain).collect::<String>())) {
        Name::Plain => judged,
        likeness => likeness,
    }
}

fn judge_words(mut words: Vec<String>) -> Name {
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
    let pass = last == "pass" && !ORDINARY_PASSES.contains(&before)
        // `MYSQLPASS`, but not `compass`.
        || last.len() > 7 && last.ends_with("pass") && !last.ends_with("erpass");
    if pass || words.iter().any(|word| is_password(word)) && !ABOUT.contains(&last) {
        return Name::Secret;
    }
    let whole = words.concat();
    let anywhere = words.iter().any(|word| ANYWHERE.contains(&word.as_str()))
        // `apikey` and `MYAPIKEY` have no word boundary to split at; `pass-word` has one too many.
        || ANYWHERE.contains(&whole.as_str())
        // `api_key_prod` has its word boundary elsewhere.
        || words.windows(2).any(|two| ANYWHERE.contains(&two.concat().as_str()))
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
        || words[..words.len() - 1].iter().any(|word| WITHIN.contains(&word.as_str()))
            && !ABOUT.contains(&last)
            && !words.iter().any(|word| ORDINARY_KEYS.contains(&word.as_str()))
    {
        return Name::Suspect;
    }
    Name::Plain
}

/// Returns whether a name marks its value as public, or as an identifier.
pub(super) fn is_public(key: &str) -> bool {
    const PUBLIC: &[&str] = &["public", "pubkey", "publickey"];
    let words = words(key);
    words.iter().any(|word| PUBLIC.contains(&word.as_str()))
        // `x-amz-id-2` ends in a number.
        || words
            .iter()
            .rfind(|word| word.bytes().any(|byte| !byte.is_ascii_digit()))
            .is_some_and(|last| super::identifiers::is_name(last))
}

/// Returns whether a name is that of a key: `SERVICE_KEY`, but not `key` alone.
pub(super) fn names_a_key(key: &str) -> bool {
    let words = words(key);
    words.last().is_some_and(|last| last.ends_with("key") && (words.len() > 1 || last.len() > 3))
}

/// Returns whether a word is `password` or `passwd`, possibly without its vowels or with an extra
/// letter: `PSWD`, `paswrd`, `pssword`.
fn is_password(word: &str) -> bool {
    if !word.starts_with('p') || !(4..=12).contains(&word.len()) {
        return false;
    }
    if word.starts_with("passwor") {
        return true;
    }
    let mut skeleton: Vec<u8> = word.bytes().filter(|b| !b"aeiou".contains(b)).collect();
    skeleton.dedup();
    matches!(skeleton.as_slice(), b"pswd" | b"pswrd")
}

fn ends_with(words: &[String], end: &[&str]) -> bool {
    words.len() >= end.len()
        && words[words.len() - end.len()..].iter().zip(end).all(|(a, b)| a == b)
}

/// Splits a name at separators and camel-case boundaries, in lower-case ASCII where possible.
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

/// Returns the ordinary form of a full-width letter or digit.
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// Returns the Latin letter that a Cyrillic, Greek or accented letter looks like.
pub(super) fn plain(c: char) -> char {
    const FROM: &str = "аАеЕоОрРсСхХуУкКіІјЈѕЅԁԛԝһВМНТαΑΒεΕοΟρΡτΤυΥχΧκΚιΙνΝΜΗΖｏáàâäãåéèêëíìîïóòôöõøúùûüñçščžýłőūāēīōşŞıİğĞțţřťďňľĺŕůęąśźżćńđģķļņį";
    const TO: &str = "aAeEoOpPcCxXyYkKiIjJsSdqwhBMHTaABeEoOpPtTuYxXkKiIvNMHZoaaaaaaeeeeiiiioooooouuuuncsczylouaeiosSiIgGttrtdnllrueaszzcndgklni";
    let at = FROM.chars().position(|from| from == c);
    at.and_then(|at| TO.chars().nth(at)).unwrap_or(c)
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
            "DB_PASS",
            "PGPASSWORD",
            "spring.datasource.password",
            // Full-width letters, as an input method for Chinese or Japanese writes them.
            "\u{FF50}\u{FF49}\u{FF4E}",
            "\u{FF35}\u{FF53}\u{FF45}\u{FF52}\u{FF30}\u{FF49}\u{FF4E}",
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
