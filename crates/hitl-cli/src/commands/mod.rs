//! The commands, one file each, and their dispatch.

pub(crate) mod accept;
mod allow;
mod assign;
mod audit;
mod away;
mod break_glass;
mod child;
mod decide;
mod demo;
mod doctor;
mod editor;
pub(crate) mod erase;
mod folder;
mod freeze;
mod grants;
pub(crate) mod hold;
pub(crate) mod key;
mod next;
mod person;
mod policy;
mod queue;
mod resolve;
mod show;
mod stats;
mod system_user;
mod take_back;
mod tasks;
pub(crate) mod terminal;
mod verify;
mod watch;

use std::io::{self, Write};

use hitl_base::Timestamp;
use serde::Serialize;

use crate::args::{AuditCommand, Cli, Command, DeciderArgs, PolicyCommand, commands};
use crate::backend::{Backend, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::mcp;
use crate::serve;
use crate::view::{CallLine, CommandHint, Screen, message, result_text};
use decide::Reply;
pub(crate) use system_user::system_user;

/// The destination of output, and its format.
pub(crate) struct Output {
    json: bool,
    /// The room and the colours of standard output.
    screen: Screen,
    /// Commands on the reader's store or console.
    hint: CommandHint,
}

impl Output {
    /// Prints a document for programs, or a text for people.
    pub(crate) fn print(
        &self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        let text = if self.json { serde_json::to_string(document)? + "\n" } else { text() };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Does the same with a text whose lines are continued behind a mark where they are too wide.
    fn print_folded(
        &self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        self.print(document, || self.screen.fold(&text()))
    }

    /// Prints the state of a call after a decision.
    fn print_result(&self, line: &CallLine) -> io::Result<()> {
        self.print_folded(line, || result_text(line, Timestamp::now(), &self.hint))
    }

    /// Does the same with a card, and the commands that are suggested below it.
    fn print_card(
        &self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
        hints: impl FnOnce() -> String,
    ) -> io::Result<()> {
        let card = || self.screen.fold(&text());
        self.print(document, || match hints() {
            hints if hints.is_empty() => card(),
            hints => format!("{}\n{hints}", card()),
        })
    }

    /// Prints a line for people beside a list. It goes to the error stream, so that the list can be
    /// counted and cut.
    fn note(&self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        io::stderr().write_all(message(text, Screen::messages()).as_bytes())
    }

    /// Prints a line for people that suggests a command.
    fn suggest(&self, what: &str, words: &[&str]) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let width = Screen::messages().width();
        let hint = self.hint.clone().within(width);
        io::stderr().write_all(hint.beside(&format!("hitl: {what}"), words, width).as_bytes())
    }

    /// Prints what an empty list says, and commands that list other things, each under a heading.
    fn print_nothing(&self, says: &str, others: &[(&str, &[&str])]) -> io::Result<()> {
        let sentence =
            |(what, words): &(&str, &[&str])| format!(" {what}: {}.", self.hint.inline(words));
        let line = says.to_owned() + &others.iter().map(sentence).collect::<String>();
        self.print(&(), || {
            if line.chars().count() <= self.screen.width().columns() {
                return line + "\n";
            }
            let block = |(what, words): &(&str, &[&str])| self.hint.block(what, words);
            format!("{says}\n{}", others.iter().map(block).collect::<String>())
        })
    }

    /// Says that a list is not complete.
    fn say_more() -> io::Result<()> {
        let text = message("there are more; raise --limit", Screen::messages());
        io::stderr().write_all(text.as_bytes())
    }
}

/// Runs the command of the command line.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { backend, json, command } = cli;
    let screen = Screen::output();
    let hint = backend.hint(|name| std::env::var(name).ok()).within(screen.width());
    let output = Output { json, screen, hint };
    let (backend, output) = (&backend, &output);
    match command {
        Command::Queue(wanted) => {
            queue::run(&Backend::open(backend, None).await?, wanted, output).await
        }
        Command::Next(wanted) => next::run(backend, wanted, output).await,
        Command::Show { id, uncover: false, .. } => {
            show::run(&Backend::open(backend, None).await?, &id, output).await
        }
        Command::Show { id, uncover: true, who } => show::uncover(backend, &id, &who, output).await,
        Command::Approve { decide, confirm, yes: _ } => {
            decide::run(backend, decide, Reply::Approve { confirm }, output).await
        }
        Command::Edit { decide, patch } => {
            decide::run(backend, decide, Reply::Edit { patch }, output).await
        }
        Command::Reject { decide, reason, may_ask_again } => {
            decide::run(backend, decide, Reply::Reject { reason, may_ask_again }, output).await
        }
        Command::Respond { decide, message } => {
            decide::run(backend, decide, Reply::Respond { message }, output).await
        }
        Command::Abort { decide, reason } => {
            decide::run(backend, decide, Reply::Abort { reason }, output).await
        }
        Command::Grants(wanted) => {
            grants::list(&Backend::open(backend, None).await?, wanted, output).await
        }
        Command::Allow(wanted) => allow::run(backend, wanted, output).await,
        Command::Assign(wanted) => assign::run(backend, wanted, output).await,
        Command::Away(wanted) => away::away(backend, wanted, output).await,
        Command::Back(wanted) => away::back(backend, wanted, output).await,
        Command::BreakGlass(wanted) => break_glass::run(backend, wanted, output).await,
        Command::Revoke { grant, reason, who } => {
            grants::revoke(backend, &grant, &reason, &who, output).await
        }
        Command::Erase(wanted) => erase::run(backend, wanted, output).await,
        Command::TakeBack { id, who } => take_back::run(backend, &id, &who, output).await,
        Command::Freeze { reason, who } => freeze::freeze(backend, &reason, &who, output).await,
        Command::Thaw { who } => freeze::thaw(backend, &who, output).await,
        Command::Hold(command) => hold::run(backend, command, output).await,
        Command::Resolve(wanted) => resolve::run(backend, wanted, output).await,
        Command::Tasks(wanted) => {
            tasks::run(&Backend::open(backend, None).await?, wanted, output).await
        }
        Command::Watch { after, count } => {
            watch::run(&Backend::open(backend, None).await?, after, count, output).await
        }
        Command::Console(wanted) => serve::run(backend, *wanted, output).await,
        Command::Mcp(wanted) => mcp::run(backend, *wanted, output).await,
        Command::Audit { command: AuditCommand::Verify { files, checkpoint, trust } } => {
            audit::run(backend, &files, &checkpoint, &trust, output).await
        }
        Command::Person { command } => person::run(backend, command, output).await,
        Command::Key { command } => key::run(backend, command, output).await,
        Command::Policy { command: PolicyCommand::Test { file } } => policy::run(&file, output),
        Command::Policy { command: PolicyCommand::Accept(wanted) } => {
            accept::run(backend, &wanted, output).await
        }
        Command::Stats => stats::run(&Backend::open(backend, None).await?, output).await,
        Command::Doctor(wanted) => doctor::run(backend, &wanted, output).await,
        Command::Verify(wanted) => verify::run(backend, &wanted, output).await,
        Command::Demo(wanted) => demo::run(wanted, output).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut commands(), "hitl", &mut text);
            Ok(io::stdout().lock().write_all(&text)?)
        }
    }
}

/// Returns the decider's name: the one that was given, or the operating system's user.
fn name(who: &DeciderArgs) -> Result<String, Failure> {
    named(who.name.clone())
}

pub(crate) fn named(name: Option<String>) -> Result<String, Failure> {
    let name = name.filter(|name| !name.trim().is_empty());
    name.or_else(system_user).ok_or_else(|| {
        Failure::usage(
            "neither the environment nor the system says who you are: name who decides with --as \
             NAME, or set HITL_APPROVER",
        )
    })
}

/// Fails if the audit log lacks a record of the action, which remains done.
fn check_audited(source: &StoreBackend) -> Result<(), Failure> {
    if source.gate.audit_debt() == 0 {
        return Ok(());
    }
    let why = "done, but not in the audit log, which failed; the store's history has it";
    Err(Failure::new(Exit::Unaudited, why))
}
