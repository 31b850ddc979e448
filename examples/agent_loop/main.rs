//! An agent's loop that survives `kill -9`: it is the code to copy.
//!
//! `cargo run --example agent_loop` asks you about the calls with effects. Stop it at any time and
//! start it again: it continues where it was, and nothing runs twice. `docs/guide/agent-loop.md`
//! walks through it.
//!
//! | file | what happens there |
//! |---|---|
//! | `main` | the loop: start reading here |
//! | `transcript` | the conversation in a file, and the numbers of its calls |
//! | `tools` | three tools of a shop |
//! | `model` | a model with a script, in the form of OpenAI's chat completions |
//! | `args` | the command line |

mod args;
mod model;
mod tools;
mod transcript;

use std::error::Error;

use hitl::approval::ScriptedApprover;
use hitl::gate::GateErrorKind;
use hitl::prelude::*;

use crate::args::Options;
use crate::model::{Message, Request, ScriptedModel};
use crate::tools::{LookUpOrder, Refund, SendMail, Shop};
use crate::transcript::Transcript;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(std::env::args().skip(1))?;
    std::fs::create_dir_all(&options.folder)?;
    // First, because it is locked: one process at a time is in a conversation.
    let mut transcript = Transcript::open(&options.folder.join("transcript.jsonl"), "case-7")?;
    let gate = open_gate(&options).await?;
    let model = ScriptedModel::read(options.script.as_deref())?;
    if transcript.messages().is_empty() {
        transcript.push(Message::user("My order A-17 arrived broken. I want my money back."))?;
    }
    let answer = converse(&gate, &model, &mut transcript).await?;
    println!("answer: {answer}");
    Ok(())
}

/// Opens the gate: the tools, and two files that outlive the process.
async fn open_gate(options: &Options) -> Result<Gate, Box<dyn Error>> {
    let gate = Gate::builder()
        .tool::<LookUpOrder>()
        .tool::<Refund>()
        .tool::<SendMail>()
        .state(Shop::new(&options.folder, options.pace))
        .store(SqliteStore::open(options.folder.join("hitl.db")).await?)
        .audit(JsonlAudit::open(options.folder.join("audit.jsonl"))?);
    let gate = if options.approve {
        gate.approver(ScriptedApprover::approving("bob"))
    } else {
        gate.approver(TerminalApprover::new("bob"))
    };
    Ok(gate.build().await?)
}

/// The loop. It reads what to do next from the transcript, so it can begin anywhere.
async fn converse(
    gate: &Gate,
    model: &ScriptedModel,
    transcript: &mut Transcript,
) -> Result<String, Box<dyn Error>> {
    loop {
        if transcript.has_open_calls() {
            run_calls(gate, transcript).await?;
        } else if let Some(answer) = transcript.answer() {
            return Ok(answer.to_owned());
        } else {
            let reply = model.complete(&Request::new(transcript.messages(), &gate.tools())).await?;
            // Stored before any of its calls is submitted: after a restart, the same calls are
            // submitted under the same keys, and re-attach.
            transcript.push(reply)?;
        }
    }
}

/// Runs the calls of the last reply that have no result yet, and stores each result.
async fn run_calls(gate: &Gate, transcript: &mut Transcript) -> Result<(), Box<dyn Error>> {
    let calls = transcript.open_calls();
    let mut batch = gate.submit_all(transcript.run());
    for call in &calls {
        batch = batch.json(call.position, &call.function.name, &call.function.arguments);
    }
    let mut batch = batch.by("shop-agent").await;
    let mut is_another = false;
    for receipt in batch.parts().iter().filter_map(|part| part.receipt.as_ref()) {
        println!("call: {}: {:?}", receipt.title, receipt.verdict);
    }
    while let Some(index) = batch.next().await {
        let (Some(call), Some(answer)) = (calls.get(index), &batch.parts()[index].answer) else {
            continue;
        };
        let reads = match answer {
            Ok(Outcome::Aborted { reason }) => {
                return Err(format!("a reviewer stopped the run: {reason}").into());
            }
            Ok(outcome) => outcome.for_model(),
            Err(error) => match error.kind() {
                // The call is wrong: the model reads why, and may correct it.
                GateErrorKind::InvalidArguments
                | GateErrorKind::UnknownTool
                | GateErrorKind::ToolChanged => error.for_model(),
                // The key is taken, so an earlier model answered otherwise, and that transcript is
                // lost. This call is another one: it gets a key in a new run.
                GateErrorKind::KeyConflict => {
                    is_another = true;
                    continue;
                }
                // The gate cannot work now. The call stays open: start again later.
                _ => return Err(error.to_string().into()),
            },
        };
        println!("result of {}: {}", call.function.name, reads.text);
        transcript.push(Message::result(&call.id, reads.text))?;
    }
    if is_another { transcript.begin_run() } else { Ok(()) }
}
