//! The exact text from which digests are computed, through the public writer.

use std::collections::{BTreeMap, HashMap};

use hitl_base::{Redactor, Sensitive};
use hitl_core::{
    CallKey, Gate, Permit, SnapshotError, SnapshotWriter, Submission, Tool, ToolConfig, ToolSpec,
};
use proptest::prelude::*;

/// A tool whose arguments are anything JSON can say, and a secret.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Anything {
    nested: BTreeMap<String, Vec<i64>>,
    keep: Wrapped,
    top: String,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Wrapped {
    zebra: u8,
    #[schemars(with = "String")]
    secret: Sensitive<String>,
    apple: Option<f64>,
}

impl Tool for Anything {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("anything", "Takes anything.")
        .config(ToolConfig::DEFAULT.base_confidence(20));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|o| {
            // Not in byte order: the writer sorts.
            o.field("top", &self.top)?;
            o.field("keep", &self.keep)?;
            o.field("nested", &self.nested)
        })
    }
    async fn run(permit: Permit<Self>) -> Result<(), String> {
        drop(permit);
        Ok(())
    }
}

fn anything(nested: BTreeMap<String, Vec<i64>>, secret: &str, top: &str) -> Anything {
    let keep = Wrapped { zebra: 1, secret: Sensitive::new(secret.to_owned()), apple: Some(0.5) };
    Anything { nested, keep, top: top.to_owned() }
}

async fn gate() -> Gate {
    Gate::builder().tool::<Anything>().build().await.unwrap()
}

/// Returns the content digest of a call, through the public interface.
async fn digest(gate: &Gate, call: Anything, position: u64) -> String {
    let key = CallKey::new("run", position);
    let Submission::Pending(ticket) =
        gate.submit(call).by("ann").key("run", position).await.unwrap()
    else {
        panic!("not pending")
    };
    drop(ticket);
    gate.unscoped().get_by_key(&key).await.unwrap().unwrap().content().to_string()
}

#[tokio::test]
async fn fields_are_shown_as_they_are_declared_and_nested_secrets_are_masked() {
    let gate = gate().await;
    let call = anything(
        BTreeMap::from([("b".into(), vec![1]), ("a".into(), vec![])]),
        "s3cr3t-value",
        "t",
    );
    let preview = gate.assess(&call, "ann").unwrap();
    assert_eq!(
        preview.arguments.as_str(),
        r#"{"nested":{"a":[],"b":[1]},"keep":{"zebra":1,"secret":"[redacted]","apple":0.5},"top":"t"}"#
    );
}

#[tokio::test]
async fn invariant_2_what_differs_in_a_byte_differs_in_its_digest() {
    let gate = gate().await;
    let mut seen = HashMap::new();
    let variants = [
        ("", "s", "t"),
        ("", "s", "T"),
        ("", "s ", "t"),
        ("x", "s", "t"),
        ("", "s", "e\u{301}"),
        ("", "s", "\u{e9}"),
        ("", "s", "t\u{200b}"),
        ("", "s", "[redacted]"),
        ("", "[redacted]", "t"),
    ];
    for (position, (key, secret, top)) in (0..).zip(variants) {
        let nested = if key.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([(key.to_owned(), vec![1])])
        };
        let digest = digest(&gate, anything(nested, secret, top), position).await;
        if let Some(before) = seen.insert(digest, (key, secret, top)) {
            panic!("{before:?} and {:?} have one digest", (key, secret, top));
        }
    }
    for (position, number) in (100..).zip([9_007_199_254_740_992_i64, 9_007_199_254_740_993]) {
        let digest = digest(
            &gate,
            anything(BTreeMap::from([("n".into(), vec![number])]), "s", "t"),
            position,
        )
        .await;
        assert!(seen.insert(digest, ("n", "", "")).is_none());
    }
}

#[tokio::test]
async fn invariant_8_a_digest_is_no_oracle_for_a_secret() {
    // Another host has another key: its digest of the same PIN reveals nothing about this one.
    let (one, two) = (gate().await, gate().await);
    let (a, b) = (
        digest(&one, anything(BTreeMap::new(), "1234", "t"), 0).await,
        digest(&two, anything(BTreeMap::new(), "1234", "t"), 0).await,
    );
    assert_ne!(a, b);
    assert_eq!(a, digest(&one, anything(BTreeMap::new(), "1234", "t"), 1).await);
}

proptest! {
    #[test]
    fn every_snapshot_reads_back_and_never_shows_its_secret(
        nested in proptest::collection::btree_map(".{0,6}", proptest::collection::vec(any::<i64>(), 0..3), 0..6),
        secret in "[a-zA-Z0-9]{12,20}",
        top in ".{0,30}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let gate = gate().await;
            let call = anything(nested, &secret, &top);
            let preview = gate.assess(&call, "ann").unwrap();
            assert!(top.contains(&secret) || !preview.arguments.as_str().contains(&secret));
            let tree = preview.arguments.tree().unwrap();
            assert_eq!(Redactor::standard().json(&tree), tree, "redacting twice changes nothing");
            // Submitting checks that the snapshot reads back to itself.
            let key = CallKey::new("run", 0);
            let submitted = gate.submit(call).by("ann").key("run", 0).await.unwrap();
            assert!(matches!(submitted, Submission::Pending(_)));
            assert!(gate.unscoped().get_by_key(&key).await.unwrap().is_some());
        });
    }
}
