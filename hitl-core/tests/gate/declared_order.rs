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
