//! An approved call, changed in thousands of ways. Either exactly the approved call runs, or
//! nothing.

use crate::tampered;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hitl_base::JsonText;
use hitl_base::json::{Limits, parse_with_limits};
use hitl_core::call::CallPreview;
use hitl_core::seal::Sealed;
use hitl_core::{
    CallContext, CallKey, CallRecord, CallState, Decision, DynArguments, DynSpec, DynTool, Gate,
    GateErrorKind, HostKey, MemoryStore, Outcome, Permit, Store as _, Submission, Tenant,
    ToolConfig,
};
use tampered::Tampered;

const SCHEMA: &str = r#"{"type":"object","properties":{"to":{"type":"string"},"amount":{"type":"number"},
    "pin":{"type":"string","writeOnly":true},"parts":{"type":"array","items":{"type":"number"}}}}"#;
const TEXT: &str =
    r#"{"amount":5000.10,"parts":[1,2.0,9007199254740993],"pin":"9731","to":"bob \u00e9"}"#;
const EXACT: &str =
    r#"{"amount":5000.10,"parts":[1,2.0,9007199254740993],"pin":"9731","to":"bob é"}"#;

/// A small seeded generator, so that a failure can be reproduced.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Returns the bytes with one byte changed, added, removed, or swapped with its neighbour.
    fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let at = self.below(bytes.len());
        match self.below(5) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 => drop(bytes.remove(at)),
            3 if at + 1 < bytes.len() => bytes.swap(at, at + 1),
            _ => bytes.truncate(at),
        }
        bytes
    }

    /// Returns the text with one character changed.
    fn text(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        let at = self.below(chars.len());
        let news =
            ['0', '1', '9', '.', '-', 'e', '"', ',', ' ', '{', '\u{301}', '\u{202E}', 'é', 'x'];
        let new = news[self.below(news.len())];
        match self.below(4) {
            0 => chars[at] = new,
            1 => chars.insert(at, new),
            2 => drop(chars.remove(at)),
            _ => {
                let other = self.below(chars.len());
                chars.swap(at, other);
            }
        }
        chars.into_iter().collect()
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

fn tool(description: &str, schema: &str, seen: &Seen) -> Option<DynTool> {
    let seen = Arc::clone(seen);
    let body = move |permit: Permit<DynArguments>| {
        seen.lock().unwrap().push(permit.open().0.json().to_owned());
        async { Ok::<_, String>(JsonText::null()) }
    };
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let tool = DynTool::new(DynSpec::new("pay", description).config(config), schema, body).ok()?;
    Some(tool.preview(|_, _| async { CallPreview::new().fact("balance", "7.00 EUR") }))
}

const DESCRIPTION: &str = "Pays somebody.";

async fn gate(store: &Tampered, tool: DynTool, key: &HostKey) -> Gate {
    let builder =
        Gate::builder().dyn_tool(tool).store(store.clone()).key(key.clone()).skip_recovery();
    builder.build().await.unwrap()
}

/// Returns the canonical text for comparison: two texts with the same meaning are the same call.
fn canonical(text: &str) -> Option<String> {
    fn sorted(json: &hitl_base::Json) -> hitl_base::Json {
        use hitl_base::Json::{Array, Object};
        match json {
            Array(items) => Array(items.iter().map(sorted).collect()),
            Object(entries) => {
                let map: BTreeMap<_, _> =
                    entries.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
                Object(map.into_iter().collect())
            }
            plain => plain.clone(),
        }
    }
    parse_with_limits(text, Limits::default()).ok().map(|tree| sorted(&tree).to_text())
}

/// The result of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// Equivalent: it is the approved call, and runs as approved.
    Same,
    Refused,
    /// Another call, which nobody has approved.
    Another,
}

struct World {
    store: Tampered,
    key: HostKey,
    seen: Seen,
    gate: Gate,
    dice: Dice,
    round: u64,
}

impl World {
    fn call_key(&self) -> CallKey {
        CallKey::new("run", self.round)
    }

    /// Submits the call and approves it, without starting it.
    async fn approved(&mut self) -> CallRecord {
        let key = self.call_key();
        let Submission::Pending(ticket) =
            self.gate.submit_json("pay", TEXT, "ann", key.run.clone(), key.position).await.unwrap()
        else {
            panic!("it needs a review")
        };
        let decision = ticket.request().approve().by("bob");
        self.gate.decide(decision).await.unwrap()
    }

