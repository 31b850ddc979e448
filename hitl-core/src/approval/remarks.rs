//! Remarks on a call besides its arguments: the reason that the model states, the link to the
//! conversation, and the other side's id of the call. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

use hitl_base::display::{clip, visible};

use crate::call::CallKey;

/// The most bytes of a stated reason that are read.
const MAX_READ: usize = 4_096;
/// The number of characters of a stated reason that are kept.
const MAX_KEPT: usize = 1_000;
/// The most bytes of the other side's id of a call.
const MAX_TOOL_CALL_ID: usize = 256;
/// The most bytes of a link.
const MAX_LINK: usize = 2_000;

/// Returns what is kept of a reason that a model states; `mask` removes its secrets. `None` if
/// nothing is left.
pub(crate) fn stated_reason(
    words: &str,
    mask: impl for<'t> Fn(&'t str) -> Cow<'t, str>,
) -> Option<String> {
    let words = words.trim();
    let mut end = words.len().min(MAX_READ);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    // A word that is cut may be half of a secret, which nobody would recognize.
    let read = if end < words.len() {
        words[..end].rfind(char::is_whitespace).map_or("", |space| &words[..space])
    } else {
        words
    };
    if read.is_empty() {
        return (!words.is_empty()).then(|| "[too long]".to_owned());
    }
    let masked = mask(read);
    let kept = clip(&masked, MAX_KEPT).into_owned();
    Some(if read.len() < words.len() { format!("{kept} [… the rest is left out]") } else { kept })
}

/// Returns the reason why a text is no id of a call that may be shown, if there is one.
pub(crate) fn tool_call_id_fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        return Some("it is empty");
    }
    if id.len() > MAX_TOOL_CALL_ID {
        return Some("it is longer than 256 bytes");
    }
    (visible(id) != id).then_some("it holds a character that cannot be seen")
}

/// Returns the reason why a text is no link that may be shown, if there is one.
pub(crate) fn link_fault(url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return Some("it must begin with `https://` or `http://`") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() {
        return Some("it names no host");
    }
    if host.contains('@') {
        return Some("it must hold no user");
    }
    if url.len() > MAX_LINK {
        return Some("it is longer than 2,000 bytes");
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !r#""'<>\^`{|}"#.contains(c);
    if !url.chars().all(is_plain) || visible(url) != url {
        return Some("it must be plain ASCII: percent-encode everything else");
    }
    None
}

/// Returns a template with the parts of a key in place of `{tenant}`, `{run}` and `{position}`,
/// each percent-encoded.
pub(crate) fn link_of(template: &str, key: &CallKey) -> String {
    template
        .replace("{position}", &key.position.to_string())
        .replace("{tenant}", &percent_encoded(key.tenant.as_str()))
        .replace("{run}", &percent_encoded(key.run.as_str()))
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Tenant;

    fn plain(words: &str) -> Option<String> {
        stated_reason(words, |text| Cow::Borrowed(text))
    }

    #[test]
    fn invariant_13_little_is_kept_of_a_reason_and_no_word_is_cut() {
        assert_eq!(plain(" the customer asked \n"), Some("the customer asked".to_owned()));
        assert_eq!((plain(""), plain(" \n\t")), (None, None));
        let long = plain(&"word ".repeat(1_000_000)).unwrap();
        assert!(long.chars().count() < 1_200 && long.ends_with("[… the rest is left out]"));
        assert_eq!(plain(&"é".repeat(MAX_READ)), Some("[too long]".to_owned()));
        // A text is masked before it is shortened.
        let masked =
            stated_reason(&"secret ".repeat(500), |text| Cow::Owned(text.replace("secret", "*")));
        let masked = masked.unwrap();
        assert!(!masked.contains("secret") && !masked.contains("sec"), "{masked}");
        let seen = std::cell::Cell::new(0);
        stated_reason(&"a secret ".repeat(1_000), |text| {
            assert!(text.ends_with("secret") || text.ends_with('a'));
            seen.set(text.len());
            Cow::Borrowed(text)
        });
        assert!(seen.get() > MAX_READ - 10 && seen.get() <= MAX_READ);
    }

    #[test]
    fn invariant_9_a_link_is_http_and_plain() {
        for url in [
            "https://chat.example.com/c/17?at=3#m5",
            "http://127.0.0.1:8080/%C3%A9",
            "https://chat.example.com/@ann",
        ] {
            assert_eq!(link_fault(url), None, "{url}");
        }
        for url in [
            "",
            "chat.example.com",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///c",
            "https://?x",
            "https://ann:secret@chat.example.com",
            "https://chat.example.com/ x",
            "https://chat.example.com/\n",
            "https://chat.example.com/\u{202e}",
            "https://ch\u{430}t.example.com/",
            "https://chat.example.com/\"onclick=",
            "https://chat.example.com/<script>",
            "https://chat.example.com/{run}",
            &format!("https://x.org/{}", "a".repeat(MAX_LINK)),
        ] {
            assert!(link_fault(url).is_some(), "{url}");
        }
    }

    #[test]
    fn a_template_takes_the_parts_of_the_key_as_text() {
        let key = CallKey { tenant: Tenant::new("a/b"), ..CallKey::new("run ?{tenant}#é", 3) };
        let link = link_of("https://x.org/{tenant}/{run}/{position}", &key);
        assert_eq!(link, "https://x.org/a%2Fb/run%20%3F%7Btenant%7D%23%C3%A9/3");
        assert_eq!(link_fault(&link), None);
    }
}
