//! A process is killed after it has paid, and starts again.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use hitl_base::JsonText;
use hitl_core::{DynArguments, Gate, Outcome, Permit, Submission, ToolConfig};
use hitl_store::SqliteStore;

use super::bank::{EVERY_PAYMENT, Payment, pay_tool, quiet_builder, rule_set};
use super::run::{failed, waits};
use super::scene::{Scene, Side};
use crate::args::{SceneName, VictimSide};
use crate::commands::child::first_line;
use crate::commands::folder::TemporaryFolder;
use crate::exit::Failure;

/// The line by which a victim says that it has paid.
const PAID: &str = "paid";

pub(super) async fn scene() -> Result<Scene, Failure> {
    Ok(Scene {
        name: SceneName::Crash,
        title: "crash: the process dies after it has paid, and starts again",
        story: format!("A process pays {}, and is killed before it can note that.", payment()),
        without: without()?,
        with: with().await?,
        stopped_by: "a claim is on disk before the tool starts, and no call is claimed twice.",
        limit: "a person has to find out whether the payment arrived (`hitl resolve`).",
    })
}

fn payment() -> Payment {
    Payment::new("Initech", 120)
}

/// Is the process that is killed.
pub(super) async fn die(folder: &Path, side: VictimSide) -> Result<(), Failure> {
    match side {
        VictimSide::Without => naive_loop(folder, wait_for_the_end)?,
        VictimSide::With => {
            let gate = gate(folder, wait_for_the_end).await?;
            let ticket = waits(submit(&gate).await?)?;
            gate.decide(ticket.request().approve().by("bob")).await?;
            ticket.wait().await?;
        }
    }
    Ok(())
}

/// Says that it has paid, and does nothing until it is killed, or until its parent is gone.
fn wait_for_the_end() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{PAID}")?;
    out.flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// A loop that notes what it has done, so as not to do it twice.
fn naive_loop(folder: &Path, then: fn() -> io::Result<()>) -> io::Result<()> {
    let note = folder.join("done");
    if !note.exists() {
        pay(folder)?;
        then()?;
        fs::write(note, "call 0")?;
    }
    Ok(())
}

fn without() -> Result<Side, Failure> {
    let folder = TemporaryFolder::new("demo")?;
    let mut steps = vec![killed(folder.path(), VictimSide::Without)?];
    naive_loop(folder.path(), || Ok(()))?;
    steps.push(format!("started again: {}", statement(folder.path())?));
    Ok(Side { steps, loss: loss(folder.path())? })
}

async fn with() -> Result<Side, Failure> {
    let folder = TemporaryFolder::new("demo")?;
    let mut steps = vec![killed(folder.path(), VictimSide::With)?];
    let gate = gate(folder.path(), || Ok(())).await?;
    let outcome = match submit(&gate).await? {
        Submission::Done { outcome: Outcome::OutcomeUnknown(_), .. } => {
            "the same call is not started: its outcome is unknown".to_owned()
        }
        Submission::Done { outcome, .. } => format!("the same call: {outcome:?}"),
        Submission::Pending(_) => "the same call waits for a person".to_owned(),
    };
    steps.push(format!("started again: {outcome}"));
    steps.push(statement(folder.path())?);
    Ok(Side { steps, loss: loss(folder.path())? })
}

async fn submit(gate: &Gate) -> Result<Submission, Failure> {
    Ok(gate.submit_json("pay", &payment().json()?, "agent", "run", 0).await?)
}

/// Returns a gate over the folder's store, whose payments arrive at the folder's bank.
async fn gate(folder: &Path, then: fn() -> io::Result<()>) -> Result<Gate, Failure> {
    let store = SqliteStore::open(folder.join("hitl.db")).await?;
    let bank = folder.to_owned();
    let body = move |_permit: Permit<DynArguments>| {
        let paid = pay(&bank).and_then(|()| then());
        async move { paid.map(|()| JsonText::null()) }
    };
    let tool = pay_tool(ToolConfig::DEFAULT, body)?;
    let builder = quiet_builder().dyn_tool(tool).store(store);
    Ok(builder.policy(rule_set(EVERY_PAYMENT)?).build().await?)
}

/// Lets another process pay, and kills it as `kill -9` does.
fn killed(folder: &Path, side: VictimSide) -> Result<String, Failure> {
    let side = match side {
        VictimSide::Without => "without",
        VictimSide::With => "with",
    };
    let mut victim = Command::new(std::env::current_exe()?)
        .args(["demo", "crash", "--side", side, "--victim"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let heard = first_line(&mut victim);
    victim.kill()?;
    victim.wait()?;
    if heard?.trim_end() != PAID {
        return Err(failed("the process that was to pay did not"));
    }
    Ok(format!("{}; the process is killed", statement(folder)?))
}

/// Pays: the bank of this scene is a file, which outlives the process.
fn pay(folder: &Path) -> io::Result<()> {
    let mut bank = OpenOptions::new().create(true).append(true).open(folder.join("bank"))?;
    writeln!(bank, "{}", payment())
}

fn payments(folder: &Path) -> io::Result<Vec<String>> {
    Ok(fs::read_to_string(folder.join("bank"))?.lines().map(str::to_owned).collect())
}

fn statement(folder: &Path) -> io::Result<String> {
    Ok(format!("paid: {}", payments(folder)?.join(", ")))
}

fn loss(folder: &Path) -> io::Result<Option<String>> {
    let paid = payments(folder)?;
    Ok((paid.len() > 1).then(|| format!("the invoice was paid {} times", paid.len())))
}
