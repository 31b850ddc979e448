//! A payroll that survives Ctrl-C, `kill -9` and a reviewer who takes a day: a journaled task with
//! a human step.
//!
//! ```sh
//! cargo run --example payroll -- my-folder
//! ```

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitl::prelude::*;
use hitl::tasks::{ResultErrorKind, Shutdown, TaskErrorKind, TaskId};
use hitl::{Gate, GateInTask as _};

type Failure = Box<dyn Error + Send + Sync>;

/// The bank, as a gate's state: here a file with a line for each payment.
#[derive(Clone)]
struct Bank(PathBuf);

/// Pays the salaries of a month.
#[hitl_tool(
    approval_type = "financial",
    risk = "high",
    base_confidence = 50,
    expires = "7d",
    describe = "Pay ${total} to {people} people"
)]
async fn pay(#[hitl(state)] bank: Bank, people: u64, total: u64) -> Result<String, std::io::Error> {
    let mut file = fs::File::options().create(true).append(true).open(bank.0.join("bank"))?;
    writeln!(file, "${total} to {people} people")?;
    Ok(format!("paid ${total} to {people} people"))
}

/// What the steps need.
#[derive(Clone)]
struct Office {
    folder: PathBuf,
    gate: Gate,
    bars: ProgressBars,
}

/// Asks each team for its hours: slow, and nobody wants to be asked twice.
async fn collect(cx: StepContext, office: Office) -> Result<Vec<u64>, Failure> {
    let mut hours = Vec::new();
    let teams = [("kitchen", 310), ("service", 420), ("delivery", 150)];
    for (number, (team, worked)) in (1_u32..).zip(teams) {
        office.bars.println(format!("asking the {team}"));
        tokio::time::sleep(pace()).await;
        hours.push(worked);
        cx.progress(f64::from(number) / 3.0);
    }
    Ok(hours)
}

/// Computes each team's salaries.
async fn compute(cx: StepContext, office: Office, hours: Vec<u64>) -> Result<Vec<u64>, Failure> {
    let mut salaries = Vec::new();
    for (number, worked) in (1_u32..).zip(&hours) {
        cx.message(format!("team {number} of {}", hours.len()));
        office.bars.println(format!("computing team {number}"));
        tokio::time::sleep(pace()).await;
        salaries.push(worked * 30);
        cx.progress(f64::from(number) / 3.0);
    }
    Ok(salaries)
}

/// Pays, once a person has approved it. While it waits, the task needs no slot and no time.
async fn transfer(cx: StepContext, office: Office, salaries: Vec<u64>) -> Result<String, Failure> {
    let db = office.folder.join("hitl.db");
    office.bars.println(format!("waits for a person: hitl --db {} queue", db.display()));
    let call = pay(salaries.len() as u64, salaries.iter().sum::<u64>());
    match office.gate.call_in(&cx, call).by("payroll").await? {
        Outcome::Executed(output) => Ok(output.parse()?),
        other => Err(format!("not paid: {other:?}").into()),
    }
}

/// Sends the pay slips; fails while the mail server is down.
async fn notify(_: StepContext, office: Office, receipt: String) -> Result<String, Failure> {
    tokio::time::sleep(pace()).await;
    if office.folder.join("mail-is-down").exists() {
        return Err("the mail server is down".into());
    }
    Ok(format!("{receipt}, and sent the pay slips"))
}

fn payroll(id: TaskId, office: &Office) -> Task<String> {
    let [one, two, three, four] = std::array::from_fn(|_| office.clone());
    Task::new("Payroll")
        .id(id)
        .step(TaskStep::new("Collect", move |cx: StepContext| collect(cx, one.clone())).durable())
        .step(
            TaskStep::new("Compute", move |cx: StepContext, hours: Vec<u64>| {
                compute(cx, two.clone(), hours)
            })
            .durable(),
        )
        .step(
            TaskStep::new("Pay", move |cx: StepContext, salaries: Vec<u64>| {
                transfer(cx, three.clone(), salaries)
            })
            .durable(),
        )
        .step(
            TaskStep::new("Notify", move |cx: StepContext, receipt: String| {
                notify(cx, four.clone(), receipt)
            })
            .durable(),
        )
        .journaled()
}

/// Returns the id of this month's task, the same after every start: here it is in a file. It can as
/// well be a column of the order, the upload, the month that the task is about.
fn stable_id(folder: &Path) -> Result<TaskId, Failure> {
    let file = folder.join("task-id");
    if let Ok(text) = fs::read_to_string(&file) {
        return Ok(text.trim().parse()?);
    }
    let id = TaskId::new();
    fs::write(&file, id.to_string())?;
    Ok(id)
}

/// Returns how long each piece of work takes.
fn pace() -> Duration {
    let millis = std::env::var("PAYROLL_PACE_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(millis.unwrap_or(700))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "payroll".into()));
    fs::create_dir_all(&folder)?;
    let id = stable_id(&folder)?;

    // One file: the calls of the gate, and the journal of the tasks.
    let store = SqliteStore::open(folder.join("hitl.db")).await?;
    let gate = Gate::builder()
        .tool::<Pay>()
        .state(Bank(folder.clone()))
        .store(store.clone())
        .audit(JsonlAudit::open(folder.join("audit.jsonl"))?)
        .build()
        .await?;
    let bars = ProgressBars::stderr();
    let manager = TaskManager::builder().journal(store).emitter(bars.clone()).build()?;
    let office = Office { folder, gate, bars };

    let handle = match manager.result::<String>(id).await {
        Ok(receipt) => {
            println!("done before: {receipt}");
            return Ok(());
        }
        Err(error) if error.kind() == ResultErrorKind::Failed => {
            eprintln!("it failed last time: {error}; trying again");
            manager.retry(payroll(id, &office))?
        }
        // It is new, or was interrupted: it begins, or continues.
        Err(_) => manager.submit(payroll(id, &office))?,
    };

    let stop = manager.shutdown_on(tokio::signal::ctrl_c(), Shutdown::cancel(pace()));
    let ended = tokio::select! {
        ended = handle.wait() => ended,
        report = stop => {
            eprintln!("{report}");
            return Ok(());
        }
    };
    match ended {
        Ok(receipt) => println!("{receipt}"),
        // Ctrl-C: the shutdown has ended the wait, too.
        Err(error) if error.kind() == TaskErrorKind::Interrupted => eprintln!("{error}"),
        Err(error) => return Err(format!("{error}; start again to retry").into()),
    }
    Ok(())
}
