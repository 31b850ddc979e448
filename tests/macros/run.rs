//! The values that the body of a `#[hitl_tool]` gets when a gate runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hitl::gate::BuildError;
use hitl::prelude::*;
use hitl::{CallError, Gate, RunContext};

#[derive(Debug, Default)]
struct Ledger(AtomicU32);

impl Ledger {
    fn write(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Clone, Copy, Debug)]
struct Limit(u64);

/// Everything a body can take.
#[hitl_tool(base_confidence = 100)]
async fn transfer(
    #[hitl(state)] ledger: Arc<Ledger>,
    #[hitl(context)] cx: &CallContext,
    to: &str,
    parts: &[u64],
    #[hitl(state)] limit: &Limit,
    #[hitl(default = "EUR")] mut currency: String,
    note: Option<String>,
    #[hitl(sensitive)] pin: &str,
) -> Result<String, String> {
    let sum: u64 = parts.iter().sum();
    if sum > limit.0 {
        return Err(format!("{sum} is above the limit"));
    }
    currency.make_ascii_lowercase();
    let note = note.unwrap_or_default();
    let n = ledger.write();
    Ok(format!("{n}: {sum} {currency} from {} to {to} {note} {}", cx.principal, pin.len()))
}

/// What makes this call this call.
#[hitl_tool(base_confidence = 100, read_only)]
async fn whoami(#[hitl(context)] run: RunContext, #[hitl(state)] limit: Limit) -> (String, u64) {
    (run.key().to_string(), limit.0)
}

/// Calls itself, which runs nothing.
#[hitl_tool(base_confidence = 100)]
async fn again(#[hitl(state)] ledger: &Arc<Ledger>, depth: u8) {
    ledger.write();
    if let Some(deeper) = depth.checked_sub(1) {
        let call: Again = again(deeper);
        drop(call);
    }
}

/// Gives up.
#[hitl_tool(base_confidence = 100)]
async fn give_up(at: u8) -> Result<u8, std::num::ParseIntError> {
    // `?` converts, as in any fn.
    let read: u8 = "x".parse()?;
    Ok(at + read)
}

async fn gate(ledger: &Arc<Ledger>) -> Result<Gate, BuildError> {
    Gate::builder()
        .tool::<Transfer>()
        .tool::<Whoami>()
        .tool::<Again>()
        .tool::<GiveUp>()
        .state(ledger.clone())
        .state(Limit(100))
        .build()
        .await
}

#[tokio::test]
async fn a_body_gets_its_arguments_and_what_the_host_gives() {
    let ledger = Arc::default();
    let gate = gate(&ledger).await.unwrap();
    let call = transfer("bob", [1, 2], "USD", Some("hi".to_owned()), "1234");
    let said = gate.call(call).by("ann").key("r", 0).await.unwrap();
    assert_eq!(said, "1: 3 usd from ann to bob hi 4");
    let key = CallKey::new("r", 1);
    let text = r#"{"to":"eve","parts":[7],"pin":""}"#;
    let outcome = gate
        .call_json("transfer", text, CallContext::new("ann"), key.run.clone(), key.position)
        .await
        .unwrap();
    let Outcome::Executed(output) = outcome else { panic!("{outcome:?}") };
    assert_eq!(output.parse::<String>().unwrap(), "2: 7 eur from ann to eve  0");
    let (key, limit) = gate.call(whoami()).by("ann").key("r", 2).await.unwrap();
    assert_eq!((key.as_str(), limit), ("default/r#2", 100));
}

#[tokio::test]
async fn an_error_of_the_body_comes_back_typed() {
    let gate = gate(&Arc::default()).await.unwrap();
    let call = transfer("bob", [101], "EUR", None, "");
    let CallError::Tool { error, .. } = gate.call(call).by("ann").await.unwrap_err() else {
        panic!("not the tool's error")
    };
    assert_eq!(error, "101 is above the limit");
    let error = gate.call(give_up(1)).by("ann").await.unwrap_err();
    assert!(matches!(error, CallError::Tool { .. }), "{error}");
}

#[tokio::test]
async fn invariant_1_a_recursive_call_is_a_value_and_runs_nothing() {
    let ledger = Arc::default();
    let gate = gate(&ledger).await.unwrap();
    gate.call(again(3)).by("ann").await.unwrap();
    assert_eq!(ledger.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_gate_without_the_state_that_a_body_takes_is_not_built() {
    let error = Gate::builder().tool::<Again>().build().await.unwrap_err();
    assert!(error.to_string().contains("Ledger"), "{error}");
}

#[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Shown {
    id: u8,
    #[serde(skip)]
    inner: u8,
}

#[derive(PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Compared {
    id: u8,
    #[serde(skip)]
    inner: Vec<u8>,
}

