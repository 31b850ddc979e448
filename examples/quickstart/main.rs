//! The main job of hitl, on real tool calls: annotate, gate, ask, queue, run.
//!
//! Replays the calls of an airline's agent, one by one. Reads run at once; calls with consequences
//! are scored and routed: to you in the terminal, or into a queue that outlives this process.
//!
//! | file | what happens there |
//! |---|---|
//! | `tools` | the airline's tools, annotated: start reading here |
//! | `previews` | what a call would do, for the person who decides it |
//! | `replay` | every recorded call is submitted; the replay is itself a task with a progress bar |
//! | `review` | the queue is reviewed, and approved calls run |
//! | `tally`, `report`, `screen` | the outcomes of the calls, and their output |
//! | `data`, `args`, `interrupt` | recorded calls from a file, the command line, Ctrl-C |
//! | `airline/` | an airline in memory |

mod airline;
mod args;
mod data;
mod interrupt;
mod previews;
mod replay;
mod report;
mod review;
mod screen;
mod tally;
mod tools;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use hitl::approval::{ScriptedApprover, TerminalApprover};
use hitl::prelude::*;
use hitl::tasks::{StepContext, Task, TaskErrorKind, TaskManager, TaskStep};

use crate::airline::Airline;
use crate::args::{Command, Decide, Options};
use crate::interrupt::{Interrupt, UntilInterrupted};
use crate::replay::Job;
use crate::review::{REASON, REVIEWER, Reviewer};
use crate::screen::Screen;
use crate::tally::Tally;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print(args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Replay(options)) => options,
        Err(why) => {
            eprintln!("quickstart: {why}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let screen = Screen::new(options.json);
    let reviewer = match options.decide {
        Some(rule) => Reviewer::Rule(rule),
        None if screen.terminal().is_attended() => Reviewer::Person,
        None => Reviewer::Rule(Decide::Leave),
    };
    let interrupt = Interrupt::listen();
    let gate = open_gate(&options, &screen, reviewer, &interrupt).await?;
    let job = Arc::new(Job {
        gate: gate.clone(),
        screen: screen.clone(),
        tally: Tally::default(),
        data: options.data.clone(),
    });

    work(&job, reviewer, &interrupt).await?;
    let mut code = ExitCode::SUCCESS;
    if interrupt.has_happened() {
        screen.line("\nstopped; start again with the same --db to go on");
        code = ExitCode::from(interrupt::EXIT_CODE);
    }

    let summary = job.tally.summary(&gate).await?;
    report::summary(&screen, &summary);
    let db = options.db.display();
    screen.line(format!("  queue   {db}\n  audit   {}", audit_path(&options.db).display()));
    if summary.pending > 0 {
        let how = "start again in a terminal, or with --decide approve or reject";
        screen.line(format!("  {} wait for a reviewer: {how}", summary.pending));
    }
    screen.line(report::next_steps(&summary, &options.db, &audit_path(&options.db)));
    if options.json {
        print(&format!("{}\n", serde_json::to_string(&summary)?));
    }
    Ok(code)
}

/// Opens the gate: every tool, its state, the approver for Quick, and two files that outlive the
/// process.
async fn open_gate(
    options: &Options,
    screen: &Screen,
    reviewer: Reviewer,
    interrupt: &Interrupt,
) -> Result<Gate, Box<dyn Error>> {
    if let Some(folder) = options.db.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    }
    let at_work = screen.clone();
    let airline = Airline::new(options.pace, move |request| {
        report::note(&at_work, &format!("the airline works on {request}"));
    });
    let gate = tools::register(Gate::builder())
        .state(airline)
        .store(SqliteStore::open(&options.db).await?)
        .audit(JsonlAudit::open(audit_path(&options.db))?)
        // The replay itself says what waits, beside its bars.
        .on_notice(|_| {});
    let gate = match reviewer {
        Reviewer::Person => gate.approver(UntilInterrupted {
            approver: TerminalApprover::new(REVIEWER).on(screen.terminal()),
            interrupt: interrupt.clone(),
        }),
        // A rule does not look at the call, masked or not.
        Reviewer::Rule(Decide::Approve) => {
            gate.approver(ScriptedApprover::approving(REVIEWER).unseen())
        }
        Reviewer::Rule(Decide::Reject) => {
            gate.approver(ScriptedApprover::rejecting(REVIEWER, REASON))
        }
        Reviewer::Rule(Decide::Leave) => gate,
    };
    Ok(gate.build().await?)
}

/// Replays, then reviews. Ctrl-C ends it early and cleanly.
async fn work(
    job: &Arc<Job>,
    reviewer: Reviewer,
    interrupt: &Interrupt,
) -> Result<(), Box<dyn Error>> {
    let manager = TaskManager::builder().emitter(job.screen.bars()).build()?;
    let (loading, submitting) = (Arc::clone(job), Arc::clone(job));
    let task = Task::new("Replay")
        .step(TaskStep::new("Read the calls", move |_: StepContext| {
            std::future::ready(replay::load(&loading))
        }))
        .step(
            TaskStep::new("Submit the calls", move |cx: StepContext, calls| {
                replay::submit_all(cx, Arc::clone(&submitting), calls)
            })
            .weight(50),
        );
    let handle = manager.submit(task)?;
    let ended = tokio::select! {
        ended = handle.wait() => ended,
        () = interrupt.happened() => {
            handle.cancel("stopped by Ctrl-C");
            handle.wait().await
        }
    };
    match ended {
        Ok(()) => {}
        Err(error) if error.kind() == TaskErrorKind::Cancelled => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    Ok(review::review(&job.gate, &job.screen, reviewer, interrupt).await?)
}

fn audit_path(db: &Path) -> std::path::PathBuf {
    let mut path = OsString::from(db);
    path.push(".audit.jsonl");
    path.into()
}

/// Prints on standard output. Its reader may have gone.
fn print(text: &str) {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}
