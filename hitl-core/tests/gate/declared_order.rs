//! Arguments are shown in the order in which the tool declares them, on every surface; what is
//! digested has its keys sorted as before.

use crate::support;

use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{DetailLevel, ScriptedApprover};
use hitl_core::gate::MaskSelection;
use hitl_core::{
    DynArguments, DynSpec, DynTool, Gate, MemoryStore, Outcome, Permit, Submission, ToolConfig,
};
use support::{bench, pay};

const CONFIG: ToolConfig = ToolConfig::DEFAULT.base_confidence(50);
/// Neither sorted, nor in the order of the model's text.
const SCHEMA: &str = r#"{"type":"object","properties":{"to":{"type":"string"},
    "amount":{"type":"number"},"memo":{"type":"string"}}}"#;
const TEXT: &str = r#"{"zone":"x","memo":"rent","amount":5,"to":"bob"}"#;

fn tool(schema: &str) -> DynTool {
    let body = |permit: Permit<DynArguments>| {
        let arguments = permit.open().0;
        let said = format!("{} {arguments:?}", arguments.json());
        async move { Ok::<_, String>(JsonText::from(&hitl_base::Json::String(said))) }
    };
    DynTool::new(DynSpec::new("pay", "Pays.").config(CONFIG), schema, body).unwrap()
}

/// Returns the names in the order in which a text has them.
fn order<'n>(text: &str, names: &[&'n str]) -> Vec<&'n str> {
    let mut found: Vec<_> = names.iter().map(|name| (text.rfind(name), *name)).collect();
    found.sort_unstable();
    assert!(found.iter().all(|(at, _)| at.is_some()), "{names:?} in {text}");
    found.into_iter().map(|(_, name)| name).collect()
}

