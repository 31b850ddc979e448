//! Sets have one text, and are compared as sets.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use hitl_base::JsonText;
use hitl_core::{ArgumentErrorKind, DynArguments, DynSpec, DynTool, Gate, Permit, Submission};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, taker};

/// Checks that every order of a few items is accepted, shown the same, and runs; a re-submission in
/// another order is the same call.
async fn one_text<T: Argument>(orders: &[&str], text: &str) {
    let taker = taker::<T>().await;
    for order in orders {
        for _ in 0..8 {
            assert_eq!(taker.shown(order).await, text, "{order}");
        }
    }
    for order in orders {
        let text = format!("{{\"value\":{order}}}");
        let submitted = taker.gate.submit_json("take", &text, "ann", "again", 0).await;
        assert!(matches!(submitted, Ok(Submission::Pending(_))), "{order}: {submitted:?}");
    }
}

#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
struct Item {
    // The fields are not in the order of comparison.
    name: String,
    #[serde(default)]
    count: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Tags(HashSet<String>);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Clear(HashSet<String>);

#[derive(Serialize, Deserialize, JsonSchema)]
struct Holder {
    tags: HashSet<String>,
    order: Vec<u32>,
    deep: Option<HashMap<String, HashSet<u64>>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Tagged {
    Set { items: HashSet<String> },
    List { items: Vec<String> },
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum External {
    Set(HashSet<u8>),
    Pair(HashSet<u8>, Vec<u8>),
    Fields { of: BTreeSet<u8> },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Loose {
    Many(HashSet<String>),
    One(String),
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, HashSet<u8>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A(Clear),
    B { b: Clear },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Branch {
    tags: Clear,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    below: Vec<Branch>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Around<T> {
    inner: T,
}

/// A credential, the same as another of the same number.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Credential {
    number: u8,
    #[schemars(with = "String")]
    key: hitl_base::Sensitive<String>,
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Credential {}
impl std::hash::Hash for Credential {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[tokio::test]
async fn invariant_8_secrets_move_with_the_items_of_their_set() {
    let gate = Gate::builder().tool::<super::Take<HashSet<Credential>>>().build().await.unwrap();
    let text = r#"{"value":[{"key":"hunter2-b","number":2},{"key":"hunter2-longer-a","number":1},
        {"number":3,"key":"hunter2-c"}]}"#;
    for _ in 0..20 {
        let shown = gate.assess_json("take", text, "ann").unwrap().arguments;
        assert_eq!(shown.as_str().matches("[redacted]").count(), 3);
        assert!(!shown.as_str().contains("hunter2"), "{shown:?}");
    }
}

#[tokio::test]
async fn invariant_2_sets_are_sets_wherever_types_nest() {
    one_text::<Adjacent>(&[r#"{"t":"A","c":["b","a"]}"#], r#"{"t":"A","c":["a","b"]}"#).await;
    one_text::<Adjacent>(&[r#"{"t":"B","c":{"b":["b","a"]}}"#], r#"{"t":"B","c":{"b":["a","b"]}}"#)
        .await;
    one_text::<Branch>(
        &[r#"{"tags":["b","a"],"below":[{"tags":["d","c"],"below":[]}]}"#],
        r#"{"below":[{"tags":["c","d"]}],"tags":["a","b"]}"#,
    )
    .await;
    one_text::<Around<Option<(u8, Clear)>>>(
        &[r#"{"inner":[1,["b","a"]]}"#],
        r#"{"inner":[1,["a","b"]]}"#,
    )
    .await;
    one_text::<HashMap<u8, Clear>>(&[r#"{"7":["b","a"]}"#], r#"{"7":["a","b"]}"#).await;
    one_text::<BTreeMap<String, BTreeSet<bool>>>(
        &[r#"{"k":[true,false]}"#],
        r#"{"k":[false,true]}"#,
    )
    .await;
    one_text::<[HashSet<char>; 2]>(&[r#"[["b","a"],["d","c"]]"#], r#"[["a","b"],["c","d"]]"#).await;
}

/// A set of another crate, whose schema says so.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
struct Foreign(#[schemars(with = "BTreeSet<u8>")] Vec<u8>);

impl Serialize for Foreign {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // A different order each time, as in a hash set.
        static TURN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let turn = TURN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut items = self.0.clone();
        items.rotate_left(turn % self.0.len().max(1));
        to.collect_seq(items)
    }
}

#[tokio::test]
async fn invariant_2_a_set_has_one_text_in_whatever_order_it_is_sent() {
    one_text::<HashSet<String>>(&[r#"["b","a"]"#, r#"["a","b"]"#], r#"["a","b"]"#).await;
    one_text::<BTreeSet<u64>>(&["[3,1,2]", "[10.0,3,1,2]"][..1], "[1,2,3]").await;
    one_text::<HashSet<u64>>(&["[10,9,1]", "[1,10,9]", "[9,1e1,1.0]"], "[1,9,10]").await;
    one_text::<BinaryHeap<u32>>(&["[1,2,3]", "[3,1,2]", "[2,3,1]"], "[1,2,3]").await;
    one_text::<BinaryHeap<u32>>(&["[2,1,2]", "[2,2,1]"], "[1,2,2]").await;
    one_text::<Box<HashSet<u8>>>(&["[2,1]", "[1,2]"], "[1,2]").await;
    one_text::<Arc<BTreeSet<u8>>>(&["[2,1]", "[1,2]"], "[1,2]").await;
    one_text::<Option<HashSet<u8>>>(&["[2,1]", "[1,2]"], "[1,2]").await;
    one_text::<Vec<HashSet<u8>>>(&["[[2,1],[4,3]]", "[[1,2],[3,4]]"], "[[1,2],[3,4]]").await;
    one_text::<BTreeSet<BTreeSet<u8>>>(&["[[4,3],[2,1]]", "[[1,2],[3,4]]"], "[[1,2],[3,4]]").await;
    one_text::<HashMap<String, HashSet<u8>>>(
        &[r#"{"b":[2,1],"a":[]}"#, r#"{"a":[],"b":[1,2]}"#],
        r#"{"a":[],"b":[1,2]}"#,
    )
    .await;
    one_text::<HashSet<(u8, String)>>(&[r#"[[2,"a"],[1,"b"]]"#], r#"[[1,"b"],[2,"a"]]"#).await;
    one_text::<HashSet<Option<u8>>>(&["[2,null,1]", "[null,1,2]"], "[null,1,2]").await;
    one_text::<Foreign>(&["[3,1,2]", "[1,2,3]"], "[1,2,3]").await;
}

#[tokio::test]
async fn invariant_2_sets_of_structs_keep_their_defaults() {
    one_text::<HashSet<Item>>(
        &[
            r#"[{"name":"b"},{"name":"a","count":2}]"#,
            r#"[{"count":2,"name":"a"},{"count":0,"name":"b"}]"#,
        ],
        r#"[{"count":0,"name":"b"},{"count":2,"name":"a"}]"#,
    )
    .await;
    one_text::<BTreeSet<Item>>(
        &[r#"[{"name":"a"},{"name":"a","count":5}]"#, r#"[{"name":"a","count":5},{"name":"a"}]"#],
        r#"[{"count":0,"name":"a"},{"count":5,"name":"a"}]"#,
    )
    .await;
}

#[tokio::test]
async fn invariant_2_sets_are_sets_inside_types_of_the_host_s_own() {
    one_text::<Tags>(&[r#"["b","a"]"#, r#"["a","b"]"#], r#"["a","b"]"#).await;
    one_text::<Clear>(&[r#"["b","a"]"#, r#"["a","b"]"#], r#"["a","b"]"#).await;
    one_text::<Holder>(
        &[r#"{"tags":["y","x"],"order":[3,1,2],"deep":{"k":[9,8,10]}}"#],
        r#"{"tags":["x","y"],"order":[3,1,2],"deep":{"k":[8,9,10]}}"#,
    )
    .await;
    one_text::<Tagged>(
        &[r#"{"kind":"set","items":["b","a"]}"#, r#"{"kind":"set","items":["a","b"]}"#],
        r#"{"kind":"set","items":["a","b"]}"#,
    )
    .await;
    one_text::<Tagged>(
        &[r#"{"kind":"list","items":["b","a"]}"#],
        r#"{"kind":"list","items":["b","a"]}"#,
    )
    .await;
    one_text::<External>(&[r#"{"Set":[2,1]}"#, r#"{"Set":[1,2]}"#], r#"{"Set":[1,2]}"#).await;
    one_text::<External>(&[r#"{"Pair":[[2,1],[9,8]]}"#], r#"{"Pair":[[1,2],[9,8]]}"#).await;
    one_text::<External>(&[r#"{"Fields":{"of":[2,1]}}"#], r#"{"Fields":{"of":[1,2]}}"#).await;
    one_text::<Loose>(&[r#"["b","a"]"#, r#"["a","b"]"#], r#"["a","b"]"#).await;
    one_text::<Flat>(&[r#"{"id":1,"x":[2,1]}"#], r#"{"id":1,"x":[1,2]}"#).await;
}

#[tokio::test]
async fn invariant_2_a_set_from_code_has_the_same_text_and_runs_after_its_approval() {
    let taker = taker::<HashSet<String>>().await;
    for position in 0..40 {
        // Each set has its own hasher, so its own order.
        let value: HashSet<String> = ["b", "a"].map(str::to_owned).into();
        let (shown, ran) = taker.asked_typed(value, position).await.unwrap();
        assert_eq!((shown.as_str(), ran.as_str()), (r#"{"value":["a","b"]}"#, r#"["a","b"]"#));
    }
    let heap = taker_of_heaps().await;
    for (position, items) in (0..).zip([[1, 2, 3], [3, 2, 1], [2, 3, 1]]) {
        let (shown, _) = heap.asked_typed(BinaryHeap::from(items), position).await.unwrap();
        assert_eq!(shown, r#"{"value":[1,2,3]}"#);
    }
}

async fn taker_of_heaps() -> super::Taker<BinaryHeap<u32>> {
    taker().await
}

#[tokio::test]
async fn invariant_9_what_stands_twice_in_a_set_is_refused_and_the_text_speaks_of_sets() {
    for (value, path) in [("[1,1,2]", "value"), ("[1,1.0]", "value")] {
        let error = taker::<HashSet<u8>>().await.refused(value).await;
        assert_eq!((error.kind(), error.path()), (ArgumentErrorKind::Inexact, path));
        assert!(error.to_string().contains("a set holds each item once"), "{error}");
        let error = taker::<BTreeSet<u8>>().await.refused(value).await;
        assert!(error.to_string().contains("a set holds each item once"), "{error}");
    }
    let error = taker::<HashSet<u8>>().await.refused("[1,300,2]").await;
    assert_eq!((error.kind(), error.path()), (ArgumentErrorKind::WrongType, "value[1]"));
}

/// A set whose schema hides what it is, and whose type is none that is known.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Unmarked(#[schemars(with = "Vec<u8>")] HashSet<u8>);

#[tokio::test]
async fn invariant_5_a_set_that_nobody_recognizes_is_refused_before_anybody_is_asked() {
    let unmarked = taker::<Unmarked>().await;
    for _ in 0..40 {
        let error = unmarked.refused("[1,2]").await;
        assert_eq!(error.path().split('[').next(), Some("value"), "{error}");
    }
    assert_eq!(unmarked.shown("[1]").await, "[1]");
    assert_eq!(unmarked.shown("[]").await, "[]");
}

/// Two lists of one name, of types whose order is not known, of which one is a set.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
enum Unclear {
    Set { items: Clear },
    List { items: Steps },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Steps(Vec<String>);

#[tokio::test]
async fn invariant_5_a_list_that_may_be_a_set_is_refused() {
    let unclear = taker::<Unclear>().await;
    for kind in ["Set", "List"] {
        let error = unclear.refused(&format!(r#"{{"kind":"{kind}","items":["b","a"]}}"#)).await;
        assert_eq!(error.path(), "", "{error}");
        assert!(error.to_string().contains("value.items"), "{error}");
        assert!(error.to_string().contains("is a set, and that it is none"), "{error}");
    }
}

/// A list with a mark of its own is still a list.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Playlist {
    #[schemars(extend("uniqueItems" = true))]
    songs: Vec<String>,
}

#[tokio::test]
async fn invariant_2_the_order_of_a_list_is_never_changed() {
    let text = r#"{"songs":["b","a"]}"#;
    assert_eq!(taker::<Playlist>().await.shown(text).await, text);
    assert_eq!(taker::<Vec<u8>>().await.shown("[3,1,2]").await, "[3,1,2]");
    assert_eq!(taker::<(u8, u8)>().await.shown("[3,1]").await, "[3,1]");
}

/// Sorts what it reads.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
#[schemars(with = "Vec<u8>")]
struct Sorting(Vec<u8>);

impl Clone for Sorting {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
impl From<Vec<u8>> for Sorting {
    fn from(mut items: Vec<u8>) -> Self {
        items.sort_unstable();
        Self(items)
    }
}
impl From<Sorting> for Vec<u8> {
    fn from(sorting: Sorting) -> Self {
        sorting.0
    }
}

#[tokio::test]
async fn invariant_2_a_list_that_its_type_reorders_is_shown_as_it_runs_or_refused() {
    let sorting = taker::<Sorting>().await;
    assert_eq!(sorting.shown("[3,1,2]").await, "[1,2,3]", "its type makes a set of it");
    let error = sorting.asked_typed(Sorting(vec![2, 1]), 0).await.unwrap_err();
    let error = error.arguments().unwrap();
    assert_eq!((error.kind(), error.path()), (ArgumentErrorKind::NotCarried, "value"), "{error}");
}

#[tokio::test]
async fn a_tool_of_run_time_keeps_the_order_that_was_sent() {
    let schema = r#"{"type":"object","properties":{"ids":{"type":"array","uniqueItems":true}}}"#;
    let body = |permit: Permit<DynArguments>| async move {
        JsonText::new(permit.open().0.json().to_owned())
    };
    let tool = DynTool::new(DynSpec::new("t", "T."), schema, body).unwrap();
    let gate = Gate::builder().dyn_tool(tool).build().await.unwrap();
    let shown =
        |text: &str| gate.assess_json("t", text, "ann").map(|p| p.arguments.as_str().to_owned());
    assert_eq!(shown(r#"{"ids":[3,1,2]}"#).unwrap(), r#"{"ids":[3,1,2]}"#);
    let twice = shown(r#"{"ids":[1,1.0]}"#).unwrap_err();
    assert!(twice.to_string().contains("stands here twice"), "{twice}");
}

#[tokio::test]
async fn a_large_set_is_taken_in_good_time() {
    let items: Vec<String> = (0..4_000).rev().map(|n| n.to_string()).collect();
    let text = format!("[{}]", items.join(","));
    assert!(taker::<HashSet<u32>>().await.shown(&text).await.starts_with("[0,1,2,"));
    let items: Vec<String> = (0..1_000).rev().map(|n| format!(r#"{{"name":"{n:05}"}}"#)).collect();
    let text = format!("[{}]", items.join(","));
    assert!(taker::<HashSet<Item>>().await.shown(&text).await.starts_with(r#"[{"count":0"#));
}
