//! The command line: its commands, options and their help.
//!
//! | file | what is there |
//! |---|---|
//! | `queue` | filters and order of `queue` and `next` |
//! | `next` | which calls `next` asks about |
//! | `assign` | to whom a call is assigned, and who is away |
//! | `break_glass` | what `break-glass` lets run |
//! | `decide` | who decides on which call, and how an unknown outcome is resolved |
//! | `grant` | the terms of `allow`, and filters of `grants` |
//! | `ids` | ids, whole or in part: pure |
//! | `checks` | `audit` and `policy` |
//! | `demo` | the scenes of `demo` |
//! | `doctor` | what `doctor` looks at |
//! | `tasks` | which tasks are listed, shown or marked |
//! | `applies` | which of the options of all commands each command reads |
//! | `help` | the list of commands in groups: pure |
//! | `parse` | words to a command; flags beat the environment |
//! | `hint` | the options that a suggested command repeats: pure |
//! | `verify` | what `verify` tries the guarantees on |
//! | `values` | how values are parsed: pure |

mod applies;
mod assign;
mod break_glass;
mod checks;
mod decide;
mod demo;
mod doctor;
mod grant;
mod help;
mod hint;
mod ids;
mod next;
mod parse;
mod queue;
mod tasks;
mod values;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use hitl_core::{GrantId, RequestId};

use crate::commands::erase::EraseArgs;
use crate::commands::hold::HoldCommand;
use crate::commands::key::KeyCommand;
use crate::exit::EXIT_CODES;
use crate::mcp::McpArgs;
use crate::person::PersonCommand;
use crate::serve::ServeArgs;

pub(crate) use applies::{command_line, commands};
pub(crate) use assign::{AssignArgs, AwayArgs, BackArgs};
pub(crate) use break_glass::BreakGlassArgs;
pub(crate) use checks::{AcceptArgs, AuditCommand, PolicyCommand};
pub(crate) use decide::{DecideArgs, DeciderArgs, FindingArgs, ResolveArgs};
pub(crate) use demo::{DemoArgs, SceneName, VictimSide};
pub(crate) use doctor::DoctorArgs;
pub(crate) use grant::{AllowArgs, GrantsArgs, Until};
pub(crate) use hint::without_password;
pub(crate) use ids::{IdArg, IdSearch, short_id};
pub(crate) use next::NextArgs;
pub(crate) use parse::parse;
pub(crate) use queue::{FilterArgs, OrderArg, QueueArgs};
pub(crate) use tasks::TasksArgs;
pub(crate) use verify::{AuditKind, VerifyArgs};