/// Ships both, after a review.
#[hitl_tool(base_confidence = 20)]
async fn ship(shown: Shown, compared: Vec<Compared>) -> u8 {
    shown.inner + compared.iter().map(|each| each.id).sum::<u8>() + shown.id
}

#[tokio::test]
async fn invariant_2_what_serde_does_not_write_is_not_approved_unseen() {
    let gate = Gate::builder().tool::<Ship>().build().await.unwrap();
    let shown = |inner| Shown { id: 1, inner };
    let compared = |inner| vec![Compared { id: 1, inner: Vec::new() }, Compared { id: 2, inner }];
    for (call, name) in [
        (ship(shown(7), compared(Vec::new())), "`shown`"),
        (ship(shown(0), compared(vec![1])), "`compared`"),
    ] {
        let error = gate.submit(call).by("ann").await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(gate.submit(ship(shown(0), compared(Vec::new()))).by("ann").await.is_ok());
}

/// Reads what a page says.
#[expect(clippy::unused_async, reason = "a reader is async")]
async fn fetch(url: &str) -> Result<String, String> {
    Ok(format!("what is at {url}"))
}

/// Runs a script, after a review.
#[hitl_tool(base_confidence = 20)]
async fn deploy(
    #[hitl(content_of)] script: &str,
    #[hitl(content_of)] others: Vec<std::path::PathBuf>,
    #[hitl(content_of = fetch)] url: &str,
    #[hitl(context)] cx: &RunContext,
) -> Vec<String> {
    let _ = (script, others, url);
    let given = ["script", "/others/0", "url"].map(|name| cx.content_of(name).unwrap_or_default());
    given.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).to_vec()
}

/// Opens a gate over the file, as each life of the program does.
#[expect(clippy::unwrap_used, reason = "part of a test")]
async fn durable(folder: &std::path::Path) -> Gate {
    let store = hitl::SqliteStore::open(folder.join("calls.db")).await.unwrap();
    Gate::builder().tool::<Deploy>().store(store).build().await.unwrap()
}

#[tokio::test]
async fn invariant_2_what_a_call_names_is_sealed_and_compared_after_a_restart() {
    const SECRET: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let kept = tempfile::tempdir().unwrap();
    let folder = std::fs::canonicalize(kept.path()).unwrap();
    let (script, other) = (folder.join("run.sh"), folder.join("other"));
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    std::fs::write(&script, format!("export TOKEN={SECRET}")).unwrap();
    std::fs::write(&other, &bytes).unwrap();
    let call = || deploy(script.to_str().unwrap(), vec![other.clone()], "https://x.org");
    let gate = durable(&folder).await;
    let Submission::Pending(ticket) = gate.submit(call()).by("ann").key("r", 0).await.unwrap()
    else {
        panic!("it needs a review")
    };
    let request = ticket.request().clone();
    gate.decide(request.approve().by("bob")).await.unwrap();
    drop((gate, ticket));
    let mut open = vec![folder.clone()];
    let mut looked_at = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()));
            continue;
        }
        if path == script || path == other {
            continue;
        }
        looked_at += 1;
        let written = std::fs::read(&path).unwrap();
        let has = |what: &[u8]| written.windows(what.len()).any(|window| window == what);
        assert!(!has(SECRET.as_bytes()) && !has(&bytes[..64]), "{}", path.display());
        assert!(!has(b"000102030405060708090a0b0c0d0e0f"), "{}", path.display());
    }
    assert!(looked_at > 0);

    // Another life of the program, in which one of the contents has changed.
    std::fs::write(&script, "echo evil").unwrap();
    let gate = durable(&folder).await;
    let Submission::Pending(ticket) = gate.submit(call()).by("ann").key("r", 0).await.unwrap()
    else {
        panic!("what was approved is not what would run")
    };
    let asked = ticket.request().clone();
    assert_eq!((asked.id, asked.revision), (request.id, 2));
    let why = asked.reasons.last().unwrap();
    assert!(why.contains("the content of `script`") && !why.contains("others"), "{why}");
    gate.decide(asked.approve().by("bob")).await.unwrap();
    drop((gate, ticket));
    let gate = durable(&folder).await;
    let given = gate.call(call()).by("ann").key("r", 0).await.unwrap();
    assert_eq!((&*given[0], &*given[2]), ("echo evil", "what is at https://x.org"));
}