    async fn submit(&self, gate: &Gate, text: &str, cx: CallContext, key: CallKey) -> Came {
        match gate.submit_json("pay", text, cx, key.run.clone(), key.position).await {
            Err(_) => Came::Refused,
            Ok(submission @ Submission::Done { .. }) => panic!("{submission:?}"),
            Ok(Submission::Pending(ticket)) => {
                assert!(!ticket.receipt().reattached, "a changed call is not the approved one");
                Came::Another
            }
        }
    }

    /// Submits the approved call again, as its caller would, which runs it.
    async fn run(&self, gate: &Gate) -> Came {
        match gate.submit_json("pay", TEXT, "ann", "run", self.round).await {
            Ok(Submission::Done { outcome: Outcome::Executed(_), .. }) => Came::Same,
            // It is left to the gate that has the approved tool.
            Ok(Submission::Pending(ticket)) if ticket.request().revision == 1 => Came::Refused,
            Ok(other) => panic!("{other:?}"),
            Err(_) => Came::Refused,
        }
    }

    async fn mutated_arguments(&mut self) -> Came {
        let text = self.dice.text(TEXT);
        if canonical(&text).as_deref() == Some(EXACT) {
            return Came::Same;
        }
        let came = self.submit(&self.gate, &text, "ann".into(), self.call_key()).await;
        assert_eq!(came, Came::Refused, "{text}");
        came
    }

    async fn mutated_identity(&mut self) -> Came {
        let (key, ann) = (self.call_key(), CallContext::new("ann"));
        let (cx, key) = match self.dice.below(4) {
            0 => (CallContext::new(self.dice.text("ann")), key),
            1 => (ann.tenant(self.dice.text("default")), key),
            2 => (ann, CallKey::new(self.dice.text("run"), self.round)),
            _ => (ann, CallKey::new("run", self.round ^ (1 << (20 + self.dice.below(40))))),
        };
        if cx.principal.as_str() == "ann"
            && cx.tenant == Tenant::default()
            && key == self.call_key()
        {
            return Came::Same;
        }
        self.submit(&self.gate, TEXT, cx, key).await
    }

    async fn mutated_tool(&mut self) -> Came {
        // Most changes of a schema yield no schema, and no tool.
        let changed = (0..50).find_map(|_| {
            let (description, schema) = match self.dice.below(2) {
                0 => (self.dice.text(DESCRIPTION), SCHEMA.to_owned()),
                _ => (DESCRIPTION.to_owned(), self.dice.text(SCHEMA)),
            };
            let same = description == DESCRIPTION && schema == SCHEMA;
            if same { None } else { tool(&description, &schema, &self.seen) }
        });
        let Some(changed) = changed else { return Came::Same };
        let gate = gate(&self.store, changed, &self.key).await;
        let came = self.run(&gate).await;
        assert_eq!(came, Came::Refused);
        came
    }

    async fn mutated_payload(&mut self) -> Came {
        let tenant = Tenant::default();
        let record = self.store.inner.get_by_key(&self.call_key()).await.unwrap().unwrap();
        let sealed = self.store.inner.payload(&tenant, record.id()).await.unwrap().unwrap();
        let bytes = sealed.as_bytes();
        let changed = self.dice.bytes(bytes);
        if changed == bytes {
            return Came::Same;
        }
        self.store.payload(Some(Sealed::from_bytes(changed)));
        let came = self.run(&self.gate).await;
        self.store.payload(None);
        assert_eq!(came, Came::Refused);
        came
    }

    /// Changes the record, as a faulty store might return it. The digest is that of the preview.
    async fn mutated_record(&mut self) -> Came {
        let record = self.store.inner.get_by_key(&self.call_key()).await.unwrap().unwrap();
        let json = serde_json::to_string(&record).unwrap();
        let field = self.dice.one(&[
            "binding",
            "fingerprint",
            "revision",
            "principal",
            "tenant",
            "tool",
            "digest",
        ]);
        let changed = match field {
            "revision" => json.replacen("\"revision\":1", "\"revision\":2", 1),
            "tenant" => json.replace("\"tenant\":\"default\"", "\"tenant\":\"other\""),
            "principal" => json.replace("\"principal\":\"ann\"", "\"principal\":\"eve\""),
            "tool" => json.replacen("\"tool\":\"pay\"", "\"tool\":\"pai\"", 1),
            digest => {
                let name = format!("\"{digest}\":\"");
                let at = json.find(&name).unwrap() + name.len() + self.dice.below(64);
                let other = if &json[at..=at] == "0" { "1" } else { "0" };
                format!("{}{other}{}", &json[..at], &json[at + 1..])
            }
        };
        assert_ne!(json, changed, "{field}");
        self.store.record(Some(serde_json::from_str(&changed).unwrap()));
        let came = self.run(&self.gate).await;
        self.store.record(None);
        assert_eq!(came, Came::Refused, "{field}");
        came
    }