async fn pending(gate: &Gate) -> hitl_core::Ticket {
    let submitted = gate.submit_json("pay", TEXT, "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    ticket
}

#[tokio::test]
async fn a_run_time_tools_arguments_have_the_order_of_its_schema() {
    let store = MemoryStore::new();
    let gate = Gate::builder().store(store.clone()).dyn_tool(tool(SCHEMA)).build().await.unwrap();
    let ticket = pending(&gate).await;
    assert_eq!(
        ticket.request().arguments.as_str(),
        r#"{"to":"bob","amount":5,"memo":"rent","zone":"x"}"#
    );
    let card = ticket.request().render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    let labels = ["to: ", "amount: ", "memo: ", "zone: "];
    assert_eq!(order(&card, &labels), labels, "{card}");
    // Where the tool is not, an edit keeps the order.
    let desk = Gate::builder().store(store).build().await.unwrap();
    let edited = desk.decide(ticket.request().edit(r#"{"amount":6}"#).by("bob")).await.unwrap();
    let shown = edited.request().arguments.as_str().to_owned();
    assert_eq!(shown, r#"{"to":"bob","amount":6,"memo":"rent","zone":"x"}"#);
    assert_eq!(edited.prior_revisions()[0].arguments, ticket.request().arguments);
    // The body gets what was digested; `Debug` shows the declared order.
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    let digested = r#"{"amount":6,"memo":"rent","to":"bob","zone":"x"}"#;
    let said: String = output.parse().unwrap();
    assert_eq!(said, format!("{digested} DynArguments({shown})"));
}

#[tokio::test]
async fn every_surface_has_the_declared_order() {
    let bench = bench().await;
    let Submission::Pending(ticket) =
        bench.gate.submit(pay("bob", 5000.0)).by("ann").await.unwrap()
    else {
        panic!("it waits")
    };
    let request = ticket.request();
    assert!(request.arguments.as_str().starts_with(r#"{"to":"bob","amount":5000.0,"pin":"#));
    for extent in [DetailLevel::Brief, DetailLevel::Full] {
        let card = request.render(Timestamp::EPOCH, extent);
        let json = serde_json::to_string(&card).unwrap();
        let parts = ["bob", "5000.0", "[redacted"];
        for text in [card.to_text(), card.to_markdown(), card.to_html(), card.to_chat(), json] {
            // Markdown escapes every punctuation mark.
            assert_eq!(order(&text.replace('\\', ""), &parts), parts, "{text}");
        }
    }
    let edited = bench.gate.preview_edit(request, r#"{"amount":7}"#, "carol").await.unwrap();
    assert!(edited.request.arguments.as_str().starts_with(r#"{"to":"bob","amount":7.0,"pin":"#));
}

#[tokio::test]
async fn uncovered_arguments_keep_their_order() {
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let spec = DynSpec::new("pay", "Pays.").config(CONFIG);
    let gate = Gate::builder().dyn_tool(DynTool::new(spec, SCHEMA, body).unwrap());
    let gate = gate.approver(ScriptedApprover::silent()).build().await.unwrap();
    let text = r#"{"amount":5,"memo":"--password=\"aB3dE6gH$(x)\"","to":"bob"}"#;
    let Submission::Pending(ticket) = gate.submit_json("pay", text, "ann", "run", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    let names = [r#""to""#, r#""amount""#, r#""memo""#];
    assert_eq!(order(ticket.request().arguments.as_str(), &names), names);
    let opened = gate.uncover(ticket.request(), "carol", MaskSelection::All).await.unwrap();
    assert_eq!(order(opened.arguments().as_str(), &names), names);
    assert!(opened.arguments().as_str().contains("aB3dE6gH"));
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Address {
    street: String,
    city: String,
    country: String,
    #[serde(default)]
    attention: Option<String>,
}

#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
struct Ship {
    to: Vec<Address>,
    item: String,
}

impl hitl_core::Tool for Ship {
    type Output = String;
    type Error = String;
    const SPEC: hitl_core::ToolSpec = hitl_core::ToolSpec::new("ship", "Ships.")
        .parameters(&[hitl_core::ParameterSpec::new("to"), hitl_core::ParameterSpec::new("item")])
        .config(CONFIG);
    fn snapshot(&self, to: &mut hitl_core::SnapshotWriter) -> Result<(), hitl_core::SnapshotError> {
        to.object(|object| {
            object.field("item", &self.item)?;
            object.field("to", &self.to)
        })
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        Ok(permit.open().0.item)
    }
}

#[tokio::test]
async fn fields_inside_arguments_have_their_declared_order_in_requests_and_in_edits() {
    let gate = Gate::builder().tool::<Ship>().build().await.unwrap();
    let text = r#"{"item":"book","to":[{"country":"DE","city":"Bonn","street":"Weg 1"}]}"#;
    let submitted = gate.submit_json("ship", text, "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let shown = ticket.request().arguments.as_str();
    let fields = r#"{"street":"Weg 1","city":"Bonn","country":"DE","attention":null}"#;
    assert_eq!(shown, format!(r#"{{"to":[{fields}],"item":"book"}}"#));
    // The digest is over sorted keys, so the same call in another order is the same.
    let sorted = r#"{"to":[{"street":"Weg 1","country":"DE","city":"Bonn"}],"item":"book"}"#;
    let again = gate.submit_json("ship", sorted, "ann", "run", 0).await.unwrap();
    assert!(matches!(again, Submission::Pending(_)), "{again:?}");
    let edit = r#"{"to":[{"country":"FR","city":"Paris","street":"Rue 1"},{"country":"IT","city":"Rom","street":"Via 2"}],"item":"pen"}"#;
    let preview = gate.preview_edit(ticket.request(), edit, "bob").await.unwrap();
    let lines: Vec<String> = preview.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            r#"to[0]: {"street":"Weg 1","city":"Bonn","country":"DE","attention":null} → (left out)"#,
            r#"to[0]: (left out) → {"street":"Rue 1","city":"Paris","country":"FR","attention":null}"#,
            r#"to[1]: (left out) → {"street":"Via 2","city":"Rom","country":"IT","attention":null}"#,
            r#"item: "book" → "pen""#,
        ]
    );
    let one = r#"{"to":[{"country":"FR","city":"Paris","street":"Weg 1"}]}"#;
    let preview = gate.preview_edit(ticket.request(), one, "bob").await.unwrap();
    let lines: Vec<String> = preview.changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines, [r#"to[0].city: "Bonn" → "Paris""#, r#"to[0].country: "DE" → "FR""#]);
}