/// Review and decide the tool calls of AI agents, in a terminal or from a script.
#[derive(Debug, Parser)]
#[command(name = "hitl", version, after_long_help = EXIT_CODES, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the calls are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the calls are")]
pub(crate) struct BackendArgs {
    /// The store: an SQLite file, or `postgres://..`.
    #[arg(long, global = true, env = "HITL_DB", hide_env_values = true, value_name = "FILE|URL")]
    pub(crate) db: Option<String>,
    /// The schema of a PostgreSQL store [default: hitl].
    #[arg(long, global = true, env = "HITL_SCHEMA", value_name = "NAME")]
    pub(crate) schema: Option<String>,
    /// A console instead of a store: `http://127.0.0.1:PORT` or `https://..`. Authenticate with a
    /// token from `HITL_TOKEN` or `--token-file`.
    #[arg(long, global = true, env = "HITL_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The file with the token for the console.
    #[arg(long, global = true, env = "HITL_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The file with the host key, 64 hexadecimal digits: of a PostgreSQL store, or of an SQLite
    /// file whose host keeps the key itself. While a key is being replaced, the former ones follow,
    /// one per line.
    #[arg(long, global = true, env = "HITL_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// See and decide only this tenant's calls (repeatable) [default: all tenants]. With --url: one
    /// of the tenants of the token's owner [default: the first].
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List pending calls, most urgent first.
    Queue(QueueArgs),
    /// Review pending calls one after the other, most urgent first: each is shown and you are
    /// asked, until none waits or you quit. Needs a terminal. A key decides exactly what was shown;
    /// Enter alone, Ctrl-C and the end of the input decide nothing.
    Next(NextArgs),
    /// Show one call: its card, its state and its history.
    Show {
        /// The call's id, or the beginning or the end of it.
        id: IdArg<RequestId>,
        /// Also show what redaction masks. You need the rights to decide the call; the audit
        /// records who uncovered what, so a store needs --audit. What the host declared sensitive
        /// stays hidden.
        #[arg(long)]
        uncover: bool,
        #[command(flatten, next_help_heading = "With --uncover")]
        who: DeciderArgs,
    },
    /// Approve a call. On a terminal its card is shown and you are asked; elsewhere --binding is
    /// required.
    Approve {
        #[command(flatten)]
        decide: DecideArgs,
        /// The exact name of what is deleted, for deletions.
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        /// Do not ask. Needs --binding.
        #[arg(long, requires = "binding")]
        yes: bool,
    },
    /// Change arguments and approve the result, in your editor or with a patch. With --db they are
    /// checked by the schema that the program with the tool has recorded in the store; that program
    /// reads and assesses them before it runs the call, and asks again if they are not for it. With
    /// --url the console checks them.
    Edit {
        #[command(flatten)]
        decide: DecideArgs,
        /// The change as a JSON merge patch (RFC 7396), like '{"amount": 80}' [default: edit the
        /// arguments in $VISUAL or $EDITOR].
        #[arg(long, value_name = "JSON")]
        patch: Option<String>,
    },
    /// Reject a call. The model gets the reason.
    Reject {
        #[command(flatten)]
        decide: DecideArgs,
        /// The reason.
        #[arg(long)]
        reason: String,
        /// Let the model ask for the same call again in the same run.
        #[arg(long)]
        may_ask_again: bool,
    },
    /// Answer the model instead of running the call.
    Respond {
        #[command(flatten)]
        decide: DecideArgs,
        /// The answer.
        #[arg(long)]
        message: String,
    },
    /// Do not run the call, and stop the run.
    Abort {
        #[command(flatten)]
        decide: DecideArgs,
        /// The reason.
        #[arg(long)]
        reason: String,
    },
    /// Direct a reviewer's attention to a pending call. It gives no right: who may decide stays the
    /// same.
    Assign(AssignArgs),
    /// Say that you are away: calls that are assigned to you are shown to your deputy too, who
    /// gains no right. It ends by itself. Without --until, list who is away.
    Away(AwayArgs),
    /// Say that you are back.
    Back(BackArgs),
    /// List grants (what runs without asking, and how much has been used), or show one.
    Grants(GrantsArgs),
    /// Run a call, and run calls like it without asking from now on. The exact rule is shown and
    /// you are asked; elsewhere --binding is required. By default it covers the very same
    /// arguments, in this run.
    Allow(AllowArgs),
    /// In an emergency, let calls of a tool run for a while without the people who would be asked,
    /// within the envelope that the host declared. Audited, said at each use, and over by itself.
    /// Needs a person, and --audit.
    BreakGlass(BreakGlassArgs),
    /// Revoke a grant. Calls that it allowed and that have not started are asked about again.
    Revoke {
        /// The grant's id, or the beginning or the end of it, as `grants` prints it.
        grant: IdArg<GrantId>,
        /// The reason.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Erase the contents of calls that have ended. Keys stay taken, and the audit's chain stays
    /// intact. What a legal hold covers is kept. Needs a person, and --audit.
    Erase(EraseArgs),
    /// Take back your approval of a call that does not start at once: it is asked about again.
    TakeBack {
        /// The call's id, or the beginning or the end of it.
        id: IdArg<RequestId>,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Stop everything: once this returns, no call starts, in any process, until a person thaws.
    /// With --tenant, only this tenant's calls. Calls are still asked about and decided; approved
    /// ones wait. Everybody who may decide calls may freeze.
    Freeze {
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Let calls start again after `freeze`: ends the freeze of all tenants, or with --tenant that
    /// of this tenant. Needs a person, and --audit.
    Thaw {
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Place, release and list legal holds.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Resolve a call whose outcome is unknown, after you have checked what it did. On a terminal
    /// its card is shown, and you are asked how it ended.
    Resolve(ResolveArgs),
    /// List tasks and their progress. With --url it is live; with a store it is the last journaled
    /// state, newest first: a task that was started and has not ended is listed as running even if
    /// its process died, and a running step counts as 0 %.
    Tasks(TasksArgs),
    /// Follow changes of calls until interrupted.
    Watch {
        /// Start after this change, as `watch` prints it; for a store a number, where 0 is the
        /// beginning [default: only new changes].
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
        /// Stop after this number of changes.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// Serve the reviewers' page over a store. It runs nothing: the programs that have the tools
    /// run what is approved.
    #[cfg_attr(not(feature = "serve"), command(hide = true))]
    Console(Box<ServeArgs>),
    /// Put MCP servers behind a gate: `hitl mcp -- COMMAND ARGS..` is what a client starts instead
    /// of COMMAND. What needs a person waits, and runs at most once.
    #[cfg_attr(not(feature = "mcp"), command(hide = true))]
    Mcp(Box<McpArgs>),
    /// Check audit logs.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Enroll people: a device or printed codes that tell a person from an agent in their shell.
    Person {
        #[command(subcommand)]
        command: PersonCommand,
    },
    /// Replace the host key of a store: rotate, reseal, retire.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Check and accept rule files.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Count pending calls, and say how calls were decided and ended, and how fast. Reads every
    /// call of a store; a console counts those of the last 90 days.
    Stats,
    /// Check an installation, and say what to do: store, key, audit, policy, executors, stuck
    /// calls, and whether you could decide. Changes nothing. Exit code 6 if there is a problem.
    Doctor(DoctorArgs),
    /// Try the guarantees on this configuration, in a scratch store of the same kind that is
    /// removed afterwards: each with a proof that the trial can fail. The given store is not
    /// opened. Exit code 6 if one does not hold.
    Verify(VerifyArgs),
    /// Show five losses, each without and with hitl: offline, in a temporary folder, in less than
    /// a second.
    Demo(DemoArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command_line(crate::view::Width::Unlimited).debug_assert();
    }

    #[test]
    fn yes_alone_approves_nothing() {
        let id = RequestId::new().to_string();
        let line = |rest: &[&str]| {
            let words = ["hitl", "approve", id.as_str()].into_iter().chain(rest.iter().copied());
            Cli::try_parse_from(words).is_ok()
        };
        assert!(!line(&["--yes"]));
        assert!(line(&["--yes", "--binding", "01234567"]));
    }
}