    /// Changes something in a decision about a waiting call.
    async fn mutated_decision(&mut self) -> Came {
        let Submission::Pending(ticket) =
            self.gate.submit_json("pay", TEXT, "ann", "waits", self.round).await.unwrap()
        else {
            panic!("it needs a review")
        };
        let decision = ticket.request().approve().by("bob");
        let json = serde_json::to_string(&decision).unwrap();
        let field = self.dice.one(&["binding", "request", "revision", "tenant"]);
        let changed = match field {
            "revision" => {
                json.replace("\"revision\":1", &format!("\"revision\":{}", 2 + self.dice.below(9)))
            }
            "tenant" => json.replace("\"tenant\":\"default\"", "\"tenant\":\"defaulT\""),
            id => {
                let name = format!("\"{id}\":\"");
                // The last digits: a UUID keeps its form.
                let length = json[json.find(&name).unwrap() + name.len()..].find('"').unwrap();
                let at = json.find(&name).unwrap() + name.len() + length - 1 - self.dice.below(12);
                let other = if &json[at..=at] == "0" { "1" } else { "0" };
                format!("{}{other}{}", &json[..at], &json[at + 1..])
            }
        };
        assert_ne!(json, changed, "{field}");
        let changed: Decision = serde_json::from_str(&changed).unwrap();
        let refused = self.gate.decide(changed).await.unwrap_err();
        let kinds = [GateErrorKind::Refused, GateErrorKind::NotFound];
        assert!(kinds.contains(&refused.kind()), "{field}: {refused}");
        let record = self
            .gate
            .unscoped()
            .get_by_key(&CallKey::new("waits", self.round))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(record.state(), CallState::Pending, "{field}");
        Came::Refused
    }
}

#[tokio::test]
async fn invariant_2_an_approved_call_is_changed_in_thousands_of_ways_and_none_runs() {
    let start = std::env::var("HITL_SEED").ok().and_then(|text| text.parse().ok());
    let start = start.unwrap_or(0x9E37_79B9_7F4A_7C15);
    let (seen, key) = (Seen::default(), HostKey::generate().unwrap());
    let store = Tampered::new(MemoryStore::new());
    let gate = gate(&store, tool(DESCRIPTION, SCHEMA, &seen).unwrap(), &key).await;
    let mut world = World { store, key, seen, gate, dice: Dice(start), round: 0 };
    // `cargo xtask test --full` sets it.
    let rounds = if std::env::var_os("HITL_TEST_FULL").is_some() { 10_000 } else { 1_500 };
    let mut counts: BTreeMap<(usize, Came), u64> = BTreeMap::new();
    for round in 0..rounds {
        world.round = round;
        world.approved().await;
        // A changed tool needs a gate of its own, which takes a while to build.
        let kind = [0, 1, 3, 4, 5, 2][world.dice.below(26) / 5];
        let came = match kind {
            0 => world.mutated_arguments().await,
            1 => world.mutated_identity().await,
            2 => world.mutated_tool().await,
            3 => world.mutated_payload().await,
            4 => world.mutated_record().await,
            _ => world.mutated_decision().await,
        };
        *counts.entry((kind, came)).or_default() += 1;
        let ran = std::mem::take(&mut *world.seen.lock().unwrap());
        assert!(ran.is_empty(), "seed {start}, round {round}, {kind}: {ran:?}");
        // The unchanged call runs, once, exactly: a gate that runs nothing would not pass the test.
        assert_eq!(world.run(&world.gate).await, Came::Same, "seed {start}, round {round}");
        let ran = std::mem::take(&mut *world.seen.lock().unwrap());
        assert_eq!(ran, [EXACT], "seed {start}, round {round}, {kind}");
    }
    // Every kind of change was made, and hardly any made no difference.
    for kind in 0..6 {
        let made = |came| counts.get(&(kind, came)).copied().unwrap_or_default();
        let different = made(Came::Refused) + made(Came::Another);
        assert!(different > rounds / 40 && different > 2 * made(Came::Same), "{counts:?}");
    }
}
