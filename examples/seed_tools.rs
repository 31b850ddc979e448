//! Four tools, proposed with different arguments in different contexts: the routing of each, and
//! its reasons.
//!
//! [`Gate::assess`] stores and runs nothing. At the end one call is processed completely: it is
//! asked about, approved by a script, and run.

use hitl::approval::ScriptedApprover;
use hitl::confidence::Signals;
use hitl::gate::Preview;
use hitl::prelude::*;
use hitl::{GateError, Verdict};

#[path = "shared/seed_tools.rs"]
mod seed_tools;

use seed_tools::{approve_expense, delete_project, send_bulk_notification, sign_contract};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = seed_tools::register(Gate::builder().signals(Signals::original()))
        .approver(ScriptedApprover::approving("bob"))
        .build()
        .await?;

    let ann = || CallContext::new("ann");
    let trusted = || ann().role("admin").workspace_verified();
    let urgent = || trusted().time_sensitive();
    let everybody = || (1..=150).map(|n| format!("user-{n}")).collect::<Vec<_>>();
    let team = || vec!["user-1".to_owned(), "user-2".to_owned()];

    show("a member", gate.assess(&sign_contract("C-7", 500.0), ann()))?;
    show("an admin in a hurry", gate.assess(&sign_contract("C-7", 500.0), urgent()))?;
    show("the same, but a lot of money", gate.assess(&sign_contract("C-7", 5000.0), urgent()))?;
    show("a member", gate.assess(&delete_project("apollo"), ann()))?;
    show("an admin in a hurry", gate.assess(&delete_project("apollo"), urgent()))?;
    show("a member", gate.assess(&approve_expense("E-1", 80.0, "taxi"), ann()))?;
    show("an admin", gate.assess(&approve_expense("E-1", 80.0, "taxi"), trusted()))?;
    show("an admin", gate.assess(&approve_expense("E-2", 4000.0, "flights"), trusted()))?;
    show("a member", gate.assess(&send_bulk_notification(team(), "Lunch!"), ann()))?;
    show("a member", gate.assess(&send_bulk_notification(everybody(), "Lunch!"), ann()))?;
    show("an admin in a hurry", gate.assess(&send_bulk_notification(team(), "Fire!"), urgent()))?;

    let expense = approve_expense("E-1", 80.0, "taxi");
    let done = gate.call(expense).by(trusted()).key("demo", 0).await?;
    println!("bob approved it, and it ran: {done}");
    Ok(())
}

fn show(who: &str, preview: Result<Preview, GateError>) -> Result<(), GateError> {
    let preview = preview?;
    let assessment = &preview.assessment;
    let verdict = match &preview.verdict {
        Verdict::Run => "auto: it runs".to_owned(),
        Verdict::Ask(level) => format!("{level}: a human is asked"),
        Verdict::Deny(reason) => format!("denied: {reason}"),
    };
    println!("{} (for {who})", preview.title);
    println!("    {verdict}, at a confidence of {}", assessment.confidence);
    print!("    {} base", assessment.base);
    for factor in &assessment.factors {
        print!(", {:+} {} ({})", factor.adjustment, factor.name, factor.reasoning);
    }
    println!();
    for reason in &preview.reasons {
        println!("    raised: {reason}");
    }
    println!();
    Ok(())
}
