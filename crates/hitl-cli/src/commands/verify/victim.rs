//! The process that is killed between the claim of a call and its result.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use hitl_base::JsonText;
use hitl_core::{DynArguments, DynSpec, DynTool, Gate, Permit};

use super::lab::{ASKS, REVIEWER, SCHEMA, TOOL, submit};
use super::scratch::Scratch;
use super::trial::Stop;
use crate::commands::child::first_line;
use crate::exit::{Exit, Failure};

/// The line by which the victim says that its tool has begun.
const BEGUN: &str = "begun";
/// The file in the scratch folder in which each run leaves a line, and the one that names the run.
const RUNS: &str = "runs";
const RUN: &str = "run";

/// What becomes of the victim once its tool has begun.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is killed, as `kill -9` does.
    Killed,
    /// It continues.
    Spared,
}

/// Is the process that is killed: claims an approved call, runs its tool, and waits.
pub(super) async fn die(db: Option<&str>, folder: &Path) -> Result<(), Failure> {
    let scratch = Scratch::attach(db, folder)?;
    let run = fs::read_to_string(folder.join(RUN))?;
    let failed = |stop: Stop| match stop {
        Stop::Failed(why) | Stop::NotApplicable(why) => Failure::new(Exit::Failed, why),
    };
    let gate = gate(&scratch, || {
        let mut out = io::stdout().lock();
        writeln!(out, "{BEGUN}")?;
        out.flush()?;
        // Until it is killed, or its parent lets it go on.
        io::stdin().read_to_end(&mut Vec::new()).map(drop)
    });
    let gate = gate.await.map_err(failed)?;
    let submitted = submit(&gate, &run, 0).await.map_err(failed)?;
    let hitl_core::Submission::Pending(ticket) = submitted else {
        return Err(Failure::new(Exit::Failed, "the call of the trial does not wait"));
    };
    gate.decide(ticket.request().approve().by(REVIEWER)).await?;
    ticket.wait().await?;
    gate.flush_audit().await?;
    Ok(())
}

/// Returns a gate over the scratch store, whose tool leaves a line in a file that outlives the
/// process.
pub(super) async fn gate(
    scratch: &Scratch,
    then: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) -> Result<Gate, Stop> {
    let runs = scratch.file(RUNS);
    let body = move |_permit: Permit<DynArguments>| {
        let note = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&runs)?;
            writeln!(file, "ran")?;
            then()
        };
        let done = note();
        async move { done.map(|()| JsonText::null()) }
    };
    let spec = DynSpec::new(TOOL, "Does nothing, and is counted.").config(ASKS);
    let tool = DynTool::new(spec, SCHEMA, body);
    let tool = tool.map_err(|error| Stop::Failed(error.to_string()))?;
    let store = scratch.open().await?;
    Ok(Gate::builder().on_notice(|_| {}).store(store).dyn_tool(tool).build().await?)
}

/// Returns how often the tool of the victims has run, in all processes.
pub(super) fn runs(scratch: &Scratch) -> io::Result<usize> {
    match fs::read_to_string(scratch.file(RUNS)) {
        Ok(text) => Ok(text.lines().count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Lets another process claim and run a call of this run, and kills or spares it once the tool has
/// begun.
pub(super) fn run(scratch: &Scratch, db: Option<&str>, run: &str, fate: Fate) -> Result<(), Stop> {
    fs::write(scratch.file(RUN), run)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["verify", "--victim"]).arg(scratch.folder());
    // Other programs can read arguments; a URL may hold a password.
    match db {
        Some(db) => command.env("HITL_DB", db),
        None => command.env_remove("HITL_DB"),
    };
    command.env_remove("HITL_URL").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut victim = command.spawn()?;
    let heard = first_line(&mut victim);
    if fate == Fate::Killed {
        victim.kill()?;
    }
    drop(victim.stdin.take());
    let ended = victim.wait()?;
    if heard?.trim_end() != BEGUN {
        return Err(Stop::Failed("the process that was to run the call did not".to_owned()));
    }
    if fate == Fate::Spared && !ended.success() {
        return Err(Stop::Failed(format!("the process that was spared ended with {ended}")));
    }
    Ok(())
}
