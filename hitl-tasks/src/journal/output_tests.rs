use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::fmt::Debug;

use serde::Deserialize;

use super::*;

fn fits<O: Serialize + DeserializeOwned>(output: &O) -> Result<(), OutputError> {
    OutputCodec::<O>::new().round_trip(output).map(drop)
}

#[track_caller]
fn kept<O: Serialize + DeserializeOwned + PartialEq + Debug>(output: O) {
    let (_, again) = OutputCodec::new().round_trip(&output).unwrap();
    assert_eq!(again, output);
}

#[track_caller]
fn refused<O: Serialize + DeserializeOwned>(output: O) -> String {
    let why = fits(&output).unwrap_err();
    assert!(why.starts_with("its output "), "{why}");
    why
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Wide {
        n: u128,
    },
    Map {
        by: BTreeMap<u32, u8>,
    },
    #[serde(skip)]
    Hidden,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    name: String,
    #[serde(flatten)]
    by: BTreeMap<i64, u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename(serialize = "amount", deserialize = "sum"))]
    amount: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    #[serde(skip_serializing)]
    pin: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Name {
        name: String,
        #[serde(default)]
        more: u8,
    },
    Other {
        name: String,
        other: u8,
    },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gaps {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none: Option<u8>,
    list: Vec<Option<u8>>,
    unit: (),
    #[serde(skip)]
    cache: u8,
}

#[test]
fn what_json_carries_is_kept() {
    kept(());
    kept(u128::MAX);
    kept(i128::MIN);
    kept(u64::MAX);
    kept((f64::MAX, f64::MIN_POSITIVE, -0.0_f64, 0.1_f64 + 0.2, f32::MAX));
    kept(Some(Some(1_u8)));
    kept(None::<Option<u8>>);
    kept(BTreeMap::from([(1_u128, 'a'), (u128::MAX, 'b')]));
    kept(Gaps { list: vec![None, Some(1)], ..Gaps::default() });
    kept(Tagged::Map { by: BTreeMap::new() });
    kept("null null".to_owned());
    kept([Some("null".to_owned()), None]);
}

#[test]
fn sets_and_maps_come_in_any_order() {
    let set: HashSet<_> = (0..500_u32).collect();
    let map: HashMap<_, HashSet<_>> =
        (0..50_u32).map(|n| (n.to_string(), (n..n + 9).collect())).collect();
    for _ in 0..20 {
        kept(set.clone());
        kept(map.clone());
        fits(&(0..99).collect::<BinaryHeap<u8>>()).unwrap();
    }
}

#[test]
fn floats_read_back_as_the_very_number() {
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let number = f64::from_bits(bits);
        if number.is_finite() {
            kept(number);
        }
    }
}

#[test]
fn what_json_cannot_write_is_refused() {
    let why = refused(Tagged::Hidden);
    assert!(why.contains("cannot be written as JSON"), "{why}");
    let why = refused(BTreeMap::from([((1_u8, 2_u8), 3_u8)]));
    assert!(why.contains("key must be a string"), "{why}");
}

#[test]
fn what_cannot_be_read_back_is_refused_and_not_quoted() {
    for why in [
        refused(f64::NAN),
        refused(vec![1.0, f64::INFINITY]),
        refused(HashMap::from([("x", f32::NEG_INFINITY)]).into_values().collect::<Vec<_>>()),
        refused(Tagged::Wide { n: u128::MAX }),
        refused(Tagged::Map { by: BTreeMap::from([(4711, 1)]) }),
        refused(Flat { name: "4711".into(), by: BTreeMap::from([(4711, 1)]) }),
        refused(Renamed { amount: 4711 }),
        refused(Kept { pin: "4711".into() }),
    ] {
        assert!(why.contains("cannot be read back"), "{why}");
        assert!(!why.contains("4711"), "{why}");
    }
    assert!(refused(Kept { pin: String::new() }).contains("missing field `pin`"));
    assert!(refused(f64::NAN).contains("null"));
}

#[test]
fn what_reads_back_as_another_value_is_refused() {
    for why in [
        refused(Some(None::<u8>)),
        refused(Some(())),
        refused(Some(f64::NAN)),
        refused(vec![Some(Some(1)), Some(None)]),
        refused(BTreeMap::from([("a", Some(f32::INFINITY))].map(|(k, v)| (k.to_owned(), v)))),
        refused((1_u8, Some(serde_json::Value::Null))),
        refused(Either::Other { name: "x".into(), other: 1 }),
    ] {
        assert!(why.contains("reads back as another value"), "{why}");
    }
}

#[test]
#[expect(clippy::option_option, reason = "what JSON has one `null` for")]
fn a_type_that_keeps_the_difference_is_kept() {
    /// Reads a `null` that is there as `Some(None)`.
    fn there<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<u8>>, D::Error> {
        Option::<u8>::deserialize(from).map(Some)
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Patch {
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "there")]
        limit: Option<Option<u8>>,
    }
    kept(Patch { limit: None });
    kept(Patch { limit: Some(None) });
    kept(Patch { limit: Some(Some(7)) });
}

#[test]
fn nesting_beyond_what_is_read_is_refused() {
    #[derive(Serialize, Deserialize)]
    struct List(Option<Box<List>>);
    #[derive(Serialize, Deserialize)]
    struct Nest(Vec<Nest>);
    let nest = (0..200).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner]));
    assert!(refused(nest).contains("cannot be read back"));
    let list = (0..50).fold(List(None), |inner, _| List(Some(Box::new(inner))));
    // Each of its levels is `null`.
    assert!(refused(list).contains("another value"));
}
